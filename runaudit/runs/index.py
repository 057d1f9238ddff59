"""What `list` shows, kept beside the store so that ten thousand runs need not be read to be listed.

An index, never the truth: it lies in the store's `cache/`, may be deleted at any time, is rebuilt from the records, and
nothing that judges or verifies reads it. It holds for one policy and one state of the log, known by the log's size and
its last line; where the log has only grown, only the cohorts that the new lines touch are read again. A run without an
outcome is asked anew whether it is alive. Where it cannot be read or written (a lock, a disk without locks, a store
that is read-only, a spoilt file), the records are read instead.

    cache/list.sqlite   state: of what log and policy it was made; cohorts: what is shown of each; runs: oldest first
"""

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runaudit.factors.identity import Identity
    from runaudit.settings import Settings
    from runaudit.store.store import Store

SCHEMA = "runaudit.list-index/4"
FILE = "list.sqlite"
TAIL_BYTES = 64 << 10
"""A line of the log is some 300 bytes; the last one is sought in this much of its end."""
KEPT_FOUNDERS = 64
WAIT_S = 0.5
"""How long another process that writes the index is waited for before the records are read."""
TABLES = (
    "CREATE TABLE state (made TEXT NOT NULL)",
    "CREATE TABLE cohorts (number INTEGER PRIMARY KEY, key TEXT, id TEXT, ids TEXT, shown TEXT, answer TEXT)",
    "CREATE TABLE runs (number INTEGER PRIMARY KEY, cohort INTEGER NOT NULL, hidden INTEGER NOT NULL)",
)


def listed(
    store: "Store", settings: "Settings", *, json_answer: bool, colour: bool, width: int | None,
    newest: int | None = None,
) -> Iterator[str] | None:  # fmt: skip
    """The lines of `list`, or its JSON answer as text; None where the records themselves must be read."""
    state = _state(store, settings)
    if state is None:
        return None
    for _ in range(2):
        try:
            with contextlib.closing(_connected(store)) as index:
                if not (_holds(index, state) or _rebuilt(index, store, settings, state)):
                    return None
                # Read as a whole in one transaction: what another process writes meanwhile is the next listing's.
                groups = _groups(index, state, "answer" if json_answer else "shown", newest)
        except sqlite3.OperationalError:
            return None
        except (sqlite3.DatabaseError, ValueError, TypeError):
            # A spoilt file is thrown away and made again, once.
            with contextlib.suppress(OSError):
                (store.root / "cache" / FILE).unlink()
            continue
        if groups is None:
            return None
        return _answer(store, groups) if json_answer else _lines(store, groups, colour=colour, width=width)
    return None


def _connected(store: "Store") -> sqlite3.Connection:
    return sqlite3.connect(store.root / "cache" / FILE, timeout=WAIT_S, isolation_level=None)


def _state(store: "Store", settings: "Settings") -> dict[str, Any] | None:
    """What the index must have been made of to hold now."""
    from runaudit import __version__
    from runaudit.records.digest import digest_bytes
    from runaudit.store.end import read_ends

    end = read_ends(store.root).newest
    size, head = _head(store.log_path, None)
    if end is not None and (size < end.size or (size == end.size and head != end.head)):
        return None  # Not the log that was sealed: whoever reads it whole says what is wrong with it.
    policy = str(digest_bytes(repr(settings.factors).encode()))
    return {"schema": SCHEMA, "version": __version__, "policy": policy, "size": size, "head": head} if size else None


def _head(log: Path, size: int | None) -> tuple[int, str]:
    """Where the last whole line of the log ends, at `size` or before, and the digest of that line."""
    from runaudit.records.digest import digest_bytes

    try:
        with log.open("rb") as file:
            end = os.fstat(file.fileno()).st_size if size is None else size
            file.seek(max(0, end - TAIL_BYTES))
            tail = file.read(min(end, TAIL_BYTES))
    except OSError:
        return 0, ""
    whole = tail[: tail.rfind(b"\n") + 1]
    line = whole[:-1].rpartition(b"\n")[2]
    return end - (len(tail) - len(whole)), str(digest_bytes(line))


def _made_of(index: sqlite3.Connection) -> dict[str, Any] | None:
    """The state that the index was made of; None where there is none yet."""
    if index.execute("SELECT 1 FROM sqlite_master WHERE name = 'state'").fetchone() is None:
        return None
    row = index.execute("SELECT made FROM state").fetchone()
    found = json.loads(row[0]) if row else None
    return found if isinstance(found, dict) else None


def _holds(index: sqlite3.Connection, state: Mapping[str, Any]) -> bool:
    made = _made_of(index)
    return made is not None and {key: made.get(key) for key in state} == state


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _groups(
    index: sqlite3.Connection, state: Mapping[str, Any], column: str, newest: int | None
) -> list[tuple[str, frozenset[str] | None]] | None:
    """What is shown of each cohort, and which of its runs are; None where another process has moved on meanwhile."""
    index.execute("BEGIN")
    try:
        if not _holds(index, state):
            return None
        if newest is None:
            rows = index.execute(f"SELECT {column} FROM cohorts WHERE {column} != '' ORDER BY number")
            return [(text, None) for (text,) in rows]
        sought = index.execute(
            "SELECT cohort, number FROM runs WHERE hidden = 0 ORDER BY number DESC LIMIT ?", (newest,)
        ).fetchall()
        found: list[tuple[str, frozenset[str] | None]] = []
        for number in sorted({cohort for cohort, _ in sought}):
            query = f"SELECT ids, {column} FROM cohorts WHERE number = ?"
            ids, text = index.execute(query, (number,)).fetchone()
            members = json.loads(ids)
            wanted = {at for cohort, at in sought if cohort == number}
            found.append((text, frozenset(run for run, at in members if at in wanted)))
        return found
    finally:
        index.execute("COMMIT")


def kept_rows(store: "Store") -> Iterator[dict[str, Any]]:
    """The cohorts as the index has them, each as in the JSON answer of `list`; it may be behind the log, or absent."""
    path = store.root / "cache" / FILE
    if not path.exists():
        return
    with contextlib.suppress(sqlite3.Error, ValueError), contextlib.closing(_connected(store)) as index:
        rows = index.execute("SELECT answer FROM cohorts WHERE answer != '' ORDER BY number").fetchall()
        yield from (json.loads(text) for (text,) in rows)


def _status(store: "Store", run_id: str) -> str:
    from runaudit.store.catalogue import liveness

    return liveness(store.live_dir(run_id))


def _lines(store: "Store", groups: list[Any], *, colour: bool, width: int | None) -> Iterator[str]:
    from runaudit.runs.lines import head_lines, row_line
    from runaudit.text.terminal import Paint

    paint = Paint(colour)
    for number, (text, kept) in enumerate(groups):
        group = json.loads(text)
        if not colour and width is None and kept is None and "whole" in group:
            yield ("\n" if number else "") + group["whole"]
            continue
        lines = [""] if number else []
        lines += head_lines(*group["head"], paint=paint, width=width)
        at = next((i for i, (name, _, _) in enumerate(group["columns"]) if name == "status"), 0)
        for run_id, cells in zip(group["ids"], group["cells"], strict=True):
            if kept is None or run_id in kept:
                cells[at] = cells[at] or _status(store, run_id)
                lines.append(row_line(cells, group["columns"], paint=paint))
        yield "\n".join(lines)


def _answer(store: "Store", groups: list[Any]) -> Iterator[str]:
    """The JSON answer, a cohort a line, as it lies in the index."""
    yield '{"schema": "runaudit.list/1", "cohorts": ['
    before = ""
    for text, kept in groups:
        line = text
        if kept is not None or '"status": ""' in text:
            group = json.loads(text)
            group["runs"] = [row for row in group["runs"] if kept is None or row["id"] in kept]
            for row in group["runs"]:
                row["status"] = row["status"] or _status(store, row["id"])
            line = json.dumps(group)
        yield before + line
        before = ","
    yield "]}"


# ── building ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True, kw_only=True)
class _Group:
    """A cohort in the making: what decides who belongs to it, and its members with their places in the log."""

    key: str
    id: str
    members: list[tuple[str, int]] = field(default_factory=list)


def _rebuilt(index: sqlite3.Connection, store: "Store", settings: "Settings", state: dict[str, Any]) -> bool:
    """Bring the index to the log. False where a record is damaged: then records are read."""
    from runaudit.store.remarks import ARCHIVE, UNARCHIVE, archived, read_remark

    index.execute("BEGIN IMMEDIATE")
    try:
        old = _still_good(_made_of(index), store, state)
        if old is None:
            for name in ("state", "cohorts", "runs"):
                index.execute(f"DROP TABLE IF EXISTS {name}")
            for statement in TABLES:
                index.execute(statement)
        done = old["entries"] if old else 0
        grouping = _Grouping(store, settings, index)
        entries = store.entries()
        for number, entry in enumerate(entries[done:], start=done):
            if entry.kind == "manifest":
                grouping.add(entry.digest.hex, number)
            elif entry.kind in (ARCHIVE, UNARCHIVE):
                grouping.touch(read_remark(store, entry)["run"])
            else:
                grouping.touch(entry.subject.removeprefix("sha256:"))
        if not grouping.refresh(archived(store)):
            index.execute("ROLLBACK")
            return False
        index.execute("DELETE FROM state")
        index.execute("INSERT INTO state VALUES (?)", (json.dumps({**state, "entries": len(entries)}),))
        index.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            index.execute("ROLLBACK")
        raise
    return True


def _still_good(old: Mapping[str, Any] | None, store: "Store", state: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The state of an older index whose log is the beginning of this one."""
    if old is None or any(old.get(key) != state[key] for key in ("schema", "version", "policy")):
        return None
    grown = 0 < old["size"] <= state["size"] and _head(store.log_path, old["size"]) == (old["size"], old["head"])
    return old if grown else None


class _Grouping:
    """The cohorts while runs are put into them, as `cohorts` would have it."""

    def __init__(self, store: "Store", settings: "Settings", index: sqlite3.Connection) -> None:
        self._store, self._settings, self._index = store, settings, index
        self._groups: list[_Group] = []
        self._by_key: dict[str, list[int]] = {}
        self._of_run: dict[str, int] = {}
        self._dirty: set[int] = set()
        self._founders: dict[int, Identity] = {}
        for key, name, ids in index.execute("SELECT key, id, ids FROM cohorts ORDER BY number"):
            self._enter(_Group(key=key, id=name, members=[(run, at) for run, at in json.loads(ids)]))

    def _enter(self, group: _Group) -> int:
        number = len(self._groups)
        self._groups.append(group)
        self._by_key.setdefault(group.key, []).append(number)
        self._of_run.update((run, number) for run, _ in group.members)
        return number

    def _identity(self, run_id: str) -> "Identity":
        from runaudit.factors.identity import identity_of
        from runaudit.runs.names import load_run

        return identity_of(load_run(self._store, run_id, trajectory=False), self._settings.factors)

    def _founder(self, number: int) -> "Identity":
        if number not in self._founders:
            self._keep(number, self._identity(self._groups[number].members[0][0]))
        return self._founders[number]

    def _keep(self, number: int, founder: "Identity") -> None:
        if len(self._founders) >= KEPT_FOUNDERS:
            self._founders.pop(next(iter(self._founders)))
        self._founders[number] = founder

    def add(self, run_id: str, at: int) -> None:
        """Put a new run into its cohort."""
        if run_id in self._of_run:
            return
        of = self._identity(run_id)
        near = self._by_key.get(of.key, ())
        number = next((n for n in near if self._founder(n).matches(of)), None)
        if number is None:
            number = self._enter(_Group(key=of.key, id=of.id))
            self._keep(number, of)
        self._groups[number].members.append((run_id, at))
        self._of_run[run_id] = number
        self._dirty.add(number)

    def touch(self, run_id: str) -> None:
        """Something was said of a run."""
        if run_id in self._of_run:
            self._dirty.add(self._of_run[run_id])

    def refresh(self, away: frozenset[str]) -> bool:
        """Describe every touched cohort from its records. False where one of them is damaged."""
        from runaudit.factors.cohort import Cohort, shared_label
        from runaudit.runs.names import load_run

        for number in sorted(self._dirty):
            group = self._groups[number]
            runs = tuple(load_run(self._store, run_id, trajectory=False) for run_id, _ in group.members)
            if any(run.fault for run in runs):
                return False
            whole = Cohort(id=group.id, label=shared_label(runs), runs=runs)
            shown, answer = _described(whole, self._settings, away)
            self._index.execute(
                "INSERT OR REPLACE INTO cohorts VALUES (?, ?, ?, ?, ?, ?)",
                (number, group.key, group.id, json.dumps(group.members), shown, answer),
            )
            rows = ((at, number, run in away) for run, at in group.members)
            self._index.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?)", rows)
        return True


def _described(whole: Any, settings: "Settings", away: frozenset[str]) -> tuple[str, str]:
    """What is shown of a cohort in a terminal, and its object in the JSON answer; both empty where all is put away."""
    from runaudit.records.canonical import json_safe
    from runaudit.runs.lines import head_lines, row_line
    from runaudit.runs.listing import head_cells, line_columns, row_cells, section_json, sections_of
    from runaudit.text.terminal import UNPAINTED

    for section in sections_of([whole], settings.factors, away):
        columns = line_columns()
        status = [name for name, _, _ in columns].index("status")
        answer = json_safe(section_json(section))
        head = head_cells(section)
        cells = [row_cells(entry, section.metric) for entry in section.entries]
        shown: dict[str, Any] = {"head": head, "columns": columns, "cells": cells,
                                 "ids": [entry.run.id for entry in section.entries]}  # fmt: skip
        for entry, cell, row in zip(section.entries, cells, answer["runs"], strict=True):
            if entry.run.outcome is None:
                cell[status] = row["status"] = ""  # Asked again whenever it is listed.
        if all(cell[status] for cell in cells):
            lines = [*head_lines(*head, paint=UNPAINTED, width=None)]
            lines += [row_line(cell, columns, paint=UNPAINTED) for cell in cells]
            shown["whole"] = "\n".join(lines)
        return json.dumps(shown), json.dumps(answer)
    return "", ""
