"""Plain tables of steps: one run a file, with a column that counts the steps and columns of numbers.

A table of runs, a row for each, looks much like it and is another thing: it is not guessed. A table in which the steps
do not ascend, or in which a column says which run, arm or seed a row is of, or holds text, is left out. A table says
nothing of settings; only timm is known to lay its own beside it. Keras' CSVLogger is often told to write into a
`training.log`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from runaudit.importers.base import Skipped
from runaudit.importers.draft import Draft
from runaudit.importers.steptable import CLOCKS, Table, as_number, clocks_of, first_cells, read_table, text_of
from runaudit.importers.tables import as_table, foreign_yaml
from runaudit.system.files import open_ordinary
from runaudit.text.words import plural

WHOLE = True
HEAD_BYTES = 1 << 14
OF_MANY = frozenset({"run", "run_id", "run id", "run_name", "id", "name", "arm", "seed", "experiment", "exp", "trial",
                     "model", "config", "label", "group", "fold"})  # fmt: skip
"""Columns of a table that tells of several runs."""
_RUNS = frozenset({"run", "run_id", "run_name", "arm", "seed", "experiment", "exp", "trial"})
"""Those of them that no table of anything else has."""
_CLOCKWORK = frozenset({"epoch", "time", "wall time", "wall_time", "_timestamp", "_runtime", "timestamp", "elapsed"})
"""Columns that count or clock, and measure nothing."""
_OTHERS = re.compile(r"progress\.csv|(?:.+\.)?monitor\.csv")
"""Tables of the logger of OpenAI baselines, which has a reader of its own."""
_NOT_STEPS = "it is not a table of the steps of one run"
_NO_CLOCK = f"no column of whole numbers is called {', '.join(CLOCKS)}"
_DOUBLED = "two columns are called {}, and they differ: neither counts"
_NOT_WHOLE = "the column {} does not count in whole numbers"
_ENDS = (".csv", ".tsv")
"""How a table is called that is named by itself. Among others a `.tsv` is most often one of dvclive's: a curve a file.
"""
_OF_TIMM = frozenset({"model", "opt", "epochs"})
_BOOKS = re.compile(r"output|experiment|(?:no_)?log_.*|wandb_.*|checkpoint_hist|recovery_interval|save_images")
"""Settings of timm that say where and how often is written."""
UNKNOWN = {
    "code": "a table of steps says nothing of it",
    "config": "a table of steps holds no settings",
}


def places(here: Path, folders: Sequence[str], files: Sequence[str]) -> Sequence[Path]:
    """The tables of a folder whose first line names a column that counts; any that was named itself (no `folders`)."""
    if folders == ():
        named = [here / name for name in files if name.lower().endswith(_ENDS)]
        return named or [path for path in _logs(here, files) if _is_table(path)]
    tables = [here / name for name in files if name.lower().endswith(".csv")]
    return [*(path for path in tables if not _OTHERS.fullmatch(path.name) and _is_log(path)),
            *(path for path in _logs(here, files) if _is_table(path))]  # fmt: skip


def _logs(here: Path, files: Sequence[str]) -> Sequence[Path]:
    return [here / name for name in files if name.lower().endswith(".log")]


def _is_table(path: Path) -> bool:
    """Whether the first line of a file names a column of steps, and all that is looked at below are rows of numbers."""
    names, rows = _first_lines(path)
    return (
        len(names) > 1
        and bool(clocks_of(names))
        and bool(rows)
        and all(len(row) == len(names) and all(not cell or as_number(cell) is not None for cell in row) for row in rows)
    )


def _is_log(path: Path) -> bool:
    """Whether the first line of a file names a column of steps; or below its names there are numbers alone, a log whose
    rows nobody counted, or runs: these are told as left out. What cannot be opened is none."""
    names, rows = _first_lines(path)
    cells = rows[0] if rows else [""]
    numbers = [as_number(cell) for cell in cells]
    is_named = len(cells) == len(names) > 1 and None in map(as_number, names)
    is_of_runs = not _RUNS.isdisjoint(name.lower() for name in names) and any(one is not None for one in numbers)
    if len(names) > 1 and (clocks_of(names) or _counts_on(names, cells)):
        return True
    return is_named and (None not in numbers or is_of_runs)


def _counts_on(first: Sequence[str], second: Sequence[str]) -> bool:
    """Whether the first two lines of a file are rows of a log that lacks its names."""
    if len(first) != len(second) or None in map(as_number, (*first, *second)):
        return False
    return first[0] in ("0", "1") and second[0] == str(int(first[0]) + 1)


def _first_lines(path: Path) -> tuple[list[str], list[list[str]]]:
    """The names of a table, and its first rows."""
    try:
        with open_ordinary(path, within=path.parent) as file:
            head = file.read(HEAD_BYTES) or b""
    except OSError:
        return [], []
    text = text_of(head).replace("\0", "")  # What no mark says to be UTF-16 is told, and not passed over.
    return first_cells(text if len(head) == HEAD_BYTES else f"{text}\n")


def read(place: Path, within: Path) -> Iterator[Draft | Skipped]:
    """The run of a table. Raises RecordError for what is no table."""
    names, _ = _first_lines(place)
    if len(names) > 1 and not clocks_of(names):  # It may be of any size, and nothing more is asked of it.
        why = _NO_CLOCK if None in map(as_number, names) else "its first line names no columns"
        yield Skipped(source=str(place), reason=f"{_NOT_STEPS}: {why}")
        return
    table = read_table(place, within)
    why = "it is empty" if table is None else _no_steps(table)
    if table is None or why:
        yield Skipped(source=str(place), reason=f"{_NOT_STEPS}: {why}")
        return
    yield _draft(place, table, _settings(place, within))


def _no_steps(table: Table) -> str:
    """Why a table is not one of steps; empty for one that is."""
    many = sorted(name for name in table.names if name.strip().lower() in OF_MANY)
    if table.overfull:
        return f"{plural(table.overfull, 'row')} of it {'has' if table.overfull == 1 else 'have'} more cells than names"
    if table.clock is None:
        return next(((_DOUBLED if name in table.doubled else _NOT_WHOLE).format(name)
                     for name in clocks_of(table.names)), _NO_CLOCK)  # fmt: skip
    if many:
        return f"it has a column {many[0]}, so it tells of several runs; which is which is not guessed"
    if table.texts:
        return f"the column {table.texts[0]} holds more than numbers"
    if any(b < a for a, b in zip(table.steps, table.steps[1:], strict=False)):
        return f"the column {table.clock} does not ascend, so it may tell of several runs"
    if not _measured(table):
        return _DOUBLED.format(table.doubled[0]) if table.doubled else "it has no column of numbers beside the steps"
    return ""


def _measured(table: Table) -> dict[str, Sequence[tuple[int, float]]]:
    return {name: points for name, points in table.series.items() if name.lower() not in _CLOCKWORK}


def _settings(place: Path, within: Path) -> dict[str, Any]:
    """What timm wrote beside its `summary.csv`; nothing where the table is another's."""
    if place.name != "summary.csv":
        return {}
    path = place.with_name("args.yaml")
    found = as_table(foreign_yaml(path, within), path) or {}
    return dict(found) if found.keys() >= _OF_TIMM else {}


def _draft(place: Path, table: Table, settings: Mapping[str, Any]) -> Draft:
    series = _measured(table)
    if list(series) == ["Value"]:  # What TensorBoard's page gives for download: one curve, called as the file is.
        series = {place.stem: series["Value"]}
    books = {key: value for key, value in settings.items() if _BOOKS.fullmatch(key)}
    return Draft(
        kind="csv",
        source=str(place),
        run=f"{place.absolute().parent.name}/{place.name}",
        name=place.absolute().parent.name if settings else place.stem,
        config={key: value for key, value in settings.items() if key not in books} or None,
        series=series,
        torn=table.torn,
        told={"clock": table.clock},
        own=books,
        unknown=UNKNOWN,
        notes=[_DOUBLED.format(name) for name in table.doubled[:3]],
    )
