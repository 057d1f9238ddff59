"""What `push` and `pull` answer with, for a terminal, a pull request and programs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from runaudit.records.run import SHORT
from runaudit.text.markdown import bullets, escaped
from runaudit.text.terminal import BOLD, RED, UNPAINTED, Paint, printable
from runaudit.text.words import plural

MOST = 20
"""Runs that are named one by one without -v."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A run that was not sent or taken in, and why. damaged: something is not as it was sealed."""

    run: str
    reason: str
    damaged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moved:
    """What both directions tell. same: how many runs were there already; files, size: what went over, in bytes;
    problems: files of the remote that are damaged, each with what is wrong."""

    remote: str
    same: int = 0
    files: int = 0
    size: int = 0
    lines: int = 0
    left_out: tuple[LeftOut, ...] = ()
    problems: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def damaged(self) -> bool:
        """Whether something is not as it was sealed, here or there."""
        return bool(self.problems) or any(one.damaged for one in self.left_out)

    def _json(self, runs: str, moved: Sequence[str]) -> dict[str, Any]:
        return {runs: list(moved), "remote": self.remote, "up_to_date": self.same, "files": self.files,
                "bytes": self.size, "log_lines": self.lines,
                "left_out": [{"run": one.run, "reason": one.reason, "damaged": one.damaged} for one in self.left_out],
                "problems": [{"file": file, "problem": problem} for file, problem in self.problems],
                "notes": list(self.notes)}  # fmt: skip

    def _amount(self, moved: Sequence[str]) -> str:
        parts = [plural(len(moved), "run"), plural(self.files, "file"), f"{self.size:,} bytes"]
        same = f"; {self.same} there already" if self.same else ""
        out = f"; {len(self.left_out)} left out" if self.left_out else ""
        return f"{', '.join(parts)}{same}{out}"

    def _details(self, moved: Sequence[str], verbose: bool) -> Iterator[tuple[str, bool]]:
        """(sentence, whether it is bad) of all that stands before the headline."""
        shown = moved if verbose else moved[:MOST]
        yield from ((f"  {run[:SHORT]}", False) for run in shown)
        if len(shown) < len(moved):
            yield f"  and {len(moved) - len(shown)} more", False
        yield from ((f"{one.run[:SHORT]}  left out: {one.reason}", one.damaged) for one in self.left_out)
        yield from ((f"{file}: {problem}", True) for file, problem in self.problems)
        yield from ((note, False) for note in self.notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class PushAnswer(_Moved):
    """What `push` answers with: the runs that the remote has from now on, and those it knew and had not whole, of which
    what was missing was sent `again`."""

    pushed: tuple[str, ...] = ()
    again: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The answer for a program."""
        return {"schema": "runaudit.push/1", **self._json("pushed", self.pushed), "sent_again": list(self.again)}

    @property
    def headline(self) -> str:
        """How much was sent, on one line."""
        if not self.pushed and not self.left_out and not self.problems:
            if self.again:
                lost = f"{plural(self.files, 'file')}, {self.size:,} bytes, of {plural(len(self.again), 'run')}"
                return f"sent again to {self.remote}, where it was missing: {lost}"
            log = f"; {plural(self.lines, 'line')} of the log sent" if self.lines else ""
            return f"everything up to date at {self.remote}{log}" if self.same else f"no run to push to {self.remote}"
        again = f"; what was missing of {len(self.again)} sent again" if self.again else ""
        return f"pushed to {self.remote}: {self._amount(self.pushed)}{again}"

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal."""
        for text, is_bad in self._details(self.pushed, verbose):
            yield paint(printable(text), RED) if is_bad else printable(text)
        yield paint(printable(self.headline), BOLD)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        yield f"**{escaped(self.headline)}**"
        if rows := [text.strip() for text, _ in self._details(self.pushed, verbose)]:
            yield from ("", *bullets(rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class PullAnswer(_Moved):
    """What `pull` answers with: the runs that this store has from now on, and those of which something was new."""

    pulled: tuple[str, ...] = ()
    renewed: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The answer for a program."""
        return {"schema": "runaudit.pull/1", **self._json("pulled", self.pulled), "renewed": list(self.renewed)}

    @property
    def headline(self) -> str:
        """How much was fetched, on one line."""
        if not self.pulled and not self.left_out and not self.renewed:
            return f"everything up to date with {self.remote}" if self.same else f"no run at {self.remote}"
        more = f"; news of {plural(len(self.renewed), 'run')}" if self.renewed else ""
        return f"pulled from {self.remote}: {self._amount(self.pulled)}{more}"

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal."""
        for text, is_bad in self._details(self.pulled, verbose):
            yield paint(printable(text), RED) if is_bad else printable(text)
        yield paint(printable(self.headline), BOLD)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        yield f"**{escaped(self.headline)}**"
        if rows := [text.strip() for text, _ in self._details(self.pulled, verbose)]:
            yield from ("", *bullets(rows))
