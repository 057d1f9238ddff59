"""Long series, sealed as columns: what a million lines say in a quarter of the bytes, with no number parsed twice.

A sealed trajectory of more than `LARGE` bytes is a NumPy archive (a ZIP file of `.npy` columns), which NumPy, any
language with a `.npy` reader and, for a look at it, `unzip` can read:

    import json, numpy
    archive = numpy.load("series.npz")
    tables = json.loads(bytes(archive["tables"]))["tables"]      # the names that were logged together
    archive["0/step"], archive["0/0"]                            # of the first table: its steps, its first series

Names that were logged in one call share a table of the columns `line`, `step`, `time` (seconds, NaN where none was
told) and one column a name, in the order of `tables`. `line` is the place in the order of logging, so that nothing of
the lines is lost but their spelling. Columns that do not get smaller (the noise of a loss) are stored as they are, the
others are deflated.

Text is parsed by orjson, a chunk of lines at a time, because parsing is nearly all of the cost: the standard library
takes 4 to 5 times as long (measured: 1.0 s against 0.22 s for a million numbers).
"""

import contextlib
import io
import json
import math
import struct
import sys
import zipfile
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from operator import itemgetter
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

from runaudit.errors import RecordError
from runaudit.records.points import MAX_STEP, Points
from runaudit.records.trajectory import Event, Trajectory, line_rows, number, read_lines, whole_lines
from runaudit.system.files import open_ordinary, read_ordinary

LARGE = 1 << 18
"""Bytes of lines from which columns are kept instead."""
CHUNK = 1 << 16
MAGIC = b"PK\x03\x04"
FASTEST = 1
"""Of zlib's levels: a ramp of steps or times becomes as small as at the usual 6 (0.19 and 0.22 of its size at both), in
an eighth of the time."""
SCHEMA = "runaudit.series/1"
MAX_UNPACKED = 4 << 30
"""What is unpacked of an archive from elsewhere, at most: 40 million steps of ten numbers."""
_NOT_WHOLE = (zipfile.BadZipFile, zlib.error, struct.error, RuntimeError, ValueError, TypeError, LookupError, EOFError,
              AttributeError, OverflowError, OSError)  # fmt: skip
"""What reading an archive raises whose bytes are not as they were written."""
_REMEDY = "restore it from a backup; `runaudit verify` lists all"
_INTEGERS, _FLOATS = "<i8", "<f8"
_EPOCH = (1980, 1, 1, 0, 0, 0)


class _UnlikeError(Exception):
    """Lines that do not share one shape."""


@dataclass(slots=True)
class Table:
    """What was logged together: one row a call."""

    names: tuple[str, ...]
    line: "array[int]" = field(default_factory=lambda: array("q"))
    step: "array[int]" = field(default_factory=lambda: array("q"))
    time: "array[float]" = field(default_factory=lambda: array("d"))
    values: "list[array[float]]" = field(default_factory=list)

    def __post_init__(self) -> None:
        self.values = self.values or [array("d") for _ in self.names]


@dataclass(slots=True)
class Tables:
    """Everything that a run logged, by the names that stand together; the events, each with its line; torn lines."""

    tables: dict[tuple[str, ...], Table] = field(default_factory=dict)
    events: list[tuple[int, Event, float]] = field(default_factory=list)
    torn: int = 0
    lines: int = 0

    def add(self, chunk: bytes) -> None:
        """Take in whole lines. Raises OverflowError where a step is beyond 64 bits."""
        try:
            self._add_alike(chunk)
        except _UnlikeError:
            for row in line_rows(chunk):
                self._add_row(row)

    def _add_alike(self, chunk: bytes) -> None:
        """The usual case: every line is a step of the same names. Raises _UnlikeError before anything is taken in."""
        import orjson

        listed = chunk.replace(b"\n", b",\n")
        count = len(listed) - len(chunk)  # To count the newlines asks each byte, and took four times as long.
        try:
            rows = orjson.loads(b"".join((b"[", memoryview(listed)[:-2], b"]")))
            # Lists one by one: to unzip the rows took half as long again.
            steps, times, values = [row["s"] for row in rows], [row["t"] for row in rows], [row["v"] for row in rows]
            names = tuple(values[0])
            wide = len(names)
            cells = (
                tuple(chain.from_iterable(map(itemgetter(*names), values)))
                if wide > 1
                else [found[names[0]] for found in values]
            )
            whole = len(rows) == count and sum(map(len, rows)) == 3 * count and sum(map(len, values)) == wide * count
            # Packing refuses what is no number, in half the time of `array.extend`; but it takes true for 1.
            grid = array("d", struct.pack(f"{len(cells)}d", *cells))
            # It would stand in the text by these letters: to look for one costs a tenth of asking ten million values.
            if b"u" in chunk or b"f" in chunk:
                whole = whole and bool not in set(map(type, cells))
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, struct.error, OverflowError) as error:
            raise _UnlikeError from error  # another shape, or no JSON
        if not whole or set(map(type, steps)) != {int} or set(map(type, times)) != {float}:
            raise _UnlikeError
        if max(map(abs, steps)) >= MAX_STEP:
            raise OverflowError("a step beyond 64 bits")
        table = self._table(names)
        # As bytes, for the same reason as above.
        table.line.frombytes(struct.pack(f"{count}q", *range(self.lines, self.lines + count)))
        table.step.frombytes(struct.pack(f"{count}q", *steps))
        table.time.frombytes(struct.pack(f"{count}d", *times))
        for at, column in enumerate(table.values):
            column.extend(grid[at::wide])
        self.lines += count

    def _add_row(self, row: Mapping[str, Any] | None) -> None:
        self.lines += 1
        if row is None:
            self.torn += 1
            return
        moment = float(row["t"]) if isinstance(row.get("t"), int | float) else math.nan
        if abs(row["s"]) >= MAX_STEP:
            raise OverflowError("a step beyond 64 bits")
        if "e" in row:
            event = Event(step=row["s"], kind=str(row["e"]), detail=MappingProxyType(dict(row.get("d", {}))))
            self.events.append((self.lines - 1, event, moment))
            return
        found = {name: point for name, value in row["v"].items() if (point := number(value)) is not None}
        table = self._table(tuple(found))
        table.line.append(self.lines - 1)
        table.step.append(row["s"])
        table.time.append(moment)
        for column, value in zip(table.values, found.values(), strict=True):
            column.append(value)

    def _table(self, names: tuple[str, ...]) -> Table:
        table = self.tables.get(names)  # To make one, for `setdefault` to throw away, was a fiftieth of all sealing.
        if table is None:
            table = self.tables[names] = Table(names)
        return table

    def ends(self) -> dict[str, tuple[int, int, float]]:
        """Line, step and value of the last point of every series, in the order in which the names came up."""
        found: dict[str, tuple[int, int, float]] = {}
        for table in self.tables.values():
            for name, column in zip(table.names, table.values, strict=True):
                end = (table.line[-1], table.step[-1], column[-1])
                found[name] = max(found.get(name, end), end, key=itemgetter(0))
        return found

    def _leads(self, line: int, step: int) -> bool:
        """Whether something was logged at this step after this line."""
        for table in self.tables.values():
            at = bisect_right(table.line, line)
            if at < len(table.line) and table.step[at] == step:
                return True
        return False

    def trajectory(self) -> Trajectory:
        """The series in the order logged."""
        parts: dict[str, list[tuple[Table, int]]] = {}
        for table in self.tables.values():
            for at, name in enumerate(table.names):
                parts.setdefault(name, []).append((table, at))
        return Trajectory(
            series=MappingProxyType({name: _merged(found) for name, found in parts.items()}),
            events=tuple(replace(event, leads=self._leads(line, event.step)) for line, event, _ in self.events),
            torn=self.torn,
        )


def _merged(parts: Sequence[tuple[Table, int]]) -> Points:
    """One series out of the tables that hold it, in the order of the lines."""
    if len(parts) == 1:
        table, at = parts[0]
        return Points(table.step, table.values[at])
    rows = sorted(row for table, at in parts for row in zip(table.line, table.step, table.values[at], strict=True))
    return Points(array("q", (step for _, step, _ in rows)), array("d", (value for _, _, value in rows)))


def tables_of(chunks: Iterable[bytes], *, has_tail: bool = True) -> Tables:
    """The tables of lines that come in pieces. A last line without its end counts as torn, unless not `has_tail`, where
    it is cut. Raises OverflowError for a step beyond 64 bits."""
    found, rest = Tables(), b""
    for chunk in chunks:
        if end := chunk.rfind(b"\n") + 1:
            found.add(b"".join((rest, memoryview(chunk)[:end])))
            rest = chunk[end:]
        else:
            rest += chunk
    found.torn += has_tail and bool(rest)
    return found


def chunks_of(raw: bytes) -> Iterator[bytes]:
    """`raw` in pieces that are parsed at a time."""
    return (raw[at : at + CHUNK] for at in range(0, len(raw), CHUNK))


# ── the archive ──────────────────────────────────────────────────────────────────────────────────────────────────


def packed(found: Tables) -> bytes:
    """The archive. Equal lines give equal bytes. The tables are emptied on the way, so that nothing is held twice."""
    out = io.BytesIO()
    head = {
        "schema": SCHEMA,
        "lines": found.lines,
        "torn": found.torn,
        "tables": [{"names": list(table.names), "rows": len(table.step)} for table in found.tables.values()],
        "events": [
            {"line": line, "step": event.step, "time": None if math.isnan(moment) else moment, "kind": event.kind,
             "detail": dict(event.detail)} for line, event, moment in found.events
        ],
    }  # fmt: skip
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":"), default=str).encode("utf-8", "surrogatepass")
    with zipfile.ZipFile(out, "w") as archive:
        _write(archive, "tables", "|u1", len(text), text)
        for at, table in enumerate(found.tables.values()):
            rows = len(table.step)
            _write(archive, f"{at}/line", _INTEGERS, rows, _native(table.line).tobytes())
            _write(archive, f"{at}/step", _INTEGERS, rows, _native(table.step).tobytes())
            _write(archive, f"{at}/time", _FLOATS, rows, _native(table.time).tobytes())
            table.line = table.step = array("q")
            table.time = array("d")
            for index, column in enumerate(table.values):
                _write(archive, f"{at}/{index}", _FLOATS, rows, _native(column).tobytes())
                table.values[index] = array("d")
    return out.getvalue()


def _write(archive: zipfile.ZipFile, name: str, kind: str, count: int, data: bytes) -> None:
    info = zipfile.ZipInfo(f"{name}.npy", date_time=_EPOCH)
    sample = data[: 1 << 16]
    # The last digits of a loss are noise, and cost a second a million to find incompressible again.
    shrinks = len(zlib.compress(sample, FASTEST)) < 0.8 * len(sample)
    kept = zipfile.ZIP_DEFLATED if shrinks else zipfile.ZIP_STORED
    archive.writestr(info, _npy_head(kind, count) + data, kept, compresslevel=FASTEST)


def _npy_head(kind: str, count: int) -> bytes:
    """The head of a one-dimensional `.npy` file, format 1.0 (numpy.lib.format)."""
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': ({count},), }}"
    text += " " * (-(10 + len(text) + 1) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def unpacked(raw: bytes, *, where: str) -> Tables:
    """The tables of an archive. Raises RecordError for one that is not whole, or of more than `MAX_UNPACKED` bytes."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            if not {info.compress_type for info in archive.infolist()} <= {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                raise ValueError("it is packed in a way that we never use")
            if sum(info.file_size for info in archive.infolist()) > MAX_UNPACKED:
                raise RecordError(f"{where} unpacks to more than {MAX_UNPACKED >> 30} GiB", remedy=_REMEDY)
            head = json.loads(_read(archive, "tables", "|u1"))
            if head["schema"] != SCHEMA:
                raise RecordError(f"{where} is of another version", remedy="use the runaudit that wrote it")
            found = Tables(torn=int(head["torn"]), lines=int(head["lines"]))
            for at, about in enumerate(head["tables"]):
                names = tuple(map(str, about["names"]))
                found.tables[names] = _table_in(archive, at, names, int(about["rows"]))
            for event in head["events"]:
                moment = math.nan if event["time"] is None else float(event["time"])
                detail = MappingProxyType(dict(event["detail"]))
                made = Event(step=int(event["step"]), kind=str(event["kind"]), detail=detail)
                found.events.append((int(event["line"]), made, moment))
    except _NOT_WHOLE as error:
        raise RecordError(f"{where} is no whole archive of series: {error}", remedy=_REMEDY) from error
    return found


def _table_in(archive: zipfile.ZipFile, at: int, names: tuple[str, ...], rows: int) -> Table:
    columns = {name: _column(archive, f"{at}/{name}", "q", rows) for name in ("line", "step")}
    values = [_column(archive, f"{at}/{index}", "d", rows) for index in range(len(names))]
    return Table(names, **columns, time=_column(archive, f"{at}/time", "d", rows), values=values)


def _column(archive: zipfile.ZipFile, name: str, code: str, rows: int) -> "array[Any]":
    column: array[Any] = array(code)
    column.frombytes(_read(archive, name, _INTEGERS if code == "q" else _FLOATS))
    if len(column) != rows:
        raise ValueError(f"{name} has {len(column)} rows of {rows}")
    return _native(column)


def _read(archive: zipfile.ZipFile, name: str, kind: str) -> bytes:
    data = archive.read(f"{name}.npy")
    start = 10 + struct.unpack("<H", data[8:10])[0]
    if data[:8] != b"\x93NUMPY\x01\x00" or f"'{kind}'".encode() not in data[:start]:
        raise ValueError(f"{name} is no column of {kind}")
    return data[start:]


def _native(column: "array[Any]") -> "array[Any]":
    """Columns lie little-endian; elsewhere their bytes are turned, on the way out as on the way in."""
    if sys.byteorder == "big":
        column = column[:]
        column.byteswap()
    return column


# ── what the store keeps, and what it reads ──────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealable:
    """What a store keeps of the `size` bytes of a run's lines, the last value of each series, and the largest step that
    one ended at."""

    raw: bytes
    size: int
    last: Mapping[str, float]
    last_step: int | None


def sealable(path: Path) -> Sealable:
    """The lines of a file as they are sealed, without a torn end: few as they are, many as columns. Lines with a step
    that no column can hold stay lines. Raises OSError where the file cannot be read; one that is not there is empty."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return Sealable(raw=b"", size=0, last={}, last_step=None)
    if size > LARGE:
        with open_ordinary(path) as file, contextlib.suppress(OverflowError):
            found = tables_of(iter(lambda: file.read(CHUNK), b""), has_tail=False)
            ends = found.ends()
            return Sealable(
                raw=packed(found),
                size=size,
                last={name: value for name, (_, _, value) in ends.items()},
                last_step=max((step for _, step, _ in ends.values()), default=None),
            )
    lines = read_ordinary(path)
    raw = whole_lines(lines)
    told = read_lines(raw)
    last = {name: points[-1][1] for name, points in told.series.items() if points}
    return Sealable(raw=raw, size=len(lines), last=last, last_step=told.last_step())


def names_among(file: BinaryIO, wanted: Iterable[str]) -> frozenset[str]:
    """Which of these names have a value in the lines of a file. A name that stands nowhere in the text was not logged,
    and to look for it costs a hundredth of parsing a long series, which is parsed when it is sealed."""
    marks = {name: f"{json.dumps(name)}:".encode() for name in wanted}
    found: set[str] = set()
    rest = b""
    while marks and (chunk := file.read(CHUNK)):
        lines, end, rest = (rest + chunk).rpartition(b"\n")
        lines += end
        if any(mark in lines for mark in marks.values()):
            for row in line_rows(lines):  # An event may have it among what it tells, too.
                found |= {name for name, value in _values(row) if name in marks and number(value) is not None}
            marks = {name: mark for name, mark in marks.items() if name not in found}
    return frozenset(found)


def _values(row: Mapping[str, Any] | None) -> Iterable[tuple[str, Any]]:
    return () if row is None or "e" in row else row["v"].items()


def read_series(raw: bytes, *, where: str = "the series") -> Trajectory:
    """What a run logged, from its lines or from its columns. Raises RecordError for columns that are not whole."""
    if raw.startswith(MAGIC):
        return unpacked(raw, where=where).trajectory()
    if len(raw) > LARGE:
        try:
            return tables_of(chunks_of(raw)).trajectory()
        except OverflowError:
            return read_lines(raw)
    return read_lines(raw)
