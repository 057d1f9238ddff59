"""One training that several trackers were told of is one run, and two trainings are never made one."""

import json
import struct
from dataclasses import replace

import pytest

from runaudit.importers.draft import Draft
from runaudit.importers.merging import of_trackers
from runaudit.importers.onetraining import of_one_training, trace_of
from runaudit.records.trajectory import value_text
from runaudit.runs.intake import take_in
from runaudit.runs.reading import all_runs
from runaudit.settings import Settings
from runaudit.store.store import Store
from tests.importers.reading import runs_in
from tests.importers.test_tensorboard import VERSION, event, scalar

LOSSES = (2.0489781, 0.9227722, 0.6498616, 0.3183785)


def record(kind, *losses, name="loss", start=None, took=None, first=0, config=None, **rest):
    """A record of a tracker: a curve, from `start` (a second of one minute) on."""
    return Draft(
        kind=kind, source=f"/{kind}/{rest.pop('at', 'a')}", run="r",
        config={"lr": 0.1, "seed": 0} if config is None else config or None,
        launch={} if start is None else {"started": f"2026-01-01T00:00:{start:02}Z"}, duration_s=took,
        series={name: tuple(enumerate(losses, start=first))}, **rest,
    )  # fmt: skip


def told(*drafts):
    """The groups that are one training, and who may be of another one's."""
    found = of_one_training({(number, 0): trace_of(draft) for number, draft in enumerate(drafts)})
    return [[key[0] for key in group] for group in found.groups], {a[0]: b[0] for a, b in found.doubtful.items()}


# ── what is one ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_three_trackers_were_told_of_one_training_is_one():
    """Each has a name of its own for the curve, counts the steps as it likes, and keeps as much of a number as it
    likes."""
    halved = [struct.unpack("f", struct.pack("f", loss))[0] for loss in LOSSES]
    drafts = (record("wandb", *LOSSES, name="train/loss"), record("mlflow", *LOSSES, first=10),
              record("tensorboard", *halved, name="train/loss", config={}))  # fmt: skip

    assert told(*drafts) == ([[0, 1, 2]], {})


@pytest.mark.parametrize(("other", "groups"), [(LOSSES, [[0, 1]]), (LOSSES[:3], [[0, 1]]), ((*LOSSES[:3], 0.5), [])],
                         ids=["equal", "it lags behind", "another number"])  # fmt: skip
def test_what_a_program_kept_in_sacreds_info_is_what_it_told_tensorboard_under_that_name(other, groups):
    """PyMARL gives each number to both, in two folders, and to Sacred its `info` alone."""
    ours = record("sacred", *LOSSES, name="info.return_mean", start=0, took=9)
    theirs = record("tensorboard", *other, name="return_mean", first=100, start=1, took=5, config={})

    assert told(ours, theirs)[0] == groups
    if groups:
        one = of_trackers([ours, theirs])
        assert (one.config, [*one.series]) == ({"lr": 0.1, "seed": 0}, ["info.return_mean"])


def test_a_record_without_numbers_is_of_no_training_for_its_name_alone():
    ours = replace(record("sacred", start=0, name="info.loss"), series={}, name="qmix_a")
    theirs = replace(record("tensorboard", *LOSSES, start=0, took=5, config={}), name="qmix_a")

    assert told(ours, theirs) == ([], {})


def test_a_record_that_lags_behind_is_of_the_training_that_ran_at_the_time():
    late = record("mlflow", *LOSSES[:3], start=1, took=4)

    assert told(record("wandb", *LOSSES, start=0, took=5), late) == ([[0, 1]], {})


@pytest.mark.parametrize(
    "other",
    [record("mlflow", *LOSSES[:3]), record("mlflow", *LOSSES[:3], start=30, took=4),
     record("mlflow", *LOSSES, start=30, took=4), record("mlflow", *LOSSES, config={"lr": 0.2}),
     record("mlflow", *LOSSES, config={"seed": 1}), record("mlflow", *LOSSES[:3], 0.5),
     record("mlflow", 0.5, 0.6, 0.7, 0.8), record("wandb", *LOSSES)],
    ids=["fewer steps", "fewer steps later", "another time", "another setting", "another seed", "another number",
         "a chance", "the same tracker"],
)  # fmt: skip
def test_what_may_be_another_launch_stays_one(other):
    first = record("wandb", *([0.5, 0.6, 0.7, 0.8] if 0.7 in dict(other.series["loss"]).values() else LOSSES),
                   start=0, took=5)  # fmt: skip

    assert told(first, other) == ([], {})


def test_launches_of_a_program_without_chance_are_as_many_as_each_tracker_has_of_them():
    drafts = [record(kind, *LOSSES, start=at, took=1) for at in (0, 20) for kind in ("wandb", "mlflow")]

    assert told(*drafts) == ([[0, 1], [2, 3]], {})


def test_of_records_that_fit_several_those_that_lie_side_by_side_are_one():
    drafts = (record("csv", *LOSSES, at="x/1"), record("csv", *LOSSES, at="both/1"),
              replace(record("tensorboard", *LOSSES), source="/csv/both/2"))  # fmt: skip

    assert told(*drafts) == ([[1, 2]], {})


def test_where_nothing_tells_which_are_one_they_stay_apart_and_say_so():
    drafts = (record("csv", *LOSSES, at="x/1"), record("csv", *LOSSES, at="y/1"), record("tensorboard", *LOSSES))

    assert told(*drafts) == ([], {0: 2, 1: 2, 2: 0})


BARE = {"config": {}, "at": "logs/version_0/metrics.csv"}
"""What Lightning's table says: no time, no setting, no seed."""


@pytest.mark.parametrize(
    "other",
    [record("mlflow", *LOSSES, config={"lr": 0.1, "seed": 1}), record("mlflow", *LOSSES, config={"lr": 0.2}),
     record("mlflow", *LOSSES, start=30, took=4), record("mlflow", *LOSSES, code={"commit": "8" * 40}),
     record("mlflow", *LOSSES, program="/home/ada/b.py")],
    ids=["seed", "setting", "time", "commit", "program"],
)  # fmt: skip
@pytest.mark.parametrize("bare_first", [False, True])
def test_two_that_contradict_each_other_are_not_one_through_a_third_that_says_less(other, bare_first):
    first = record("wandb", *LOSSES, start=0, took=5, code={"commit": "7" * 40}, program="a.py")
    bare = record("lightning", *LOSSES, **BARE)
    drafts = [bare, first, other] if bare_first else [first, other, bare]

    groups, doubtful = told(*drafts)
    assert groups == []
    assert doubtful[drafts.index(bare)] == min(drafts.index(first), drafts.index(other))


def test_a_record_that_says_less_is_of_the_training_that_it_lies_beside():
    first, other = record("wandb", *LOSSES), record("mlflow", *LOSSES, config={"seed": 1})
    bare = replace(record("lightning", *LOSSES, **BARE), source="/wandb/metrics.csv")

    assert told(first, other, bare)[0] == [[0, 2]]


def test_what_says_enough_is_told_apart_without_what_fits_both():
    drafts = [record(kind, *LOSSES, config={"seed": seed}) for kind in ("wandb", "mlflow") for seed in (0, 1)]

    groups, doubtful = told(*drafts, record("lightning", *LOSSES, **BARE))
    assert (groups, doubtful) == ([[0, 2], [1, 3]], {4: 0})


def test_the_order_of_launches_that_contradict_each_other_tells_nothing_of_whose_a_table_is():
    runs = [record("wandb", *LOSSES, config={"seed": seed}, start=20 * seed) for seed in (0, 1)]
    tables = [record("lightning", *LOSSES, config={}, at=f"logs/version_{number}/x") for number in (0, 1)]

    assert told(*runs, *tables) == ([], {0: 2, 1: 2, 2: 0, 3: 0})


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("exp/a/train.py", "/home/ada/exp/a/train.py"), ("train.py", "C:\\work\\train.py"), ("pkg.train", "train.py")],
)
def test_one_script_is_named_by_each_tracker_as_it_likes(ours, theirs):
    both = record("wandb", *LOSSES, program=ours), record("mlflow", *LOSSES, program=theirs)

    assert told(*both) == ([[0, 1]], {})


def test_an_evaluation_by_another_program_is_a_run_of_its_own():
    training = record("mlflow", *LOSSES, start=0, took=3, program="train.py")
    after = record("mlflow", LOSSES[-1], first=3, start=4, config={}, program="evaluate.py")

    assert told(training, after) == ([], {})


def test_an_evaluation_at_the_last_step_is_of_the_training_that_it_was_told_of_before():
    """The Trainer's `evaluate()` opens another run of MLflow's once `train()` has closed its own."""
    training = record("mlflow", *LOSSES, start=0, took=3)
    after = record("mlflow", LOSSES[-1], first=3, start=4, config={})

    assert told(training, after) == ([[0, 1]], {})


@pytest.mark.parametrize(
    "other",
    [record("mlflow", *LOSSES[:2], start=4, config={}), record("mlflow", LOSSES[-1], first=2, start=4, config={}),
     record("mlflow", 0.25, first=3, start=4, config={}),
     record("mlflow", LOSSES[-1], first=3, start=4, config={"lr": 0.1})],
    ids=["it broke off", "an earlier step", "another number", "it has settings"],
)  # fmt: skip
def test_a_launch_that_broke_off_is_no_evaluation(other):
    """A crashed repeat of a program without chance begins with the same numbers: it was launched, and counts."""
    assert told(record("mlflow", *LOSSES, start=0, took=3), other) == ([], {})


# ── what becomes of them ─────────────────────────────────────────────────────────────────────────────────────────


def test_one_run_has_each_setting_and_each_curve_once():
    first = record("wandb", *LOSSES, name="train/loss", config={"learning_rate": 0.1, "flags": ["a"], "own": 1})
    other = record("huggingface", *LOSSES, config={"training_args": {"learning_rate": 0.1, "more": 2}})
    text = record("mlflow", *LOSSES, config={"learning_rate": "0.1", "flags": "['a']", "own": 3})

    one = of_trackers([other, text, first])

    assert (one.kind, dict(one.series)) == ("wandb", {"train/loss": tuple(enumerate(LOSSES))})
    assert one.config == {"learning_rate": 0.1, "flags": ["a"], "own": 1,
                          "mlflow_config": {"own": 3}, "training_args": {"more": 2}}  # fmt: skip
    assert [note for note in one.notes if "one training" in note] == [
        "3 records (W&B, MLflow, Hugging Face) are of one training: they hold the same numbers"
    ]


def test_what_one_tracker_knows_is_no_gap_because_another_does_not():
    named = replace(record("wandb", *LOSSES), code={"codePath": "train.py"}, unknown={"code.patch": "no patch"})
    other = replace(record("mlflow", *LOSSES), unknown={"code.program": "no folder", "code.patch": "no diff"})

    assert dict(of_trackers([named, other]).unknown) == {"code.patch": "no patch"}


# ── in a tree ────────────────────────────────────────────────────────────────────────────────────────────────────


def lightning(folder, losses, *, csv=False, events=False):
    folder.mkdir(parents=True)
    (folder / "hparams.yaml").write_text("lr: 0.1\nseed: 0\n")
    if csv:
        rows = "".join(f"{step},{loss}\n" for step, loss in enumerate(losses))
        (folder / "metrics.csv").write_text(f"step,val/loss\n{rows}")
    if events:
        raw = b"".join(event(step, scalar("val/loss", loss)) for step, loss in enumerate(losses))
        (folder / "events.out.tfevents.1700000000.ada.7.0").write_bytes(VERSION + raw)


@pytest.fixture
def logs(tmp_path):
    """What Lightning writes for a CSVLogger and a TensorBoardLogger of one `fit`, called alike."""
    lightning(tmp_path / "logs" / "version_0", LOSSES, csv=True)
    lightning(tmp_path / "logs" / "version_1", LOSSES, events=True)
    return tmp_path / "logs"


def test_two_loggers_of_one_fit_are_one_run_wherever_they_wrote(logs):
    (run,), skipped = runs_in(logs, "auto")

    assert skipped == ()
    assert dict(run.run.trajectory.series) == {"val/loss": tuple(enumerate(LOSSES))}
    assert len(run.run.manifest.section("origin")["sources"]) == 3  # A file of events has a name of its own, too.


@pytest.mark.parametrize("kinds", [("lightning", "tensorboard"), ("tensorboard", "lightning"), ("auto", "tensorboard")])
def test_what_was_read_as_another_trackers_counts_once(logs, tmp_path, kinds):
    store = Store.create(tmp_path / "store")
    for kind in kinds:
        take_in(kind, [logs], lambda: store, Settings())

    assert len(all_runs(store)) == 1


# ── a part of a run ──────────────────────────────────────────────────────────────────────────────────────────────


def trainer(folder, losses, *, at):
    folder.mkdir(parents=True, exist_ok=True)
    rows = ",".join(f'{{"step": {step}, "loss": {value_text(loss)}}}' for step, loss in enumerate(losses))
    (folder / "trainer_state.json").write_text(f'{{"global_step": {at}, "max_steps": 9, "log_history": [{rows}]}}')


@pytest.fixture
def output(tmp_path):
    """What the Trainer leaves: its folder, and two checkpoints of it."""
    for number in (2, 4):
        trainer(tmp_path / "out" / f"checkpoint-{number}", LOSSES[:number], at=number)
    trainer(tmp_path / "out", LOSSES, at=4)
    return tmp_path / "out"


@pytest.mark.parametrize(
    "order",
    [(".", "checkpoint-2", "checkpoint-4"), ("checkpoint-2", ".", "checkpoint-4"),
     ("checkpoint-4", "checkpoint-2", ".")],
)  # fmt: skip
def test_a_checkpoint_and_the_folder_that_it_lies_in_are_one_run(output, tmp_path, order):
    store = Store.create(tmp_path / "store")
    for place in order:
        take_in("auto", [output / place], lambda: store, Settings())

    (run,) = all_runs(store)
    assert run.metrics == {"loss": LOSSES[-1]}


def test_a_part_of_a_folder_of_events_is_of_its_run(tmp_path):
    for part, tag in (("train", "loss"), ("validation", "loss")):
        (tmp_path / "logs" / part).mkdir(parents=True)
        raw = b"".join(event(step, scalar(tag, loss)) for step, loss in enumerate(LOSSES))
        name = f"events.out.tfevents.170000000{len(part) % 10}.ada.7.0"
        (tmp_path / "logs" / part / name).write_bytes(VERSION + raw)
    store = Store.create(tmp_path / "store")
    for place in ("logs", "logs/validation", "logs/train"):
        take_in("tensorboard", [tmp_path / place], lambda: store, Settings())

    assert len(all_runs(store)) == 1


def test_a_text_that_only_looks_like_a_list_stays_a_text():
    raw = json.dumps({"deep": "[" * 900, "odd": "{1, 2}", "bytes": "[b'x']"})
    one = of_trackers(
        [record("wandb", *LOSSES, config={"deep": "["}), record("mlflow", *LOSSES, config=json.loads(raw))]
    )

    assert one.config == {"deep": "[", "mlflow_config": {"deep": "[" * 900}, "odd": "{1, 2}", "bytes": "[b'x']"}
