"""What reaches a terminal: colour, and control characters made visible. Loads nothing of what judges runs."""

import json
import os
import re
import sys

RED, GREEN, YELLOW, BOLD, DIM, PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[1m", "\x1b[2m", "\x1b[0m"
_OURS = re.compile(f"({'|'.join(map(re.escape, (RED, GREEN, YELLOW, BOLD, DIM, PLAIN)))})")


_SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
"""The spaces of other scripts and of figures with their units: no letters to Python, and no harm to a terminal."""

_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
"""What Python calls printable and nobody sees: joiners, fillers, selectors of a variant. Two names that differ in one
of them look the same."""
_PRINTED = re.compile(r"\\(x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")
_UNUSUAL = re.compile(r"[^\n\x20-\x7e]")


class Paint:
    """Colours text, or leaves it alone."""

    def __init__(self, on: bool) -> None:
        self.on = on

    def __call__(self, text: str, colour: str) -> str:
        """`text` in `colour`."""
        return f"{colour}{text}{PLAIN}" if self.on else text


UNPAINTED = Paint(False)
"""For whoever reads no colours: files, pipes, programs."""


def printable(text: str, *, keep: str = "\t") -> str:
    """`text` with every character made visible that a terminal would obey or nobody would see, but for those to
    `keep`: `\\x1b`, `\\u202e`. Sources, labels and paths come from strangers."""
    if text.isprintable() and (text.isascii() or not _BLANK.search(text)):
        return text
    return "".join(c if _is_seen(c) or c in keep else _named(c) for c in text)


def unprinted(text: str) -> str:
    """The text that `printable` shows so: what is printed can be typed. One that shows no such character is itself."""
    found = _PRINTED.sub(lambda match: chr(min(int(match[1][1:], 16), sys.maxunicode)), text)
    return found if printable(found, keep="") == printable(text, keep="") else text


def printable_json(text: str, *, only_ascii: bool = False) -> str:
    """A text of JSON in which those characters, or all but ASCII, stand as JSON's own escapes: what it says stays the
    same."""

    def named(found: re.Match[str]) -> str:
        if _is_seen(found[0]) and not only_ascii:
            return found[0]
        return json.dumps(found[0])[1:-1] if found[0] > "\x7f" else f"\\u{ord(found[0]):04x}"

    return _UNUSUAL.sub(named, text)


def _is_seen(letter: str) -> bool:
    return (letter.isprintable() and not _BLANK.match(letter)) or letter in _SPACES


def _named(letter: str) -> str:
    number = ord(letter)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def harmless(line: str, paint: Paint = UNPAINTED) -> str:
    """A line as it may reach a terminal, whoever wrote it: nothing but our own colours, and those only where painted.

    The last gate: what a view forgot to make printable is made so here.
    """
    if not paint.on:
        return printable(line)
    return "".join(part if _OURS.fullmatch(part) else printable(part) for part in _OURS.split(line))


def use_colour() -> bool:
    """Whether answers are coloured: only on a terminal, and never against NO_COLOR."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def line_width() -> int | None:
    """How many characters a line of the terminal takes; None where answers go elsewhere."""
    if not sys.stdout.isatty():
        return None
    import shutil

    return shutil.get_terminal_size().columns
