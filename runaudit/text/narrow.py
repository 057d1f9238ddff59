"""What a narrow terminal shows: a number is shown whole or not at all, because a cut one reads as another number.

Text is cut first, and what has no room is left out and named.
"""

import re
from collections.abc import Iterator, Sequence

GAP = 2
"""Blanks between two columns."""
LEAST = 12
"""Characters that a text keeps while others can still go: an id is known by as many."""


_FIGURE = re.compile(r"[(=±]?[+-]?(\d|\.\d|inf\b|nan\b)")


def cut_to(text: str, width: int | None) -> str:
    """A text in so many characters."""
    return text if width is None or len(text) <= width else text[: max(width - 1, 0)] + "…"


def cut_word(word: str, width: int) -> str:
    """A word in so many characters; a number whole."""
    return word if _FIGURE.match(word) else cut_to(word, width)


def folded(text: str, width: int | None) -> Iterator[str]:
    """A line in as many as it takes, broken between words; what follows the first is set in. A word that is wider than
    all of it is cut, if it is no number."""
    if width is None or len(text) <= width:
        yield text
        return
    lead = " " * (len(text) - len(text.lstrip()))
    line = lead
    for word in text.split():
        if line.strip() and len(line) + 1 + len(word) > width:
            yield line
            lead, line = f"{lead}  ", f"{lead}  "
        line = f"{line} {word}" if line.strip() else f"{line}{cut_word(word, width - len(line))}"
    yield line


def within(rows: Sequence[Sequence[str]], numbers: Sequence[bool], width: int) -> tuple[list[list[str]], list[str]]:
    """Rows, the first of them titles, in so many characters, and the titles of the columns that have no room. numbers:
    which columns are numbers. The first column stays."""
    kept = list(range(len(rows[0])))
    while True:
        full = [max(len(row[at]) for row in rows) for at in kept]
        least = [
            min(w, max((len(row[at]) for row in rows[1:]), default=0) if numbers[at] else LEAST)
            for w, at in zip(full, kept, strict=True)
        ]
        if sum(least) + GAP * (len(kept) - 1) <= width or len(kept) == 1:
            break
        kept.remove(next((at for at in reversed(kept[1:]) if not numbers[at]), kept[-1]))
    room = width - GAP * (len(kept) - 1)
    while sum(full) > room and full != least:
        # What can give way is narrowed evenly, the widest first.
        at = max((at for at, w in enumerate(full) if w > least[at]), key=lambda at: full[at])
        full[at] -= 1
    gone = [title for at, title in enumerate(rows[0]) if at not in kept]
    shown = [[cut_to(row[at], w) for at, w in zip(kept, full, strict=True)] for row in rows[1:]]
    return [[_end_of(rows[0][at], w) for at, w in zip(kept, full, strict=True)], *shown], gone


def _end_of(title: str, width: int) -> str:
    """A title in so many characters: dotted names differ at their ends."""
    return title if len(title) <= width else "…" + title[len(title) - max(width - 1, 0) :]


def no_room(titles: Sequence[str], width: int) -> Sequence[str]:
    """What is told, in lines, of columns that are left out."""
    return tuple(folded(f"no room in {width} columns for {', '.join(titles)}", width))
