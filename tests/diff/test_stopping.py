"""Runs of other lengths are compared where their curves, or all of their replicates, show why; else they are not."""

from dataclasses import replace
from types import MappingProxyType

import pytest

from runaudit.diff import Verdict, compare, compare_cohorts
from runaudit.factors.cohort import cohort_of
from runaudit.factors.stopping import gave_up, waited
from runaudit.metrics.catalogue import Direction
from runaudit.records.manifest import Manifest
from runaudit.records.trajectory import Trajectory
from runaudit.settings import FactorSettings, Settings
from tests.diff.samples import both, put, run

LR = put("config/optimizer/lr", 5e-4)
PATIENCE = put("config/patience", 3)


def watched(values, *changes, seed=1, series="val/loss", kind="captured"):
    """A run that logged these values, one a step, and says that it completed."""
    made = run(both(put("runtime/steps_done", len(values)), put("seed", seed), *changes))
    points = {series: tuple(enumerate(map(float, values)))}
    manifest = Manifest.of({**made.manifest.to_json(), "origin": {"kind": kind}})
    return replace(made, manifest=manifest, trajectory=Trajectory(series=MappingProxyType(points)))


def ends_after(best, wait):
    """A curve that falls for `best` values and ends so many after its lowest."""
    return [*range(100, 100 - best, -1), *([101 - best] * wait)]


def judged(*runs):
    """The two halves of these runs held against each other."""
    half = len(runs) // 2
    if half == 1:
        return compare(*runs, settings=Settings())
    return compare_cohorts(cohort_of(runs[:half]), cohort_of(runs[half:]), settings=Settings())


@pytest.mark.parametrize(
    ("values", "way", "margin", "wait"),
    [
        ([3, 2, 1], Direction.LOWER, 0.0, 0),
        ([3, 1, 2, 1, 4], Direction.LOWER, 0.0, 3),
        ([3, 1, 2, 4], Direction.HIGHER, 0.0, 0),
        ([5, 4.9, 4.8, 4.4], Direction.LOWER, 0.5, 0),
        ([5, 4.9, 4.8, 4.6], Direction.LOWER, 0.5, 3),
        ([float("nan"), 2, float("nan")], Direction.LOWER, 0.0, 1),
        ([], Direction.LOWER, 0.0, 0),
    ],
)
def test_a_run_waits_from_its_last_value_that_was_better_by_the_margin(values, way, margin, wait):
    assert waited(values, way, margin) == wait


def test_a_run_that_ends_its_patience_after_its_best_stopped_early():
    found = judged(watched(ends_after(20, 3), PATIENCE), watched(ends_after(10, 3), PATIENCE, LR))

    assert (found.verdict, [f.factor for f in found.factors]) == (Verdict.SINGLE_FACTOR, ["config.optimizer.lr"])
    assert any(note.endswith("stopped early: no better value within config.patience = 3") for note in found.notes)


@pytest.mark.parametrize(
    ("values", "changes"),
    [
        (ends_after(10, 2), [PATIENCE]),
        (ends_after(10, 0), [PATIENCE]),
        (ends_after(10, 3), [PATIENCE, put("config/early_stop", False)]),
        (ends_after(10, 3), [put("config/early_stopping", {"patience": 3, "enabled": False})]),
        (ends_after(10, 3), [put("config/scheduler", {"name": "plateau", "patience": 3})]),
        (ends_after(10, 3), [put("config/patience", None)]),
    ],
    ids=["within it", "still falling", "switched off", "not enabled", "of the learning rate", "none"],
)
def test_a_patience_that_the_curve_does_not_bear_out_explains_no_length(values, changes):
    found = judged(watched(ends_after(20, 3), *changes), watched(values, *changes, LR))

    assert found.verdict is Verdict.INCOMPARABLE
    assert "nothing that changed is known to set how many" in found.reason


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("patience", 3), ("args", {"patience": "3"}), ("early_stopping_rounds", 3), ("n_iter_no_change", 3),
        ("earlyStoppingPatience", 3), ("early_stopping", {"patience": 3, "enabled": True}), ("early_stop_epochs", 3),
    ],
)  # fmt: skip
def test_a_patience_is_known_by_the_names_that_libraries_give_it(path, value):
    assert gave_up(watched(ends_after(9, 3), put(f"config/{path}", value))).endswith(" = 3")


@pytest.mark.parametrize(("pattern", "is_told"), [("config.budget_s", True), ("config.seconds", False)])
def test_a_budget_of_seconds_that_the_policy_names_gives_another_number_of_steps_each_time(pattern, is_told):
    policy = Settings(factors=FactorSettings(length=(pattern,)))
    runs = [watched(ends_after(end, 0), put("config/budget_s", 0.8), *([LR] if end < 20 else []), seed=end % 3)
            for end in (24, 22, 26, 17, 15, 18)]  # fmt: skip
    found = compare_cohorts(cohort_of(runs[:3]), cohort_of(runs[3:]), settings=policy)

    assert (found.verdict is Verdict.SINGLE_FACTOR) is is_told
    assert found.with_length  # It is told as a part of the difference all the same.


def test_a_loss_of_the_training_is_no_series_that_a_program_watches():
    assert not gave_up(watched(ends_after(9, 3), PATIENCE, series="train/loss"))


def test_runs_that_all_end_equally_long_after_their_best_stopped_early_though_no_setting_says_so():
    lengths = (10, 14, 12, 18, 11, 16)
    found = judged(*(watched(ends_after(best, 4), *([LR] if i > 2 else []), seed=i % 3)
                     for i, best in enumerate(lengths)))  # fmt: skip

    assert found.verdict is Verdict.SINGLE_FACTOR
    assert "all runs but the longest ended 4 evaluations after their best val/loss: they stopped early" in found.notes


@pytest.mark.parametrize(
    "waits",
    [(4, 4, 4, 4, 5, 4), (0, 0, 0, 0, 0, 0), (2, 2, 2, 2, 2, 2), (4, 4, 4, 6, 4, 4)],
    ids=["one unlike", "cut while they fell", "too short", "the longest waited on"],
)
def test_curves_that_do_not_agree_on_a_patience_show_none(waits):
    lengths = (10, 14, 12, 18, 11, 16)
    found = judged(*(watched(ends_after(best, wait), *([LR] if i > 2 else []), seed=i % 3)
                     for i, (best, wait) in enumerate(zip(lengths, waits, strict=True))))  # fmt: skip

    assert found.verdict is Verdict.INCOMPARABLE


def of_lengths(a, b, *changes, kind="captured"):
    first = [watched(ends_after(steps, 0), seed=seed, kind=kind) for seed, steps in enumerate(a)]
    return judged(*first, *(watched(ends_after(steps, 0), *changes, seed=seed, kind=kind)
                            for seed, steps in enumerate(b)))  # fmt: skip


LONG = put("config/schedule", "long")


@pytest.mark.parametrize(
    ("a", "b"), [((17, 17), (52, 52)), ((17,), (52,)), ((17, 17), (52, 40))], ids=["arms", "single runs", "one cut"]
)
def test_another_length_of_a_whole_arm_is_explained_by_no_change_that_is_not_known_to_set_it(a, b):
    """A time limit of the queue cuts every seed of an arm at one step, and what changed may not even be used."""
    found = of_lengths(a, b, LONG)

    assert found.verdict is Verdict.INCOMPARABLE
    # Of seeds of one arm that end apart, what only this arm was given is not why: the remedy would not work.
    is_even = len({*a}) == len({*b}) == 1
    assert any('[factors] length = ["config.schedule"]' in note for note in found.notes) is is_even
    assert any('run.finish("early_stopped")' in note for note in found.notes)


def test_the_policy_can_say_that_a_setting_sets_the_length():
    policy = replace(Settings(), factors=FactorSettings(length=("config.schedule",)))
    arms = [cohort_of([watched(ends_after(steps, 0), *changes, seed=seed) for seed in (1, 2)])
            for steps, changes in ((17, []), (52, [LONG]))]  # fmt: skip

    found = compare_cohorts(*arms, settings=policy)

    assert found.verdict is Verdict.SINGLE_FACTOR
    assert any("last step logged: 17 → 52, 3.1 times as many: what the longer" in note for note in found.notes)
    assert [row.follows for row in found.derived if row.factor == "outcome.updates"] == ["config.schedule"]


def test_a_patience_typed_on_the_command_line_is_one():
    made = watched(ends_after(9, 3), put("config", {}))
    typed = {**made.manifest.to_json(), "launch": {"argv": ["python", "t.py", "--patience", "3"]}}

    assert gave_up(replace(made, manifest=Manifest.of(typed))) == "config.args.patience = 3"


@pytest.mark.parametrize(
    ("flat", "is_told"),
    [([0.5] * 12, False), ([0.5] * 4 + [0.6] + [0.5] * 7, False), ([*range(9), 8, 8, 8], True)],
    ids=["flat", "waits longer before", "ends its patience"],
)
def test_a_series_that_ever_waited_longer_is_not_the_one_that_is_watched(flat, is_told):
    """A run that was cut at step 12 while its loss fell was "stopped early", because its accuracy stood still."""
    losses = {"val/loss": tuple(enumerate(float(100 - step) for step in range(12)))}
    accuracy = tuple(enumerate(map(float, flat)))
    cut = watched(range(12), PATIENCE)
    cut = replace(cut, trajectory=Trajectory(series=MappingProxyType({**losses, "val/accuracy": accuracy})))

    assert bool(gave_up(cut)) is is_told


def test_a_series_that_waits_longer_in_the_run_beside_it_is_not_the_one_that_is_watched():
    cut, whole = watched(ends_after(10, 3), PATIENCE), watched([*ends_after(10, 6), 0], PATIENCE)

    assert (gave_up(cut), gave_up(cut, [whole])) == ("config.patience = 3", "")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([put("config/epochs", 60)], "last step logged: 3000 → 6000"),
        (
            [put("config/stages", [{"name": "sr", "lr": 2e-4, "steps": 900}])],
            "last step logged: 3000 → 6000, 2.0 times as many",
        ),
        ([put("config/batch_size", 4)], "last step logged: 3000 → 6000, for the same number of samples"),
    ],
    ids=["the length itself", "what follows from it", "samples"],
)
def test_a_longer_training_is_said_to_be_part_of_the_difference_unless_it_is_the_factor(changes, said):
    found = judged(run(), run(both(put("runtime/steps_done", 6000), *changes)))

    assert next(note for note in found.notes if "last step logged" in note).startswith(said)
    assert found.with_length is ("times as many" in said)


def lengths(*steps):
    arms = [cohort_of([run(both(put("runtime/steps_done", one), put("config/epochs", 30 * arm), put("seed", seed)))
                       for seed, one in enumerate(each)]) for arm, each in enumerate(steps, start=1)]  # fmt: skip
    return [note for note in compare_cohorts(*arms, settings=Settings()).notes if note.startswith("last step logged")]


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        ((39, 39), (6, 11), "last step logged: 39 → 6 to 11, 0.22 times as many: what the shorter training did"),
        ((6, 11), (39, 39), "last step logged: 6 to 11 → 39, 4.6 times as many: what the longer training did"),
        ((0, 0), (0, 0, 0), None),
        ((0, 0), (1, 1), "last step logged: 0 → 1"),
        ((5, 5), (0, 0), "last step logged: 5 → 0, 0.20 times as many"),
    ],
)
def test_of_arms_whose_seeds_are_of_several_lengths_all_of_them_are_told(a, b, said):
    found = lengths(a, b)

    assert [note[: len(said or "")] for note in found] == ([said] if said else [])


@pytest.mark.parametrize(
    ("setting", "is_told"),
    [({"min_delta": 0.5}, False), ({"early_stop_delta": 0.5}, False), ({"huber_delta": 0.5}, True),
     ({"seed_of_all": 10**400}, True)],
)  # fmt: skip
def test_a_value_counts_as_better_by_the_margin_on_record_and_by_no_other_setting(setting, is_told):
    """Each step is 0.1 better: by the margin every sixth is, and a run with a patience of three would have ended."""
    values = [10 - 0.1 * step for step in range(13)] + [9.0] * 3
    made = watched(values, PATIENCE, *(put(f"config/{key}", value) for key, value in setting.items()))

    assert bool(gave_up(made)) is is_told
