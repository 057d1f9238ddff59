"""Slow patterns on few lines: a word that must stand in a match is searched for first, and its lines alone are read.

A tree of 2,000 sources holds 600,000 lines and a hundred that speak of a key; to search for a word is a hundred times
as fast as to try a pattern at every place.
"""

from collections.abc import Callable, Iterator, Sequence

Change = Callable[[str], str]


def on_lines(
    text: str, hints: Sequence[str], change: Change, *, above: int = 0, below: int = 0, fold: bool = False
) -> str:
    """`text` with `change` applied to the lines that hold one of `hints`, and to so many above and below each.

    fold: the hints are in small letters, and capitals count as well.
    """
    looked = text.lower() if fold else text
    if len(looked) != len(text):
        return change(text)  # A letter whose small form is two: places in one are not those in the other.
    spans = sorted(_spans(looked, hints, above, below))
    if not spans:
        return text
    pieces: list[str] = []
    done = 0
    for start, end in _joined(spans):
        pieces += (text[done:start], change(text[start:end]))
        done = end
    return "".join((*pieces, text[done:]))


def _spans(text: str, hints: Sequence[str], above: int, below: int) -> Iterator[tuple[int, int]]:
    for hint in hints:
        at = text.find(hint)
        while at >= 0:
            start, end = at + 1, at
            for _ in range(above + 1):
                start = text.rfind("\n", 0, max(start - 1, 0)) + 1
            for _ in range(below + 1):
                end = text.find("\n", end + 1)
                if end < 0:
                    yield start, len(text)
                    break
            if end < 0:
                break
            yield start, end
            at = text.find(hint, max(end - 1, at + 1) if below == 0 else at + 1)


def _joined(spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Spans that touch as one."""
    first, last = spans[0]
    for start, end in spans[1:]:
        if start > last:
            yield first, last
            first, last = start, end
        else:
            last = max(last, end)
    yield first, last
