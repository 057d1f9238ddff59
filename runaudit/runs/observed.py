"""What a run was seen to use, and its last words, as `show -v` prints them, harmless to a terminal."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runaudit.records.outcome import Outcome
from runaudit.text.terminal import printable
from runaudit.text.typed import typed_words
from runaudit.text.words import plural

LAST_LINES = 5
"""Lines of stderr on the screen; -v prints all that were kept."""


def last_words(outcome: Outcome, *, verbose: bool = False) -> Iterator[str]:
    """Why the run ended as it did, and the end of what it wrote to stderr."""
    if outcome.body.get("error"):
        yield printable(f"{'error':<10}{outcome.body['error']}")
    if lines := stderr_lines(outcome):
        yield "the last lines of stderr"
        yield from (printable(f"  {line}") for line in (lines if verbose else lines[-LAST_LINES:]))


def as_typed(argv: Sequence[object]) -> str:
    """A command as a shell takes it back; a text without quotes would be another command."""
    return typed_words(map(str, argv))


def stderr_lines(outcome: Outcome) -> list[str]:
    """The lines of stderr that were kept of a run that crashed."""
    tail = outcome.body.get("stderr_tail")
    return tail.splitlines() if isinstance(tail, str) else []


def observed_lines(seen: Mapping[str, Any]) -> Iterator[str]:
    """The `observed` section of an outcome: the level with its reasons, then what was read, written and so on."""
    yield ""
    yield printable(f"observed  {seen.get('level', 'unknown')}")
    for reason in _list(seen.get("reasons")) or [text for text in [seen.get("reason")] if text]:
        yield printable(f"  not everything: {reason}" if seen.get("level") == "partial" else f"  {reason}")
    if command := [*_list(seen.get("argv"))]:
        yield printable(f"  command  {as_typed(command)}")
    for name in ("executable", "python", "cwd"):
        if seen.get(name):
            yield printable(f"  {name}  {seen[name]}")
    if flags := _list(seen.get("flags")):
        yield printable(f"  flags  {' '.join(map(str, flags))}")
    yield from _rows("read", [_read(row) for row in _maps(seen.get("read"))])
    yield from _rows("written", [str(row.get("path", row)) for row in _maps(seen.get("written"))])
    yield from _rows("looked up", [_pair(name, value) for name, value in _items(seen.get("looked_up"))])
    yield from _rows("imported", [f"{name} {value or ''}" for name, value in _items(seen.get("imported"))])
    yield from _rows("seeded", [_seeding(row) for row in _maps(seen.get("seeded"))])
    yield from _rows("started", [_child(row) for row in _maps(seen.get("children"))])
    yield from _rows("code without a file", [str(row.get("name")) for row in _maps(seen.get("texts"))])


def _rows(title: str, rows: Sequence[str]) -> Iterator[str]:
    if rows:
        yield f"  {title} ({len(rows)})"
        yield from (printable(f"    {row}") for row in rows)


def _read(row: Mapping[str, Any]) -> str:
    parts = [str(row.get("role") or "file"), str(row.get("path"))]
    if row.get("files"):
        parts.append(f"({plural(row['files'], 'file')})")
    if row.get("declared"):
        parts.append(f"(declared: {row['declared']})")
    if row.get("by"):
        parts.append(f"(by {row['by']})")
    digest = row.get("digest")
    parts.append(str(digest)[:19] if digest else f"content unknown: {row.get('reason') or 'no reason given'}")
    return "  ".join(parts)


def _pair(name: str, value: Any) -> str:
    return f"{name} was not set" if value is None else f"{name}={value}"


def _seeding(row: Mapping[str, Any]) -> str:
    where = f" at {row['where']}" if row.get("where") else ""
    return f"{row.get('call')}({row.get('value')}){where}"


def _child(row: Mapping[str, Any]) -> str:
    command = " ".join(map(str, _list(row.get("argv"))))
    return command if row.get("seen") else f"{command} (not seen inside)"


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [row for row in _list(value) if isinstance(row, Mapping)]


def _items(value: Any) -> list[tuple[str, Any]]:
    return sorted((str(name), item) for name, item in value.items()) if isinstance(value, Mapping) else []
