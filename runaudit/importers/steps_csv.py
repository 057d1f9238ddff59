"""Plain tables of steps: one run a file, with a column that counts the steps and columns of numbers.

A table of runs, a row for each, looks much like it and is another thing: it is not guessed. A table in which the steps
do not ascend, or in which a column says which run, arm or seed a row is of, or holds text, is left out.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from runaudit.importers.base import Skipped
from runaudit.importers.draft import Draft
from runaudit.importers.steptable import CLOCKS, Table, clocks_of, read_table
from runaudit.system.files import open_ordinary

WHOLE = True
HEAD_BYTES = 1 << 14
OF_MANY = frozenset({"run", "run_id", "run id", "run_name", "id", "name", "arm", "seed", "experiment", "exp", "trial",
                     "model", "config", "label", "group", "fold"})  # fmt: skip
"""Columns of a table that tells of several runs."""
_CLOCKWORK = frozenset({"epoch", "time", "wall time", "wall_time", "_timestamp", "_runtime", "timestamp", "elapsed"})
"""Columns that count or clock, and measure nothing."""
_OTHERS = re.compile(r"progress\.csv|(?:.+\.)?monitor\.csv")
"""Tables of the logger of OpenAI baselines, which has a reader of its own."""
UNKNOWN = {
    "code": "a table of steps says nothing of it",
    "config": "a table of steps holds no settings",
}


def places(here: Path, folders: Sequence[str], files: Sequence[str]) -> Sequence[Path]:
    """The tables of a folder whose first line names a column that counts; any that was named itself (no `folders`)."""
    tables = [here / name for name in files if name.lower().endswith(".csv")]
    return tables if folders == () else [path for path in tables if not _OTHERS.fullmatch(path.name) and _counts(path)]


def _counts(path: Path) -> bool:
    """Whether the first line of a file names a column of steps. What cannot be opened is none."""
    try:
        with open_ordinary(path, within=path.parent) as file:
            head = file.read(HEAD_BYTES) or b""
    except OSError:
        return False
    names = head.decode("utf-8", "replace").lstrip("\ufeff").partition("\n")[0].split(",")
    return len(names) > 1 and bool(clocks_of([name.strip().strip("\"'") for name in names]))


def read(place: Path, within: Path) -> Iterator[Draft | Skipped]:
    """The run of a table. Raises RecordError for what is no table."""
    table = read_table(place, within)
    why = "it is empty" if table is None else _no_steps(table)
    if table is None or why:
        yield Skipped(source=str(place), reason=f"it is not a table of the steps of one run: {why}")
        return
    yield _draft(place, table)


def _no_steps(table: Table) -> str:
    """Why a table is not one of steps; empty for one that is."""
    many = sorted(name for name in table.names if name.strip().lower() in OF_MANY)
    if table.clock is None:
        return f"no column of whole numbers is called {', '.join(CLOCKS)}"
    if many:
        return f"it has a column {many[0]}, so it tells of several runs; which is which is not guessed"
    if table.texts:
        return f"the column {table.texts[0]} holds more than numbers"
    if any(b < a for a, b in zip(table.steps, table.steps[1:], strict=False)):
        return f"the column {table.clock} does not ascend, so it may tell of several runs"
    return "" if _measured(table) else "it has no column of numbers beside the steps"


def _measured(table: Table) -> dict[str, Sequence[tuple[int, float]]]:
    return {name: points for name, points in table.series.items() if name.lower() not in _CLOCKWORK}


def _draft(place: Path, table: Table) -> Draft:
    series = _measured(table)
    if list(series) == ["Value"]:  # What TensorBoard's page gives for download: one curve, called as the file is.
        series = {place.stem: series["Value"]}
    return Draft(
        kind="csv",
        source=str(place),
        run=f"{place.absolute().parent.name}/{place.name}",
        name=place.stem,
        series=series,
        torn=table.torn,
        told={"clock": table.clock},
        unknown=UNKNOWN,
    )
