"""A record read section by section, and a section that many records share read once.

The runs of a work tree hold the same code, the same packages and the same data, word for word: of a listing's cost to
read ten thousand records, parsing, checking and freezing these again was most. In its canonical form a section is a
stretch of text, and no JSON object is the beginning of another, so where a record goes on with the text of a section
that is known, that section is the one that it holds. Whatever is not of the plain canonical form is left to the strict
reader, which says what is wrong with it.
"""

import re
from collections.abc import Callable, Mapping
from operator import is_not
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from runaudit.errors import RecordError
from runaudit.records.canonical import JSON, LEAF_CLASSES, frozen, strict_scanner, untagged
from runaudit.records.shape import Shape

MOST = 8
"""Sections of one name that are kept: the newest, since new runs are most often of a tree that was used lately."""
LONGEST = 1 << 18
"""A section of more characters is not kept."""
NEWEST = 64
"""Sections of which an answer is kept: a record has some ten."""
OF_FEW = ("schema", "status")
"""Sections that are one of a few words, which in quotes are the beginning of no other."""
_NAME = re.compile(r'"([a-z_]+)":')
T = TypeVar("T")


class Sections:
    """Reads records of one kind. parts: the form of each of their sections."""

    def __init__(self, parts: Mapping[str, Shape]) -> None:
        self._parts = parts
        self._kept: dict[str, list[tuple[str, JSON]]] = {}
        self._scan = strict_scanner("a section")

    def read(self, raw: bytes) -> Mapping[str, JSON] | None:
        """The frozen body that `raw` holds; None where it is not of the plain form, or a section is malformed."""
        try:
            return self._body(raw.decode())
        except (ValueError, StopIteration, RecursionError, RecordError):
            return None

    def _body(self, text: str) -> Mapping[str, JSON] | None:
        body: dict[str, Any] = {}
        at, end = 1, len(text) - 1
        if text[:1] != "{":
            return None
        kept, name_at, goes_on_with = self._kept, _NAME.match, text.startswith
        while match := name_at(text, at):
            name, start = match[1], match.end()
            if name in body:
                return None
            # Most sections are the one that the record before held: asked here, without a call.
            newest = kept.get(name)
            if newest and goes_on_with(newest[0][0], start):
                body[name], at = newest[0][1], start + len(newest[0][0])
            else:
                body[name], at = self._section(name, text, start)
            if at == end and text[at] == "}":
                return MappingProxyType(body)
            if text[at : at + 1] != ",":
                return None
            at += 1
        return None

    def _section(self, name: str, text: str, at: int) -> tuple[JSON, int]:
        """The value that stands at a place of a record, and where it ends."""
        for place, (known, value) in enumerate(self._kept.get(name, ())):
            if text.startswith(known, at):
                if place:
                    self._keep(name, place, known, value)
                return value, at + len(known)
        value, end = self._scan(text, at)
        own = ""
        if value.__class__ not in LEAF_CLASSES:
            own = text[at:end]
            value = frozen(untagged(value) if '"$' in own or "\\u0024" in own else value)
        shape = self._parts.get(name)
        if shape is not None and next(shape(value, (name,)), None) is not None:
            raise RecordError(f"section {name!r} is malformed")
        if shape is not None and own[:1] == "{" and len(own) <= LONGEST:
            self._keep(name, MOST - 1, own, value)
        elif name in OF_FEW and value.__class__ is str:
            self._kept[name] = [(text[at:end], value)]
        return value, end

    def _keep(self, name: str, place: int, text: str, value: JSON) -> None:
        """Put a section before the others of its name; the one at `place` makes room."""
        kept = self._kept.setdefault(name, [])
        del kept[place : place + 1]
        kept.insert(0, (text, value))


class Kept(Generic[T]):
    """What was made of sections, kept while these are among the newest: those that records share are one object. They
    are frozen, or trees that nobody changes any more, and what was made of them is shared, too, and as fixed."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Any, ...], tuple[tuple[Any, ...], T]] = {}

    def get(self, name: str, sections: tuple[Any, ...], make: Callable[[], T]) -> T:
        """What `make` gives, which depends on the name and these sections alone."""
        key = (name, *map(id, sections))
        found = self._kept.pop(key, None)
        if found is None or any(map(is_not, found[0], sections)):  # An id is given again once its object is gone.
            found = sections, make()
            while len(self._kept) >= NEWEST:
                self._kept.pop(next(iter(self._kept)), None)
        self._kept[key] = found
        return found[1]


class OfSection(Generic[T]):
    """A function of one section, asked once for each of the newest."""

    def __init__(self, ask: Callable[[Any], T]) -> None:
        self._ask = ask
        self._kept: dict[int, tuple[Any, T]] = {}

    def __call__(self, section: Any) -> T:
        """The answer for this section."""
        found = self._kept.get(id(section))
        if found is None or found[0] is not section:  # An id is given again once its object is gone.
            found = section, self._ask(section)
            while len(self._kept) >= NEWEST:
                self._kept.pop(next(iter(self._kept)), None)
            self._kept[id(section)] = found
        return found[1]
