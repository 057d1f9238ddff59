"""Laws of the contradiction: what the runs came to is held against what is said of their inputs."""

from dataclasses import replace

import pytest

from runaudit.diff import Verdict, compare, compare_cohorts
from runaudit.factors.cohort import cohort_of
from runaudit.records.manifest import Manifest
from runaudit.settings import Settings
from tests.diff.samples import both, drop, put, run

DROPOUT = put("config/dropout", 0.5)


def results(*values, **metrics):
    points = [[step, value] for step, value in enumerate(values)]
    return both(put("series", {"train/loss": points, "time/step_s": [[0, id(points) % 997]]}), put("metrics", metrics))


SAME = results(0.9090909090909091, 0.8333333333333334, 0.7692307692307693, psnr=31.25)
OTHER = results(0.9090909090909091, 0.8333333333333334, 0.5, psnr=30.0)


def told(a, b):
    return compare(run(a), run(b), settings=Settings())


def notes(found):
    return " | ".join(found.notes)


def test_equal_inputs_with_unequal_results_name_the_first_step_and_series():
    found = told(SAME, both(put("label", "again"), OTHER))

    assert found.verdict is Verdict.IDENTICAL
    assert "the inputs are equal and the results are not" in notes(found)
    assert "train/loss differs first at step 2, 0.7692307692307693 and 0.5" in notes(found)
    assert "nondeterminism or an input nobody saw" in notes(found)


def test_with_gaps_the_inputs_are_equal_as_far_as_the_records_go():
    found = told(both(SAME, drop("init")), both(put("label", "again"), OTHER, drop("init")))

    assert (found.verdict, found.conditional) == (Verdict.PROVENANCE_INCOMPLETE, Verdict.IDENTICAL)
    assert "all inputs on record are equal and the results are not" in notes(found)
    assert "nondeterminism, or an input that is not on record (init)" in notes(found)


def test_what_is_not_on_record_at_all_is_not_called_equal():
    for lacking, words in (
        (drop("config"), "config is"),
        (drop("code"), "code is"),
        (both(drop("config"), drop("code")), "config and code are"),
    ):
        found = told(both(SAME, lacking), both(put("label", "again"), OTHER, lacking))

        assert f"{words} not on record and the results differ: train/loss differs first at step 2" in notes(found)
        assert "inputs on record are equal" not in notes(found)


def test_a_final_metric_is_a_result_too():
    found = told(put("metrics", {"psnr": 31.0}), both(put("label", "again"), put("metrics", {"psnr": 31.5})))

    assert "the final psnr is 31.0 and 31.5" in notes(found)


def test_equal_inputs_with_equal_results_are_no_news():
    assert "results" not in notes(told(SAME, both(put("label", "again"), SAME)))


def test_unequal_seeds_with_equal_results():
    found = told(SAME, both(put("seed", 2), SAME))

    assert found.verdict is Verdict.REPLICATE
    assert "the seed had no effect" in notes(found)
    assert "equal in every" in notes(found)


def test_unequal_seeds_with_unequal_results_are_as_it_should_be():
    assert "effect" not in notes(told(SAME, both(put("seed", 2), OTHER)))


def test_a_factor_that_changed_no_number():
    found = told(SAME, both(DROPOUT, SAME))

    assert found.verdict is Verdict.SINGLE_FACTOR
    assert "config.dropout had no effect" in notes(found)
    assert "equal in every series and metric" in notes(found)
    assert "is it used?" in notes(found)


def test_two_factors_and_a_seed_that_changed_no_number_are_named_together():
    found = told(SAME, both(DROPOUT, put("config/epochs", 31), put("seed", 2), SAME))

    assert "config.dropout, config.epochs together changed no number" in notes(found)
    assert "nor did the seed" in notes(found)
    assert "are they used, or does one undo the other?" in notes(found)


def test_a_factor_that_changed_one_number_had_an_effect():
    assert "no effect" not in notes(told(SAME, both(DROPOUT, OTHER)))


@pytest.mark.parametrize("nothing", [both(put("series", {}), put("metrics", {})), both(drop("metrics"))])
@pytest.mark.parametrize("change", [put("label", "again"), put("seed", 2), DROPOUT])
def test_runs_without_results_say_nothing(nothing, change):
    words = notes(told(nothing, both(change, nothing)))

    assert "effect" not in words and "results are not" not in words


def test_a_run_that_crashed_proves_nothing_by_the_little_it_logged():
    crashed = both(put("runtime/status", "crashed"), SAME)

    assert "no effect" not in notes(told(SAME, both(DROPOUT, crashed)))


def test_another_measure_makes_unequal_numbers_no_surprise():
    assert "effect" not in notes(told(SAME, both(put("eval/crop_border", 4), SAME)))


def test_two_round_numbers_are_too_little_to_tell():
    found = told(put("metrics", {"psnr": 31.0}), both(DROPOUT, put("metrics", {"psnr": 31.0})))

    assert "too little to tell whether config.dropout had no effect" in notes(found)


# ── cohorts ──────────────────────────────────────────────────────────────────────────────────────────────────────


def seeded(seed, shift=0.0):
    return results(*(round(1 / (seed + 3 + step) + shift, 12) for step in range(4)), psnr=30.0 + seed / 7 + shift)


def arm(*changes, seeds=(1, 2, 3), shift=0.0):
    return cohort_of([run(both(*changes, put("seed", seed), seeded(seed, shift))) for seed in seeds])


def arms(a, b):
    return notes(compare_cohorts(a, b, settings=Settings()))


def test_arms_that_are_equal_at_every_seed_both_have():
    words = arms(arm(), arm(DROPOUT, seeds=(2, 3, 4)))

    assert "config.dropout had no effect" in words
    assert "at every seed that both arms have (2, 3)" in words
    assert "no effect" not in arms(arm(), arm(DROPOUT, shift=0.01))


def test_arms_that_are_equal_at_one_seed_only():
    odd = cohort_of([*arm(DROPOUT, seeds=(1, 2), shift=0.01).runs, *arm(DROPOUT, seeds=(3,)).runs])

    assert "at seed 3 the two arms are equal in every number both logged" in arms(arm(), odd)


def test_arms_without_a_common_seed_say_nothing_unless_the_seed_moves_nothing_either():
    still = cohort_of([run(both(put("seed", seed), SAME)) for seed in (1, 2)])
    moved = cohort_of([run(both(DROPOUT, put("seed", seed), SAME)) for seed in (4, 5)])

    assert "no effect" not in arms(arm(seeds=(1, 2)), arm(DROPOUT, seeds=(4, 5)))
    assert "config.dropout had no effect: it changed no number, nor did the seed" in arms(still, moved)


def test_equal_arms_whose_equal_seeds_disagree():
    words = arms(arm(), arm(put("label", "again"), shift=0.01))

    assert "seed 1: " in words and "the results are not" in words and "nobody saw" in words


def test_pseudo_replicates_count_once_and_the_note_says_why():
    still = cohort_of([run(both(put("seed", seed), SAME)) for seed in (1, 2, 3)])

    assert (still.n, still.effective_n) == (3, 1)
    assert any("count once" in note and "the seed had no effect" in note for note in still.notes)
    assert arm().effective_n == 3


def test_a_factor_that_ended_a_run_is_not_called_without_effect():
    """Equal at the seeds that both finished, and at another one of them crashed: that is an effect."""
    crashed = run(both(DROPOUT, put("seed", 1), put("runtime/status", "crashed")))
    words = arms(arm(), cohort_of([crashed, *arm(DROPOUT, seeds=(2, 3)).runs]))

    assert "had no effect" not in words
    assert "at seed 2, 3 the two arms are equal in every number both logged; at seed 1 only one has a result" in words
    assert "config.dropout may have done that" in words


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"outcome": None, "liveness": "running"}, "at seed 1 only one has a result: the other still runs"),
        ({"forgotten": {"outcome": "private"}, "outcome": None, "liveness": "forgotten"}, "the other was forgotten"),
        ({"outcome": None, "liveness": "lost"}, "at seed 1 only one has a result: config.dropout may have done that"),
    ],
)
def test_only_what_ended_by_itself_may_be_the_doing_of_a_factor(changes, said):
    """Of a run that had not ended yet the page said that a factor may have kept it from its result."""
    first = run(both(DROPOUT, put("seed", 1)))
    body = {**first.manifest.body, "origin": {"kind": "captured"}}
    first = replace(first, manifest=Manifest.of(body), **changes)
    words = arms(arm(), cohort_of([first, *arm(DROPOUT, seeds=(2, 3)).runs]))

    assert "at seed 2, 3 the two arms are equal in every number both logged" in words and said in words
    assert ("may have done that" in words) == ("may have done that" in said)
