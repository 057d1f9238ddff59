"""What `list` shows, read from the index of the store, so that ten thousand runs need not be read to be listed.

The index is derived (`indexfile`): whatever becomes of it, the answer is the one that the records give. A run without
an outcome is asked anew whether it is alive.
"""

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runaudit.runs.indexfile import CELLS, FILE, caught_up, current, held
from runaudit.runs.lines import head_lines, row_line, unplaced
from runaudit.text.terminal import DIM, Paint

if TYPE_CHECKING:
    from runaudit.settings import Settings
    from runaudit.store.store import Store

MAX_NEWEST = 1 << 62
"""Beyond any store, and still a number to the index."""


def listed(
    store: "Store", settings: "Settings", *, json_answer: bool, colour: bool, width: int | None,
    newest: int | None = None,
) -> Sequence[str] | None:  # fmt: skip
    """The lines of `list`, or its JSON answer as text; None where the records themselves must be read."""
    index = current(store, settings)
    return _read(store.root, index, json_answer, colour, width, newest)


def lines_at_once(
    root: Path, settings: "Settings", *, json_answer: bool, colour: bool, width: int | None, newest: int | None = None
) -> Sequence[str] | None:
    """As `listed`, of the store at `root`, where the index holds or lacks a few lines of the log, and there is no more
    to say: no run is put away, and there are some. Else None."""
    index = held(root, settings) or caught_up(root, settings)
    if index is not None and index.execute("SELECT 1 FROM runs WHERE hidden = 1 LIMIT 1").fetchone() is not None:
        index.close()
        return None
    return _read(root, index, json_answer, colour, width, newest) or None


def _read(
    root: Path, index: sqlite3.Connection | None, json_answer: bool, colour: bool, width: int | None, newest: int | None
) -> Sequence[str] | None:
    if index is None:
        return None
    try:
        with contextlib.closing(index):
            wanted = None if newest is None else _newest(index, newest)
            if json_answer:
                return [*_answer(root, _views(index, "answer", wanted))]
            # What a pipe gets lies there as it is, but for what is asked anew or only in part.
            plain = not colour and width is None and wanted is None
            text = "CASE WHEN whole != '' THEN whole ELSE shown END" if plain else "shown"
            return [*_lines(root, _views(index, text, wanted), paint=Paint(colour), width=width)]
    except (sqlite3.Error, ValueError, TypeError):
        return None


Wanted = Mapping[int, frozenset[str]]
"""Cohorts, and which of their runs are listed."""


def _newest(index: sqlite3.Connection, newest: int) -> Wanted:
    query = "SELECT cohort, id FROM runs WHERE hidden = 0 ORDER BY number DESC LIMIT ?"
    found: dict[int, set[str]] = {}
    for cohort, run in index.execute(query, (min(newest, MAX_NEWEST),)):
        found.setdefault(cohort, set()).add(run)
    return {number: frozenset(found[number]) for number in sorted(found)}


def _views(index: sqlite3.Connection, view: str, wanted: Wanted | None) -> Iterator[tuple[str, frozenset[str] | None]]:
    """What is kept of each cohort, oldest first, and which of its runs are listed: None for all."""
    if wanted is None:
        rows = index.execute(f"SELECT {view} FROM cohorts WHERE shown != '' ORDER BY number")
        yield from ((text, None) for (text,) in rows)
        return
    for number, runs in wanted.items():
        (text,) = index.execute(f"SELECT {view} FROM cohorts WHERE number = ?", (number,)).fetchone()
        yield text, runs


def hidden_runs(store: "Store") -> int:
    """How many runs the index leaves out because they are archived; 0 where it cannot be read."""
    try:
        with contextlib.closing(sqlite3.connect(store.root / "cache" / FILE)) as index:
            return int(index.execute("SELECT COUNT(*) FROM runs WHERE hidden = 1").fetchone()[0])
    except sqlite3.Error:
        return 0


def kept_rows(store: "Store") -> Iterator[dict[str, Any]]:
    """The cohorts as the index has them, each as in the JSON answer of `list`; it may be behind the log, or absent."""
    path = store.root / "cache" / FILE
    if not path.exists():
        return
    with contextlib.suppress(sqlite3.Error, ValueError), contextlib.closing(sqlite3.connect(path)) as index:
        rows = index.execute("SELECT answer FROM cohorts WHERE answer != '' ORDER BY number").fetchall()
        yield from (json.loads(text) for (text,) in rows)


def _status(root: Path, run_id: str) -> str:
    from runaudit.store.catalogue import liveness
    from runaudit.store.store import Store

    return liveness(Store(root).live_dir(run_id))


def _lines(
    root: Path, groups: Iterable[tuple[str, frozenset[str] | None]], *, paint: Paint, width: int | None
) -> Iterator[str]:
    left_out: Sequence[str] = ()
    for number, (text, kept) in enumerate(groups):
        before = "\n" if number else ""
        if not text.startswith(CELLS):
            yield before + text
            continue
        group = json.loads(text)
        shown = len(group["ids"]) if kept is None else len(kept.intersection(group["ids"]))
        lines = [*head_lines(*group["head"], shown=shown, paint=paint, width=width)]
        at = next((i for i, (name, _, _) in enumerate(group["columns"]) if name == "status"), 0)
        for run_id, cells in zip(group["ids"], group["cells"], strict=True):
            if kept is None or run_id in kept:
                cells[at] = cells[at] or _status(root, run_id)
                lines.append(row_line(cells, group["columns"], paint=paint, width=width))
        left_out = unplaced(group["columns"], width)
        yield before + "\n".join(lines)
    if left_out:
        yield "\n" + "\n".join(paint(line, DIM) for line in left_out)


def _answer(root: Path, groups: Iterable[tuple[str, frozenset[str] | None]]) -> Iterator[str]:
    """The JSON answer, a cohort a line, as it lies in the index."""
    from runaudit.runs.lines import json_lines

    return json_lines(_alive(root, groups))


def _alive(root: Path, groups: Iterable[tuple[str, frozenset[str] | None]]) -> Iterator[str]:
    """The cohorts of the answer as text, with the status that a run without an outcome has now."""
    for text, kept in groups:
        line = text
        if kept is not None or '"status": ""' in text:
            group = json.loads(text)
            group["runs"] = [row for row in group["runs"] if kept is None or row["id"] in kept]
            for row in group["runs"]:
                row["status"] = row["status"] or _status(root, row["id"])
            line = json.dumps(group)
        yield line


def cohort_ids(store: "Store", settings: "Settings") -> Mapping[str, str]:
    """The id of each run's cohort, by the run's; nothing where the records themselves must be read."""
    index = current(store, settings)
    if index is None:
        return {}
    try:
        with contextlib.closing(index):
            rows = index.execute("SELECT runs.id, cohorts.id FROM runs JOIN cohorts ON cohorts.number = runs.cohort")
            return dict(rows.fetchall())
    except sqlite3.Error:
        return {}
