"""The files of a store, opened in one way.

A folder, a pipe, a socket or a link that leads nowhere in the place of one of them is damage, and named: it is never
waited for, and never called missing. What only saves time (`cache/`) is passed over instead, by whoever reads it.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from runaudit.errors import IntegrityError
from runaudit.system.files import misplaced, read_ordinary, store_around

FOLDERS = ("tmp", "objects", "live", "runs", "aside", "signatures", "lanes")
"""Those that hold more than what saves time."""
KEY_FILE = "redaction.key"
INSTEAD = "move it away, restore the file from a backup, and see what `runaudit verify` says"
FOLDER = "move it away and restore the folder from a backup; an empty one will do for tmp, live, cache and aside"


def read_kept(path: Path | str) -> bytes:
    """The bytes of a file of a store. Raises FileNotFoundError where nothing lies there, IntegrityError where something
    does that is no file, else OSError as the system does."""
    try:
        return read_ordinary(path)
    except OSError as error:
        raise damage_of(error) or error from error


@contextlib.contextmanager
def writing(path: Path, flags: int) -> Iterator[int]:
    """The descriptor of `open_kept` for the block."""
    file = open_kept(path, flags)
    try:
        yield file
    finally:
        os.close(file)


def add_to(path: Path, data: bytes) -> None:
    """Put bytes behind those of a file of a store. Raises like `read_kept`."""
    with writing(path, os.O_WRONLY | os.O_APPEND) as file:
        os.write(file, data)


def open_kept(path: Path, flags: int) -> int:
    """The descriptor of a file of a store that is to be written, made where there is none. Raises like `read_kept`."""
    try:
        fd = os.open(path, flags | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise damage_of(error) or error from error
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    raise _no_file(path, misplaced(path) or "no file")


def odd_places(root: Path) -> Iterator[tuple[str, str]]:
    """(name, sentence) of what lies in the place of a folder of the store and is none, and in that of its key."""
    for name in FOLDERS:
        if os.path.lexists(root / name) and not (root / name).is_dir():
            yield name, f"is {misplaced(root / name) or 'a file'}, not a folder; {FOLDER}"
    if kind := misplaced(root / KEY_FILE):
        yield KEY_FILE, f"is {kind}, not a file; {INSTEAD}"


def damage_of(error: OSError) -> IntegrityError | None:
    """What the system refused, where it did because something else lies in the place of a store's file or folder; None
    for all else."""
    if not isinstance(error.filename, str | bytes | os.PathLike):
        return None
    path = Path(os.fsdecode(error.filename))
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        store = store_around(path)
        within = [folder for folder in (*reversed(path.parents), path) if store and folder.is_relative_to(store)]
        wrong = next((place for place in within if os.path.lexists(place) and not place.is_dir()), None)
        kind = (misplaced(wrong) or "a file") if wrong else ""
        return IntegrityError(f"{wrong} is {kind}, not a folder", remedy=FOLDER) if wrong else None
    kind = misplaced(path)
    return _no_file(path, kind) if kind else None


def _no_file(path: Path, kind: str) -> IntegrityError:
    return IntegrityError(f"{path} is {kind}, not a file", remedy=INSTEAD)
