"""What `list` shows, read from the index of the store, so that ten thousand runs need not be read to be listed.

The index is derived (`indexfile`): whatever becomes of it, the answer is the one that the records give. A run without
an outcome is asked anew whether it is alive.
"""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from runaudit.runs.indexfile import FILE, current

if TYPE_CHECKING:
    from runaudit.settings import Settings
    from runaudit.store.store import Store

MAX_NEWEST = 1 << 62
"""Beyond any store, and still a number to the index."""


def listed(
    store: "Store", settings: "Settings", *, json_answer: bool, colour: bool, width: int | None,
    newest: int | None = None,
) -> Iterator[str] | None:  # fmt: skip
    """The lines of `list`, or its JSON answer as text; None where the records themselves must be read."""
    try:
        index = current(store, settings)
        if index is None:
            return None
        with contextlib.closing(index):
            groups = _groups(index, "answer" if json_answer else "shown", newest)
    except (sqlite3.Error, ValueError, TypeError):
        return None
    return _answer(store, groups) if json_answer else _lines(store, groups, colour=colour, width=width)


def _groups(index: sqlite3.Connection, column: str, newest: int | None) -> list[tuple[str, frozenset[str] | None]]:
    """What is shown of each cohort, and which of its runs are."""
    if newest is None:
        rows = index.execute(f"SELECT {column} FROM cohorts WHERE {column} != '' ORDER BY number")
        return [(text, None) for (text,) in rows]
    query = "SELECT cohort, id FROM runs WHERE hidden = 0 ORDER BY number DESC LIMIT ?"
    wanted: dict[int, set[str]] = {}
    for cohort, run in index.execute(query, (min(newest, MAX_NEWEST),)):
        wanted.setdefault(cohort, set()).add(run)
    query = f"SELECT {column} FROM cohorts WHERE number = ?"
    return [(index.execute(query, (n,)).fetchone()[0], frozenset(wanted[n])) for n in sorted(wanted)]


def kept_rows(store: "Store") -> Iterator[dict[str, Any]]:
    """The cohorts as the index has them, each as in the JSON answer of `list`; it may be behind the log, or absent."""
    path = store.root / "cache" / FILE
    if not path.exists():
        return
    with contextlib.suppress(sqlite3.Error, ValueError), contextlib.closing(sqlite3.connect(path)) as index:
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
