"""What reaches a terminal: colour, and control characters made visible. Loads nothing of what judges runs."""

import os
import re
import sys

RED, GREEN, YELLOW, BOLD, DIM, PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[1m", "\x1b[2m", "\x1b[0m"
_OURS = re.compile(f"({'|'.join(map(re.escape, (RED, GREEN, YELLOW, BOLD, DIM, PLAIN)))})")


_SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
"""The spaces of other scripts and of figures with their units: no letters to Python, and no harm to a terminal."""


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
    """`text` with control characters made visible, but for those to `keep`: sources, labels and paths come from
    strangers."""
    return "".join(c if c.isprintable() or c in keep or c in _SPACES else f"\\x{ord(c):02x}" for c in text)


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
