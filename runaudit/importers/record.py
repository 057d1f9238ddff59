"""Plain record files: one object, a list of them, or JSON Lines."""

import codecs
from collections.abc import Iterator
from pathlib import Path

from runaudit.errors import RecordError
from runaudit.importers.base import Imported, Skipped
from runaudit.records.canonical import JSON, parse_strict
from runaudit.records.record_file import MAX_RECORD_BYTES, run_of
from runaudit.system.files import read_ordinary


def read_records(path: Path) -> tuple[tuple[Imported, ...], tuple[Skipped, ...]]:
    """Every run of a record file. Raises RecordError where any of them is malformed: then none is read."""
    found = tuple(Imported(run=run_of(record, where=where), source=where) for where, record in _records(path))
    if not found:
        raise RecordError(f"{path} holds no record", remedy="give an object, a list of them or JSON Lines")
    return found, ()


def _records(path: Path) -> Iterator[tuple[str, JSON]]:
    raw = _bytes(path)
    try:
        value = parse_strict(raw, where=str(path))
    except RecordError:
        lines = [line for line in raw.splitlines() if line.strip()]
        if len(lines) < 2 or not lines[0].rstrip().endswith(b"}"):
            raise
        for number, line in enumerate(lines, start=1):
            where = f"{path} line {number}"
            yield where, _unwrapped(parse_strict(line, where=where))
        return
    if isinstance(value, list):
        for number, record in enumerate(value, start=1):
            yield f"{path} record {number}", _unwrapped(record)
    else:
        yield str(path), _unwrapped(value)


def _unwrapped(value: JSON) -> JSON:
    """The record inside the answer of `runaudit show --json`, or the value itself."""
    if isinstance(value, dict) and str(value.get("schema", "")).startswith("runaudit.show/") and "record" in value:
        return value["record"]
    return value


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_RECORD_BYTES:
            raise RecordError(
                f"{path} is {path.stat().st_size >> 20} MiB, beyond the {MAX_RECORD_BYTES >> 20} MiB of a record file",
                remedy="split it, or leave the series out",
            )
        return read_ordinary(path).removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror}", remedy="check the path") from error
