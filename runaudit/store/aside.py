"""What is taken out of its place is kept aside: a repair deletes nothing that cannot be made again.

    aside/<name>.<digest of what lay there, 12 digits>

Readers never look there, and `verify` holds nothing against what lies there: it was damaged, or never counted.
"""

import contextlib
from pathlib import Path

from runaudit.records.digest import digest_file
from runaudit.system.files import fsync_folder, replace_file

FOLDER = "aside"


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


def put_over(path: Path, data: bytes) -> None:
    """Good bytes in the place of damaged ones, in one step: a reader finds the ones or the others. Raises OSError."""
    replace_file(path, data)
    path.chmod(0o444)
