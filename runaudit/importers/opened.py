"""How every importer opens a file of a stranger's folder: one way, so that what holds for one holds for all.

A folder from elsewhere is a stranger's. A link in it that leads out would bring a file of *this* machine into the store
and from there into pages and bundles (`files/config.yaml -> ~/.kube/config`); a pipe or a device would never end. Both
are refused by name, never skipped: a run without its config is another run. A link that stays in the folder is fine.
"""

import os
import re
from pathlib import Path

from runaudit.errors import RecordError
from runaudit.system.files import read_within

MAX_FILE_BYTES = 50 << 20
"""Of a file of facts: configs, metadata, patches."""
MAX_LOG_BYTES = 4 << 30
"""Of a log of series, which is read whole."""


def foreign_bytes(path: Path, folder: Path, *, most: int = MAX_FILE_BYTES) -> bytes | None:
    """The bytes of `path`, a file of the imported `folder`; None where nothing lies there.

    Raises RecordError for what is no ordinary file, leads out of the folder, is larger than `most` bytes or cannot be
    read.
    """
    if not os.path.lexists(path):
        return None
    try:
        # A sparse file of a terabyte takes no room on the disk, and would take all of the memory.
        raw = read_within(path, folder, most=most + 1) if path.stat().st_size <= most else None
    except OSError as error:
        raise RecordError(
            f"{path} cannot be read: {error.strerror or error}",
            remedy="leave it out, or put a copy of the file that is meant in its place",
        ) from error
    if raw is None or len(raw) > most:
        raise RecordError(f"{path} is larger than {most >> 20} MiB", remedy="leave this run out")
    return raw


def address_of(path: Path) -> str | None:
    """The address of a server that a user gave in the place of a path; None for what is a path."""
    match = re.fullmatch(r"(https?):/+(?=[^/])(.+)", str(path), re.IGNORECASE | re.DOTALL)
    return None if match is None or os.path.lexists(path) else f"{match[1].lower()}://{match[2]}"
