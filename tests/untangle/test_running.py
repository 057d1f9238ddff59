"""What surrounds a hybrid is what its user set, whoever looks on."""

import os
import sys
from dataclasses import replace

import pytest

import runaudit
from runaudit.records.manifest import Manifest
from runaudit.records.run import Run
from runaudit.settings import Settings
from runaudit.store.catalogue import load, run_ids
from runaudit.untangle.planning import plan_of
from runaudit.untangle.ran import marks_of, runs_of
from runaudit.untangle.running import Campaign, _placed, _variables
from tests.untangle.test_answer import asked


class Observed(dict):
    """The environment of a process that is looked at: a copy has the observer's folder, a question is the user's."""

    def get(self, name, default=None):
        return "/mine" if name == "PYTHONPATH" else super().get(name, default)


def test_no_hybrid_inherits_the_observer_of_the_process_that_starts_it():
    environ = Observed(PYTHONPATH="/tmp/observer:/mine", HOME="/home")

    assert _variables(environ, asked(recorded=1.0), ()) == {"PYTHONPATH": "/mine", "HOME": "/home"}


def test_hybrids_at_once_are_the_runs_that_one_after_another_are_and_none_is_lost_where_they_are_stopped(
    repo, trained, tmp_path
):
    trained("the old way", 1, lr="0.1")
    (repo / "loss.py").write_text("def gain():\n    return 2.0\n")
    trained("the new way", 1, lr="0.3")
    bench = runaudit.open_store()
    words = ("the old way", "the new way")
    plan, trees = plan_of(bench, words, metric="val/acc", direction="higher", folder=tmp_path / "trees")
    # Two runs of each end, and the budget holds no more.
    plan = replace(plan, jobs=2, seeds=2, budget=4)
    told = []

    def note(text):
        told.append(text)
        if len(told) == 2:
            raise KeyboardInterrupt  # The first is being run, or is about to be.

    def work(progress):
        return Campaign(plan=plan, store=bench.store, settings=Settings(), trees=trees, environ=os.environ,
                        progress=progress)  # fmt: skip

    with pytest.raises(KeyboardInterrupt):
        work(note).go([])
    before = list(runs_of(bench.store, plan, marks_of(bench)))
    assert all(load(bench.store, one).outcome is not None for one in run_ids(bench.store))
    for left in (tmp_path / "trees").glob("run-*"):
        left.rename(tmp_path / left.name)

    finding, history, ran = work(lambda text: None).go(before)

    assert finding.why in {"budget", "no spread"} and sum(len(done.attempts) for done in history) == 4
    kept = [one for one in ran if one.attempt.value is not None]
    assert sorted(one.attempt.cell for one in kept) == [(-1, -1), (-1, -1), (1, 1), (1, 1)]
    assert len({one.run.manifest.seed for one in ran}) == len(ran)
    assert {str(one.run.manifest.section("launch")["argv"][0]) for one in ran} == {sys.executable}


def test_a_dataset_that_is_named_by_its_full_path_is_read_there_and_not_in_the_hybrids_own_tree(tmp_path):
    """A declared copy that nobody reads would leave the one that is read out of the record."""
    for folder in ("work", "hybrid"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "v1.csv").write_text("1\n")
    work, hybrid = tmp_path / "work", tmp_path / "hybrid"
    entry = {"path": str(work / "v1.csv"), "digest": f"sha256:{'1' * 64}"}
    run = Run(manifest=Manifest.of({"label": "a", "launch": {"cwd": str(work)}, "data": {"d": entry}}))

    assert _placed(entry, run, "d", hybrid, []) == hybrid / "v1.csv"
    assert _placed(entry, run, "d", hybrid, [work / "v2.csv"]) == hybrid / "v1.csv"
    assert _placed(entry, run, "d", hybrid, [work / "v1.csv"]) == work / "v1.csv"
    assert _placed(entry, run, "d", hybrid, [work]) == work / "v1.csv"
