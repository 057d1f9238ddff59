"""Tables of steps, as loggers write them to CSV files: a column that counts, and columns of numbers, not every one of
them filled at every step."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runaudit.errors import RecordError
from runaudit.importers.opened import foreign_bytes
from runaudit.records.trajectory import NON_FINITE

MAX_TABLE_BYTES = 64 << 20
MAX_LINE = 1 << 20
"""Of one line: what is longer is no table."""
CLOCKS = ("step", "global_step", "global step", "iteration", "iter", "epoch")
"""What the column that counts is called, the finest first."""
_WHOLE = re.compile(r"[-+]?\d{1,18}(?:\.0*)?")
_DECIMAL = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,5})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The rows of a table. names: of its columns. clock: the one that counts, None where none does. torn: whether the
    last line is half a one. texts: columns that hold more than numbers."""

    names: tuple[str, ...]
    clock: str | None
    steps: tuple[int, ...]
    series: Mapping[str, Sequence[tuple[int, float]]]
    texts: tuple[str, ...]
    torn: int = 0


def read_table(path: Path, within: Path) -> Table | None:
    """A table of steps; None where no file lies, or an empty one. Without a column that counts, the rows are.

    Raises RecordError for what is no table.
    """
    raw = foreign_bytes(path, within, most=MAX_TABLE_BYTES)
    if not raw or not raw.strip():
        return None
    text = raw.decode("utf-8-sig", "backslashreplace")
    if "\0" in text or any(len(line) > MAX_LINE for line in text.splitlines()):
        raise RecordError(f"{path} is not a table of comma-separated values", remedy="leave it out")
    try:
        header, *rows = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True)
    except (csv.Error, ValueError) as error:
        raise RecordError(f"{path} is not a table of comma-separated values: {error}", remedy="leave it out") from error
    names = tuple(name.strip() for name in header)
    rows = [[cell.strip() for cell in row] for row in rows if row and any(cell.strip() for cell in row)]
    torn = bool(rows) and not text.endswith(("\n", "\r"))
    if torn and len(rows[-1]) == len(names) and (len(rows) < 2 or len(rows[-1][-1]) >= len(rows[-2][-1])):
        torn = False  # Some writers end without a newline; a number that was cut is shorter than the one above.
    return _table(names, rows[:-1] if torn else rows, torn=torn)


def _table(names: Sequence[str], rows: Sequence[Sequence[str]], *, torn: bool) -> Table:
    clock, counted = None, tuple(range(len(rows)))
    for name in clocks_of(names):
        at = names.index(name)
        if (steps := _steps([row[at] if at < len(row) else "" for row in rows])) is not None:
            clock, counted = name, steps
            break
    series: dict[str, list[tuple[int, float]]] = {}
    texts: set[str] = set()
    for step, row in zip(counted, rows, strict=True):
        for name, cell in zip(names, row, strict=False):
            if not cell or not name or name == clock:
                continue
            point = as_number(cell)
            if point is None:
                texts.add(name)
            else:
                series.setdefault(name, []).append((step, point))
    return Table(
        names=tuple(names),
        clock=clock,
        steps=counted,
        series={name: tuple(points) for name, points in series.items() if name not in texts},
        texts=tuple(name for name in names if name in texts),
        torn=int(torn),
    )


def clocks_of(names: Sequence[str]) -> list[str]:
    """The columns that may count the steps, by their names, the finest first."""
    by_name = {re.sub(r"^(?:trainer|train|time)/", "", name.strip().lower()): name for name in reversed(names)}
    return [by_name[word] for word in CLOCKS if word in by_name]


def _steps(cells: Sequence[str]) -> tuple[int, ...] | None:
    """A column as steps, an empty cell as the one above; None where it does not count in whole numbers."""
    found: list[int] = []
    for cell in cells:
        if not cell and found:
            found.append(found[-1])
        elif _WHOLE.fullmatch(cell):
            found.append(int(cell.partition(".")[0]))
        else:
            return None
    return tuple(found)


def as_number(cell: str) -> float | None:
    """A cell as the number it writes, NaN and the infinities among them; None for text."""
    if _DECIMAL.fullmatch(cell):
        return float(cell)
    return NON_FINITE.get(cell.lower())
