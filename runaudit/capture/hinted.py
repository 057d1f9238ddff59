"""Slow patterns on few lines: a word that must stand in a match is searched for first, and its lines alone are read.

A tree of 2,000 sources holds 600,000 lines and a hundred that speak of a key; to search for a word is a hundred times
as fast as to try a pattern at every place.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

LONG = 64
"""In a shorter text a pattern is tried at every place."""
Change = Callable[[str], str]
_NAME = re.compile(r"[\w.-]*")


@lru_cache(maxsize=1)
def _small(text: str) -> str:
    """In small letters: a text without a secret goes through some forty searches as it is, and to make them small anew
    for each was a tenth of all work."""
    return text.lower()


def on_lines(
    text: str, hints: Sequence[str], change: Change, *, above: int = 0, below: int = 0, fold: bool = False
) -> str:
    """`text` with `change` applied to the lines that hold one of `hints`, and to so many above and below each.

    fold: the hints are in small letters, and capitals count as well.
    """
    looked = _small(text) if fold else text
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


def sub_at(pattern: re.Pattern[str], change: Callable[[re.Match[str]], str], words: Sequence[str], text: str) -> str:
    """`pattern.sub(change, text)` where every match begins with one of these words, in small letters or capitals."""
    small = _small(text)
    if len(text) <= LONG or len(small) != len(text):
        return pattern.sub(change, text)
    pieces: list[str] = []
    done = 0
    for at in sorted({place for word in words for place in places_of(small, word)}):
        if at >= done and (match := pattern.match(text, at)):
            pieces += (text[done:at], change(match))
            done = match.end()
    return "".join((*pieces, text[done:]))


def sub_in_names(
    pattern: re.Pattern[str], change: Callable[[re.Match[str]], str], words: Sequence[str], text: str
) -> str:
    """`pattern.sub(change, text)` where every match begins where a name does, letters, digits and `_.-`, that holds one
    of these words, in small letters or capitals."""
    small = _small(text)
    if len(small) != len(text):
        return pattern.sub(change, text)
    pieces: list[str] = []
    done = reached = 0
    for at in sorted({place for word in words for place in places_of(small, word)}):
        if at < reached:
            continue  # the name before
        start = at
        while start and (text[start - 1] in "_.-" or text[start - 1].isalnum()):
            start -= 1
        name = _NAME.match(text, at)
        reached = name.end() if name else at
        if start >= done and (match := pattern.match(text, start)):
            pieces += (text[done:start], change(match))
            done = match.end()
    return "".join((*pieces, text[done:]))


def places_of(text: str, word: str) -> Iterator[int]:
    """Where a word stands in a text."""
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)


def _spans(text: str, hints: Sequence[str], above: int, below: int) -> Iterator[tuple[int, int]]:
    for hint in hints:
        at = text.find(hint)
        while at >= 0:
            start, line = at + 1, text.find("\n", at + 1)
            for _ in range(above + 1):
                start = text.rfind("\n", 0, max(start - 1, 0)) + 1
            end = line
            for _ in range(below):
                end = text.find("\n", end + 1) if end >= 0 else -1
            if end < 0:
                yield start, len(text)
                break
            yield start, end
            at = text.find(hint, max(line - 1, at + 1))  # What else stands on the line has the same lines around it.


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
