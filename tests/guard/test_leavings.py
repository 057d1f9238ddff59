"""What other trackers wrote during a run becomes its series; nothing of it can cost the run."""

import os
import sys

import pytest

from runaudit.launch.leavings import announce_files
from runaudit.record.ledger import claims
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
    assert any("1 series come from" in note and "(TensorBoard)" in note for note in run.outcome.body["notes"])


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
