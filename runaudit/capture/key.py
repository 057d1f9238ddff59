"""The key of a store, under which secrets are hashed: who has a record and not the key can guess nothing from it."""

import contextlib
from pathlib import Path

from runaudit.errors import CaptureError
from runaudit.store.kept import KEY_FILE, read_kept
from runaudit.system.files import make_random

KEY_BYTES = 32


def redaction_key(store_root: Path) -> bytes:
    """The store's key, made on first use: 32 random bytes, readable by the owner alone.

    Raises CaptureError where it can be neither read nor made: without it nothing may be recorded.
    """
    path = store_root / KEY_FILE
    try:
        with contextlib.suppress(FileNotFoundError):
            return _checked(read_kept(path), path)
        (store_root / "tmp").mkdir(exist_ok=True)  # No empty folder comes along with a clone.
        make_random(path, KEY_BYTES, by=store_root / "tmp")
        return _checked(read_kept(path), path)
    except OSError as error:
        raise CaptureError(
            f"the redaction key {path} cannot be used: {error.strerror}", remedy="fix the store's permissions"
        ) from error


def _checked(key: bytes, path: Path) -> bytes:
    if len(key) != KEY_BYTES:
        raise CaptureError(f"{path} is not a key of {KEY_BYTES} bytes", remedy="restore it from a backup, or delete it")
    return key
