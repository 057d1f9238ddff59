"""The key of a store, under which secrets are hashed: who has a record and not the key can guess nothing from it."""

import contextlib
import os
from pathlib import Path

from runaudit.errors import CaptureError
from runaudit.store.kept import KEY_FILE, read_kept


def redaction_key(store_root: Path) -> bytes:
    """The store's key, made on first use: 32 random bytes, readable by the owner alone.

    Raises CaptureError where it can be neither read nor made: without it nothing may be recorded.
    """
    path = store_root / KEY_FILE
    try:
        with contextlib.suppress(FileNotFoundError):
            return _checked(read_kept(path), path)
        temporary = store_root / "tmp" / f"key-{os.getpid()}-{os.urandom(4).hex()}"
        temporary.parent.mkdir(exist_ok=True)  # No empty folder comes along with a clone.
        fd = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            os.write(fd, os.urandom(32))
            os.fsync(fd)
            # Two runs may start at once; whoever links first has made the key, both then read that one.
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(temporary)
        finally:
            os.close(fd)
            temporary.unlink()
        return _checked(read_kept(path), path)
    except OSError as error:
        raise CaptureError(
            f"the redaction key {path} cannot be used: {error.strerror}", remedy="fix the store's permissions"
        ) from error


def _checked(key: bytes, path: Path) -> bytes:
    if len(key) != 32:
        raise CaptureError(f"{path} is not a key of 32 bytes", remedy="restore it from a backup, or delete it")
    return key
