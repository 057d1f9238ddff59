"""What was taken out of a store on purpose: `runaudit forget`. A secret that was sealed must be able to go.

With the object goes what was put aside of it. Its bytes give way to a tombstone of one line, which says what lay there:

    {"schema": "runaudit.tombstone/1", "digest": …, "size": …, "what": …, "reason": …, "time": …}

The log tells of it first, in a sealed event that names every object, so that a tombstone that the log does not know is
damage like any other changed byte. What was forgotten stays forgotten: the same bytes are not taken in again. The
digests stay in the records, so that it can still be proven of a copy elsewhere that it is what lay here.
"""

import time as clock
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runaudit.errors import RunauditError, UsageError
from runaudit.records.canonical import JSON, parse_canonical
from runaudit.records.digest import Digest
from runaudit.store.aside import purge_aside, put_over
from runaudit.store.kinds import ENDINGS, FORGET, NOT_TOLD, NOTE
from runaudit.store.line import LogEntry
from runaudit.store.store import Store
from runaudit.store.tombstone import Forgotten, event, tombstone
from runaudit.system.clock import utc_text
from runaudit.system.files import is_below, read_ordinary


@dataclass(frozen=True, slots=True, kw_only=True)
class Doomed:
    """One object that is to go: what it is to which run. `about` as in `Forgotten`."""

    digest: Digest
    what: str
    run: str | None
    about: Mapping[str, JSON] | None = None


def forget(store: Store, doomed: Sequence[Doomed], reason: str, *, time: str) -> tuple[Forgotten, ...]:
    """Put tombstones in the place of these objects; what is gone already is left as it is.

    Raises UsageError where one is not there or may not go, StoreError where nothing can be written.
    """
    already = {digest for digest, row in store.forgotten().items() if not row.elsewhere}
    rows = [_row(store, one, reason, time) for one in doomed if str(one.digest) not in already]
    kept = {str(entry.digest) for entry in store.entries() if entry.kind in NOT_TOLD}
    for row in rows:
        if row.digest in kept:
            raise UsageError(
                f"{row.digest[:19]}… is part of the log's own account",
                remedy="forget the object that holds the secret; `runaudit doctor --secrets` names it",
            )
    if rows:
        sealed = store.put(event(tuple(rows), reason, time))
        store.append(FORGET, sealed, subject=sealed, time=time)
    return bury(store)


def know_forgotten(store: Store, rows: Sequence[Forgotten]) -> None:
    """Know what another store forgot, as it says it. What lies here is left as it is: to take in a bundle takes nothing
    away, and `lies_here` names it. Raises StoreError."""
    already = store.forgotten()
    fresh = [row for row in rows if row.digest not in already and not store.has(Digest.parse(row.digest))]
    for reason, when in dict.fromkeys((row.reason, row.time) for row in fresh):
        told = tuple(replace(row, elsewhere=True) for row in fresh if (row.reason, row.time) == (reason, when))
        sealed = store.put(event(told, reason, when))
        store.append(FORGET, sealed, subject=sealed, time=utc_text(clock.time()))
    bury(store)


def lies_here(store: Store, rows: Sequence[Forgotten]) -> tuple[Forgotten, ...]:
    """What was forgotten elsewhere and can be read here."""
    return tuple(row for row in rows if row.digest not in store.forgotten() and store.has(Digest.parse(row.digest)))


def bury(store: Store) -> tuple[Forgotten, ...]:
    """Take away everything that the log says is forgotten and that still lies there: a process that died after it had
    told the log leaves it so. Returns what was taken away."""
    done = []
    with store.explained("forget in"):
        for row in store.forgotten().values():
            path = store.object_path(Digest.parse(row.digest))
            if not is_buried(store, row):
                put_over(store.root, path, tombstone(row))
                done.append(row)
        if done:
            _clear_caches(store)
        purge_aside(store.root, frozenset(digest.partition(":")[2] for digest in store.forgotten()))
    return tuple(done)


def is_buried(store: Store, row: Forgotten) -> bool:
    """Whether the tombstone of a forgotten object lies where the object lay."""
    try:
        return read_ordinary(store.object_path(Digest.parse(row.digest))) == tombstone(row)
    except OSError:
        return False


def forgotten_remarks(store: Store) -> Iterator[str]:
    """What `verify` says of what was forgotten: no fault, and no secret of the store's either."""
    for row in store.forgotten().values():
        said = f"the {row.subject} ({row.digest[:19]}…, {row.size} bytes) was {row.said}"
        yield said if is_buried(store, row) else f"{said}, and still lies there: `runaudit doctor --repair` ends it"


def objects_of(store: Store, run: str, links: Sequence[tuple[str, Digest]], shared: frozenset[str]) -> list[Doomed]:
    """Everything that is a run's own: its record, its notes, and the contents it names, but for those that other runs
    name too. links: what its records say lies in the store, by name."""
    found: list[Doomed] = []
    for entry in store.entries():
        if entry.kind == "manifest" and entry.digest.hex == run:
            found.append(Doomed(digest=entry.digest, what="manifest", run=run))
        elif entry.subject == f"sha256:{run}" and entry.kind in ENDINGS:
            found.append(Doomed(digest=entry.digest, what=entry.kind, run=run))
        elif entry.kind == NOTE and _run_of_note(store, entry) == run:
            found.append(Doomed(digest=entry.digest, what="note", run=run))
    found += [Doomed(digest=digest, what=name, run=run) for name, digest in links if str(digest) not in shared]
    return list({one.digest: one for one in found}.values())


def _run_of_note(store: Store, entry: LogEntry) -> str | None:
    try:
        body: Any = parse_canonical(store.read(entry.digest), where="note")
    except RunauditError:
        return None
    return str(body.get("run")) if isinstance(body, Mapping) else None


def _row(store: Store, one: Doomed, reason: str, time: str) -> Forgotten:
    elsewhere = store.forgotten().get(str(one.digest))
    try:
        size = elsewhere.size if elsewhere else store.object_path(one.digest).stat().st_size
    except OSError:
        raise UsageError(f"the store has no object {str(one.digest)[:19]}…",
                         remedy="`runaudit doctor --secrets` names what holds a secret") from None  # fmt: skip
    return Forgotten(digest=str(one.digest), size=size, what=one.what, run=one.run, reason=reason, time=time,
                     about=one.about)  # fmt: skip


def _clear_caches(store: Store) -> None:
    """Everything derived is made again from what is left. The memory of clean contents holds no content."""
    folder = store.root / "cache"
    for path in sorted(folder.rglob("*"), reverse=True) if folder.is_dir() else ():
        if path.is_file() and not path.name.startswith("clean-"):
            path.unlink(missing_ok=True)


def clear_live(store: Store, run: str) -> None:
    """Take away what a forgotten run wrote while it ran: its series and claims."""
    folder = store.live_dir(run)
    for path in sorted(folder.rglob("*"), reverse=True) if is_below(folder / "any", store.root) else ():
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
