"""How a command ended, on disk before anything else of its end is: what `runaudit seal` goes by after a full disk.

The space is taken before the command starts, since at its end there may be none: what is then written in place needs
no room. A run whose wrapper died leaves the file empty, and nobody knows how it ended.
"""

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runaudit.records.canonical import JSON
from runaudit.system.files import read_ordinary, replace_file

FILE = "ended.json"
ROOM = 16 << 10
WORDS = 8 << 10
"""How much of a command's last words is kept."""


def prepare(live: Path) -> None:
    """Take the space. Where there is none the command starts all the same."""
    with contextlib.suppress(OSError):
        replace_file(live / FILE, b"\n" * ROOM, durable=False)


def keep_end(live: Path, **facts: JSON) -> None:
    """Write down how the command ended; a disk that takes not even that is told when the outcome is sealed. It is not
    waited for the disk: this is for a process that dies, or finds no room, and not for a power cut."""
    line = json.dumps(facts).encode()
    with contextlib.suppress(OSError):
        file = os.open(live / FILE, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(file, line.ljust(ROOM), 0)
        finally:
            os.close(file)


def kept_end(live: Path) -> Mapping[str, Any] | None:
    """How the command ended; None where nobody was there to say."""
    try:
        found = json.loads(read_ordinary(live / FILE))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def drop_end(live: Path) -> None:
    """Give the space back: the outcome is sealed, and says it all."""
    with contextlib.suppress(OSError):
        (live / FILE).unlink()
