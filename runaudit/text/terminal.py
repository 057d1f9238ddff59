"""What reaches a terminal: colour, and text that cannot obey. To print one line need not load what judges runs."""

RED, GREEN, YELLOW, BOLD, DIM, PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[1m", "\x1b[2m", "\x1b[0m"


class Paint:
    """Colours text, or leaves it alone."""

    def __init__(self, on: bool) -> None:
        self._on = on

    def __call__(self, text: str, colour: str) -> str:
        """`text` in `colour`."""
        return f"{colour}{text}{PLAIN}" if self._on else text


def printable(text: str, *, keep: str = "\t") -> str:
    """`text` with control characters shown, not obeyed, but for those to `keep`: sources, labels and paths come from
    strangers."""
    return "".join(c if c.isprintable() or c in keep else f"\\x{ord(c):02x}" for c in text)
