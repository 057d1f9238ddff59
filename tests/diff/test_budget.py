"""The budget is told as what it follows from; where nothing explains it, one of the runs did not run to its end."""

from dataclasses import replace
from types import MappingProxyType

import pytest

from runaudit.diff import Verdict, compare, compare_cohorts
from runaudit.factors.cohort import cohort_of
from runaudit.records.trajectory import Trajectory
from runaudit.settings import Settings
from tests.diff.samples import both, put, run

SHORTER = put("runtime/steps_done", 1500)


def skipped(count):
    return lambda plain: plain["metrics"].update({"amp/skipped": count})


def judged(*changes, before=()):
    return compare(run(both(*before)), run(both(*changes)), settings=Settings())


def budget(found):
    return {
        row.factor: (row.before, row.after, row.follows) for row in found.derived if row.factor.startswith("outcome")
    }


def test_skips_of_the_scaler_are_a_leaf_and_a_note_and_no_factor():
    """3000 steps less 40 and less 1000."""
    found = judged(skipped(1000), before=(skipped(40),))

    assert found.verdict is Verdict.IDENTICAL
    assert budget(found) == {"outcome.updates": (2960, 2000, "amp/skipped")}
    assert any("1000 skipped" in note for note in found.notes)


def test_a_shorter_config_explains_fewer_steps():
    """Batch 8 times 2 accumulated: 16 samples a step."""
    found = judged(SHORTER, put("config/epochs", 15))

    assert (found.verdict, [f.factor for f in found.factors]) == (Verdict.SINGLE_FACTOR, ["config.epochs"])
    assert budget(found) == {
        "outcome.updates": (3000, 1500, "config.epochs"),
        "outcome.samples": (48000, 24000, "config.epochs"),
    }


def test_equal_configs_that_took_other_numbers_of_steps_are_incomparable():
    found = judged(SHORTER)

    assert found.verdict is Verdict.INCOMPARABLE
    assert "3000 and 1500 steps" in found.reason


def test_a_rate_explains_no_number_of_steps():
    assert judged(SHORTER, put("config/optimizer/lr", 1)).verdict is Verdict.INCOMPARABLE


def test_stopping_early_is_an_outcome_and_no_barrier():
    found = judged(SHORTER, put("runtime/status", "early_stopped"))

    assert found.verdict is Verdict.IDENTICAL
    assert budget(found)["outcome.updates"] == (3000, 1500, "stopping early")


def test_how_often_a_run_logs_moves_its_last_step():
    """It explains the step; that a name says `log` does not prove that nothing else hangs on it."""
    found = judged(put("runtime/steps_done", 2996), put("config/log_every", 7), before=(put("config/log_every", 10),))

    assert found.verdict is Verdict.SINGLE_FACTOR
    assert [f.factor for f in found.factors] == ["config.log_every"]


def test_an_equal_budget_split_otherwise_saw_the_same_samples():
    """16 x 1 and 8 x 2 are the same sixteen samples a step."""
    assert not budget(judged(put("config/batch_size", 16), put("config/grad_accum", 1)))


@pytest.mark.parametrize("steps", [None, True, "many"])
def test_an_unknown_number_of_steps_says_nothing(steps):
    assert not budget(judged(put("runtime/steps_done", steps)))


def test_arms_of_other_lengths_are_incomparable_too():
    arms = [cohort_of([run(both(change, put("seed", s))) for s in (1, 2)]) for change in (both(), SHORTER)]

    assert compare_cohorts(*arms, settings=Settings()).verdict is Verdict.INCOMPARABLE


def logging(changes, **series):
    """A run that logged at these steps."""
    made = run(both(put("runtime/steps_done", max(map(max, series.values()))), *changes))
    points = {name: tuple((step, 1.0) for step in steps) for name, steps in series.items()}
    return replace(made, trajectory=Trajectory(series=MappingProxyType(points)))


EVERY_100 = range(0, 3001, 100)


@pytest.mark.parametrize(
    ("first", "second", "is_one_length"),
    [
        ({"loss": EVERY_100}, {"loss": range(1, 3002, 100)}, True),
        ({"loss": EVERY_100}, {"loss": (*EVERY_100, 3030)}, True),
        ({"loss": EVERY_100}, {"loss": (*EVERY_100, 3031)}, False),
        ({"loss": EVERY_100}, {"loss": range(0, 3101, 100)}, False),
        ({"loss": range(3001)}, {"loss": range(3002)}, False),
        ({"loss": range(3001), "acc": EVERY_100}, {"loss": range(3001), "acc": (*EVERY_100, 3001)}, True),
        ({"loss": (3000,)}, {"loss": (3001,)}, False),
    ],
    ids=["a step later", "a hundredth", "over a hundredth", "one more", "at every step", "evaluated after", "once"],
)
@pytest.mark.parametrize("within", [False, True])
def test_where_the_last_value_was_logged_makes_no_run_longer(first, second, is_one_length, within):
    """Evaluations every 100 steps that began at step 1 were "1000 and 1001 steps", and nothing could be compared."""
    a = [logging([put("seed", 1)], **first), logging([put("seed", 2)], **(second if within else first))]
    b = [logging([LR, put("seed", seed)], **(first if within else second)) for seed in (1, 2)]

    found = compare_cohorts(cohort_of(a), cohort_of(b), settings=Settings())

    assert found.verdict is (Verdict.SINGLE_FACTOR if is_one_length else Verdict.INCOMPARABLE)
    assert any("neither run is taken for longer" in note for note in found.notes) == is_one_length


LR = put("config/optimizer/lr", 5e-4)


@pytest.mark.parametrize("word", ["script", "module", "command"])
def test_another_program_has_a_length_of_its_own(word):
    called = put("config/args", {word: "gan.py"}), put("config/args", {word: "rl.py"})

    found = judged(SHORTER, called[1], before=(called[0],))

    assert (found.verdict, [f.factor for f in found.factors]) == (Verdict.SINGLE_FACTOR, [f"config.args.{word}"])
