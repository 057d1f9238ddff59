"""A sign of life on a terminal while something takes longer than a second: hashing gigabytes, reading all runs.

Long work says how far it is; whether anybody sees it is for the command line to say, by `shown_on`. Nothing is printed
before a second has passed, nor by a library, a pipe or a machine; the line is wiped before anything else is printed.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TextIO

from runaudit.text.terminal import printable

AFTER_S = 1.0
"""What ends sooner shows nothing."""
EVERY_S = 0.1
LARGE = 64 << 20
"""Bytes from which on the reading of one file is told: less takes no second."""

Advance = Callable[[int], None]
"""Told how much more was done."""


class _Line:
    """The one line at the foot of the terminal."""

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        self._stream, self._clock = stream, clock
        self._last = clock()
        self._next = self._last + AFTER_S
        self._is_drawn = False

    def begin(self) -> None:
        """A piece of work begins. What somebody else did for a while before, as a command that was run, is none of its
        time: what ends within a second shows nothing."""
        if (now := self._clock()) - self._last >= AFTER_S:
            self._next = now + AFTER_S
        self._last = now

    @property
    def seen_at(self) -> float:
        """When it was last looked at whether to draw, in seconds of its clock."""
        return self._last

    def draw(self, text: Callable[[], str]) -> None:
        """Show the text, unless the last was shown a moment ago."""
        self._last = now = self._clock()
        if now < self._next:
            return
        self._next, self._is_drawn = now + EVERY_S, True
        self._stream.write(f"\r{printable(text(), keep='')}\x1b[K")
        self._stream.flush()

    def wipe(self) -> None:
        """Leave the line as it was found."""
        self._last = self._clock()
        if self._is_drawn:
            self._is_drawn = False
            self._stream.write("\r\x1b[K")
            self._stream.flush()


_line: _Line | None = None


@contextlib.contextmanager
def shown_on(stream: TextIO, *, clock: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """Show on `stream`, while the block runs, what long work says of itself."""
    global _line
    before, _line = _line, _Line(stream, clock)
    try:
        yield
    finally:
        _line.wipe()
        _line = before


@contextlib.contextmanager
def work(what: str, total: int | None, unit: str = "") -> Iterator[Advance]:
    """A piece of long work of `total` bytes, or of so many of a unit; None: nobody knows how many. Costs nothing where
    nobody looks."""
    line = _line
    if line is None:
        yield _unseen
        return
    line.begin()
    start, done = line.seen_at, 0

    def advance(more: int) -> None:
        nonlocal done
        done += more
        line.draw(lambda: f"{what}  {_amount(done, total, unit)}{_left(line.seen_at - start, done, total)}")

    try:
        yield advance
    finally:
        line.wipe()


def work_on_file(what: str, size: int) -> contextlib.AbstractContextManager[Advance]:
    """The reading or writing of one file of so many bytes: told where it is large."""
    return work(what, size) if size >= LARGE else contextlib.nullcontext(_unseen)


def _left(elapsed: float, done: int, total: int | None) -> str:
    """How long the rest takes at the pace so far, where that is a minute or more: how long it will take all in all is
    known once some of it is done."""
    seconds = elapsed / done * (total - done) if total and done else 0.0
    if seconds < 60:
        return ""
    minutes = round(seconds / 60)
    return f", about {minutes} min left" if minutes < 120 else f", about {round(minutes / 60)} h left"


def _unseen(more: int) -> None:
    """Nobody looks."""


def _amount(done: int, total: int | None, unit: str) -> str:
    if total is None:
        return f"{done:,} {unit}"
    if unit:
        return f"{done:,} of {total:,} {unit}"
    size, name = (1e9, "GB") if total >= 1e9 else (1e6, "MB")
    return f"{done / size:.1f} of {total / size:.1f} {name}"
