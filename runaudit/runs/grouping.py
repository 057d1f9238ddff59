"""How the index is made: new runs put into their cohorts, and what `list` shows of each cohort that they touch.

Who belongs to a cohort is decided by the design's one identity (`factors.identity`), in the order of the log, as
`factors.cohort` does for runs that are read all at once. A run is read once: what put it into its cohort describes it.
So a cohort is described when the first of its runs makes room for others, while all of them are at hand; one that gets
a run after that is described again at the end, of runs that are read again.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from runaudit.factors.cohort import Cohort, shared_label
from runaudit.factors.identity import Identity, home_of, identity_of
from runaudit.records.canonical import json_safe
from runaudit.records.run import UNSAID, Run
from runaudit.runs.lines import head_lines, row_line
from runaudit.runs.listing import head_cells, line_columns, row_cells, section_json, sections_of
from runaudit.store.catalogue import load_or_fault
from runaudit.store.kinds import ARCHIVE, ENDINGS, UNARCHIVE
from runaudit.store.line import LogEntry
from runaudit.store.remarks import superseded, whole_remark
from runaudit.store.store import Store
from runaudit.system.progress import work
from runaudit.text.terminal import UNPAINTED

if TYPE_CHECKING:
    from runaudit.settings import Settings

KEPT_FOUNDERS = 64
"""Cohorts whose first run is kept at hand: a new run is most often of one of the newest."""
KEPT_RUNS = 512
"""Runs that are kept between being put into a cohort and being described: some 30 KB each."""


class TooManyRunsError(Exception):
    """More runs would be read than may be."""


class Grouping:
    """The cohorts of an index while runs are put into them. away: the runs that lists leave out; None where nothing but
    the names of cohorts is kept. most: so many runs of a cohort are read at the most, None for all; `take` and
    `describe` raise TooManyRunsError beyond."""

    def __init__(
        self,
        store: Store,
        settings: "Settings",
        index: sqlite3.Connection,
        *,
        away: frozenset[str] | None = None,
        most: int | None = None,
    ) -> None:
        self._store, self._settings, self._index, self._away, self._most = store, settings, index, away, most
        self._dirty: set[int] = set()
        self._founders: dict[int, Identity] = {}
        self._runs: dict[str, Run] = {}
        self._added: dict[str, int] = {}
        """The cohort of each run that was put into one here: to ask the index for each was a tenth of all work."""
        self._near_by: dict[str, list[int]] = {}
        """The cohorts of each key, in their order, where none was there before."""
        self._unwritten: list[tuple[object, ...]] = []
        """Rows of runs on their way into the index: one by one they took twice as long."""
        self._was_empty = index.execute("SELECT 1 FROM runs LIMIT 1").fetchone() is None
        self._hides = bool(away) or index.execute("SELECT 1 FROM runs WHERE hidden = 1 LIMIT 1").fetchone() is not None
        self.nameless: list[str] = []
        self._is_whole = True

    def take(self, entries: Iterable[LogEntry], first: int) -> None:
        """What new lines of the log say. first: the number of lines before them."""
        new = list(enumerate(entries, start=first))
        gone, older = self._store.forgotten(), superseded(self._store)
        fresh: set[str] = set()
        later: list[tuple[str, int]] = []
        with work("reading", len(new), "lines of the log") as advance:
            for number, entry in new:
                if entry.kind == "manifest" and entry.digest.hex not in older:
                    fresh.add(entry.digest.hex)
                    if str(entry.digest) in gone:
                        later.append((entry.digest.hex, number))
                    else:
                        self._add(entry.digest.hex, number)
                elif entry.kind in (ARCHIVE, UNARCHIVE):
                    if (named := whole_remark(self._store, entry).get("run")) is None:
                        self._is_whole = False  # Once it is restored, no line of the log would say that it is new.
                    else:
                        self._touch(named)
                elif (run_id := entry.subject.removeprefix("sha256:")) in fresh or entry.kind not in ENDINGS:
                    self._touch(run_id)
                else:
                    self._ended(run_id)
                advance(1)
        for run_id, number in later:
            self._add(run_id, number)  # By its peers, which stand in their cohorts by now.
        self._put_rows()

    def _put_rows(self) -> None:
        self._index.executemany("INSERT INTO runs VALUES (?, ?, ?, ?, ?, 0, ?)", self._unwritten)
        self._unwritten.clear()

    def describe(self) -> bool:
        """Write down every touched cohort. False where one of its records is damaged."""
        dirty = sorted(self._dirty)
        with work("describing", len(dirty), "cohorts") as advance:
            for number in dirty:
                if self._is_whole and number in self._dirty:
                    self._write(number)
                advance(1)
        return self._is_whole

    def _write(self, number: int) -> None:
        """Write down what is shown of a cohort, or its label alone."""
        whole = self._cohort(number)
        self._dirty.discard(number)
        if self._away is None:
            self._index.execute("UPDATE cohorts SET label = ? WHERE number = ?", (whole.label, number))
            return
        if any(run.fault for run in whole.runs):
            self._is_whole = False
            return
        views = _described(whole, self._settings, self._away)
        self._index.execute(
            "UPDATE cohorts SET label = ?, whole = ?, shown = ?, answer = ? WHERE number = ?",
            (whole.label, *views, number),
        )
        if self._hides:
            hidden = ((run.id in self._away, number, run.id) for run in whole.runs)
            self._index.executemany("UPDATE runs SET hidden = ? WHERE cohort = ? AND id = ?", hidden)

    def _run(self, run_id: str) -> Run:
        if (kept := self._runs.get(run_id)) is not None:
            return kept
        run = load_or_fault(self._store, run_id, trajectory=False, is_hashed=False)
        if len(self._runs) >= KEPT_RUNS:
            self._make_room()
        self._runs[run_id] = run
        return run

    def _make_room(self) -> None:
        """Let go of the run that was read first; its cohort is described where all of it is still at hand."""
        oldest = next(iter(self._runs))
        number = self._home(oldest)
        if number in self._dirty and all(run in self._runs for run in self._members(number)):
            self._write(number)
        self._runs.pop(oldest)

    def _cohort(self, number: int) -> Cohort:
        (name,) = self._index.execute("SELECT id FROM cohorts WHERE number = ?", (number,)).fetchone()
        members = self._members(number)
        self._may_read(len(members))
        runs = tuple(self._run(run) for run in members)
        return Cohort(id=name, label=shared_label(runs), runs=runs)

    def _members(self, number: int) -> list[str]:
        self._put_rows()
        rows = self._index.execute("SELECT id FROM runs WHERE cohort = ? ORDER BY number", (number,))
        return [run for (run,) in rows]

    def _add(self, run_id: str, at: int, *, again: bool = False) -> None:
        """Put a new run into its cohort. again: those near it are put into theirs anew."""
        if self._home(run_id) is not None:
            return
        run = self._run(run_id)
        if run.is_nameless:
            self.nameless.append(run_id)
        of = identity_of(run, self._settings.factors)
        near = self._near(of.key)
        number = next((home for peer in of.peers if (home := self._home(peer)) is not None), None)
        number = home_of(of, ((n, self._founder(n)) for n in near)) if number is None else number
        is_new = number is None
        if number is None:
            number = at  # A cohort's number is its founder's place in the log: whenever it is found, they are in order.
            self._index.execute(
                "INSERT INTO cohorts (number, key, id, founder) VALUES (?, ?, ?, ?)", (number, of.key, of.id, run_id)
            )
            self._near_by.setdefault(of.key, []).append(number)
            self._keep(number, of)
        origin = run.manifest.section("origin")
        rerun_of = name if isinstance(name := origin.get("rerun_of"), str) else None
        row = (at, run_id, run.manifest.label or None, rerun_of, number, called_by_others(run))
        self._unwritten.append(row)
        self._dirty.add(number)
        self._added[run_id] = number
        if is_new and near and of.rank == 0 and not again:
            self._regroup(of.key, [*near, number])  # Some that broke off may be of this design.

    def _near(self, key: str) -> list[int]:
        """The cohorts whose founders have this key, in their order."""
        if self._was_empty:
            return sorted(self._near_by.get(key, ()))
        rows = self._index.execute("SELECT number FROM cohorts WHERE key = ? ORDER BY number", (key,))
        return [number for (number,) in rows]

    def _home(self, run_id: str) -> int | None:
        if run_id in self._added or self._was_empty:
            return self._added.get(run_id)
        row = self._index.execute("SELECT cohort FROM runs WHERE id = ?", (run_id,)).fetchone()
        return None if row is None else int(row[0])

    def _ended(self, run_id: str) -> None:
        """A run that was put into a cohort while it went on has ended: what it was seen to use may part it from there,
        and, where it founded the cohort, others."""
        number = self._home(run_id)
        if number is None:
            return
        self._runs.pop(run_id, None)
        (key,) = self._index.execute("SELECT key FROM cohorts WHERE number = ?", (number,)).fetchone()
        near = self._near(key)
        of = identity_of(self._run(run_id), self._settings.factors)
        is_founder = self._founder_id(number) == run_id
        if is_founder or home_of(of, ((n, self._founder(n)) for n in near)) != number:
            self._regroup(key, near)
        else:
            self._dirty.add(number)

    def _regroup(self, key: str, numbers: Sequence[int]) -> None:
        """Put the runs of these cohorts, all there are of a key, into cohorts anew, in the order of the log, those that
        broke off last, and those that were forgotten after them."""
        self._put_rows()
        marks = ", ".join("?" * len(numbers))
        rows = self._index.execute(f"SELECT id, number FROM runs WHERE cohort IN ({marks}) ORDER BY number", numbers)
        runs = rows.fetchall()
        self._may_read(len(runs))
        self._index.execute(f"DELETE FROM runs WHERE cohort IN ({marks})", numbers)
        self._index.execute(f"DELETE FROM cohorts WHERE number IN ({marks})", numbers)
        self._dirty.difference_update(numbers)
        self._near_by.pop(key, None)
        for number in numbers:
            self._founders.pop(number, None)
        for run_id, _ in runs:
            self._added.pop(run_id, None)
        policy = self._settings.factors
        for run_id, at in sorted(runs, key=lambda row: (identity_of(self._run(row[0]), policy).rank, row[1])):
            self._add(run_id, at, again=True)

    def _may_read(self, runs: int) -> None:
        if self._most is not None and runs > self._most:
            raise TooManyRunsError

    def _touch(self, run_id: str) -> None:
        """Something was said of a run. One that was just added is described as all of the log has it."""
        if run_id not in self._added and (number := self._home(run_id)) is not None:
            self._dirty.add(number)

    def _founder(self, number: int) -> Identity:
        if number not in self._founders:
            self._keep(number, identity_of(self._run(self._founder_id(number)), self._settings.factors))
        return self._founders[number]

    def _founder_id(self, number: int) -> str:
        (run_id,) = self._index.execute("SELECT founder FROM cohorts WHERE number = ?", (number,)).fetchone()
        return str(run_id)

    def _keep(self, number: int, founder: Identity) -> None:
        if len(self._founders) >= KEPT_FOUNDERS:
            self._founders.pop(next(iter(self._founders)))
        self._founders[number] = founder


def _described(whole: Cohort, settings: "Settings", away: frozenset[str]) -> tuple[str, str, str]:
    """What is kept of a cohort, as `indexfile.VIEWS` has it."""
    for section in sections_of([whole], settings, away):
        columns = line_columns()
        status = [name for name, _, _ in columns].index("status")
        answer = json_safe(section_json(section))
        head = head_cells(section)
        cells = [row_cells(entry, section.metric) for entry in section.entries]
        shown: dict[str, object] = {"head": head, "columns": columns, "cells": cells,
                                    "ids": [entry.run.id for entry in section.entries]}  # fmt: skip
        for entry, cell, row in zip(section.entries, cells, answer["runs"], strict=True):
            if entry.run.outcome is None and not entry.run.withheld and entry.run.status != UNSAID:
                cell[status] = row["status"] = ""  # Asked again whenever it is listed.
        lines = [*head_lines(*head, shown=len(cells), paint=UNPAINTED, width=None)]
        lines += [row_line(cell, columns, paint=UNPAINTED) for cell in cells]
        whole_text = "\n".join(lines) if all(cell[status] for cell in cells) else ""
        return whole_text, json.dumps(shown), json.dumps(answer)
    return "", "", ""


def called_by_others(run: Run) -> str | None:
    """What the trackers that recorded a run call it, a line each: its id, and the folder that bears it; None of a run
    that has no such name."""
    origin = run.manifest.section("origin")
    told = [origin, *(table for table in origin.values() if isinstance(table, Mapping) and "run" in table)]
    names = [table[key] for table in told for key in ("run", "folder") if isinstance(table.get(key), str)]
    return "\n{}\n".format("\n".join(dict.fromkeys(names))) if names else None
