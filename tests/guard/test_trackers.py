"""What a run's own processes told their trackers becomes its series, and no number of another run's ever does.

The files are made by hand in each tracker's layout, and what was seen of a run is a trace.
"""

import errno
import json
import os
import sqlite3
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import pytest

from runaudit.capture.redact import Redactor
from runaudit.importers.draft import Draft
from runaudit.launch.collect import as_one, gather
from runaudit.launch.evidence import new_since, tracker_files, written_by
from runaudit.launch.parted import after_digest
from runaudit.observe.trace import Process, Read, Trace
from runaudit.record.ledger import claim, claims
from runaudit.records.trajectory import line_of, read_lines
from tests.importers.test_foreign_files import frames
from tests.importers.test_mlflow import database
from tests.importers.test_tensorboard import VERSION, event, scalar

BEGAN = 1_700_000_000.0
RUN, OTHER = "a" * 32, "b" * 32
CSV = "epoch,step,train_loss,val_loss\n0,1,0.5,\n0,3,0.25,\n0,3,,0.75\n"
META = json.dumps({"run_id": RUN, "run_name": "fish", "status": 3})


@pytest.fixture
def place(tmp_path):
    """A working folder and a run of it: `put` a file, `gather` what a trace says the run wrote."""
    live, run, cwd = (tmp_path / name for name in ("live", "run", "cwd"))
    for folder in (live, run, cwd):
        folder.mkdir()

    def put(name, content):
        path = cwd / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def gathered(written, *, names={}, clean=str):  # noqa: B006
        gather(live, written, cwd=cwd, since=BEGAN, names=names, clean=clean)
        try:
            series = read_lines((live / "series.jsonl").read_bytes()).series
        except FileNotFoundError:
            series = {}
        return dict(series), [row["text"] for row in claims(live) if row["k"] == "note"]

    def of(*wrote, **facts):
        trace = Trace(processes=(process(),), written={path: frozenset({77}) for path in wrote}, **facts)
        return written_by(trace, cwd, run, since=BEGAN)

    return SimpleNamespace(live=live, run=run, cwd=cwd, put=put, gather=gathered, of=of)


def process(pid=77):
    return Process(pid=pid, parent=1, executable="python", argv=("python",), cwd="/")


def digest(text):
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def state(*steps):
    rows = [{"epoch": step / 4, "step": step, "loss": 1 / step} for step in steps]
    return json.dumps({"global_step": steps[-1], "max_steps": 99, "log_history": rows})


def scalars(tag, *values):
    return VERSION + b"".join(event(step, scalar(tag, value)) for step, value in enumerate(values))


# ── each tracker's layout ────────────────────────────────────────────────────────────────────────────────────────


def test_what_lightning_writes_to_its_table_becomes_the_series(place):
    folder = "lightning_logs/version_0"
    wrote = (place.put(f"{folder}/hparams.yaml", "{}\n"), place.put(f"{folder}/metrics.csv", CSV))

    series, notes = place.gather(place.of(*wrote), names={"val_loss": "val/loss"})

    assert series == {"train_loss": ((1, 0.5), (3, 0.25)), "val/loss": ((3, 0.75),)}
    assert notes == [f"2 series come from {folder} (Lightning)"]


def test_what_the_trainer_of_hugging_face_logs_becomes_the_series(place):
    wrote = place.put("out/checkpoint-4/trainer_state.json", state(2, 4))

    series, notes = place.gather(place.of(wrote))

    assert series == {"loss": ((2, 0.5), (4, 0.25))}
    assert notes == ["1 series come from out (Hugging Face)"]


def test_of_a_store_of_mlflow_only_the_runs_own_folder_is_read(place):
    for run, value in ((RUN, 0.5), (OTHER, 9.0)):
        place.put(f"mlruns/0/{run}/meta.yaml", META.replace(RUN, run))
        place.put(f"mlruns/0/{run}/metrics/val/loss", f"1700000000001 {value} 3\n")
    place.put("mlruns/0/meta.yaml", "name: Default\n")
    mine = [str(path) for path in (place.cwd / "mlruns/0" / RUN).rglob("*") if path.is_file()]

    series, notes = place.gather(place.of(*mine))

    assert series == {"val/loss": ((3, 0.5),)}
    assert notes == [f"1 series come from mlruns/0/{RUN} (MLflow)"]


def test_of_a_database_of_mlflow_only_the_runs_that_this_one_wrote_are_read(place):
    path = str(database(place.cwd / "mlflow.db", runs=((OTHER, "active"), (RUN, "active"))))
    with sqlite3.connect(path) as db:
        db.execute("UPDATE metrics SET value = 77 WHERE run_uuid = ?", (OTHER,))
    opened = {path: Read(path=path, via="sqlite3.connect", own=True)}

    series, notes = place.gather(place.of(reads=opened, begun={RUN: True}))

    assert series["val/loss a"] == ((0, 1.0), (1, 0.5))
    assert notes == [f"3 series come from mlflow.db run {RUN} (MLflow)"]


def test_of_a_run_of_mlflow_that_another_began_only_what_was_logged_since_is_taken(place):
    path = str(database(place.cwd / "mlflow.db"))
    with sqlite3.connect(path) as db:
        db.execute("INSERT INTO metrics VALUES ('plain', 0.5, ?, ?, 9, 0)", (int(BEGAN * 1000) + 5, RUN))
    opened = {path: Read(path=path, via="sqlite3.connect")}

    series, _ = place.gather(place.of(reads=opened, begun={RUN: False}))

    assert series == {"plain": ((9, 0.5),)}


def test_a_database_whose_rows_are_nobodys_is_told_and_not_read(place):
    path = str(database(place.cwd / "mlflow.db"))
    opened = {path: Read(path=path, via="sqlite3.connect")}

    series, (note,) = place.gather(place.of(reads=opened))

    assert series == {}
    assert note.startswith("mlflow.db") and "it was not seen which of them are this run's: nothing was taken" in note


def test_what_went_to_a_server_is_told(place):
    series, (note,) = place.gather(place.of(begun={RUN: True}))

    assert series == {}
    assert note.startswith(f"MLflow keeps what was logged to {RUN} on a server, which was not asked")


def test_a_database_that_was_only_asked_is_not_spoken_of(place):
    path = str(database(place.cwd / "mlflow.db"))
    os.utime(path, (BEGAN - 60, BEGAN - 60))

    assert place.gather(place.of(reads={path: Read(path=path, via="sqlite3.connect")})) == ({}, [])


def test_what_lies_in_the_folder_of_a_job_of_hydras_is_one_run(place):
    folder = "outputs/2026-01-31/12-00-05"
    wrote = (
        place.put(f"{folder}/.hydra/config.yaml", "lr: 0.1\n"),
        place.put(f"{folder}/.hydra/hydra.yaml", "hydra:\n  job: {name: train}\n"),
        place.put(f"{folder}/events.out.tfevents.1700000001.ada.7.0", scalars("loss", 0.5, 0.25)),
    )

    series, notes = place.gather(place.of(*wrote))

    assert series == {"loss": ((0, 0.5), (1, 0.25))}
    assert notes == [f"1 series come from {folder} (Hydra)",
                     f"the settings that Hydra composed lie in {folder}/.hydra/config.yaml"]  # fmt: skip


def test_a_table_that_a_job_of_hydras_wrote_into_its_folder_is_the_jobs(place):
    """Whatever it is called; one that lies beside the folders of jobs is nobody's."""
    folder = "outputs/2026-01-31/12-00-05"
    wrote = (
        place.put(f"{folder}/.hydra/config.yaml", "lr: 0.1\n"),
        place.put(f"{folder}/.hydra/hydra.yaml", "hydra:\n  job: {name: train}\n"),
        place.put(f"{folder}/csv/numbers.csv", "step,loss\n0,0.5\n1,0.25\n"),
        place.put("outputs/beside.csv", "step,other\n0,0.5\n"),
    )

    series, notes = place.gather(place.of(*wrote))

    assert series == {"loss": ((0, 0.5), (1, 0.25))}
    assert notes[0] == f"1 series come from {folder} (Hydra)"


def test_a_table_of_a_job_that_an_earlier_one_began_gives_the_rows_behind(place):
    folder, old = "outputs/same", "step,loss\n0,0.5\n"
    wrote = (
        place.put(f"{folder}/.hydra/config.yaml", "lr: 0.1\n"),
        place.put(f"{folder}/.hydra/hydra.yaml", "hydra:\n  job: {name: train}\n"),
        place.put(f"{folder}/numbers.csv", f"{old}1,0.25\n"),
    )

    series, _ = place.gather(place.of(*wrote, grown={wrote[2]: f"sha256:{sha256(old.encode()).hexdigest()}"}))

    assert series == {"loss": ((1, 0.25),)}


def test_the_parts_of_one_programs_curves_are_told_apart(place):
    name = "events.out.tfevents.1700000001.ada.7.0"
    wrote = [place.put(f"logs/{part}/{name}", scalars("epoch_loss", value))
             for part, value in (("train", 1.0), ("validation", 2.0))]  # fmt: skip

    series, _ = place.gather(place.of(*wrote))

    assert series == {"train/epoch_loss": ((0, 1.0),), "validation/epoch_loss": ((0, 2.0),)}


def test_a_table_in_no_trackers_folder_is_not_taken(place):
    wrote = place.put("results/table.csv", "step,loss\n1,0.5\n2,0.25\n")
    beside = (place.put("runs/a/events.out.tfevents.1700000001.ada.7.0", scalars("acc", 0.5)),
              place.put("runs/a/table.csv", "step,loss\n1,0.5\n"))  # fmt: skip

    assert place.gather(place.of(wrote)) == ({}, [])
    assert set(place.gather(place.of(*beside))[0]) == {"acc"}


def test_what_lies_in_the_runs_own_folder_is_its_own_whoever_wrote_it(place):
    (place.run / "events.out.tfevents.1700000001.ada.88.0").write_bytes(scalars("loss", 0.5))

    series, _ = place.gather(place.of())

    assert series == {"loss": ((0, 0.5),)}


# ── whose it is ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_native_writers_wrote_is_known_by_its_folder_or_by_its_process(place):
    """W&B's file is its helper's; TensorFlow's names its process, and an old file of an equal number names its time."""
    mine, theirs = "wandb/offline-run-20260131_120005-abc", "wandb/offline-run-20260131_120005-xyz"
    for folder in (mine, theirs):
        place.put(f"{folder}/run-1.wandb", frames([]))
    for name in ("1700000001.ada.77.0", "1600000000.ada.77.0", "1700000001.ada.88.0"):
        place.put(f"runs/events.out.tfevents.{name}", scalars("loss", 0.5))
    made = place.put("mine/logs/train/events.out.tfevents.1700000001.ada.77.1", scalars("loss", 0.5))

    found = place.of(place.put(f"{mine}/logs/debug.log", ""), str(place.cwd / "mine")).files

    files = {path.relative_to(place.cwd).as_posix() for path in found if path.is_file()}
    assert files == {f"{mine}/run-1.wandb", f"{mine}/logs/debug.log", "runs/events.out.tfevents.1700000001.ada.77.0",
                     Path(made).relative_to(place.cwd).as_posix()}  # fmt: skip


def test_what_another_run_wrote_too_is_told_and_left_out(place):
    both = place.put("out/trainer_state.json", state(2, 4))

    series, notes = place.gather(place.of(both).beside([both]))

    assert series == {}
    assert notes == ["another run wrote to out while this one ran: the files that both wrote were left out"]


def test_of_a_table_that_an_earlier_run_began_only_the_rows_behind_are_taken(place):
    path = place.put("lightning_logs/version_0/metrics.csv", CSV + "1,5,0.125,\n")

    series, notes = place.gather(place.of(path, grown={path: digest(CSV)}))

    assert series == {"train_loss": ((5, 0.125),)}
    assert notes[-1] == (
        "lightning_logs/version_0/metrics.csv held numbers before this run wrote to it: only what it added was taken"
    )


@pytest.mark.parametrize("before", [None, digest("something else")])
def test_rows_that_cannot_be_parted_are_left_out_and_told(place, before):
    path = place.put("lightning_logs/version_0/metrics.csv", CSV)

    series, notes = place.gather(place.of(path, grown={path: before}))

    assert series == {}
    assert any("which are this run's cannot be told: left out" in note for note in notes)


def test_of_a_metric_of_mlflow_that_went_on_only_the_points_behind_are_taken(place):
    old = "1600000000001 9.0 1\n"
    wrote = (place.put(f"mlruns/0/{RUN}/meta.yaml", META), place.put(f"mlruns/0/{RUN}/params/lr", "0.1"),
             place.put(f"mlruns/0/{RUN}/metrics/loss", old + "1700000000001 0.5 2\n"))  # fmt: skip

    series, _ = place.gather(place.of(*wrote, grown={wrote[0]: None, wrote[2]: digest(old)}))

    assert series == {"loss": ((2, 0.5),)}


@pytest.mark.parametrize("kept", [True, False])
def test_of_a_training_that_went_on_from_a_checkpoint_only_what_followed_is_taken(place, kept):
    earlier = place.put("out/checkpoint-4/trainer_state.json", state(2, 4))
    wrote = (
        place.put("out/checkpoint-8/trainer_state.json", state(2, 4, 6, 8)),
        place.put("out/trainer_state.json", state(2, 4, 6, 8)),
    )
    if not kept:
        Path(earlier).unlink()

    series, notes = place.gather(place.of(*wrote, reads={earlier: Read(path=earlier)}))

    assert [step for step, _ in series["loss"]] == [6, 8]
    assert "the training in out went on from checkpoint-4: only what followed was taken" in notes


def test_a_checkpoint_of_another_folder_is_known_by_its_rows(place):
    earlier = place.put("first/checkpoint-4/trainer_state.json", state(2, 4))
    mine = place.put("second/trainer_state.json", state(2, 4, 6))
    fresh = place.put("third/trainer_state.json", state(3, 6))

    series, _ = place.gather(place.of(mine, fresh, reads={earlier: Read(path=earlier)}))

    assert [step for step, _ in series["loss"]] == [6]
    assert [step for step, _ in series["loss (2)"]] == [3, 6]


def test_what_follows_is_known_only_behind_all_that_was_there():
    assert after_digest(b"a\nb\nc\n", digest("a\nb\n")) == b"c\n"
    assert after_digest(b"a\nb\n", digest("a\nb\n")) == b""
    assert after_digest(b"a\nx\nc\n", digest("a\nb\n")) is None


def test_where_nobody_saw_who_wrote_what_is_new_is_the_runs_if_it_was_alone(place):
    place.put("lightning_logs/version_0/metrics.csv", CSV)
    before = frozenset(tracker_files(place.cwd))
    place.put("lightning_logs/version_1/metrics.csv", CSV.replace("0.5", "0.125"))

    series, _ = place.gather(new_since(before, place.cwd, place.run, since=BEGAN, alone=True))

    assert series["train_loss"] == ((1, 0.125), (3, 0.25))


def test_where_nobody_saw_who_wrote_and_others_ran_nothing_is_taken(place):
    place.put("lightning_logs/version_1/metrics.csv", CSV)

    series, notes = place.gather(new_since(frozenset(), place.cwd, place.run, since=BEGAN, alone=False))

    assert series == {}
    (note,) = notes
    assert note.startswith("lightning_logs/version_1 is new, other runs ran beside this one, and nobody saw who wrote")


def test_a_store_that_changed_and_nobody_saw_by_whom_is_told(place):
    place.put(f"mlruns/0/{RUN}/metrics/loss", "1700000000001 0.5 2\n")
    os.utime(place.cwd / "mlruns/0", (BEGAN - 9, BEGAN - 9))
    os.utime(place.cwd / "mlruns", (BEGAN + 9, BEGAN + 9))
    place.put("outputs/2026-01-31/12-00-05/train.log", "")
    for old in ("outputs", "outputs/2026-01-31"):
        os.utime(place.cwd / old, (BEGAN - 9, BEGAN - 9))

    series, notes = place.gather(new_since(frozenset(), place.cwd, place.run, since=BEGAN, alone=True))

    assert series == {}
    assert notes == ["mlruns changed while this run ran, and nobody saw who wrote to it: nothing was taken from it"]


# ── one run of it ────────────────────────────────────────────────────────────────────────────────────────────────


def draft(kind, run, *, metrics={}, **series):  # noqa: B006
    return Draft(kind=kind, source=f"/w/{run}", run=run, series=series, metrics=metrics)


def test_a_series_that_the_run_logged_itself_stands(place):
    (place.live / "series.jsonl").write_bytes(line_of(1, {"train_loss": 9.0}))
    wrote = place.put("lightning_logs/version_0/metrics.csv", CSV)

    series, _ = place.gather(place.of(wrote))

    assert series["train_loss"] == ((1, 9.0),)
    assert series["val_loss"] == ((3, 0.75),)


def test_one_curve_that_two_loggers_were_given_is_one():
    exact, short = [(0, 0.1), (5, 0.3)], [(0, 0.10000000149011612), (1, 0.30000001192092896)]

    taken = as_one(
        [draft("lightning", "a", loss=exact), draft("tensorboard", "b", loss=short)], own=frozenset(), named=str
    )

    assert taken.series == {"loss": exact}


def test_a_second_clock_is_no_measure():
    told = draft("wandb", "a", loss=[(0, 1.0)], epoch=[(0, 0.0)], metrics={"epoch": 0.0, "trainer/global_step": 7.0})

    taken = as_one([told], own=frozenset(), named=str)

    assert (set(taken.series), taken.metrics) == ({"loss"}, {})


def test_two_curves_of_one_name_are_two_and_told():
    runs = [draft("lightning", name, loss=[(0, value)]) for name, value in (("v0", 1.0), ("v1", 2.0), ("v2", 3.0))]

    taken = as_one(runs, own=frozenset(), named=str)

    assert taken.series == {"loss": [(0, 1.0)], "loss (2)": [(0, 2.0)], "loss (3)": [(0, 3.0)]}
    assert "loss was logged more than once: that of /w/v1 is kept as loss (2)" in taken.notes


def test_what_a_tracker_was_told_once_is_a_result_and_the_runs_own_word_stands(place):
    told = draft("mlflow", "a", loss=[(0, 1.0)], metrics={"loss": 7.0, "best": 0.5, "acc": 0.9})

    taken = as_one([told], own=frozenset({"acc"}), named=str)

    assert taken.metrics == {"best": 0.5}


def test_what_a_run_said_that_it_ended_with_is_not_taken_from_a_tracker(place):
    claim(place.live, "metrics", values={"val_loss": 0.1})
    wrote = place.put("lightning_logs/version_0/metrics.csv", CSV)

    series, _ = place.gather(place.of(wrote))

    assert set(series) == {"train_loss"}


def test_a_name_that_a_tracker_was_given_is_kept_without_its_secret(place):
    """A tracker keeps `train/key_glpat-…` as it was told: what comes out of its file passes here, its notes as well."""
    token = "glpat-" + "Ab3" * 7
    wrote = (
        place.put(f"lightning_logs/{token}/hparams.yaml", "{}\n"),
        place.put(f"lightning_logs/{token}/metrics.csv", f"step,key_{token}/loss\n1,9.0\n"),
    )

    (name,), notes = place.gather(place.of(*wrote), clean=Redactor(b"k" * 32).text)

    kept = b"".join(path.read_bytes() for path in place.live.iterdir())
    assert token.encode() not in kept and notes[0].startswith("1 series come from")
    assert name.startswith("key_<redacted:hmac-") and name.endswith("/loss")


# ── what cannot be read ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name", ["wandb/offline-run-20260131_120005-abc/run-abc.wandb", "runs/events.out.tfevents.1700000001.ada"]
)
def test_a_file_that_is_something_else_becomes_a_note(place, name):
    wrote = place.put(name, b"\x07nothing of the kind" * 9)

    series, (note,) = place.gather(place.of(wrote))

    assert series == {}
    assert name in note


def test_a_place_without_numbers_is_told(place):
    wrote = place.put("lightning_logs/version_0/hparams.yaml", "lr: 0.1\n")

    series, notes = place.gather(place.of(wrote))

    assert (series, notes) == ({}, ["lightning_logs/version_0 (Lightning) holds no numbers that could be read"])


def test_what_was_removed_again_and_links_are_passed_over(place):
    secret = place.put("elsewhere.csv", CSV)
    folder = place.cwd / "lightning_logs/version_0"
    folder.mkdir(parents=True)
    (folder / "metrics.csv").symlink_to(secret)

    series, _ = place.gather(place.of(str(folder / "metrics.csv"), str(folder / "hparams.yaml")))

    assert series == {}


def test_a_series_that_a_full_disk_took_half_of_is_taken_whole_when_it_is_sealed_again(place, monkeypatch):
    wrote = place.put("lightning_logs/version_0/metrics.csv", CSV)
    own = b'{"s":0,"t":1.0,"v":{"own":1.0}}\n'
    (place.live / "series.jsonl").write_bytes(own)
    opened = os.fdopen

    class Full:
        """A file that takes ten bytes, and then no more."""

        def __init__(self, file):
            self.file, self.room = file, 10

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def __getattr__(self, name):
            return getattr(self.file, name)

        def write(self, data):
            if not self.room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self.room = 0
            return self.file.write(data[:10])

    with monkeypatch.context() as disk:
        disk.setattr(os, "fdopen", lambda fd, mode, **more: Full(opened(fd, mode, **more)) if "a" in mode
                     else opened(fd, mode, **more))  # fmt: skip
        with pytest.raises(OSError, match="No space left"):
            place.gather(place.of(wrote))

    assert (place.live / "series.jsonl").read_bytes() == own
    series, _ = place.gather(place.of(wrote))
    assert series["val_loss"] == ((3, 0.75),)
