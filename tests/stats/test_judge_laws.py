"""Laws that hold for any numbers: order, swapping, shifting, too few seeds, repeated seeds, same bytes."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runaudit.metrics.catalogue import Direction
from runaudit.stats.judge import judge
from runaudit.stats.values import ArmValues, Comparability, StatsPlan
from runaudit.stats.words import markdown_lines, text_lines

SINGLE = Comparability(verdict="single_factor", factors=("config.lr",))
PLAN = StatsPlan(resamples=50)
CLAIMS = {"improved", "regressed", "equivalent"}
few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Two decimals, as papers print them: ties and equal values come by themselves.
numbers = st.integers(-500, 500).map(lambda n: n / 100)


def values(low, high):
    return st.lists(numbers, min_size=low, max_size=high)


def arm(label, numbers, seeds=None, **parts):
    return ArmValues(label=label, seeds=tuple(seeds or range(len(numbers))), values=tuple(numbers), **parts)


def judged(a, b, *, plan=PLAN, baseline=-1):
    return judge([a, b], metric="score", direction=Direction.HIGHER, design=SINGLE, baseline=baseline, plan=plan)


def essence(answer):
    """The answer without the lists that keep the order of the runs."""
    plain = answer.to_json()
    for summary in plain["arms"]:
        del summary["seeds"], summary["values"]
    return json.dumps(plain, sort_keys=True)


def same_p(one, other):
    p, q = (answer.comparisons[0].p for answer in (one, other))
    return p is q is None or p == pytest.approx(q, rel=1e-6)


@few
@given(values(1, 11), values(1, 11), st.randoms(use_true_random=False))
def test_the_order_of_the_runs_changes_nothing(a, b, random):
    pairs = list(enumerate(a))
    random.shuffle(pairs)

    shuffled = arm("a", [value for _, value in pairs], [seed for seed, _ in pairs])

    assert essence(judged(shuffled, arm("b", b))) == essence(judged(arm("a", a), arm("b", b)))


@few
@given(values(1, 11), values(1, 11))
def test_swapping_the_arms_turns_the_verdict_round(a, b):
    there, back = (judged(arm("a", a), arm("b", b), baseline=index) for index in (1, 0))

    turned = {"improved": "regressed", "regressed": "improved"}
    assert back.verdict == turned.get(there.verdict, there.verdict)
    if there.comparisons[0].difference is not None:
        assert back.comparisons[0].difference == -there.comparisons[0].difference
    assert same_p(back, there)


@few
@given(values(3, 8), values(3, 8), st.integers(-64, 64))
def test_adding_a_constant_changes_no_verdict(a, b, shift):
    """Hundredths become whole numbers, so that the shift itself rounds nothing."""
    a, b = [round(100 * x) for x in a], [round(100 * x) for x in b]

    before = judged(arm("a", a), arm("b", b))
    after = judged(arm("a", [x + shift for x in a]), arm("b", [x + shift for x in b]))

    assert after.verdict == before.verdict
    assert same_p(after, before)


@few
@given(values(0, 2), values(0, 11), st.booleans())
def test_fewer_than_three_seeds_never_claim(a, b, is_first):
    arms = (arm("a", a), arm("b", b)) if is_first else (arm("a", b), arm("b", a))

    assert judged(*arms, plan=StatsPlan(resamples=50, margin=100.0)).verdict == "too_few_seeds"


@few
@given(values(2, 5), values(3, 6), st.data())
def test_running_a_seed_again_never_makes_a_claim(a, b, data):
    again = data.draw(st.lists(st.tuples(st.integers(0, len(a) - 1), numbers), min_size=1, max_size=3))
    seeds = [*range(len(a)), *(seed for seed, _ in again)]

    before = judged(arm("a", a), arm("b", b)).verdict
    after = judged(arm("a", [*a, *(value for _, value in again)], seeds), arm("b", b)).verdict

    assert after not in CLAIMS or after == before


@few
@given(values(10, 11), values(10, 11), st.integers(0, 9), numbers)
def test_running_a_seed_again_never_makes_arms_equivalent(a, b, seed, again):
    plan = StatsPlan(resamples=50, margin=2.5)

    before = judged(arm("a", a), arm("b", b), plan=plan).verdict
    after = judged(arm("a", [*a, again], [*range(len(a)), seed]), arm("b", b), plan=plan).verdict

    assert after != "equivalent" or before == "equivalent"


@few
@given(values(3, 6), values(3, 6), st.sampled_from([None, float("nan"), float("inf")]))
def test_a_failed_run_never_makes_a_claim(a, b, gap):
    assert judged(arm("a", [*a, gap]), arm("b", b)).verdict not in CLAIMS


@few
@given(values(3, 11), values(3, 11))
def test_same_input_same_bytes(a, b):
    first, second = (judged(arm("a", a), arm("b", b)) for _ in range(2))

    assert json.dumps(first.to_json()) == json.dumps(second.to_json())
    assert "\n".join(text_lines(first)) == "\n".join(text_lines(second))
    assert "\n".join(markdown_lines(first)) == "\n".join(markdown_lines(second))


@few
@given(values(3, 11), values(3, 11), st.sampled_from([None, 0.5, 3.0]))
def test_a_claim_always_has_its_interval_and_p_on_its_side(a, b, margin):
    answer = judged(arm("a", a), arm("b", b), plan=StatsPlan(resamples=50, margin=margin))
    comparison = answer.comparisons[0]

    if answer.verdict == "improved":
        assert comparison.ci.low > 0
        assert 0 < comparison.p_adjusted < 0.05
    if answer.verdict == "regressed":
        assert comparison.ci.high < 0
    if answer.verdict == "equivalent":
        assert abs(comparison.difference) < margin


extremes = st.sampled_from([0.0, 1.0, 1 + 1e-15, 1e149, -1e149, 3e100, 1e-160, 5e-324, None, float("nan")])

large = st.floats(1e139, 1e141)


@few
@given(st.lists(large, min_size=10, max_size=12), st.lists(large, min_size=10, max_size=12))
def test_the_unit_of_the_metric_changes_no_verdict(a, b):
    """The same numbers in a unit 1e140 times larger."""
    small = [[value / 2.0**465 for value in values] for values in (a, b)]

    before, after = judged(arm("a", a), arm("b", b)), judged(arm("a", small[0]), arm("b", small[1]))
    assert same_p(before, after)
    assert before.verdict == after.verdict


@few
@given(st.lists(extremes | numbers, max_size=11), st.lists(extremes | numbers, max_size=11))
def test_no_number_however_large_or_small_breaks_the_answer(a, b):
    answer = judged(arm("a", a), arm("b", b), plan=StatsPlan(resamples=50, margin=0.1))

    assert json.loads(json.dumps(answer.to_json(), allow_nan=False))["verdict"] == answer.verdict
    assert "\n".join(text_lines(answer)).count("\n") > 3


@few
@given(values(3, 5), values(3, 5), st.data())
def test_p_and_interval_belong_to_one_choice_of_runs(a, b, data):
    """Seeds ran again with other results: what is told of the difference is one test's, and the two never disagree."""
    again = data.draw(st.lists(st.tuples(st.integers(0, len(a) - 1), numbers), min_size=1, max_size=3))
    seeds = [*range(len(a)), *(seed for seed, _ in again)]

    (found,) = judged(arm("a", [*a, *(value for _, value in again)], seeds), arm("b", b)).comparisons

    if found.ci is None:
        assert found.p in (None, 1.0)
    else:
        assert (found.p < 0.05) == found.ci.excludes(0.0)
        assert found.difference == found.ci.estimate


def test_a_large_p_has_no_interval_far_from_zero_beside_it():
    """Seed 3 gave 31.3 and, run again, 30.0. Welch with the second (scipy): p 0.27716, -1.03862 to 2.17195."""
    new, old = arm("new", (31.1, 31.2, 31.3, 30.0), (1, 2, 3, 3)), arm("old", (30.2, 30.3, 30.1))

    (found,) = judged(new, old).comparisons

    assert found.difference == pytest.approx((31.1 + 31.2 + 30.0) / 3 - 30.2, abs=1e-9)
    assert found.p == pytest.approx(0.27716089565, abs=1e-9)
    assert (found.ci.low, found.ci.high) == pytest.approx((-1.03861970961, 2.17195304295), abs=1e-9)


@few
@given(st.lists(values(3, 6), min_size=3, max_size=5))
def test_the_interval_of_a_family_excludes_zero_exactly_where_its_corrected_p_is_small(arms):
    every = [arm(f"arm {number}", numbers) for number, numbers in enumerate(arms)]
    answer = judge(every, metric="score", direction=Direction.HIGHER, design=SINGLE, plan=PLAN)

    for one in answer.comparisons:
        if one.ci is not None:
            assert one.interval.excludes(0.0) == (one.p_adjusted < PLAN.alpha)
            assert one.interval.low <= one.ci.low + 1e-9 and one.ci.high - 1e-9 <= one.interval.high
