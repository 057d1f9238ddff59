"""What may be said at which n, and what is refused."""

import json
import math

import numpy as np
import pytest
from scipy import stats

from runaudit.errors import NothingToJudgeError, UsageError
from runaudit.stats.answer import exit_code
from runaudit.stats.power import welch_power
from runaudit.stats.values import UNKNOWN_DESIGN, Comparability

NEW = (31.20, 31.25, 31.31)
OLD = (30.10, 30.20, 30.40)
CONFOUNDED = Comparability(verdict="confounded", factors=("config.lr", "code.model.py"))


def spread(centre, n, seed=0, sd=0.1):
    return tuple(np.random.default_rng(seed).normal(centre, sd, n).tolist())


def test_three_seeds_and_a_clear_interval_carry_a_claim(arm, judged):
    answer = judged(arm("new", *NEW), arm("old", *OLD))

    expected = stats.ttest_ind(NEW, OLD, equal_var=False)
    comparison = answer.comparisons[0]
    assert (answer.verdict, exit_code(answer)) == ("improved", 0)
    assert comparison.p == pytest.approx(expected.pvalue, abs=1e-9)
    assert (comparison.ci.low, comparison.ci.high) == pytest.approx(tuple(expected.confidence_interval()), abs=1e-9)
    assert comparison.smallest_reachable_p == pytest.approx(0.1)
    assert comparison.permutation_p is None


def test_worse_is_said_as_well_and_fails(arm, judged):
    answer = judged(arm("new", *OLD), arm("old", *NEW))

    assert (answer.verdict, exit_code(answer)) == ("regressed", 1)


def test_a_loss_improves_downwards(arm, judged):
    assert judged(arm("new", *OLD), arm("old", *NEW), metric="val/loss").verdict == "improved"


def test_an_interval_over_zero_is_inconclusive_and_names_what_could_have_been_seen(arm, judged):
    answer = judged(arm("new", 30.1, 30.4, 30.6), arm("old", 30.0, 30.3, 30.7))

    assert (answer.verdict, exit_code(answer)) == ("inconclusive", 1)
    assert "reliably show a difference of" in answer.reason
    assert answer.comparisons[0].n_needed > 3


@pytest.mark.parametrize(("n_new", "n_old"), [(0, 3), (1, 1), (1, 5), (2, 2), (2, 9)])
def test_below_three_seeds_nothing_comparative_exists(arm, judged, n_new, n_old):
    answer = judged(arm("new", *spread(99, n_new)), arm("old", *spread(30, n_old)))

    comparison = answer.comparisons[0]
    assert (answer.verdict, exit_code(answer)) == ("too_few_seeds", 3)
    assert (comparison.difference, comparison.ci, comparison.p, comparison.effect_size) == (None,) * 4


def test_one_run_against_a_cohort_is_inside_or_outside_and_no_more(arm, judged):
    answer = judged(arm("new", 33.0), arm("old", *OLD))

    seen = answer.comparisons[0].prediction
    half = stats.t.ppf(0.975, 2) * np.std(OLD, ddof=1) * math.sqrt(4 / 3)
    assert seen.ci.high == pytest.approx(np.mean(OLD) + half)
    assert not seen.is_inside
    assert "outside the range" in answer.reason
    assert answer.verdict == "too_few_seeds"


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("confounded", 1),
        ("incomparable", 1),
        ("provenance_incomplete", 3),
        ("integrity_failure", 4),
        ("replicate", 1),
        ("identical", 1),
    ],
)
def test_without_a_single_factor_no_difference_is_credited(arm, judged, word, code):
    answer = judged(arm("new", *NEW), arm("old", *OLD), design=Comparability(verdict=word))

    assert (answer.verdict, exit_code(answer)) == ("not_attributable", code)
    assert answer.comparisons[0].p is not None


def test_a_confounded_design_with_two_seeds_tells_both(arm, judged):
    answer = judged(arm("new", *NEW[:2]), arm("old", *OLD), design=CONFOUNDED)

    assert answer.verdict == "not_attributable"
    assert "config.lr, code.model.py" in answer.reason
    assert "too few seeds as well" in answer.reason


def test_plain_numbers_are_judged_as_numbers_alone(arm, judged):
    answer = judged(arm("new", *NEW), arm("old", *OLD), design=UNKNOWN_DESIGN)

    assert answer.verdict == "improved"
    assert "numbers alone" in answer.reason


def test_an_unknown_design_word_is_refused(arm, judged):
    with pytest.raises(UsageError, match="'fine'"):
        judged(arm("new", *NEW), arm("old", *OLD), design=Comparability(verdict="fine"))


@pytest.mark.parametrize("gap", [None, float("nan"), float("inf"), -float("inf")])
def test_a_run_without_a_number_leaves_no_number_for_its_arm(arm, judged, gap):
    answer = judged(arm("new", 33.0, gap, 33.1, 33.2, 33.3), arm("old", *OLD))

    summary, comparison = answer.arms[0], answer.comparisons[0]
    assert answer.verdict == "inconclusive"
    assert "survivors" in answer.reason
    assert (summary.mean, summary.sd, summary.ci) == (None,) * 3
    assert (comparison.difference, comparison.p, comparison.ci) == (None,) * 3
    assert summary.survivors.n == 4


@pytest.mark.parametrize("status", ["diverged", "crashed", "killed"])
def test_the_last_number_of_a_run_that_did_not_finish_is_no_result(arm, judged, status):
    statuses = ("completed", "completed", "completed", status)
    answer = judged(arm("new", 33.0, 33.1, 33.2, 33.3, statuses=statuses), arm("old", *OLD))

    rate = answer.arms[0].failure_rate
    assert answer.verdict == "inconclusive"
    assert status in answer.reason
    assert (rate.count, rate.n) == (1, 4)
    assert (rate.ci.low, rate.ci.high) == pytest.approx(tuple(stats.binomtest(1, 4).proportion_ci()), abs=1e-9)


def test_shares_of_failed_runs_are_compared_exactly(arm, judged):
    statuses = ("diverged",) * 4 + ("completed",)
    answer = judged(arm("new", *spread(30, 5), statuses=statuses), arm("old", *spread(30, 5)))

    expected = stats.boschloo_exact([[4, 0], [1, 5]], n=32).pvalue
    assert answer.comparisons[0].failure_p == pytest.approx(expected, abs=1e-9)


def test_unnamed_runs_that_failed_are_each_counted(arm, judged):
    new = arm("new", None, None, 31.0, seeds=(None, None, None), statuses=("crashed", "crashed", "completed"))

    assert judged(new, arm("old", *OLD)).arms[0].failure_rate.count == 2


def test_equal_values_are_refused(arm, judged):
    answer = judged(arm("new", 31.0, 31.0, 31.0), arm("old", *OLD))

    assert answer.verdict == "inconclusive"
    assert "do not vary" in answer.reason
    assert (answer.comparisons[0].p, answer.comparisons[0].ci) == (None, None)


def test_a_seed_run_again_is_one_seed(arm, judged):
    answer = judged(arm("new", 31.0, 31.2, 31.2, seeds=(1, 2, "2")), arm("old", *OLD))

    assert answer.verdict == "too_few_seeds"
    assert (answer.arms[0].n, answer.arms[0].effective_n) == (3, 2)


def test_a_claim_must_hold_whichever_run_of_a_seed_counts(arm, judged):
    """Seed 3 gave 31.3 and, run again, 30.0: with the first alone the arm improved."""
    improved = judged(arm("new", 31.1, 31.2, 31.3), arm("old", *OLD))
    again = judged(arm("new", 31.1, 31.2, 31.3, 30.0, seeds=(1, 2, 3, 3)), arm("old", *OLD))
    assert "with the largest p; the mean of the arm has their middle" in str(again.notes)

    assert (improved.verdict, again.verdict) == ("improved", "inconclusive")


def test_a_seed_that_provably_did_not_act_is_no_evidence(arm, judged):
    new = arm("new", *NEW, proven=(True, True, False))

    answer = judged(new, arm("old", *OLD, proven=(True,) * 3))

    assert answer.verdict == "too_few_seeds"
    assert answer.arms[0].effective_n == 2
    assert any("did not act (3)" in note for note in answer.notes)


def test_unknown_proof_counts_and_is_told(arm, judged):
    answer = judged(arm("new", *NEW), arm("old", *OLD, proven=(True,) * 3))

    assert answer.verdict == "improved"
    told = next(note for note in answer.notes if "no seed proof recorded" in note)
    assert told.startswith("new: ")


def test_seeds_that_were_seen_not_to_act_are_not_trusted_in_the_same_breath(arm, judged):
    answer = judged(arm("new", *NEW, proven=(None, None, False)), arm("old", *OLD, proven=(True,) * 3))

    told = [note for note in answer.notes if note.startswith("new: ")]
    assert any("did not act (3)" in note for note in told)
    assert not any("no seed proof recorded" in note for note in told)


def test_from_five_seeds_the_exact_labels_accompany_the_test(arm, judged):
    new, old = spread(30.3, 5, 1), spread(30, 5, 2)
    comparison = judged(arm("new", *new), arm("old", *old)).comparisons[0]

    exact = stats.permutation_test((new, old), lambda x, y: np.mean(x) - np.mean(y), n_resamples=np.inf)
    expected = exact.pvalue
    assert comparison.permutation_p == pytest.approx(expected, abs=1e-9)
    assert comparison.drop_one_p >= comparison.p
    assert comparison.ci_bca is None


def test_how_well_the_spread_is_known_follows_from_the_seeds_there_are(arm, judged):
    """By hand from a table of chi-square at 2.5 and 97.5 %: 2 degrees .05064 and 7.3778, sqrt(2 / 7.3778) = .521 and
    sqrt(2 / .05064) = 6.285; 3 degrees .21580 and 9.3484, sqrt(3 / 9.3484) = .566 and sqrt(3 / .21580) = 3.729."""
    four = judged(arm("new", *NEW, 31.4), arm("old", *OLD, 30.3))
    mixed = judged(arm("new", *NEW, 31.4), arm("old", *OLD))

    told = [next(note for note in answer.notes if note.startswith("The spread")) for answer in (four, mixed)]
    assert told[0].endswith(": at 4 seeds the true sd may be 0.57 to 3.7 times the one shown.")
    assert "at 3 seeds the true sd may be 0.52 to 6.3 times, at 4 seeds the true sd may be 0.57 to 3.7 times" in told[1]
    assert not any(
        "barely known" in note for note in judged(arm("a", *spread(31, 5)), arm("b", *spread(30, 5, 1))).notes
    )


def told_of_the_labels(answer):
    return next(line for line in answer.text_lines() if line.strip().startswith("permutation test"))


def test_a_permutation_test_is_called_exact_only_where_every_arrangement_was_counted(arm, judged):
    """C(18, 9) = 48,620 arrangements are counted, C(20, 10) = 184,756 are not."""
    counted = judged(arm("new", *spread(30.3, 9, 1)), arm("old", *spread(30, 9, 2)))
    drawn = judged(arm("new", *spread(30.9, 10, 1)), arm("old", *spread(30, 10, 2)), resamples=999)

    assert counted.to_json()["comparisons"][0]["permutation_drawn"] == 0
    assert "exact" in told_of_the_labels(counted)
    assert drawn.to_json()["comparisons"][0]["permutation_drawn"] == 999
    # Apart as they are, no arrangement of the 999 comes near: twice (0 + 1) / (999 + 1).
    assert drawn.comparisons[0].permutation_p == drawn.comparisons[0].smallest_permutation_p == 2 / 1000
    told = told_of_the_labels(drawn)
    assert "999 arrangements drawn" in told and "(b + 1) / (m + 1)" in told and "0.002" in told
    assert "exact" not in "\n".join(drawn.text_lines())


def test_sign_changes_are_called_exact_only_where_every_one_was_counted(arm, judged):
    counted, drawn = (
        judged(arm("new", *spread(30.3, n, 1)), arm("old", *spread(30, n, 2)), is_paired=True, resamples=99)
        for n in (15, 16)
    )

    assert (counted.comparisons[0].permutation_drawn, drawn.comparisons[0].permutation_drawn) == (0, 99)


def test_a_fragile_claim_names_the_permutation_test_as_what_it_was(arm, judged):
    old = spread(30, 10, 2)
    counted = judged(arm("new", 30.3, 30.5, 30.6, 30.7, 30.8), arm("old", 30.5, 30.2, 30.4, 30.3, 29.9))
    drawn = judged(arm("new", *(v + 0.105 for v in spread(30, 10, 5))), arm("old", *old), resamples=999)

    told = [next(note for note in answer.notes if note.startswith("Fragile")) for answer in (counted, drawn)]
    assert "the exact permutation test says" in told[0]
    assert "the permutation test (999 arrangements drawn) says" in told[1]


def test_a_claim_that_hangs_on_one_seed_is_called_fragile(arm, judged):
    """p is .049 with all seeds; without the lowest baseline seed nothing is left of it."""
    answer = judged(arm("new", 30.3, 30.5, 30.6, 30.7, 30.8), arm("old", 30.5, 30.2, 30.4, 30.3, 29.9))

    comparison = answer.comparisons[0]
    assert comparison.p < 0.05 <= comparison.drop_one_p
    assert comparison.is_fragile
    assert any(note.startswith("Fragile") for note in answer.notes)


def test_equivalence_needs_ten_seeds_and_a_margin(arm, judged):
    many = [arm("new", *spread(30, 12, 1)), arm("old", *spread(30, 12, 2))]
    few = [arm("new", *spread(30, 9, 1)), arm("old", *spread(30, 9, 2))]

    assert judged(*many, margin=0.5).verdict == "equivalent"
    assert exit_code(judged(*many, margin=0.5)) == 0
    assert judged(*many).verdict == "inconclusive"
    assert judged(*few, margin=0.5).verdict == "inconclusive"


def test_ten_seeds_bring_the_robust_companions(arm, judged):
    answer = judged(arm("new", *spread(30, 12, 1)), arm("old", *spread(30, 12, 2)))

    summary, comparison = answer.arms[0], answer.comparisons[0]
    assert summary.iqm == pytest.approx(stats.trim_mean(summary.values, 0.25), abs=1e-9)
    assert comparison.ci_bca.low < comparison.difference < comparison.ci_bca.high
    assert comparison.probability_ci.low <= comparison.probability_of_improvement <= comparison.probability_ci.high


def test_several_comparisons_share_alpha(arm, judged):
    """p .03 alone is a claim; as one of two it is .06 after Holm."""
    new, old = (30.4, 30.5, 30.65), (30.1, 30.25, 30.3)
    alone = judged(arm("new", *new), arm("old", *old))
    family = judged(arm("new", *new), arm("other", 30.0, 30.2, 30.4), arm("old", *old))

    assert alone.verdict == "improved"
    assert alone.comparisons[0].p > 0.025
    assert family.comparisons[0].p_adjusted == pytest.approx(2 * alone.comparisons[0].p)
    assert family.comparisons[0].verdict == "inconclusive"


def test_the_seeds_that_a_family_needs_are_enough_for_its_verdict(arm, judged):
    """Reckoned for one comparison alone they find the difference in two of three tries, once all are corrected for."""
    old, new = (0.80, 0.81, 0.82), (0.826, 0.836, 0.846)
    alone = judged(arm("new", *new), arm("old", *old)).comparisons[0]
    family = judged(arm("new", *new), arm("b", *new), arm("c", *new), arm("old", *old)).comparisons[0]

    assert (alone.n_needed, family.n_needed) == (4, 6)
    assert family.minimal_detectable_effect > 1.3 * alone.minimal_detectable_effect
    assert welch_power(0.026, (0.01, 0.01), ns=(6, 6), alpha=0.05 / 3) >= 0.8
    assert welch_power(0.026, (0.01, 0.01), ns=(4, 4), alpha=0.05 / 3) < 0.7


def test_one_success_does_not_speak_for_a_family(arm, judged):
    answer = judged(arm("new", *NEW), arm("other", 30.0, 30.2, 30.45), arm("old", *OLD))

    assert [comparison.verdict for comparison in answer.comparisons] == ["improved", "inconclusive"]
    assert (answer.verdict, exit_code(answer)) == ("inconclusive", 1)


def test_a_planned_pairing_uses_the_pairs(arm, judged):
    """Pairs differ by 0.1 ± 0.02 under a seed spread of 1: unpaired nothing is seen."""
    old = (29.0, 30.0, 31.0, 30.5, 29.5)
    new = tuple(value + 0.1 + bump for value, bump in zip(old, (0.02, -0.02, 0.01, -0.01, 0.0), strict=True))
    shuffled = arm("old", *reversed(old), seeds=(5, 4, 3, 2, 1))

    planned, free = judged(arm("new", *new), shuffled, is_paired=True), judged(arm("new", *new), shuffled)

    comparison = planned.comparisons[0]
    assert comparison.p == pytest.approx(stats.ttest_rel(new, old).pvalue, abs=1e-9)
    assert comparison.smallest_reachable_p == 0.0625
    assert (planned.verdict, free.verdict) == ("improved", "inconclusive")


def test_pairs_without_common_seeds_fall_back_and_say_so(arm, judged):
    answer = judged(arm("new", *NEW), arm("old", *OLD, seeds=(7, 8, 9)), is_paired=True)

    assert answer.comparisons[0].method == "Welch t"
    assert any("Pairing was planned" in note for note in answer.notes)


def test_runs_without_a_seed_are_never_pairs(arm, judged):
    arms = [arm(label, *values, seeds=(None,) * 3) for label, values in (("new", NEW), ("old", OLD))]

    assert judged(*arms, is_paired=True).comparisons[0].method == "Welch t"


@pytest.mark.parametrize(
    ("plan", "words"), [({"best_of": 5}, "best of 5"), ({"is_selected_on_report": True}, "chosen on")]
)
def test_numbers_picked_with_the_result_in_sight_carry_no_claim(arm, judged, plan, words):
    answer = judged(arm("new", *NEW), arm("old", *OLD), **plan)

    assert answer.verdict == "inconclusive"
    assert words in answer.reason


def test_a_second_look_is_told(arm, judged):
    assert any("look 2" in note for note in judged(arm("new", *NEW), arm("old", *OLD), looks=2).notes)


def test_sequences_stand_side_by_side_and_are_never_n(arm, judged):
    new = arm("new", *NEW, by_sequence=(("camera", (30.0, 30.1, 30.2)), ("ihc", (32.4, 32.4, 32.42))))
    old = arm("old", *OLD, by_sequence=(("camera", (29.0, 29.1, 29.2)), ("ihc", (31.2, 31.3, 31.6))))

    answer = judged(new, old)

    assert dict(answer.comparisons[0].sequences)["camera"] == pytest.approx(1.0)
    assert answer.arms[0].used == 3
    assert any("these 2 sequences (camera, ihc)" in note for note in answer.notes)


def test_the_baseline_may_be_named(arm, judged):
    answer = judged(arm("old", *OLD), arm("new", *NEW), baseline="old")

    assert (answer.comparisons[0].arm, answer.verdict) == ("new", "improved")


def test_one_arm_is_nothing_to_judge(arm, judged):
    with pytest.raises(NothingToJudgeError) as caught:
        judged(arm("new", *NEW))

    assert caught.value.exit_code == 3


@pytest.mark.parametrize("baseline", ["missing", 7])
def test_an_unknown_baseline_is_refused(arm, judged, baseline):
    with pytest.raises(UsageError):
        judged(arm("new", *NEW), arm("old", *OLD), baseline=baseline)


def test_two_arms_of_one_name_are_refused(arm, judged):
    with pytest.raises(UsageError, match="two arms"):
        judged(arm("new", *NEW), arm("new", *OLD))


@pytest.mark.parametrize("value", ["31.2", True, 1e200, 1j])
def test_a_value_that_is_no_usable_number_is_refused(arm, value):
    with pytest.raises(UsageError, match="seed 1"):
        arm("new", value)


def test_columns_of_unequal_length_are_refused(arm):
    with pytest.raises(UsageError, match="length"):
        arm("new", 1.0, 2.0, seeds=(1,))


@pytest.mark.parametrize(
    "plan",
    [
        {"alpha": 0.0},
        {"alpha": 0.6},
        {"power": 0.01},
        {"margin": 0.0},
        {"margin": float("nan")},
        {"earlier_sd": -1.0},
        {"correction": "none"},
        {"looks": 0},
        {"resamples": 0},
    ],
)
def test_a_plan_that_cannot_be_meant_is_refused(arm, judged, plan):
    with pytest.raises(UsageError):
        judged(arm("new", *NEW), arm("old", *OLD), **plan)


def test_the_answer_holds_every_promised_key_and_no_nan(arm, judged):
    answer = judged(arm("new", 31.0, float("nan"), 31.2), arm("old", *OLD)).to_json()

    assert answer["schema"] == "runaudit.stats/1"
    assert set(answer) >= {
        "metric",
        "direction",
        "design",
        "arms",
        "comparisons",
        "verdict",
        "reason",
        "notes",
    }
    assert set(answer["design"]) >= {"verdict", "factors"}
    assert set(answer["arms"][0]) >= {"label", "n", "effective_n", "seeds", "values", "mean", "sd", "ci"}
    assert set(answer["comparisons"][0]) >= {
        "arm", "baseline", "difference", "ci", "p", "p_adjusted", "method", "effect_size",
        "smallest_reachable_p", "minimal_detectable_effect", "n_needed",
    }  # fmt: skip
    assert answer["arms"][0]["values"] == [31.0, None, 31.2]
    assert "NaN" not in json.dumps(answer, allow_nan=False)


def test_numpy_numbers_leave_plain_json(arm, judged):
    new = arm("new", *np.array(NEW), seeds=tuple(np.arange(3)))

    assert json.loads(json.dumps(judged(new, arm("old", *OLD)).to_json()))["arms"][0]["seeds"] == [0, 1, 2]


def test_a_seed_that_crashed_is_counted_and_is_no_draw(arm, judged):
    new = arm("new", *NEW, None, seeds=(1, 2, 3, 4), statuses=("completed",) * 3 + ("crashed",))

    answer = judged(new, arm("old", *OLD))

    assert (answer.arms[0].n, answer.arms[0].effective_n) == (4, 3)
