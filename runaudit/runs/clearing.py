"""`runaudit gc`: room made, and nothing lost that a sealed record needs.

Two things may go. *Contents that no record names*: what launches left that were refused or died. *Checkpoints of runs
that were put away*, where the policy says so, and no other run began with them. Both are listed first; what goes is
sealed in the log before it goes, so that `verify` knows what is missing from what was lost.

A launch puts its contents first and names them last. So nothing goes that is younger than an hour, or than the oldest
run without an end; whoever is about to name what lies there already makes it young again (`Store.keeps`).
"""

import contextlib
import re
import time as clock
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from runaudit.errors import ConfigError, RecordError
from runaudit.records.digest import Digest
from runaudit.records.outcome import Outcome
from runaudit.records.run import SHORT
from runaudit.settings import Settings
from runaudit.store.catalogue import run_ids
from runaudit.store.doctor import LEFT_S
from runaudit.store.kept import read_kept
from runaudit.store.kinds import ENDINGS, MANIFEST, RECORDS
from runaudit.store.leftovers import inventory, kind_of
from runaudit.store.line import LogEntry
from runaudit.store.remarks import archived
from runaudit.store.removed import Removed, Unneeded, tell_removed
from runaudit.store.store import Store
from runaudit.system.files import is_below
from runaudit.text.markdown import escaped, table
from runaudit.text.terminal import BOLD, UNPAINTED, Paint, printable
from runaudit.text.words import plural

ALL, BEST, NONE = "all", "best", "none"
KEPT = (ALL, BEST, NONE)
"""Which checkpoints of archived runs the policy may keep, under `[gc] archived_checkpoints`."""
_MENTIONED = re.compile(rb"sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clearing:
    """What may go, or went (`done`). young: contents that nothing names and that somebody may be about to name."""

    objects: tuple[Unneeded, ...]
    files: tuple[Removed, ...]
    young: int = 0
    done: bool = False

    @property
    def size(self) -> int:
        """How many bytes that is."""
        return sum(one.size for one in self.objects) + sum(row.size for row in self.files)

    def to_json(self) -> dict[str, Any]:
        """The answer for a program."""
        return {
            "schema": "runaudit.gc/1", "removed": self.done, "bytes": self.size, "kept_young": self.young,
            "objects": [{"digest": str(one.digest), "bytes": one.size} for one in self.objects],
            "checkpoints": [{"run": row.run, "path": row.path, "kind": row.kind, "bytes": row.size}
                            for row in self.files],
        }  # fmt: skip

    @property
    def headline(self) -> str:
        """How much it is, on one line."""
        if not self.objects and not self.files:
            return "nothing to remove: a sealed record needs all that is kept"
        parts = [plural(len(self.objects), "content") + " that no record names"] if self.objects else []
        runs = plural(len({row.run for row in self.files}), "archived run")
        parts += [f"{plural(len(self.files), 'checkpoint')} of {runs}"] if self.files else []
        return f"{'removed' if self.done else 'can go'}: {' and '.join(parts)}, {self.size:,} bytes"

    @property
    def notes(self) -> Iterator[str]:
        """What is to be known beside."""
        if self.young:
            yield f"{plural(self.young, 'content')} that nothing names stayed: a launch may be about to name them"
        if not self.done and (self.objects or self.files):
            yield "nothing was removed; `runaudit gc --yes` removes it"

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal: each file, with -v each content, then how much."""
        for row in self.files:
            yield printable(f"  {row.run[:SHORT]}  {row.path}  {row.kind}, {row.size:,} bytes")
        yield from (f"  {str(one.digest)[:19]}…  {one.size:,} bytes" for one in (self.objects if verbose else ()))
        yield paint(self.headline, BOLD)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        yield f"**{escaped(self.headline)}**"
        rows = [(row.run[:SHORT], row.path, f"{row.size:,}") for row in self.files]
        rows += [("", f"{str(one.digest)[:19]}…", f"{one.size:,}") for one in (self.objects if verbose else ())]
        if rows:
            yield from ("", *table(("run", "what", "bytes"), rows))


def clearing(store: Store, settings: Settings, *, now: float | None = None) -> Clearing:
    """What may go of a store. Removes nothing. now: seconds since the epoch.

    Raises IntegrityError where the log or a record is damaged: what is needed is then not known. ConfigError.
    """
    now = clock.time() if now is None else now
    there = inventory(store)  # Before the log is read: what is named by then was there.
    entries = store.entries()
    bodies = [(_run_of(entry), entry, store.read(entry.digest)) for entry in _records(store, entries)]
    named = {digest.hex for entry in entries for digest in (entry.digest, _subject(entry)) if digest is not None}
    named |= {found.decode() for _, _, raw in bodies for found in _MENTIONED.findall(raw)}
    named |= {digest[7:] for digest in store.forgotten()}
    loose = [path for path in there.objects if path.name not in named]
    records = [path for path in loose if kind_of(path) != "object"]  # `doctor` says what they are, and mends.
    named |= {found.decode() for path in records for found in _MENTIONED.findall(read_kept(path))}
    loose = [path for path in loose if path.name not in named and path not in records]
    before = _young_from(store, entries, now)
    old = [path for path in loose if path.lstat().st_mtime < before]
    objects = tuple(Unneeded(Digest("sha256", path.name), path.lstat().st_size) for path in old)
    return Clearing(objects=objects, files=tuple(_files(store, settings, bodies)), young=len(loose) - len(old))


def clear(store: Store, found: Clearing, *, time: str, now: float | None = None) -> Clearing:
    """Remove what was found, told in the log first; returns what went. Raises StoreError."""
    if not found.objects and not found.files:
        return found
    now = clock.time() if now is None else now
    before = _young_from(store, store.entries(), now)
    tell_removed(store, found.files, found.objects, time=time)
    gone = []
    with store.explained("remove from"):
        for one in found.objects:
            path = store.object_path(one.digest)
            # Somebody may have asked for it since.
            if path.exists() and path.lstat().st_mtime < before:
                path.unlink()
                gone.append(one)
        for row in found.files:
            (store.run_dir(row.run) / row.path).unlink(missing_ok=True)
    return Clearing(objects=tuple(gone), files=found.files, young=found.young, done=True)


def _records(store: Store, entries: Sequence[LogEntry]) -> Iterator[LogEntry]:
    gone = store.forgotten()
    yield from (entry for entry in entries if entry.kind in RECORDS and str(entry.digest) not in gone)


def _run_of(entry: LogEntry) -> str:
    return entry.digest.hex if entry.kind == MANIFEST else entry.subject.removeprefix("sha256:")


def _subject(entry: LogEntry) -> Digest | None:
    with contextlib.suppress(RecordError):
        return Digest.parse(entry.subject)
    return None


def _young_from(store: Store, entries: Sequence[LogEntry], now: float) -> float:
    """From which moment on what lies in the store may be named yet: by a launch that is being made, or by the end of a
    run that has none."""
    ends = store.endings()
    launched = [entry.time for entry in entries if entry.kind == MANIFEST and str(entry.digest) not in ends
                and store.live_dir(entry.digest.hex).is_dir()]  # fmt: skip
    return min([now - LEFT_S, *(datetime.fromisoformat(moment).timestamp() for moment in launched)])


def _files(store: Store, settings: Settings, bodies: Sequence[tuple[str, LogEntry, bytes]]) -> Iterator[Removed]:
    """The checkpoints that the policy lets go: of runs that were put away, and that no other run names."""
    if (kept := _policy(settings)) == ALL:
        return
    away = archived(store) & frozenset(run_ids(store))
    found: dict[tuple[str, str], Removed] = {}
    for run, entry, raw in bodies:
        if run in away and entry.kind in ENDINGS:
            for file in _spared(Outcome.from_bytes(raw, where=entry.kind).checkpoints, kept):
                if row := _removable(store, run, file):
                    found[run, row.path] = row
    wanted: dict[str, set[str]] = {row.digest[7:]: set() for row in found.values()}
    for run, _, raw in bodies:
        for digest in map(bytes.decode, _MENTIONED.findall(raw)):
            if digest in wanted:
                wanted[digest].add(run)
    yield from (row for row in found.values() if wanted[row.digest[7:]] <= away)


def _spared(files: Sequence[Mapping[str, Any]], kept: str) -> Iterator[Mapping[str, Any]]:
    """The checkpoints that the policy does not keep. A run that calls none its best keeps its last: without it nothing
    of what was trained would be left."""
    best = [file for file in files if file.get("kind") == BEST] or sorted(files, key=_step)[-1:]
    yield from (file for file in files if kept != BEST or file not in best)


def _step(file: Mapping[str, Any]) -> float:
    step = file.get("step")
    return float(step) if isinstance(step, int | float) else -1.0


def _removable(store: Store, run: str, file: Mapping[str, Any]) -> Removed | None:
    path: Path = store.run_dir(run) / str(file["path"])
    kind = str(file.get("kind", "checkpoint"))
    # What lies behind a link is not this run's to give, and what is not as it was sealed is for `verify` to tell.
    if not is_below(path, store.run_dir(run)) or path.is_symlink() or not path.is_file():
        return None
    size = path.stat().st_size
    if size != file.get("size", size):
        return None
    return Removed(run=run, path=str(file["path"]), digest=str(file["digest"]), size=size, kind=kind)


def _policy(settings: Settings) -> str:
    unknown = settings.gc.keys() - {"archived_checkpoints"}
    kept = settings.gc.get("archived_checkpoints", ALL)
    if unknown or kept not in KEPT:
        what = f"has the unknown key {min(unknown)!r}" if unknown else f"says {kept!r} of archived_checkpoints"
        raise ConfigError(f"{settings.source} [gc] {what}", remedy=f"archived_checkpoints = one of {', '.join(KEPT)}")
    return kept
