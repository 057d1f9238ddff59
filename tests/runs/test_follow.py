"""Who seals a run brings the index of `list` along: it says what one made anew says, and it harms nothing."""

import contextlib
import json
import sqlite3
import sys
import threading
from dataclasses import replace

import pytest

from runaudit.record.recorder import record
from runaudit.records.digest import Digest
from runaudit.runs import indexfile
from runaudit.runs.follow import bring_index_along
from runaudit.runs.index import listed
from runaudit.settings import FactorSettings, Settings
from runaudit.store.store import Store
from tests.cli.test_diff import LR, seal
from tests.diff.samples import put
from tests.programs.launching import commit, git, launched


@pytest.fixture
def store(here):
    for seed in (1, 2):
        seal(here, put("seed", seed), put("label", f"base {seed}"))
    return here


def tables(store, settings=None):
    """What the index holds, where it is believed; None where it is not."""
    index = indexfile.held(store.root, settings or Settings())
    if index is None:
        return None
    with contextlib.closing(index):
        return [index.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall() for name in ("cohorts", "runs", "state")]


def answer(store):
    return json.loads("".join(listed(store, Settings(), json_answer=True, colour=False, width=None)))


def made_anew(store):
    for path in (store.root / "cache").glob("list*"):
        path.unlink()
    answer(store)
    return tables(store)


def test_an_index_that_was_brought_along_is_the_one_that_is_made_anew(store):
    answer(store)
    seal(store, put("seed", 3), put("label", "base 3"))
    bring_index_along(store)
    seal(store, LR, put("seed", 1), put("label", "lower rate"), status="killed")
    seal(store, LR, put("seed", 2), put("label", "lower rate 2"))
    bring_index_along(store)

    followed = tables(store)

    assert followed is not None and len(followed[1]) == 5
    assert followed == made_anew(store)


def test_a_recorded_run_is_in_the_index_when_it_has_ended(store):
    answer(store)
    with record("by itself", seed=4, config={"lr": 0.1}, store=store) as run:
        answer(store)  # While it goes on, it is listed as it stands.
        run.finish("completed", metrics={"val/error": 0.2})

    followed = tables(store)

    assert followed is not None and run.id in {row[1] for row in followed[1]}
    assert followed == made_anew(store)


def test_a_launched_run_is_in_the_index_when_it_has_ended(store, tmp_path):
    answer(store)
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "train.py").write_text("print(1)\n")
    git(folder, "init", "-q")
    commit(folder)

    run, _ = launched(store, folder, [sys.executable, "train.py"], label="wrapped", seed=5)

    followed = tables(store)
    assert followed is not None and run.id in {row[1] for row in followed[1]}
    assert followed == made_anew(store)


def test_no_index_is_made_where_none_lies(store):
    bring_index_along(store)

    assert list((store.root / "cache").glob("list*")) == []


def spoilt(store):
    (store.root / "cache" / "list.sqlite").write_bytes(b"SQLite format 3\0" + b"x" * 5000)


def changed(store):
    path = store.root / "cache" / "list.sqlite"
    path.write_bytes(path.read_bytes().replace(b"base 1", b"best 1"))


def gone(store):
    (store.root / "cache" / "list.sqlite").unlink()


def not_a_seal(store):
    (store.root / "cache" / "list.seal").write_text("[1")


@pytest.mark.parametrize("harm", [spoilt, changed, gone, not_a_seal])
def test_an_index_that_is_not_as_it_was_left_is_left_to_who_lists(store, harm):
    answer(store)
    harm(store)
    before = {path.name: path.read_bytes() for path in (store.root / "cache").glob("list*")}
    seal(store, put("seed", 3), put("label", "base 3"))

    bring_index_along(store)

    assert {path.name: path.read_bytes() for path in (store.root / "cache").glob("list*")} == before
    assert tables(store) is None
    assert [len(one["runs"]) for one in answer(store)["cohorts"]] == [3]


def test_an_index_of_another_policy_or_of_another_log_is_not_gone_on_with(store):
    answer(store)
    other = replace(Settings(), factors=FactorSettings(nuisance=("config.x",)))
    seal(store, put("seed", 3), put("label", "base 3"))
    assert not indexfile.follow(store, other)

    lines = store.entries()
    store.log_path.unlink()
    (store.root / "log.end").unlink()
    for line in (lines[2], lines[3], lines[0], lines[1], *lines[4:]):
        store.append(line.kind, line.digest, subject=Digest.parse(line.subject), time=line.time)

    assert not indexfile.follow(store, Settings())
    order = [run["label"] for run in answer(store)["cohorts"][0]["runs"]]
    assert order == ["base 2", "base 1", "base 3"]


def test_an_index_that_cannot_be_written_harms_no_run(store, monkeypatch):
    """A read-only folder, a full disk: whatever the system answers, the run is sealed and listed."""
    answer(store)

    def full(*_args, **_more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(indexfile, "_connected", full)
    with record("on a full disk", seed=4, config={"lr": 0.1}, store=store) as run:
        run.finish("completed")
    monkeypatch.undo()

    assert tables(store) is None
    assert run.id in {row["id"] for one in answer(store)["cohorts"] for row in one["runs"]}


def test_a_locked_index_is_not_waited_for(store, monkeypatch):
    answer(store)
    seal(store, put("seed", 3), put("label", "base 3"))
    monkeypatch.setattr(indexfile.time, "sleep", lambda _: pytest.fail("it waited"))
    with contextlib.closing(sqlite3.connect(store.root / "cache" / "list.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        bring_index_along(store)
    with indexfile.alone(store) as ours:
        assert ours
        bring_index_along(Store.open(store.root))
    assert tables(store) is None


def test_launches_that_seal_at_once_leave_an_index_that_says_what_the_records_say(store):
    answer(store)
    together = threading.Barrier(4)

    def launch(seed):
        own = Store.open(store.root)
        seal(own, put("seed", seed), put("label", f"base {seed}"))
        together.wait()
        bring_index_along(own)

    threads = [threading.Thread(target=launch, args=(seed,)) for seed in range(3, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    left = answer(store)
    followed = tables(store)
    assert followed == made_anew(store)
    assert answer(store) == left and left["cohorts"][0]["n"] == 6


def test_a_cohort_of_many_runs_is_described_by_who_lists_it(store, monkeypatch):
    monkeypatch.setattr(indexfile, "FEW_RUNS", 2)
    answer(store)
    seal(store, LR, put("seed", 1), put("label", "lower rate"))
    bring_index_along(store)
    assert tables(store) is not None

    seal(store, put("seed", 3), put("label", "base 3"))
    bring_index_along(store)

    assert tables(store) is None
    assert [len(one["runs"]) for one in answer(store)["cohorts"]] == [3, 1]


def test_runs_that_broke_off_are_put_where_the_records_put_them(store, tmp_path):
    """One by one or all at once: the crashed run came first, and the first that finished founds the cohort."""
    from runaudit.factors.cohort import cohorts
    from runaudit.store.catalogue import load, run_ids
    from tests.factors.test_broken_off import EARLY, broken, whole

    store = Store.create(tmp_path / "other")
    other = {**EARLY, "imported": {"numpy": "2.0.1"}}
    for at, run in enumerate(
        [broken(0, label="one"), broken(1, label="two"), whole(2, label="one"), whole(3, other, label="two"),
         broken(4, label="two"), whole(5, label="one")]
    ):  # fmt: skip
        digest = store.put(run.manifest.raw)
        store.append("manifest", digest, subject=digest, time=f"2026-03-04T05:06:{at:02}Z")
        store.append("outcome", store.put(run.outcome.raw), subject=digest, time=f"2026-03-04T05:07:{at:02}Z")
        answer(store)
    read = [[one.id for one in cohort.runs] for cohort in cohorts(load(store, run) for run in run_ids(store))]

    brought = [[row["id"] for row in cohort["runs"]] for cohort in answer(store)["cohorts"]]
    assert brought == read and [len(group) for group in read] == [3, 3]
    assert tables(store)[:2] == made_anew(store)[:2]
