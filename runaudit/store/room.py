"""Whether a launch has room: asked before it is counted, so that a full disk costs a message and no run.

The series of a run, its outcome and what it was seen to use come later; a disk that is full by then leaves a run that
`runaudit seal` seals. What is asked for here is what the launch itself and the end of a small run need.
"""

import contextlib
import os
import secrets
from pathlib import Path

from runaudit.errors import StoreError
from runaudit.store.kept import damage_of
from runaudit.store.store import Store

ROOM = 1 << 20


def require_room(store: Store) -> None:
    """Refuse a launch that the disk has no room for, before it is counted. Raises StoreError with what to free,
    IntegrityError where something else lies in the place of the store's folder."""
    try:
        fault = _fault(store.root)
    except OSError as error:
        raise damage_of(error) or error from error
    if fault is not None:
        raise StoreError(f"the store at {store.root} takes nothing more: {fault[0]}", remedy=fault[1])


def _fault(root: Path, size: int = ROOM) -> tuple[str, str] | None:
    """(what is missing, what to free) where the disk of the store does not take `size` bytes more, else None."""
    probe = root / "tmp" / f"room-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        probe.parent.mkdir(exist_ok=True)
        file = os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file, 0, size)
            os.write(file, b"\0" * 4096)
        finally:
            os.close(file)
            with contextlib.suppress(OSError):
                probe.unlink()
    except OSError as error:
        if damage_of(error):
            raise
        return f"{error.strerror or error}, a launch needs {size >> 10} KiB", _remedy(root)
    return None


def _remedy(root: Path) -> str:
    """What may be deleted without losing anything, and how much it is."""
    cache = sum(_size(path) for path in (root / "cache").rglob("*"))
    spare = f"{root / 'cache'} ({cache >> 10} KiB) may be deleted at any time, " if cache >> 10 else ""
    return f"free space on the disk of {root}: {spare}old runs can go into a bundle elsewhere (`runaudit export`)"


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0
