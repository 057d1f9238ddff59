"""A disk that fails, or a machine that dies, at the n-th file operation; everything before it has happened.

After a death nothing happens any more, clean-up included: who is killed tidies nothing.
"""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

OPERATIONS = ("open", "close", "fsync", "replace", "rename", "unlink", "chmod", "mkdir", "link")


class Killed(BaseException):
    """The process is gone."""


class Disk:
    """Counts what is asked of it. `fail_at`: the number of the operation that fails, from 1; 0: none."""

    def __init__(self, patch: pytest.MonkeyPatch, fail_at: int, fault: BaseException) -> None:
        self.asked, self._fail_at, self._fault, self._dead = 0, fail_at, fault, False
        for name in OPERATIONS:
            patch.setattr(os, name, self._guarded(getattr(os, name)))
        patch.setattr(Path, "write_bytes", lambda path, data: self._write_bytes(path, data))

    def _guarded(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def operation(*args: Any, **kwargs: Any) -> Any:
            self._ask()
            return real(*args, **kwargs)

        return operation

    def _ask(self) -> None:
        if self._dead:
            raise Killed
        self.asked += 1
        if self.asked == self._fail_at:
            self._dead = isinstance(self._fault, Killed)
            raise self._fault

    def _write_bytes(self, path: Path, data: bytes) -> int:
        """In two writes, so that a file may be left half-written."""
        self._ask()
        with open(path, "wb", buffering=0) as file:  # `Path.open` would be counted again
            file.write(data[: len(data) // 2])
            self._ask()
            file.write(data[len(data) // 2 :])
        return len(data)


def killed_at(patch: pytest.MonkeyPatch, at: int) -> Disk:
    """A machine that dies at the operation `at`."""
    return Disk(patch, at, Killed())


def full_at(patch: pytest.MonkeyPatch, at: int) -> Disk:
    """A disk that is full for the operation `at`."""
    return Disk(patch, at, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
