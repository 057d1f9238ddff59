"""Secrets that can be read in a store, let through by an older runaudit or older patterns: `runaudit doctor --secrets`.

Everything is read as it would be redacted today. Said is where a secret stands and what stands before it, never the
secret. The log itself holds nothing but digests and times.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runaudit.capture.redact import MARK, Redactor, redaction_key
from runaudit.records.run import SHORT
from runaudit.records.trajectory import read_lines
from runaudit.runs.forgetting import named_objects
from runaudit.store.aside import FOLDER
from runaudit.store.doctor import SECRET, Ailment
from runaudit.store.kept import read_kept
from runaudit.store.kinds import NOTE, RECORDS
from runaudit.store.store import Store
from runaudit.system.files import read_ordinary
from runaudit.system.progress import work
from runaudit.text.typed import typed_word
from runaudit.text.words import head

NAME = "readable_secret"
BEFORE = 32
"""Characters before a secret that are shown: a name and a sign of equality."""
MAX_PLACES = 4
MANY = 64 << 20
"""Objects that are larger are no sources: they are not read for words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """An object and what it is."""

    raw: bytes
    what: str


def secrets_in(store: Store) -> Iterator[Ailment]:
    """Every object and live file in which a secret can be read, with where it stands."""
    redactor = Redactor(redaction_key(store.root), memory=store.root / "cache")
    names, gone = named_objects(store), store.forgotten()
    paths = _objects(store)
    with work("looking for secrets", len(paths), "objects") as advance:
        for path in paths:
            advance(1)
            digest = f"sha256:{path.name}"
            if digest in gone or _is_too_large(path):
                continue
            what, run = names.get(digest, ("object", None))
            if places := list(dict.fromkeys(_places(_Read(raw=read_kept(path), what=what), redactor))):
                yield Ailment(
                    kind=SECRET, name=NAME, run=run, file=str(path.relative_to(store.root)),
                    problem=f"{what}: a secret can be read, {head(places, MAX_PLACES)}",
                    remedy=f'runaudit forget {digest} --reason "a secret was in it"',
                )  # fmt: skip
    redactor.remember()
    yield from _live(store, redactor)
    yield from _aside(store, redactor, names)


def unread_in(store: Store) -> int:
    """Objects that are too large to be read for secrets."""
    return sum(map(_is_too_large, _objects(store)))


def _objects(store: Store) -> list[Path]:
    return sorted((store.root / "objects" / "sha256").glob("??/*"))


def _is_too_large(path: Path) -> bool:
    return path.stat().st_size > MANY


def _live(store: Store, redactor: Redactor) -> Iterator[Ailment]:
    """What a run that was never sealed left behind."""
    for path in sorted((store.root / "live").rglob("*")):
        if not path.is_file() or path.suffix == ".py" or _is_too_large(path):
            continue
        run = path.relative_to(store.root / "live").parts[0]
        if places := list(dict.fromkeys(_lines(read_ordinary(path), "", redactor))):
            yield Ailment(
                kind=SECRET, name=NAME, run=run, file=str(path.relative_to(store.root)),
                problem=f"a secret can be read, {head(places, MAX_PLACES)}",
                remedy=f"runaudit seal {run[:SHORT]}; if it is sealed, delete the file: its record does not need it",
            )  # fmt: skip


def _aside(store: Store, redactor: Redactor, names: Mapping[str, tuple[str, str | None]]) -> Iterator[Ailment]:
    """What a repair put aside: damaged bytes, a second copy, a launch that was never counted."""
    for path in sorted((store.root / FOLDER).rglob("*")):
        if not path.is_file() or path.is_symlink() or _is_too_large(path):
            continue
        what, run = names.get(f"sha256:{path.name[:64]}", ("file", None))
        raw = read_ordinary(path)
        # Damaged bytes are no record any more: they are read as the text that they are.
        places = [*_lines(raw, what.rpartition("source ")[2] if "source " in what else "aside.json", redactor)]
        if what in (*RECORDS, NOTE):
            places += _places(_Read(raw=raw, what=what), redactor)
        if places:
            said = head(list(dict.fromkeys(places)), MAX_PLACES)
            yield Ailment(
                kind=SECRET, name=NAME, run=run, file=str(path.relative_to(store.root)),
                problem=f"{what} that was put aside, and nothing reads: a secret can be read, {said}",
                remedy=f"rm {typed_word(str(path))}",
            )  # fmt: skip


def _places(read: _Read, redactor: Redactor) -> Iterator[str]:
    if read.what in (*RECORDS, NOTE):
        try:
            body = json.loads(read.raw)
        except ValueError:
            return
        yield from _leaves(body, redactor.tree(body), "")
    elif read.what == "trajectory":
        found = read_lines(read.raw)
        yield from ("the name of a series" for name in found.series if redactor.text(name) != name)
        for event in found.events:
            detail: Any = dict(event.detail)
            yield from _leaves(detail, redactor.tree(detail), f"event {event.kind}")
    else:
        path = read.what.rpartition("source ")[2] if "source " in read.what else ""
        yield from _lines(read.raw, path, redactor, is_patch=read.what.endswith("patch"))


def _lines(raw: bytes, name: str, redactor: Redactor, *, is_patch: bool = False) -> Iterator[str]:
    """Each line of a text with a secret in it, by its number and what stands before the secret."""
    clean, changed = redactor.patch(raw) if is_patch else redactor.data(raw, name)
    if not changed:
        return
    before, after = (data.decode("utf-8", "replace").splitlines() for data in (raw, clean))
    if len(before) != len(after):
        yield "in more than one line"
        return
    for number, (old, new) in enumerate(zip(before, after, strict=True), start=1):
        if old != new:
            mark = MARK.search(new)
            yield f"line {number} behind {new[: mark.start()].strip()[-BEFORE:]!r}" if mark else f"line {number}"


def _leaves(before: Any, after: Any, path: str) -> Iterator[str]:
    """The paths of the leaves that redaction changes."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for (key, old), (clean_key, new) in zip(before.items(), after.items(), strict=True):
            yield from _leaves(old, new, f"{path}.{clean_key}".lstrip("."))
            if key != clean_key:
                yield f"a key of {path or 'the record'}"
    elif isinstance(before, list) and isinstance(after, list):
        for number, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _leaves(old, new, f"{path}[{number}]")
    elif before != after:
        yield path
