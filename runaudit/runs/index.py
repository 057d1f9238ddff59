"""What `list` shows, kept beside the store so that ten thousand runs need not be read to be listed.

An index, never the truth: it lies in the store's `cache/`, may be deleted at any time, is rebuilt from the records, and
nothing that judges or verifies reads it. It holds for one policy and one state of the log, known by the log's size and
its last line; where the log has only grown, only the cohorts that the new lines touch are read again. A run without an
outcome is asked anew whether it is alive.

    cache/list.jsonl        its state, then one line a cohort: what a terminal shows
    cache/list-rows.jsonl   one line a cohort: its object in the JSON answer
"""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runaudit.factors.cohort import Cohort
    from runaudit.factors.levels import Levels
    from runaudit.settings import Settings
    from runaudit.store.store import Store

SCHEMA = "runaudit.list-index/2"
TEXT, ROWS = "list.jsonl", "list-rows.jsonl"
TAIL_BYTES = 64 << 10
"""A line of the log is some 300 bytes; the last one is sought in this much of its end."""
KEPT_FOUNDERS = 64


def listed(store: "Store", settings: "Settings", *, json_answer: bool, colour: bool) -> Iterator[str] | None:
    """The lines of `list`, or its JSON answer as text; None where the records themselves must be read."""
    state = _state(store, settings)
    if state is None or not (_is_current(store, state) or _rebuilt(store, settings, state)):
        return None
    return _answer(store) if json_answer else _lines(store, colour=colour)


def _state(store: "Store", settings: "Settings") -> dict[str, Any] | None:
    """What the index must have been made of to hold now."""
    from runaudit import __version__
    from runaudit.records.digest import digest_bytes

    size, head = _head(store.log_path, None)
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


def _is_current(store: "Store", state: Mapping[str, Any]) -> bool:
    found = _read_state(store)
    return found is not None and {key: found.get(key) for key in state} == state and _is_whole(store, found)


def _is_whole(store: "Store", found: Mapping[str, Any]) -> bool:
    """Whether both files are as long as they were written: a half of an index is none."""
    try:
        return all((store.root / "cache" / name).stat().st_size == found["bytes"][name] for name in (TEXT, ROWS))
    except (OSError, KeyError, TypeError):
        return False


def _read_state(store: "Store") -> dict[str, Any] | None:
    try:
        with (store.root / "cache" / TEXT).open("rb") as file:
            found = json.loads(file.readline())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _cohorts(store: "Store", name: str) -> Iterator[str]:
    with (store.root / "cache" / name).open(encoding="ascii") as file:
        if name == TEXT:
            file.readline()
        yield from file


def kept_rows(store: "Store") -> Iterator[dict[str, Any]]:
    """The cohorts as the index has them, each as in the JSON answer of `list`; it may be behind the log, or absent."""
    with contextlib.suppress(OSError, ValueError):
        yield from map(json.loads, _cohorts(store, ROWS))


def _status(store: "Store", run_id: str) -> str:
    from runaudit.store.catalogue import liveness

    return liveness(store.live_dir(run_id))


def _lines(store: "Store", *, colour: bool) -> Iterator[str]:
    from runaudit.runs.lines import head_line, row_line
    from runaudit.text.terminal import Paint

    paint = Paint(colour)
    for number, group in enumerate(map(json.loads, _cohorts(store, TEXT))):
        lines = [""] if number else []
        lines.append(head_line(group["id"], group["label"], group["n"], group["effective_n"], paint=paint))
        for run_id, cells in zip(group["ids"], group["cells"], strict=True):
            if not cells[2]:
                cells[2] = _status(store, run_id)
            lines.append(row_line(*cells, paint=paint))
        yield "\n".join(lines)


def _answer(store: "Store") -> Iterator[str]:
    """The JSON answer, a cohort a line, as it lies in the index."""
    yield '{"schema": "runaudit.list/1", "cohorts": ['
    before = ""
    for line in _cohorts(store, ROWS):
        if '"status": ""' in line:
            group = json.loads(line)
            for row in group["runs"]:
                row["status"] = row["status"] or _status(store, row["id"])
            line = json.dumps(group)
        yield before + line.rstrip("\n")
        before = ","
    yield "]}"


# ── building ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True, kw_only=True)
class _Group:
    """A cohort in the making: what decides who belongs to it, and its line in each file."""

    key: str
    ids: list[str]
    text: str = ""
    rows: str = ""

    @classmethod
    def read(cls, text: str, rows: str) -> "_Group":
        """A cohort of an older index."""
        found = json.loads(text)
        return cls(key=found["key"], ids=found["ids"], text=text, rows=rows)


def _rebuilt(store: "Store", settings: "Settings", state: dict[str, Any]) -> bool:
    """Bring the index to the log. False where a record is damaged or nothing can be written: then records are read."""
    groups, after = _still_good(store, state)
    entries = store.entries()
    fresh = entries[after:]
    grouping = _Grouping(store, settings, groups)
    for entry in fresh:
        if entry.kind == "manifest":
            grouping.add(entry.digest.hex)
        else:
            grouping.touch(entry.subject.removeprefix("sha256:"))
    if not grouping.refresh():
        return False
    state = {**state, "entries": len(entries)}
    rows = "".join(group.rows for group in grouping.groups).encode()
    text = "".join(group.text for group in grouping.groups).encode()
    # The first line says how long the file is, itself included: its number of digits is fixed.
    line = json.dumps({**state, "bytes": {TEXT: 10**12, ROWS: len(rows)}}) + "\n"
    line = line.replace(str(10**12), str(len(line) + len(text)).rjust(13))
    # The rows first: the state, by which both are believed, stands in the other file.
    return _write(store, ROWS, rows) and _write(store, TEXT, line.encode() + text)


def _still_good(store: "Store", state: Mapping[str, Any]) -> tuple[list[_Group], int]:
    """The cohorts of an older index whose log is the beginning of this one, and how many lines it had."""
    old = _read_state(store)
    same = (
        old is not None
        and _is_whole(store, old)
        and all(old.get(key) == state[key] for key in ("schema", "version", "policy"))
    )
    if old is None or not same or not 0 < old["size"] <= state["size"]:
        return [], 0
    if _head(store.log_path, old["size"]) != (old["size"], old["head"]):
        return [], 0
    try:
        pairs = zip(_cohorts(store, TEXT), _cohorts(store, ROWS), strict=True)
        return [_Group.read(text, rows) for text, rows in pairs], int(old["entries"])
    except (OSError, ValueError, KeyError):
        return [], 0


class _Grouping:
    """The cohorts while runs are put into them, as `cohorts` would have it."""

    def __init__(self, store: "Store", settings: "Settings", groups: list[_Group]) -> None:
        self.groups = groups
        self._store, self._settings = store, settings
        self._by_key: dict[str, list[int]] = {}
        self._of_run: dict[str, int] = {}
        self._dirty: set[int] = set()
        self._founders: dict[int, Levels] = {}
        for number, group in enumerate(groups):
            self._by_key.setdefault(group.key, []).append(number)
            self._of_run.update(dict.fromkeys(group.ids, number))

    def _levels(self, run_id: str) -> "Levels":
        from runaudit.factors.levels import levels
        from runaudit.factors.policy import shared_policy
        from runaudit.runs.names import load_run

        run = load_run(self._store, run_id, trajectory=False)
        return levels(run, shared_policy(self._settings.factors, (run,)))

    def _founder(self, number: int) -> "Levels":
        if number not in self._founders:
            if len(self._founders) >= KEPT_FOUNDERS:
                self._founders.pop(next(iter(self._founders)))
            self._founders[number] = self._levels(self.groups[number].ids[0])
        return self._founders[number]

    def add(self, run_id: str) -> None:
        """Put a new run into its cohort."""
        from runaudit.factors.classes import design_key
        from runaudit.factors.cohort import same_design
        from runaudit.factors.policy import shared_policy

        if run_id in self._of_run:
            return
        of = self._levels(run_id)
        key = design_key(of, shared_policy(self._settings.factors, (of.run,)))
        for number in self._by_key.get(key, ()):
            if same_design(self._founder(number), of, self._settings.factors):
                break
        else:
            number = len(self.groups)
            self.groups.append(_Group(key=key, ids=[]))
            self._by_key.setdefault(key, []).append(number)
            self._founders[number] = of
            if len(self._founders) > KEPT_FOUNDERS:
                self._founders.pop(next(iter(self._founders)))
        self.groups[number].ids.append(run_id)
        self._of_run[run_id] = number
        self._dirty.add(number)

    def touch(self, run_id: str) -> None:
        """A run has got another outcome."""
        if run_id in self._of_run:
            self._dirty.add(self._of_run[run_id])

    def refresh(self) -> bool:
        """Describe every touched cohort from its records. False where one of them is damaged."""
        from runaudit.factors.cohort import Cohort, cohort_id, shared_label
        from runaudit.runs.names import load_run

        for number in sorted(self._dirty):
            group = self.groups[number]
            runs = tuple(load_run(self._store, run_id, trajectory=False) for run_id in group.ids)
            if any(run.fault for run in runs):
                return False
            name = cohort_id(runs[0], settings=self._settings)
            self.groups[number] = _described(Cohort(id=name, label=shared_label(runs), runs=runs), group.key)
        return True


def _described(group: "Cohort", key: str) -> _Group:
    from runaudit.records.canonical import json_safe
    from runaudit.runs.listing import list_json, row_cells
    from runaudit.text.terminal import printable

    cells = [list(row_cells(run)) for run in group.runs]
    rows = json_safe(list_json([group])["cohorts"][0])
    for run, cell, row in zip(group.runs, cells, rows["runs"], strict=True):
        if run.outcome is None:
            cell[2] = row["status"] = ""  # Asked again whenever it is listed.
    text = {"key": key, "id": group.id, "label": printable(group.label), "n": group.n, "cells": cells,
            "effective_n": group.effective_n, "ids": [run.id for run in group.runs]}  # fmt: skip
    return _Group(
        key=key, ids=[run.id for run in group.runs], text=json.dumps(text) + "\n", rows=json.dumps(rows) + "\n"
    )


def _write(store: "Store", name: str, data: bytes) -> bool:
    """Replace a file of the cache as a whole. A store that cannot be written is still listed, from its records."""
    import tempfile

    temporary = ""
    try:
        with tempfile.NamedTemporaryFile(dir=store.root / "cache", delete=False) as file:
            temporary = file.name
            file.write(data)
        Path(temporary).replace(store.root / "cache" / name)
    except OSError:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        return False
    return True
