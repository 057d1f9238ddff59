"""What a comparison of single runs finds is found of arms, too: in no run of an arm does a doubt go under."""

from dataclasses import replace

import pytest

from runaudit.diff import Verdict, compare, compare_cohorts
from runaudit.factors.cohort import cohort_of
from runaudit.settings import Settings
from tests.diff.samples import both, digest, drop, put, run
from tests.diff.seen import captured, seen

LR = put("config/optimizer/lr", 5e-4)
SETTINGS = Settings()


def arm(*changes, seeds=(1, 2, 3), last=lambda record: None):
    """Runs that differ in their seed; `last` is one change more to the last of them."""
    each = [both(*changes, put("seed", seed)) for seed in seeds]
    return cohort_of([run(both(change, last) if change is each[-1] else change) for change in each])


def judged(a, b):
    return compare_cohorts(a, b, settings=SETTINGS)


def proof(start):
    return put("seed_proof", {"init": digest(start)})


def bicubic(value):
    return lambda record: record["metrics"].update({"full_frame/psnr_bicubic/astronaut": value})


@pytest.mark.parametrize("change", [LR, put("seed", 2), drop("data"), put("eval/crop_border", 4), both()])
def test_two_cohorts_of_one_are_a_pair(change):
    a, b = run(), run(change)

    pair, arms = compare(a, b, settings=SETTINGS).to_json(), judged(cohort_of([a]), cohort_of([b])).to_json()

    assert {**pair, "a": 0, "b": 0} == {**arms, "a": 0, "b": 0}


def test_another_start_at_an_equal_seed_is_a_gap_of_arms_as_it_is_of_a_pair():
    a = [run(both(put("seed", seed), proof(str(seed)))) for seed in (1, 2)]
    b = [run(both(put("seed", seed), proof(start), put("label", "again"))) for seed, start in ((1, "1"), (2, "9"))]

    found = judged(cohort_of(a), cohort_of(b))

    assert compare(a[1], b[1], settings=SETTINGS).verdict is Verdict.PROVENANCE_INCOMPLETE
    assert found.verdict is Verdict.PROVENANCE_INCOMPLETE
    assert [row.factor for row in found.missing] == ["seed_proof.init"]


def test_another_start_at_another_seed_is_no_gap():
    a = cohort_of([run(both(put("seed", seed), proof(str(seed)))) for seed in (1, 2)])
    b = cohort_of([run(both(put("seed", seed), proof(str(seed)))) for seed in (3, 4)])

    assert not judged(a, b).missing


def test_a_run_without_the_control_does_not_hide_that_it_moved_between_the_others():
    first = both(put("metrics", {}), put("runtime/status", "crashed"))
    a = cohort_of([run(both(first, put("seed", 1))), run(put("seed", 2))])

    found = judged(a, arm(LR, seeds=(1, 2), last=bicubic(29.0)))

    assert found.verdict is Verdict.INCOMPARABLE
    assert "bicubic PSNR moved" in found.reason


def test_a_run_that_is_shorter_for_no_recorded_reason_forbids_the_comparison_wherever_it_stands():
    found = judged(arm(), arm(LR, last=put("runtime/steps_done", 2000)))

    assert found.verdict is Verdict.INCOMPARABLE
    assert "3000 and 2000 steps" in found.reason


def test_a_run_that_stopped_early_is_shorter_for_a_recorded_reason():
    early = both(put("runtime/steps_done", 2000), put("runtime/status", "early_stopped"))

    assert judged(arm(), arm(LR, last=early)).verdict is Verdict.SINGLE_FACTOR


def test_what_one_half_of_an_arm_says_and_the_other_does_not_is_a_gap_though_both_arms_are_alike_in_it():
    said = put("eval/window", 11)
    halves = [cohort_of([run(both(*c, put("seed", 1))), run(both(*c, said, put("seed", 2)))]) for c in ((), (LR,))]

    found = judged(*halves)

    assert [(row.factor, row.side) for row in found.missing] == [("eval.window", "both")]
    assert found.verdict is Verdict.PROVENANCE_INCOMPLETE


def began_with(parent, checkpoint, seed, *changes):
    start = {"kind": "checkpoint", "checkpoint": digest(checkpoint), "parent": parent.id}
    return replace(run(both(put("init", start), put("seed", seed), *changes)), parent=parent)


def test_a_seed_of_the_parents_that_moved_with_the_arm_is_a_factor():
    parents = [run(put("seed", seed)) for seed in (1, 2)]
    arms = [
        cohort_of([began_with(parent, start, seed, *changes) for seed in (1, 2, 3)])
        for parent, start, changes in ((parents[0], "d", ()), (parents[1], "e", (LR,)))
    ]

    found = judged(*arms)

    assert "init.parent.seed" in [factor.factor for factor in found.factors]
    assert found.verdict is Verdict.CONFOUNDED


def test_a_seed_of_the_parents_that_varies_within_the_arms_is_replicated():
    arms = [
        cohort_of(
            [
                began_with(run(put("seed", seed)), start, seed, *changes)
                for seed, start in zip((1, 2, 3), "def", strict=True)
            ]
        )
        for changes in ((), (LR,))
    ]

    assert [factor.factor for factor in judged(*arms).factors] == ["config.optimizer.lr"]


def test_a_seed_that_was_only_seen_and_moved_with_the_arm_is_a_factor():
    def arm_of(value):
        looked = {"PYTHONHASHSEED": value}
        return cohort_of([captured(seen(looked_up=looked), seed=seed) for seed in (1, 2, 3)])

    found = judged(arm_of("0"), arm_of("1"))

    assert [factor.factor for factor in found.factors] == ["env.variables.PYTHONHASHSEED"]
    assert found.verdict is not Verdict.IDENTICAL
