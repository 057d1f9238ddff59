"""Tables of steps, as loggers write them to CSV files: a column that counts, and columns of numbers, not every one of
them filled at every step.

Cells are parted by commas, by semicolons or by tabs, as the first line tells; where they are not parted by commas, and
no number has a point, a comma is that of a decimal. Lines that begin with # stand before the names, and the last of
them may be the names.
"""

import codecs
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
_COMMA = re.compile(r"[-+]?\d*,\d+(?:[eE][-+]?\d{1,5})?")
"""A number as most of Europe writes it."""
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2},\d{3}")
_BEFORE = re.compile(r"(?:(?:#[^\n]*|\r?)\n)*+")
"""Empty lines and lines of comment before the names."""
_SEPARATORS = (",", ";", "\t")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_DECIMAL = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,5})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The rows of a table. names: of its columns. clock: the one that counts, None where none does. torn: whether the
    last line is half a one. texts: columns that hold more than numbers. doubled: names of two columns that differ, of
    which neither is a series. overfull: rows that have more cells than there are names."""

    names: tuple[str, ...]
    clock: str | None
    steps: tuple[int, ...]
    series: Mapping[str, Sequence[tuple[int, float]]]
    texts: tuple[str, ...]
    torn: int = 0
    doubled: tuple[str, ...] = ()
    overfull: int = 0


def text_of(raw: bytes) -> str:
    """The text of a table, in UTF-8, or in UTF-16 where its mark says so."""
    return raw.decode("utf-16", "replace") if raw.startswith(_UTF16) else raw.decode("utf-8-sig", "backslashreplace")


def laid_out(text: str) -> tuple[str, str, str]:
    """A table without what stands before its names, what parts its cells, and what stood there."""
    end = match.end() if (match := _BEFORE.match(text)) is not None else 0
    before = [words for line in text[:end].splitlines() if (words := line.strip("# \t\r"))]
    text = text[end:]
    first = text.partition("\n")[0]
    if before and None not in map(as_number, _cells(first, _separator(first))):
        named = before[-1]
        separator = _separator(named)
        if clocks_of(_cells(named, separator)) and len(_cells(named, separator)) == len(_cells(first, separator)):
            return f"{named}\n{text}", separator, "; ".join(before[:-1])
    return text, _separator(first), "; ".join(before)


def _separator(header: str) -> str:
    """What parts the cells of a line of names."""
    for one in _SEPARATORS:
        if len(names := _cells(header, one)) > 1 and clocks_of(names):
            return one
    return max(_SEPARATORS, key=header.count)


def _cells(line: str, separator: str) -> list[str]:
    return [cell.strip().strip("\"'") for cell in line.split(separator)]


def first_cells(text: str) -> tuple[list[str], list[list[str]]]:
    """The names of a table, and the cells of the whole lines that follow in a part of its text."""
    text, separator, _ = laid_out(text)
    names, *lines = text.split("\n")
    return _cells(names, separator), [_cells(line, separator) for line in lines[:-1] if line.strip()]


def read_table(path: Path, within: Path) -> Table | None:
    """A table of steps; None where no file lies, or an empty one. Without a column that counts, the rows are.

    Raises RecordError for what is no table.
    """
    raw = foreign_bytes(path, within, most=MAX_TABLE_BYTES)
    if not raw or not raw.strip():
        return None
    whole = text_of(raw)
    if "\0" in whole or any(len(line) > MAX_LINE for line in whole.splitlines()):
        why = "it holds bytes of 0, as UTF-16 without its mark does" if "\0" in whole else "its lines are too long"
        raise RecordError(f"{path} is not a table of comma-separated values: {why}", remedy="leave it out")
    text, separator, _ = laid_out(whole)
    if not text.strip():
        return None
    try:
        header, *rows = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True, delimiter=separator)
    except (csv.Error, ValueError) as error:
        raise RecordError(f"{path} is not a table of comma-separated values: {error}", remedy="leave it out") from error
    names = tuple(name.strip() for name in header)
    rows = [[cell.strip() for cell in row] for row in rows if row and any(cell.strip() for cell in row)]
    torn = bool(rows) and not text.endswith(("\n", "\r"))
    if torn and len(rows[-1]) == len(names) and (len(rows) < 2 or len(rows[-1][-1]) >= len(rows[-2][-1])):
        torn = False  # Some writers end without a newline; a number that was cut is shorter than the one above.
    rows = rows[:-1] if torn else rows
    return _table(names, rows if separator == "," else _with_points(rows), torn=torn)


def _with_points(rows: Sequence[Sequence[str]]) -> Sequence[Sequence[str]]:
    """Cells with a point for each decimal comma; as they are where a comma may part thousands: another number has a
    point, or none has its comma elsewhere."""
    cells = [cell for row in rows for cell in row if "," in cell or "." in cell]
    is_sure = any(_COMMA.fullmatch(cell) and not _THOUSANDS.fullmatch(cell) for cell in cells)
    if not is_sure or any("." in cell and as_number(cell) is not None for cell in cells):
        return rows
    return [[cell.replace(",", ".") if _COMMA.fullmatch(cell) else cell for cell in row] for row in rows]


def _table(names: Sequence[str], rows: Sequence[Sequence[str]], *, torn: bool) -> Table:
    clock, counted = None, tuple(range(len(rows)))
    doubled = _doubled(names, rows)
    left_out = {*doubled}
    for name in clocks_of([name for name in names if name not in left_out]):
        at = names.index(name)
        if (steps := _steps([row[at] if at < len(row) else "" for row in rows])) is not None:
            clock, counted = name, steps
            break
    series: dict[str, list[tuple[int, float]]] = {}
    texts: set[str] = set()
    left_out |= {clock or ""}
    for step, row in zip(counted, rows, strict=True):
        for name, cell in dict(zip(names, row, strict=False)).items():
            if not cell or not name or name in left_out:
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
        doubled=doubled,
        overfull=sum(any(row[len(names) :]) for row in rows),
    )


def _doubled(names: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Names of several columns that are not the same."""
    places: dict[str, list[int]] = {}
    for at, name in enumerate(names):
        places.setdefault(name, []).append(at)
    found = [name for name, several in places.items() if name and len(several) > 1]
    return tuple(name for name in found if any(_differ(row, places[name]) for row in rows))


def _differ(row: Sequence[str], places: Sequence[int]) -> bool:
    return len({row[at] if at < len(row) else "" for at in places}) > 1


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
