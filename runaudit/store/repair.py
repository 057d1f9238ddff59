"""What can be mended by rule: `runaudit doctor --repair`.

Each deed is sealed as an event of the log before it is done, so that no store is mended unseen; a crash in between
leaves what was to be mended, and mending again mends it. Only what was never acknowledged is deleted: half-written
files. Anything else is moved aside. Nothing is made up: an object is put back from bytes that have its digest, an
outcome is counted that was sealed whole.
"""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from runaudit.errors import IntegrityError
from runaudit.records.canonical import canonical_bytes
from runaudit.records.digest import Digest
from runaudit.store.aside import moved_aside
from runaudit.store.copies import good_copy
from runaudit.store.doctor import half_written, object_of, uncounted
from runaudit.store.end import lacks_newline, read_ends
from runaudit.store.forget import bury
from runaudit.store.kept import writing
from runaudit.store.rehash import relative
from runaudit.store.store import STORE_SCHEMA, Store
from runaudit.store.verify import verify
from runaudit.system.clock import utc_text
from runaudit.system.locks import lock


def mend(store: Store, *, now: float | None = None) -> tuple[str, ...]:
    """Mend what can be mended; returns what was done, in words, nothing for a store whose log is damaged: that is for
    a person to decide. Raises StoreError where nothing can be written."""
    now = time.time() if now is None else now
    with store.explained("repair"):
        newline = tuple(_newline(store))
        try:
            store.entries()
        except IntegrityError:
            return newline
        return (
            *newline,
            *_buried(store),
            *_objects(store),
            *_endings(store, now),
            *_launches(store, now),
            *_half_written(store, now),
        )


def mend_marker(root: Path) -> tuple[str, ...]:
    """Write the marker of a store again whose log lies there, with the id that the sealed end of the log keeps; returns
    what was done, nothing where the marker is whole. Raises EmptyStoreError, StoreError."""
    try:
        Store.open(root)
        return ()
    except IntegrityError:
        store, marker, end = Store(root), root / "store.json", read_ends(root).newest
    with store.explained("repair"):
        aside = f", the damaged one is {moved_aside(root, marker)}" if os.path.lexists(marker) else ""
        store.write_once(marker, canonical_bytes({"schema": STORE_SCHEMA} | ({"id": end.store} if end else {})))
    return (f"store.json: written again, from the end of the log{aside}",)


def _newline(store: Store) -> Iterator[str]:
    """The last newline of the log where that alone is gone, as its sealed end tells. Nothing can be sealed before it
    stands, so this deed alone is told right after."""
    if not (store.log_path.is_file() and lacks_newline(store.log_bytes(), read_ends(store.root).newest)):
        return
    with writing(store.log_path, os.O_RDWR) as log:
        lock(log, store.log_path)
        end = read_ends(store.root, is_locked=True).newest
        if end is None or not lacks_newline(store.log_bytes(), end):
            return
        os.pwrite(log, b"\n", end.size - 1)
        os.fsync(log)
    store.tell_repair([{"what": "its last newline written again", "file": "log.jsonl"}])
    yield "log.jsonl: its last newline written again; the sealed end says that the line is whole"


def _buried(store: Store) -> Iterator[str]:
    """What the log says was forgotten, and still lies there."""
    yield from (f"the {row.subject}: taken away, it was {row.said}" for row in bury(store))


def _objects(store: Store) -> Iterator[str]:
    """Objects that are damaged or gone, of which a good copy lies elsewhere."""
    for file in dict.fromkeys(problem.file for problem in verify(store).problems):
        digest = object_of(file)
        data = None if digest is None else good_copy(store, digest)
        if digest is not None and data is not None:
            store.replace_damaged(digest, data)
            yield f"{file}: replaced by a good copy"


def _endings(store: Store, now: float) -> Iterator[str]:
    """Outcomes that were sealed whole and never counted."""
    for run, digest in uncounted(store, now).endings.items():
        _tell(store, "outcome counted", digest)
        store.append("outcome", digest, subject=Digest("sha256", run), time=utc_text(now))
        yield f"{relative(store, digest)}: counted, the outcome of a run whose process died before it could"


def _launches(store: Store, now: float) -> Iterator[str]:
    """Launches that died before they were counted."""
    for digest in uncounted(store, now).launches:
        _tell(store, "moved aside, a launch that was never counted", digest)
        place = moved_aside(store.root, store.object_path(digest))
        yield f"{relative(store, digest)}: moved to {place}, a launch that was never counted"


def _half_written(store: Store, now: float) -> Iterator[str]:
    left = half_written(store, now)
    names = [str(path.relative_to(store.root)) for path in left]
    if names:
        store.tell_repair([{"what": "deleted, half-written", "file": name} for name in names])
    for path, name in zip(left, names, strict=True):
        _delete(path)
        yield f"{name}: deleted, half-written"


def _tell(store: Store, what: str, digest: Digest) -> None:
    store.tell_repair([{"what": what, "file": relative(store, digest)}])


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
