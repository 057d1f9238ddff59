"""A training that went on in several runs is one line, and what came of a run is found below it."""

import json

import pytest

from runaudit.judge.bench import Bench
from runaudit.records.digest import digest_bytes
from runaudit.records.trajectory import line_of
from runaudit.report.gather import Wanted, gather
from runaudit.runs.lineage import lineage_answer, whole
from runaudit.settings import Settings
from runaudit.store import Store
from runaudit.store.catalogue import load
from tests.store.test_store import end, launch, overwrite

SAVED = {"path": "checkpoints/20.pt", "digest": str(digest_bytes(b"at 20")), "size": 5, "kind": "last", "step": 20}


def logged(store, steps, value):
    digest = store.put(b"".join(line_of(step, {"train/loss": value}) for step in steps))
    return {"trajectory": {"digest": str(digest), "size": 1}}


@pytest.fixture
def line(tmp_path):
    """A run that was killed at step 30, one that went on from its step 20, one that began with the last, and a fourth
    that has nothing to do with them."""
    store = Store.create(tmp_path / ".runaudit")
    first = launch(store, label="first", init={"kind": "random"})
    end(store, first, status="killed", checkpoints=[SAVED], **logged(store, range(10, 31, 10), 3.0))
    second = launch(store, label="second", init={"kind": "resume", "parent": first.id, "checkpoint": SAVED["digest"]})
    end(store, second, **logged(store, (30, 40), 2.0))
    third = launch(
        store, label="third", init={"kind": "checkpoint", "parent": second.id, "checkpoint": "sha256:" + "0" * 64}
    )
    end(store, third, **logged(store, (5, 10), 1.0))
    alone = launch(store, label="alone", seed=9)
    end(store, alone)
    return store, [run.id for run in (first, second, third, alone)]


def test_a_resumed_run_is_one_line_with_its_parent(line):
    store, (first, second, third, _) = line

    answer = lineage_answer(store, Settings(), second[:12])

    assert [(one.run.id, one.depth, one.start) for one in answer.members] == [
        (first, 0, None), (second, 1, 20), (third, 2, None),
    ]  # fmt: skip
    # What the first did beyond the checkpoint was done again, and does not count.
    assert answer.series == {"train/loss": [(10, 3.0), (20, 3.0), (30, 2.0), (40, 2.0)]}
    assert answer.headline == f"{second[:12]} came from 1 run, steps 10 to 40 in all; 1 began with it"


def test_where_nobody_says_at_which_step_it_began_its_own_first_step_does(line):
    store, (_, _, third, _) = line
    assert lineage_answer(store, Settings(), third).series == {"train/loss": [(5, 1.0), (10, 1.0)]}


def test_a_run_that_stands_alone_says_so(line):
    store, (*_, alone) = line
    answer = lineage_answer(store, Settings(), alone)
    assert len(answer.members) == 1 and answer.headline.endswith("began with no other run, and none began with it")


def test_the_command_shows_a_tree_and_gives_the_series_to_programs(line, runaudit):
    store, (_, second, third, _) = line

    code, out, _ = runaudit("show", "first", "--lineage", "--store", store.root)
    assert code == 0
    assert f"└ {second[:12]}" in out and f"  └ {third[:12]}" in out and "resume at step 20" in out
    code, out, _ = runaudit("show", "second", "--lineage", "--json", "--series", "--store", store.root)
    told = json.loads(out)
    assert [row["id"] for row in told["runs"] if row["asked"]] == [second]
    assert told["series"]["train/loss"][0] == [10, 3.0]


def test_a_damaged_descendant_hides_no_other(line):
    store, (first, second, third, _) = line
    overwrite(store.root / "objects" / "sha256" / third[:2] / third, b"{}")
    answer = lineage_answer(Store(store.root), Settings(), first)
    assert [one.run.id for one in answer.members] == [first, second]


def test_a_page_draws_a_resumed_run_with_what_it_went_on_from(line):
    store, (_, second, third, _) = line
    for run, steps in ((second, (10, 20, 30, 40)), (third, (5, 10))):
        drawn = whole(store, load(store, run))
        assert tuple(step for step, _ in drawn.trajectory.series["train/loss"]) == steps
        assert drawn.metrics == load(store, run).metrics

    view = gather(Bench(store, Settings()), Wanted(runs=(second[:12],), curves=("train/loss",))).view
    (figure,) = next(one.figures for one in view.curves.series if one.name.full == "train/loss")
    (drawn,) = figure.arms
    assert drawn.lines[0].points == 4
