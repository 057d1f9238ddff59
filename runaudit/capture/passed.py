"""What of dense JSON no secret can stand in: members under names that tell nothing, passed by as one stretch.

JSON on one line is a line as long as its file, and one telling name in it has all of it read word by word: 1.7 s a
megabyte, of which nearly all went into numbers and names that govern nothing. What a stretch of whole members leaves
behind is what was there before it, for whoever reads word by word, as long as nothing around it governs what stands in
it; so it may be passed by up to the next word that could tell.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence, Set

from runaudit.capture.hinted import places_of
from runaudit.text.pattern import late

LONG = 4096
"""Shorter stretches of text are read through."""
LEVELS = 3
"""So deep a member may hold others: a deeper one is entered, and its own members passed by."""
_INNER = late(r"[A-Za-z0-9_-]*")
_IN_NAMES = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_MAX_NAME = 80


def _members(levels: int) -> str:
    """A pattern of whole members, each with its comma. Nothing in it is tried twice."""
    blank, text = r"[ \t]*+", r'"[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+"'
    value = plain = rf"(?:{text}|-?\d[\d.]*+(?:[eE][+-]?\d++)?+|true|false|null|NaN|-?Infinity)"
    for _ in range(levels):
        pair = f"{text}{blank}:{blank}{value}{blank}"
        item = f"{value}{blank}"
        value = (
            rf"(?:{plain}|\[{blank}(?:{item}(?:,{blank}{item})*+)?+\]|\{{{blank}(?:{pair}(?:,{blank}{pair})*+)?+\}})"
        )
    return f"(?:{blank}(?:{text}{blank}:{blank})?+{value}{blank},)++"


_MEMBERS = late(_members(LEVELS))


class Passed:
    """A long stretch of text, by the places in it that could tell of a secret. hints: what names hold that do; tells:
    whether a name does; empty: names that, where something is said around them, mean what is said."""

    def __init__(
        self, text: str, start: int, end: int, *, hints: Sequence[str], tells: Callable[[str], bool], empty: Set[str]
    ) -> None:
        self._text, self._start, self._end = text, start, end
        self._tells, self._empty = tells, empty
        small = text[start:end].lower()
        # A letter whose small form is two: places in one are not those in the other.
        self._small = small if len(small) == end - start else ""
        self._places = sorted({place for hint in hints for place in self._telling(hint)})
        self._beside: list[int] | None = None

    def after(self, at: int, *, is_said: bool) -> int:
        """Where reading goes on that has come to `at`, behind a comma or an opened bracket that no name governs.
        is_said: whether something is said around it."""
        if not self._small:
            return at
        places = self._with_empty() if is_said else self._places
        index = bisect_left(places, at)
        match = _MEMBERS.match(self._text, at, places[index] if index < len(places) else self._end)
        return match.end() if match else at

    def _with_empty(self) -> list[int]:
        if self._beside is None:
            self._beside = sorted({*self._places, *(place for name in self._empty for place in self._named(name))})
        return self._beside

    def _telling(self, hint: str) -> Iterator[int]:
        """Where a word stands that could tell. One that is a whole quoted name, and tells nothing, does not."""
        for found in self._all(hint):
            inner = _INNER.match(self._text, found, self._end)
            right, left = max(inner.end() if inner else 0, found + len(hint)), found
            while left > self._start and found - left <= _MAX_NAME and self._text[left - 1] in _IN_NAMES:
                left -= 1
            name = self._text[left:right]
            is_whole = right - left <= _MAX_NAME and self._text[left - 1 : left] == '"' == self._text[right : right + 1]
            if not is_whole or name.lower().endswith("key") or self._tells(name):
                yield found

    def _named(self, name: str) -> Iterator[int]:
        """Where a text is this name, dashes before it left out."""
        for found in self._all(f'{name}"'):
            if self._text[max(found - _MAX_NAME, 0) : found].rstrip("-").endswith('"'):
                yield found

    def _all(self, word: str) -> Iterator[int]:
        return (self._start + at for at in places_of(self._small, word))
