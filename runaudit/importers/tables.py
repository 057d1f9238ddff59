"""Files of facts in a stranger's folder as tables: one way to open them, and one to say that one is no table."""

import ast
import shlex
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runaudit.errors import RecordError
from runaudit.importers.opened import foreign_bytes
from runaudit.records.canonical import JSON, parse_strict
from runaudit.records.yamlfile import parse_yaml
from runaudit.text.words import kind_of


def foreign_json(path: Path, within: Path) -> JSON:
    """What a JSON file says; None where nothing lies there, or nothing is in it. Raises RecordError, for a key with two
    values too."""
    found, twice = _json_in_part(path, within)
    if twice:
        raise RecordError(f"{path} gives the key {min(twice)!r} two values in one object", remedy="keep one of them")
    return found


def _json_in_part(path: Path, within: Path) -> tuple[JSON, frozenset[str]]:
    raw, twice = foreign_bytes(path, within), set[str]()
    if raw is None or not raw.strip():
        return None, frozenset()
    return parse_strict(raw, where=str(path), twice=twice.add), frozenset(twice)


def json_table(path: Path, within: Path) -> Mapping[str, Any] | None:
    """The object in a JSON file; None where nothing lies there, or nothing is in it. Raises RecordError."""
    return as_table(foreign_json(path, within), path)


def json_table_in_part(path: Path, within: Path) -> tuple[Mapping[str, Any], frozenset[str]]:
    """The object in a JSON file without the keys that it gives two values, and these; an empty one where nothing lies
    there. Raises RecordError."""
    found, twice = _json_in_part(path, within)
    return as_table(found, path) or {}, twice


def foreign_yaml(path: Path, within: Path) -> JSON:
    """What a YAML file says; None where nothing lies there, or nothing is in it. Raises RecordError."""
    raw = foreign_bytes(path, within)
    return None if raw is None else parse_yaml(raw, where=str(path))


def as_table(value: JSON, path: Path, *, needed: bool = False) -> Mapping[str, Any] | None:
    """A value as the table that it should be. needed: whether nothing is no table either. Raises RecordError for a list
    or a word."""
    if (needed or value is not None) and not isinstance(value, Mapping):
        raise RecordError(f"{path} is {kind_of(value)}, not a table of keys", remedy="leave this run out")
    return value


def leaves(table: Mapping[str, Any], prefix: str = "", *, empty: bool = False) -> Iterator[tuple[str, Any]]:
    """Every value of a table that is none itself, by its dotted name. empty: whether an empty table is a value."""
    for key, value in table.items():
        if isinstance(value, Mapping) and (value or not empty):
            yield from leaves(value, f"{prefix}{key}.", empty=empty)
        else:
            yield f"{prefix}{key}", value


def by_last_name(table: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What a table holds anywhere in it, whole tables and lists too, by the last word of each name: every tracker has a
    setting in a table of its own."""
    found: dict[str, list[Any]] = {}
    for key, value in table.items():
        found.setdefault(str(key).rpartition(".")[2], []).append(spelt(value))
        if isinstance(value, Mapping):
            for name, inner in by_last_name(value).items():
                found.setdefault(name, []).extend(inner)
    return found


def spelt(value: Any) -> Any:
    """A value in lists and tables of Python's own. MLflow keeps the text of one, which is read as the literal it is."""
    if isinstance(value, Mapping):
        return {str(key): spelt(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [spelt(one) for one in value]
    if isinstance(value, str) and value[:1] in ("[", "{", "(") and len(value) <= _LONGEST_LITERAL:
        try:
            found = ast.literal_eval(value)
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            return value
        return spelt(found) if _is_plain(found) else value
    return value


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_is_plain, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str | int | float)


_LONGEST_LITERAL = 1000
"""Characters of a text that may be a list. MLflow cuts longer ones off, or did, and Python's parser has its limits."""


def part(table: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """The table that lies under these names in another; an empty one where there is none."""
    for name in names:
        inner = table.get(name)
        table = inner if isinstance(inner, Mapping) else {}
    return table


def texts(value: JSON) -> list[str]:
    """The items of a list as text; none where it is no list."""
    return [str(item) for item in value] if isinstance(value, list) else []


def utc_time(text: JSON) -> datetime | None:
    """A time that a tracker wrote, one without a zone taken as UTC; None for what is none."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found


def utc_word(moment: datetime | None) -> str | None:
    """A moment as records write it: 2026-01-31T12:00:00.500000Z."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    """How long it took; None where either end is not known."""
    return (end - start).total_seconds() if start is not None and end is not None else None


LONGEST_COMMAND = 1 << 16
"""Characters of a command line that is taken apart: a letter at a time, megabytes take long."""


def words_of(text: str) -> list[str] | None:
    """The words of a command line as a shell sees them; None where it is none."""
    if len(text) > LONGEST_COMMAND:
        return None
    try:
        return shlex.split(text)
    except ValueError:
        return None
