"""What `runaudit gc` took away: sealed in the log before it goes, so that what is missing is known from what was lost.

    gc    {"schema": "runaudit.gc/1", "files": [{"run", "path", "digest", "size", "kind"}…],
           "objects": [{"digest", "size"}…], "time": …}

`files` are checkpoints of runs that were put away; their digests stay in the records, so that a copy elsewhere can
still be proven to be what lay here, and put back. `objects` are contents that no record named.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from runaudit.errors import IntegrityError
from runaudit.records.canonical import canonical_bytes
from runaudit.records.digest import Digest
from runaudit.store.kinds import GC
from runaudit.store.line import Line
from runaudit.store.store import Store
from runaudit.text.words import plural

SCHEMA = "runaudit.gc/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """A file of a run's folder that was taken away to make room. `path` within the folder, `size` in bytes."""

    run: str
    path: str
    digest: str
    size: int
    kind: str = "checkpoint"


@dataclass(frozen=True, slots=True)
class Unneeded:
    """A content that no record named, and its size in bytes."""

    digest: Digest
    size: int


Place = tuple[str, str]
"""A run's id, and a path within its folder."""


def removed_files(store: Store) -> Mapping[Place, Removed]:
    """The files that were taken away to make room, newest word last. Raises IntegrityError where the log is damaged,
    or says something of it that cannot be read."""
    found: dict[Place, Removed] = {}
    for entry in reversed([entry for entry in store.newest_first(f'"{GC}"') if entry.kind == GC]):
        found |= {(row.run, row.path): row for row in rows_of(store.read(entry.digest))}
    return found


def rows_of(raw: bytes) -> Iterator[Removed]:
    """The files of which an event says that they were taken away. Raises IntegrityError where it is no such event."""
    try:
        body: dict[str, Any] = json.loads(raw)
        if body["schema"] != SCHEMA:
            raise ValueError(body["schema"])
        for row in body["files"]:
            yield removed_of(row)
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError("a line of the log names something that is no account of what made room",
                             remedy="restore the store from a backup") from error  # fmt: skip


def removed_of(row: Mapping[str, Any]) -> Removed:
    """One row of such an event. Raises ValueError, KeyError, TypeError where it is none."""
    if not isinstance(row["path"], str) or type(row["size"]) is not int:
        raise ValueError("no path or no size")
    return Removed(run=Digest.parse(f"sha256:{row['run']}").hex, path=row["path"], size=row["size"],
                   digest=str(Digest.parse(str(row["digest"]))), kind=str(row["kind"]))  # fmt: skip


def told_row(row: Removed) -> dict[str, Any]:
    """A row as an event and a push hold it."""
    return asdict(row)


def tell_removed(store: Store, files: Sequence[Removed], objects: Sequence[Unneeded], *, time: str) -> None:
    """Seal what is about to be taken away. Raises StoreError."""
    body = {"schema": SCHEMA, "time": time, "files": [told_row(row) for row in files],
            "objects": [{"digest": str(one.digest), "size": one.size} for one in objects]}  # fmt: skip
    digest = store.put(canonical_bytes(body))
    store.append_all([Line(kind=GC, digest=digest, subject=digest, time=time)])


def removed_remarks(store: Store) -> Iterator[str]:
    """What `verify` says of files that made room: no fault, and nobody should miss them."""
    try:
        rows = removed_files(store).values()
    except IntegrityError:
        return  # The object is damaged, which is told by itself.
    gone = [row for row in rows if not (store.run_dir(row.run) / row.path).exists()]
    if gone:
        runs = len({row.run for row in gone})
        yield (
            f"{plural(len(gone), 'checkpoint')} of {plural(runs, 'archived run')} made room (`runaudit gc`), "
            f"{sum(row.size for row in gone):,} bytes; their digests stay in the records"
        )
