"""What a store remembers so that it need not be read again, and how it knows that nobody wrote it but itself.

A remembered digest becomes part of a sealed record without the data being read, so an edited memory would seal what is
not true. Each is kept with a keyed digest of its name and content; one that does not fit, one that was moved in from
another store, and one of a version that knew no key, is no memory: the data is read. The key is the store's own, which
does not lie in `cache/`: who can write there alone can make the store believe nothing. Only a cache of no store has a
key beside it. Whoever owns the store computes it anew.
"""

import hashlib
import hmac
import os
from pathlib import Path

from runaudit.store.kept import KEY_FILE as KEY_OF_STORE
from runaudit.system.files import read_ordinary, remember

KEY_FILE = "memory.key"


def recall(path: Path) -> bytes | None:
    """What was kept at `path`; None where nothing was, or it is not what was kept."""
    try:
        mark, _, data = read_ordinary(path).partition(b"\n")
        key = read_ordinary(_key_place(path))
    except OSError:
        return None
    return data if hmac.compare_digest(mark, _mark(key, path, data)) else None


def keep(path: Path, data: bytes) -> None:
    """Keep `data` at `path`, its folder included. A memory that cannot be written costs time alone."""
    place = _key_place(path)
    if not place.exists():
        remember(place, os.urandom(32))
    try:
        key = read_ordinary(place)
    except OSError:
        return
    remember(path, _mark(key, path, data) + b"\n" + data)


def _key_place(path: Path) -> Path:
    """Where the key of a memory lies."""
    of_store = path.parent.parent / KEY_OF_STORE
    return of_store if of_store.exists() else path.parent / KEY_FILE


def _mark(key: bytes, path: Path, data: bytes) -> bytes:
    return hmac.new(key, path.name.encode() + b"\0" + data, hashlib.sha256).hexdigest().encode()


def clean_contents(memory: Path | None) -> set[bytes]:
    """The marks of contents that were clean, 32 bytes each; a torn end is left out. Each is made with the store's key:
    a digest that somebody adds stands for no content, and hides no secret."""
    try:
        raw = read_ordinary(memory) if memory is not None else b""
    except OSError:
        return set()
    return {raw[i : i + 32] for i in range(0, len(raw) // 32 * 32, 32)}
