"""How much of what a run logged its disk would not take, where that is known even when its process is gone.

What waits in memory for a full disk is lost with the process that holds it, and a run without its last steps looks like
one that ended before them. So the number stands in a file of that process's own, whose room was taken while the disk
had some: to write it again in place needs no more. It does not wait for the disk: it is for a process that dies, and
not for a power cut, which takes the last second of the steps as well.
"""

import contextlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

from runaudit.store.kept import open_kept
from runaudit.system.files import read_ordinary

NAME = "unwritten"
ROOM = 80


class Count:
    """The number of one process, on disk."""

    def __init__(self, live: Path) -> None:
        self._live = live
        self._name_it()
        self.keep(0, 0)

    def _name_it(self) -> None:
        # Two processes of one number are no rarity in containers, and what the first one lost must stay.
        self._pid = os.getpid()
        self._path = self._live / f"{NAME}.{self._pid}.{time.time_ns():x}"

    def keep(self, size: int, steps: int) -> None:
        """Put so many bytes and steps in the place of what was said before. Where the disk never had room for that, it
        is tried again at the next call."""
        if os.getpid() != self._pid:
            self._name_it()  # A forked process loses steps of its own.
        line = json.dumps({"bytes": size, "steps": steps}).encode().ljust(ROOM)
        with contextlib.suppress(OSError):
            fd = open_kept(self._path, os.O_WRONLY)
            try:
                os.pwrite(fd, line, 0)
            finally:
                os.close(fd)


def unwritten(live: Path) -> Mapping[str, int]:
    """How many bytes and steps of a run waited for its disk when its processes ended; empty where all was written."""
    size = steps = 0
    for path in live.glob(f"{NAME}.*"):
        with contextlib.suppress(OSError, ValueError, TypeError, LookupError):
            row = json.loads(read_ordinary(path, most=ROOM))
            size, steps = size + int(row["bytes"]), steps + int(row["steps"])
    return {"bytes": size, "steps": steps} if size else {}


def drop(live: Path) -> None:
    """Take the numbers away: the outcome is sealed, and has them."""
    for path in live.glob(f"{NAME}.*"):
        with contextlib.suppress(OSError):
            path.unlink()
