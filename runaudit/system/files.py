"""A file replaced as a whole: who reads it sees the old one or the new one, never a part.

What holds for every caller: the new content is written beside the old, under a name that nobody else uses; the
permissions of the old file stay; a link in its place is replaced and never followed, so that no link in a folder that
somebody else prepared decides what is overwritten; and where anything fails, nothing is left and the old file stands.
"""

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """A new file beside `path`, to be written in the block; at its end it takes the place of `path`.

    `durable` also waits for the disk, so that a power cut leaves one of the two: not needed for a cache, which can be
    made again. Raises OSError as the system does.
    """
    # Names of 255 bytes are the limit of most file systems, and the old name may be that long.
    new = path.with_name(f".{path.name[:50]}.{secrets.token_hex(6)}.tmp")
    handle = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    try:
        os.close(handle)
        yield new
        if (mode := _mode(path)) is not None:
            new.chmod(mode)
        if durable:
            _fsync(new)
        new.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            new.unlink()
        raise
    if durable:
        fsync_folder(path.parent)


def replace_file(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Put `data` at `path`, whole or not at all. Raises OSError as the system does."""
    with replacing(path, durable=durable) as new:
        new.write_bytes(data)


def remember(path: Path, data: bytes) -> None:
    """Put `data` into a cache, its folder included. A cache that cannot be written costs time, not the run."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data, durable=False)


def _mode(path: Path) -> int | None:
    """The permissions of the file that is replaced."""
    try:
        facts = path.lstat()
    except OSError:
        return None
    return stat.S_IMODE(facts.st_mode) if stat.S_ISREG(facts.st_mode) else None


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def fsync_folder(folder: Path) -> None:
    """Make a new directory entry durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
