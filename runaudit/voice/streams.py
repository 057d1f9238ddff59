"""Standard streams that can always be written to. A command is started by shells, cron, editors and pipes; whether
they left it a place to talk says nothing about what it has to do, and a message that nobody takes changes no exit code.

An answer that is lost is no pass: on a full disk or a closed stdout (`>&-`) a command that answers there fails, as `ls`
and `cat` do. Only a reader that went away has had what it wanted.
"""

import errno
import io
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runaudit.errors import RunauditError

if TYPE_CHECKING:
    from runaudit.voice.gate import Gate

STANDARD = ("stdin", "stdout", "stderr")


_words: list[str] = []
_gate: list["Gate"] = []
_unsaid: list["OutputError"] = []


def told(args: Sequence[str]) -> None:
    """A command line begins: none of its secrets is said, nor those of the environment."""
    _words[:] = args
    _gate.clear()
    _unsaid.clear()


def gate() -> "Gate":
    """What everything that is said passes. Made when there is something to say: a third of what `--help` costs."""
    if not _gate:
        from runaudit.voice.gate import Gate

        _gate.append(Gate(os.environ, _words))
    return _gate[0]


class OutputError(RunauditError):
    """The answer could not be written: the disk behind stdout is full, say."""


def opened() -> None:
    """Give each closed stream (`>&-`) the null device, and let none of them fail for a letter that it cannot write.

    A closed descriptor is the one that the next file opened gets: what a child writes on its stdout would then land
    in a file of the store.
    """
    for number, name in enumerate(STANDARD):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        if getattr(sys, name) is None and name == "stdout":
            sys.stdout = _Closed(io.FileIO(os.devnull, "w"), encoding="utf-8")
        elif getattr(sys, name) is None:
            silence(name)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


class _Closed(io.TextIOWrapper):
    """A stdout that was closed before the command began: what is written is lost, and `flush` below tells it."""

    def write(self, text: str) -> int:
        """Lose a text, be it an answer or a help text."""
        if text and not _unsaid:
            _miss(os.strerror(errno.EBADF))
        return len(text)


def silence(name: str) -> None:
    """From now on nothing reaches this stream. What its old buffer still holds would fail again at exit, with 120."""
    mode = "r" if name == "stdin" else "w"
    setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115  (it stays open to the end)


def write(text: str) -> None:
    """Write to stdout. A reader that went away (`| head`) has read enough; where the answer is lost for another reason
    `flush` tells. Either way the command goes on to its exit code, which may say worse.
    """
    try:
        sys.stdout.write(text)
    except (OSError, ValueError) as error:
        _lost(error)


def flush() -> None:
    """Write out what stdout holds. Raises OutputError where some of what was written is lost."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        _lost(error)
    if _unsaid:
        raise _unsaid[0]


def _lost(error: Exception) -> None:
    silence("stdout")
    if not isinstance(error, BrokenPipeError):
        _miss(getattr(error, "strerror", None) or str(error))


def _miss(reason: str) -> None:
    _unsaid.append(OutputError(f"the answer cannot be written: {reason}", remedy="look at where stdout goes"))


def speaks_unicode() -> bool:
    """Whether stdout can carry every letter as it is."""
    return (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
