"""The lint at a launch: said and sealed, never a factor; it refuses where the data is none."""

import json
from datetime import date

import pytest

from runaudit.diff.comparison import compare_designs
from runaudit.guard.answer import GuardAnswer
from runaudit.guard.lint.batch import EffectiveBatch, MicroBatchNorm
from runaudit.records.manifest import Manifest
from runaudit.records.run import Run
from runaudit.settings import Settings
from runaudit.store.store import Store
from tests.guard.test_lint_data import POINTER
from tests.guard.test_table import sections

TRAIN = """\
def build():
    import torch
    from torch import nn

    return nn.BatchNorm2d(8)


def main():
    build()


print("trained")  # the library is read of, and not loaded: a test has no time for it
"""


@pytest.fixture
def small_batch(repo, git):
    """A program with batch norm that is told to train on two samples."""
    (repo / "train.py").write_text(TRAIN)
    (repo / "c.toml").write_text("batch_size = 2\naccumulation_steps = 8\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "batch norm")
    return repo


def test_a_launch_prints_its_warnings_and_seals_their_names(small_batch, options, command, cli, capfd):
    assert cli("run", *options, *command) == 0

    said = capfd.readouterr().err
    assert "RA502 micro_batch_norm: batch norm (train.py:5) takes its statistics from 2 samples" in said
    assert "RA501" not in said
    store = Store.open(small_batch / ".runaudit")
    (launch,) = [entry for entry in store.entries() if entry.kind == "manifest"]
    sealed = json.loads(store.read(launch.digest))["launch"]
    assert sealed["lint"] == ["RA502 micro_batch_norm"]


def test_the_policy_switches_a_rule_off_and_tunes_another(small_batch, options, command, cli, capfd):
    (small_batch / "runaudit.toml").write_text('[rules]\noff = ["effective_batch"]\n[rules.RA502]\nmicro = 2\n')

    cli("guard", *options, "--json", *command)
    answer = json.loads(capfd.readouterr().out)
    assert not {"RA501", "RA502"} & {one["code"] for one in answer["findings"]}
    assert "RA501" not in answer["asked"]
    assert "RA502" in answer["asked"]


def test_a_pointer_instead_of_data_refuses_unless_it_is_waived(repo, options, command, cli, capfd):
    (repo / "data" / "train" / "a.bin").write_text(POINTER)

    assert cli("guard", *options, *command) == 5
    said = capfd.readouterr().out
    assert "RA560 not_the_data [error]: 1 file of train is a pointer of Git LFS, not the data: a.bin." in said
    assert "git lfs pull" in said
    assert cli("guard", *options, "--waive", "RA560=a smoke test", *command) == 0


def test_of_many_warnings_a_launch_prints_five_and_counts_the_rest():
    finding = MicroBatchNorm().finding
    few = tuple(finding("config", f"warning {number}") for number in range(7))
    answer = GuardAnswer(findings=(*few, EffectiveBatch().finding("config", "it is so")), today=date(2026, 11, 28))

    said = answer.told()
    assert len(said) == 6
    assert said[-1] == "2 more findings like these: `runaudit guard` shows them"
    assert [one.rpartition(": ")[2] for one in answer.told(verbose=True)] == [
        *(f"warning {n}" for n in range(7)),
        "it is so",
    ]


def test_what_a_launch_was_warned_of_is_no_factor():
    told = sections()
    told["launch"] = {"lint": ["RA502 micro_batch_norm"]}
    before, after = (Run(manifest=Manifest.of(one)) for one in (sections(), told))

    assert compare_designs(before, after, settings=Settings(), intent=()).factors == ()
