"""What other trackers wrote during a run becomes its series; nothing of it can cost the run."""

import os
import sys

import pytest

from runaudit.capture.redact import Redactor
from runaudit.launch.collect import announce_files, foreign_files, gather_series, own_files
from runaudit.observe.trace import Process, Trace
from runaudit.record.ledger import claims
from runaudit.records.trajectory import line_of, read_lines
from runaudit.store import Store
from runaudit.store.catalogue import load, run_ids

TENSORBOARD = """
import os
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

writer = EventFileWriter(os.environ["RUNAUDIT_RUN"] + "/tb")
for step in (1, 2, 3):
    value = Summary.Value(tag="loss", simple_value=1 / step)
    writer.add_event(Event(step=step, summary=Summary(value=[value])))
writer.close()
"""


@pytest.fixture
def folders(tmp_path):
    for name in ("live", "run", "cwd"):
        (tmp_path / name).mkdir()
    return tmp_path / "live", tmp_path / "run", tmp_path / "cwd"


def test_scalars_of_tensorboard_become_the_series_of_the_run(repo, cli, options):
    pytest.importorskip("tensorboard")
    (repo / "runaudit.toml").write_text('[series]\n"loss" = "train/loss"\n')

    code = cli("run", *options, "--waive", "RA104=the policy", "--", sys.executable, "-c", TENSORBOARD)

    store = Store.open(repo / ".runaudit")
    run = load(store, run_ids(store)[-1])
    assert code == 0
    assert run.trajectory.series["train/loss"] == ((1, 1.0), (2, 0.5), (3, pytest.approx(1 / 3)))
    assert run.metrics["train/loss"] == pytest.approx(1 / 3)
    assert any("1 series come from events.out.tfevents" in note for note in run.outcome.body["notes"])


def test_a_series_the_run_logged_itself_is_not_taken_twice(folders, monkeypatch):
    live, run, cwd = folders
    (live / "series.jsonl").write_bytes(line_of(1, {"loss": 1.0}))
    (run / "x.wandb").write_bytes(b"")
    monkeypatch.setattr(
        "runaudit.launch.collect._reader",
        lambda path: lambda path: read_lines(line_of(1, {"loss": 9.0, "psnr": 20.0})),
    )

    gather_series(live, (run, cwd), before=frozenset(), names={}, clean=str)

    found = read_lines((live / "series.jsonl").read_bytes())
    assert (found.last("loss"), found.last("psnr")) == (1.0, 20.0)


def test_a_name_that_a_tracker_was_given_is_kept_without_its_secret(folders, monkeypatch):
    """A tracker keeps `train/key_glpat-…` as it was told: what comes out of its file passes here, its notes as well."""
    live, run, cwd = folders
    token = "glpat-" + "Ab3" * 7
    (run / f"{token}.wandb").write_bytes(b"")
    monkeypatch.setattr(
        "runaudit.launch.collect._reader", lambda path: lambda path: read_lines(line_of(1, {f"key_{token}/loss": 9.0}))
    )

    gather_series(live, (run, cwd), before=frozenset(), names={}, clean=Redactor(b"k" * 32).text)

    kept = b"".join(path.read_bytes() for path in live.iterdir())
    assert token.encode() not in kept and b"1 series come from" in kept
    (name,) = read_lines((live / "series.jsonl").read_bytes()).series
    assert name.startswith("key_<redacted:hmac-") and name.endswith("/loss")


@pytest.mark.parametrize("name", ["run-1.wandb", "events.out.tfevents.1.host"])
def test_a_file_that_is_something_else_becomes_a_note(name, folders):
    live, run, cwd = folders
    (run / name).write_bytes(b"\x07nothing of the kind" * 9)

    gather_series(live, (run, cwd), before=frozenset(), names={}, clean=str)

    assert not (live / "series.jsonl").exists()
    assert len(claims(live)) == 1
    assert name in claims(live)[0]["text"]


def test_a_log_that_was_there_before_is_not_this_runs(folders):
    live, run, cwd = folders
    old = cwd / "wandb" / "offline-run-1" / "run-1.wandb"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"not ours")

    gather_series(live, (run, cwd), before=frozenset(foreign_files(cwd, shallow=True)), names={}, clean=str)

    assert claims(live) == ()


def test_files_in_the_runs_folder_are_recorded_by_digest_and_links_are_not_followed(folders):
    live, run, _ = folders
    (run / "best.pt").write_bytes(b"w")
    (run / "figures").mkdir()
    (run / "figures" / "loss.png").write_bytes(b"p")
    (run / "epoch=12.ckpt").write_bytes(b"c")
    (run / "secret").symlink_to("/etc/passwd")
    os.mkfifo(run / "pipe")

    announce_files(live, run)

    found = {(row["k"], row["path"], row["kind"], row.get("step")) for row in claims(live)}
    assert found == {
        ("checkpoint", "best.pt", "found", None),
        ("checkpoint", "epoch=12.ckpt", "found", 12),
        ("artifact", "figures/loss.png", "figure", None),
    }


def test_tracker_files_belong_to_the_run_whose_process_wrote_them(tmp_path):
    mine, other = tmp_path / "wandb" / "offline-run-1", tmp_path / "wandb" / "offline-run-2"
    for folder in (mine, other, tmp_path / "runs"):
        folder.mkdir(parents=True)
    for path in (
        mine / "run-1.wandb",
        other / "run-2.wandb",
        tmp_path / "runs" / "events.out.tfevents.1.host.77.0",
        tmp_path / "runs" / "events.out.tfevents.1.host.88.0",
        tmp_path / "runs" / "events.out.tfevents.2",
    ):
        path.write_bytes(b"")  # fmt: skip
    process = Process(pid=77, parent=1, executable="python", argv=("python",), cwd="/")
    names = (mine / "logs" / "debug.log", tmp_path / "runs" / "events.out.tfevents.2")
    written = {str(path): frozenset({77}) for path in names}

    found = own_files(Trace(processes=(process,), written=written), tmp_path)

    assert {path.name for path in found} == {"run-1.wandb", "events.out.tfevents.1.host.77.0", "events.out.tfevents.2"}
