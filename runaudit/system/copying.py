"""Bytes copied into a file, told while it takes long, and given to the disk as they come.

What is sealed waits for the disk. To wait once, at the end of gigabytes, is a silence of seconds that nothing can tell
of, and takes no less time than to wait a little now and then.
"""

import os
from collections.abc import Callable
from typing import IO

from runaudit.system.progress import LARGE, work_on_file

CHUNK = 1 << 20


class Steady:
    """A file that is written to, and that the disk has as far as the last 64 MiB all along."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._waiting = 0

    def write(self, data: bytes) -> int:
        """Write. Raises OSError as the system does."""
        self._file.write(data)
        self._waiting += len(data)
        if self._waiting >= LARGE:
            self._waiting = 0
            self._file.flush()
            os.fsync(self._file.fileno())
        return len(data)


def copy_told(
    body: IO[bytes], file: IO[bytes], size: int, what: str, *, see: Callable[[bytes], object] = lambda _: None
) -> None:
    """Copy all of `body`, which has `size` bytes, to `file`. what: the work, in a word. see: is shown each part before
    it is written, as a hash wants. Raises OSError as the system does."""
    steady = Steady(file)
    with work_on_file(what, size) as advance:
        while chunk := body.read(CHUNK):
            see(chunk)
            steady.write(chunk)
            advance(len(chunk))
