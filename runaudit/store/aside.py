"""What is taken out of its place is kept aside: a repair deletes nothing that cannot be made again.

    aside/<name>.<digest of what lay there, 12 digits>

Readers never look there, and `verify` holds nothing against what lies there: it was damaged, or never counted.
"""

import contextlib
import os
from pathlib import Path

from runaudit.records.digest import digest_file
from runaudit.system.files import fsync_folder, replace_file

FOLDER = "aside"
DAMAGED, PUT_BACK = "damaged: replaced by a good copy", "forgotten elsewhere, and not here: put back"
"""What an object was that bytes of its digest take the place of, and what is done about it."""


def kept_aside(root: Path, path: Path) -> str | None:
    """Give what lies at `path` a second name under `aside/`, relative to `root`; it stays where it is until good bytes
    take its place, so that no reader finds nothing. None where it cannot be read at all, or is no file."""
    try:
        name = f"{path.name}.{digest_file(path).hex[:12]}"
    except OSError:
        return None
    folder = root / FOLDER
    folder.mkdir(exist_ok=True)
    with contextlib.suppress(FileExistsError):
        (folder / name).hardlink_to(path)
    fsync_folder(folder)
    return f"{FOLDER}/{name}"


def moved_aside(root: Path, path: Path) -> str:
    """Take a file or a folder out of its place; returns where it is now, relative to `root`. Raises OSError."""
    folder = root / FOLDER
    folder.mkdir(exist_ok=True)
    free = (folder / (path.name + (f".{number}" if number else "")) for number in range(10_000))
    place = next(place for place in free if not os.path.lexists(place))
    path.rename(place)
    fsync_folder(path.parent)
    fsync_folder(folder)
    return str(place.relative_to(root))


def purge_aside(root: Path, gone: frozenset[str]) -> None:
    """Take away what was put aside of forgotten objects (`gone`: their digests, 64 digits): damaged bytes still hold
    most of what they were, and a second copy holds all of it. Raises OSError."""
    for path in sorted((root / FOLDER).rglob("*")) if (root / FOLDER).is_dir() and gone else ():
        if path.is_file() and not path.is_symlink() and (path.name[:64] in gone or digest_file(path).hex in gone):
            path.unlink()


def put_over(root: Path, path: Path, data: bytes) -> None:
    """Good bytes in the place of damaged ones, in one step: a reader finds the ones or the others. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written where readers never look: half a file beside the objects would be taken for one.
    new = root / "tmp" / f"{path.name}.{os.getpid()}"
    replace_file(new, data)
    new.chmod(0o444)
    new.replace(path)
    fsync_folder(path.parent)
