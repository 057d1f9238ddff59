"""The one voice: an answer, a result, a message, an error, each through the gate and onto the stream that is its own.

Results go to stdout, messages to stderr; for a program an error is an object on stdout too, so that a script never has
to parse prose.
"""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Any

from runaudit.errors import RunauditError, UsageError
from runaudit.text import terminal
from runaudit.voice import streams

if TYPE_CHECKING:
    from runaudit.text.answer import Answer


class Format(StrEnum):
    """How an answer is written."""

    text = "text"
    json = "json"
    md = "md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How the user wants to be answered. quiet: one line; verbose: more detail."""

    format: Format = Format.text
    quiet: bool = False
    verbose: bool = False

    @property
    def json(self) -> bool:
        """Whether a program reads the answer."""
        return self.format is Format.json

    def lines(self, answer: "Answer", *, verbose: bool = False) -> Iterator[str]:
        """An answer for a person, each line as it may reach a terminal."""
        paint = terminal.Paint(terminal.use_colour() and self.format is Format.text)
        if self.quiet:
            lines: Iterable[str] = filter(None, answer.headline.split("\n"))
        elif self.format is Format.md:
            lines = answer.markdown_lines(verbose=verbose or self.verbose)
        else:
            lines = answer.text_lines(verbose=verbose or self.verbose, paint=paint)
        return (terminal.harmless(line, paint) for line in lines)

    def tell(self, answer: "Answer", *, verbose: bool = False) -> None:
        """Print an answer in the format that was asked for. verbose: more detail, as with `-v`."""
        if self.json:
            say_json(answer.to_json())
        else:
            say_lines(self.lines(answer, verbose=verbose))

    def tell_beside(self, answer: "Answer") -> None:
        """An answer where stdout is somebody else's: a result where a format was asked for, else messages."""
        if self.format is not Format.text:
            self.tell(answer)
            return
        for line in [answer.headline] if self.quiet else answer.text_lines(verbose=self.verbose):
            hint(printable(line))

    def tell_plan(self, answer: "Answer") -> None:
        """What is about to be done, as messages for a person; nothing where one line or an object is wanted."""
        if self.format is Format.text and not self.quiet:
            self.tell_beside(answer)

    def note(self, text: str) -> None:
        """How far the work is, on stderr; nothing where one line was asked for."""
        if not self.quiet:
            hint(f"runaudit: {printable(text)}")

    @property
    def is_watched(self) -> bool:
        """Whether somebody sits before a terminal that knows the wiping of a line, and waits."""
        obeys = sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        return obeys and not (self.quiet or self.json or os.environ.get("CI"))


def agreed(manner: Manner, answer: "Answer", question: str, *, unasked: UsageError) -> bool:
    """Show a plan on stderr and ask whether it may be carried out. Raises `unasked` where nobody is there to ask."""
    if manner.json or not sys.stdin.isatty():
        raise unasked
    manner.tell_beside(answer)
    hint(printable(f"{question} [y/N]"))
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def say(text: str) -> None:
    """A result, on stdout. Raises OutputError where it cannot be written."""
    _write(streams.gate().text(text))


def say_at_foot(text: str, width: int) -> None:
    """The line at the foot of a terminal, written anew; nothing of it stays."""
    streams.write(f"\r{terminal.printable(streams.gate().text(text), keep='')[:width]}\x1b[K")
    streams.flush()


def say_lines(lines: Iterable[str], *, as_json: bool = False) -> bool:
    """Lines of a result, many at a time: to look at a thousand at once takes a fifth of the time. Whether any came."""
    rest, some = iter(lines), False
    while part := list(islice(rest, 500)):
        text = "\n".join(line.removesuffix("\n") for line in part) + "\n"
        say_json_text(text) if as_json else say(text)
        some = True
    return some


def _write(text: str) -> None:
    streams.write(text if text.endswith("\n") else text + "\n")


def say_json(answer: Mapping[str, Any]) -> None:
    """A JSON answer, on stdout; non-finite numbers as strings, so that every JSON parser reads it."""
    from runaudit.records.canonical import json_safe

    say_json_text(json.dumps(streams.gate().tree(json_safe(answer)), indent=2, ensure_ascii=False, allow_nan=False))


def say_json_text(text: str) -> None:
    """A text of JSON, on stdout: what a terminal would obey, or stdout cannot carry, as JSON's own escapes."""
    _write(terminal.printable_json(streams.gate().quoted(text), only_ascii=not streams.speaks_unicode()))


def hint(text: str) -> None:
    """A message, on stderr. Where nobody can be told any more, its reader gone or its disk full, the work goes on: a
    training neither ends nor fails because of what we had to say."""
    try:
        text = text and streams.gate().text(text)
    except Exception as error:  # Nobody can say what is in it: that something was to be said is told all the same.
        text = f"runaudit: a message could not be searched for secrets, so it is not shown: {type(error).__name__}"
    try:
        sys.stderr.write(text if not text or text.endswith("\n") else text + "\n")
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        streams.silence("stderr")


def report_error(error: RunauditError, *, as_json: bool) -> int:
    """One clear line on stderr, and an object on stdout for programs. Returns the exit code."""
    if as_json:
        say_error(error.message, error.remedy)
    hint(f"runaudit: {printable(str(error))}")
    return error.exit_code


def say_error(message: str, remedy: str | None) -> None:
    """An error as an object, on stdout."""
    say_json({"schema": "runaudit.error/1", "error": message, "remedy": remedy})


def printable(text: str) -> str:
    """Text of several lines with its control characters shown, not obeyed."""
    return terminal.printable(text, keep="\n\t")
