"""A disk that was full for a while: what it did not take is said, sealed, and never mistaken for the end of the run."""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runaudit.diff import Verdict, compare
from runaudit.factors.unwritten import METRICS
from runaudit.judge.bench import Bench
from runaudit.judge.cohorts import judge_cohorts
from runaudit.launch.lost import seal_lost
from runaudit.record.heartbeat import end
from runaudit.record.recorder import Recorder, record
from runaudit.record.series import Series
from runaudit.record.unwritten import unwritten
from runaudit.records import columns
from runaudit.records.record_file import record_of, run_of
from runaudit.records.run import Run
from runaudit.records.trajectory import read_lines
from runaudit.settings import Settings
from runaudit.stats.answer import StatsVerdict
from runaudit.store.catalogue import load
from runaudit.store.store import Store
from runaudit.store.verify import verify
from tests.capture.conftest import Repo

STEPS = 6


class Disk:
    """What the writes of logged lines meet: room for so many bytes more. Everything else finds its room."""

    def __init__(self) -> None:
        self.room: float = float("inf")
        self._write = os.write

    def write(self, fd: int, data: bytes) -> int:
        if not os.readlink(f"/proc/self/fd/{fd}").endswith("/series.jsonl"):
            return self._write(fd, data)
        if self.room <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        took = self._write(fd, bytes(data)[: int(min(self.room, len(data)))])
        self.room -= took
        return took


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk()
    monkeypatch.setattr(os, "write", made.write)
    return made


@pytest.fixture
def logged(store: Store, repo: Repo, disk: Disk) -> Iterator[Callable[..., Recorder]]:
    """A run that logs six steps, for the last four of which the disk has no room."""

    def made(seed: int = 1, full: bool = True, lr: float = 0.1) -> Recorder:
        run = record(f"lr {lr}", seed=seed, config={"lr": lr}, store=store, root=repo.root, environ={}, siblings=())
        assert isinstance(run, Recorder)
        for step in range(STEPS):
            if step == 2 and full:
                disk.room = 0
            run.log(step, {"val/error": float(STEPS - step)})
        return run

    yield made
    disk.room = float("inf")


def finished(store: Store, run: Recorder, disk: Disk, **told: Any) -> Run:
    """The run, sealed while its lines still find no room."""
    run.finish(**told)
    disk.room = float("inf")
    assert verify(store).problems == ()
    return load(store, run.id)


def test_the_last_value_before_a_full_disk_is_no_result(store, disk, logged, capsys) -> None:
    run = finished(store, logged(), disk)

    line = '{"s":0,"t":1234567890.123,"v":{"val/error":1.0}}\n'
    assert run.outcome.section("unwritten") == {"bytes": 1 + 4 * len(line), "steps": 4}
    assert (dict(run.metrics), run.outcome.body["steps_done"]) == ({}, None)
    assert dict(run.logged) == {"val/error": 5.0}
    assert run.unwritten in run.outcome.body["notes"]
    said = capsys.readouterr().err
    assert said.count("4 logged steps") == 1 and run.short in said and len(said.splitlines()) == 1
    assert not [*store.live_dir(run.id).glob("unwritten.*")]


def test_what_the_program_reported_itself_stands_beside_a_curve_that_breaks_off(store, disk, logged) -> None:
    told = finished(store, logged(), disk, metrics={"val/error": 0.5})
    whole = finished(store, logged(seed=2, full=False), disk)

    found = compare(told, whole, settings=Settings())

    assert dict(told.metrics) == {"val/error": 0.5}
    assert METRICS not in {one.factor for one in found.missing}
    assert any("its curves are incomplete" in note and "reported" in note for note in found.notes)


def test_steps_that_the_disk_did_not_take_are_a_gap_of_every_judgement(store, disk, logged) -> None:
    broken = finished(store, logged(), disk)
    whole = [finished(store, logged(seed=seed, full=False, lr=lr), disk)
             for seed, lr in ((2, 0.1), (3, 0.1), (4, 0.1), (1, 0.2), (2, 0.2), (3, 0.2))]  # fmt: skip

    found = compare(broken, whole[0], settings=Settings())
    bench = Bench(store, Settings())
    answer = judge_cohorts(bench, [bench.cohort("lr 0.2"), bench.cohort("lr 0.1")], metric="val/error")

    assert found.verdict is Verdict.PROVENANCE_INCOMPLETE
    assert {one.factor: one.reason for one in found.missing}[METRICS] == broken.unwritten
    assert answer.verdict == StatsVerdict.NOT_ATTRIBUTABLE
    assert sorted(arm.left_out.count("no value") for arm in answer.arms) == [0, 1]
    assert any(broken.short in note and "4 logged steps" in note for note in answer.notes)


def test_a_disk_that_is_freed_in_time_costs_nothing(store, disk, logged) -> None:
    run = logged()
    disk.room = float("inf")
    run.log(STEPS, {"val/error": 0.0})

    run = finished(store, run, disk)

    assert "unwritten" not in run.outcome.body
    assert run.trajectory.series["val/error"] == tuple((step, float(STEPS - step)) for step in range(STEPS + 1))


def test_a_program_that_dies_on_a_full_disk_is_sealed_with_what_it_lost(store, repo, disk, logged) -> None:
    run = logged()
    run._keeper.stop()
    run.finished = True  # Killed: nobody closes, and nobody says how it ended.
    end(store.live_dir(run.id))
    disk.room = float("inf")

    outcome = seal_lost(store, run.id, cwd=repo.root, names={}, environ={})

    assert (outcome.status, outcome.section("unwritten")["steps"], dict(outcome.metrics)) == ("crashed", 4, {})


@pytest.mark.parametrize("more", [0, 1, 11, 1000])
def test_every_step_is_on_the_disk_once_or_counted_as_not(more: int, tmp_path: Path, disk: Disk) -> None:
    """Wherever the disk becomes full, within a line or between two, and whatever it takes of what waited."""
    for room in range(70):
        live = tmp_path / str(room)
        series = Series(live / "series.jsonl")
        disk.room = room
        for step in range(STEPS):
            series.log(step, {"x": 1.0}, 1.0)
            disk.room += more * (step == 3)

        left = series.close()

        lost = unwritten(live)
        there = read_lines((live / "series.jsonl").read_bytes()).series.get("x", ())
        assert [step for step, _ in there] == list(range(STEPS - lost.get("steps", 0)))
        assert lost.get("bytes", 0) == left


def test_what_two_processes_lost_is_added_up(tmp_path: Path, disk: Disk) -> None:
    both = [Series(tmp_path / "series.jsonl") for _ in range(2)]
    disk.room = 0
    for step, series in enumerate(both):
        series.log(step, {"x": 1.0}, 1.0)

    assert unwritten(tmp_path)["steps"] == 2


def test_a_record_file_tells_of_lost_steps_as_the_store_does(store, disk, logged) -> None:
    run = finished(store, logged(), disk)

    again = run_of(record_of(run), where="a record")

    assert (again.fault, again.unwritten) == (None, run.unwritten)


def test_a_long_series_is_parsed_once_by_whoever_seals_it(store, repo, disk, logged, monkeypatch) -> None:
    run = logged(full=False)
    run._keeper.stop()
    run.finished = True
    end(store.live_dir(run.id))
    parsed = []
    add = columns.Tables.add
    monkeypatch.setattr(columns, "LARGE", 0)
    monkeypatch.setattr(columns.Tables, "add", lambda self, chunk: (parsed.append(len(chunk)), add(self, chunk)))
    size = (store.live_dir(run.id) / "series.jsonl").stat().st_size

    outcome = seal_lost(store, run.id, cwd=repo.root, names={}, environ={})

    assert (sum(parsed), dict(outcome.metrics)) == (size, {"val/error": 1.0})
