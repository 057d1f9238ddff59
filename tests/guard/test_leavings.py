"""What other trackers wrote during a run becomes its series; nothing of it can cost the run."""

import os
import sys

import pytest

from runaudit.launch.leavings import announce_files
from runaudit.record.ledger import claims
from runaudit.store import Store
from runaudit.store.catalogue import load, run_ids

LIGHTNING = """
import os
folder = "lightning_logs/version_1"
os.mkdir(folder)
open(folder + "/hparams.yaml", "w").write("{}")
open(folder + "/metrics.csv", "w").write("epoch,step,loss\\n0,1,1.0\\n0,2,0.5\\n")
"""


@pytest.fixture
def folders(tmp_path):
    for name in ("live", "run", "cwd"):
        (tmp_path / name).mkdir()
    return tmp_path / "live", tmp_path / "run", tmp_path / "cwd"


def test_what_a_program_told_its_tracker_becomes_the_series_of_the_run(repo, cli, options):
    """Beside what an earlier run left, under our names, and without a line of ours in the program."""
    (repo / "runaudit.toml").write_text('[series]\n"loss" = "train/loss"\n')
    old = repo / "lightning_logs/version_0/metrics.csv"
    old.parent.mkdir(parents=True)
    old.write_text("epoch,step,loss\n0,1,9.0\n")

    code = cli("run", *options, "--waive", "RA104=the policy", "--", sys.executable, "-c", LIGHTNING)

    store = Store.open(repo / ".runaudit")
    run = load(store, run_ids(store)[-1])
    assert code == 0
    assert dict(run.trajectory.series) == {"train/loss": ((1, 1.0), (2, 0.5))}
    assert dict(run.metrics) == {"train/loss": 0.5}
    assert "1 series come from lightning_logs/version_1 (Lightning)" in run.outcome.body["notes"]


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
