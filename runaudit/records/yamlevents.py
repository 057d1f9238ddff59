"""What a YAML text would come to, asked of its events before anything is built.

An alias is a reference in memory and a copy in a record, a merge (`<<`) copies a table into another, and a reader of
YAML spends many times on a value what it takes to write it. So the values, the depth and what the aliases unfold into
are counted as the parser reports them, and the text that comes to too much is refused after a glance at its beginning.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from runaudit.errors import RecordError
from runaudit.records.canonical import MAX_DEPTH, MAX_DIGITS

MAX_ALIASES = 1000
MAX_DIRECTIVES = 20
"""Lines such as `%TAG`; the parser holds each against all before."""
MAX_BYTES = 8 << 20
MAX_BYTES_SLOW = 256 << 10
"""Where PyYAML was installed without libyaml, which reads some fifty times as much in a second."""
EXPONENT = re.compile(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)[eE][-+]?[0-9]+")
"""A number with an exponent. Records of older versions hold as text what of it YAML 1.1 does not read."""
_NUMERAL = re.compile(r"[-+]?(?:[0-9.][0-9_.:]*(?:[eE][-+]?[0-9]+)?|0[xb][0-9a-fA-F_]+)")
_READ_AS_NUMBER = re.compile(r".*\..*[eE][-+].*")
"""Of those, what YAML 1.1 reads: it wants a dot and a sign."""


@cache
def parser() -> type:
    """PyYAML's parser of events: that of libyaml where it is there. Raises ImportError without PyYAML."""
    import yaml

    if yaml.__with_libyaml__:
        from yaml.cyaml import CParser

        return CParser  # type: ignore[no-any-return]

    class PureParser(yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser):  # type: ignore[misc]
        def __init__(self, stream: Any) -> None:
            yaml.reader.Reader.__init__(self, stream)
            yaml.scanner.Scanner.__init__(self)
            yaml.parser.Parser.__init__(self)

    return PureParser


def check_size(raw: bytes, *, where: str, most: int) -> None:
    """Raises RecordError for a text that is too long, too deep, or comes to more than `most` values once its aliases
    are unfolded; what PyYAML raises for what is no YAML."""
    limit = MAX_BYTES if parser().__name__ == "CParser" else MAX_BYTES_SLOW
    if len(raw) > limit:
        raise RecordError(f"{where} is larger than {limit >> 10} KiB", remedy="keep data out of it")
    count = _Count(where=where, most=most)
    if len(re.findall(rb"(?m)^%", raw[: 1 << 16])) > MAX_DIRECTIVES:
        raise RecordError(f"{where} is not YAML: it begins with too many directives", remedy="leave them out")
    for event in _events(raw):
        count.take(event)


def is_text(plain: str) -> bool:
    """Whether YAML 1.1 takes a number with an exponent for a text: `1e-3`, which wants a point in it and a sign."""
    return bool(EXPONENT.fullmatch(plain)) and not _READ_AS_NUMBER.fullmatch(plain)


def read_as_text(raw: bytes) -> tuple[tuple[int, str], ...]:
    """(line, text) of each number with an exponent that YAML 1.1 reads as text: `1e-4` has no dot, `1.0e4` no sign.

    What is no YAML has none.
    """
    import yaml

    if not re.search(rb"[0-9._][eE][-+]?[0-9]", raw):
        return ()
    found = []
    try:
        for event in _events(raw):
            is_plain = isinstance(event, yaml.ScalarEvent) and event.implicit[0]
            if is_plain and is_text(event.value):
                found.append((event.start_mark.line + 1, event.value))
    except (yaml.YAMLError, ValueError):
        return ()
    return tuple(found)


def _events(raw: bytes) -> Iterator[Any]:
    source = parser()(raw)
    try:
        while source.check_event():
            yield source.get_event()
    finally:
        source.dispose()


@dataclass(slots=True)
class _Open:
    """A collection that has begun: its anchor, and how many values there were before it."""

    anchor: str | None
    before: int


@dataclass(slots=True, kw_only=True)
class _Count:
    where: str
    most: int
    aliases: int = 0
    documents: int = 0
    total: int = 0
    opened: list[_Open] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)

    def take(self, event: Any) -> None:
        """Count one event. Raises RecordError where it is one too many."""
        match type(event).__name__:
            case "ScalarEvent":
                self._scalar(event)
            case "SequenceStartEvent" | "MappingStartEvent":
                self.opened.append(_Open(event.anchor, self.total))
                self._add(1)
                if len(self.opened) > MAX_DEPTH:
                    raise RecordError(f"{self.where} is nested too deeply: more than {MAX_DEPTH} levels",
                                      remedy="flatten it")  # fmt: skip
            case "SequenceEndEvent" | "MappingEndEvent":
                done = self.opened.pop()
                if done.anchor is not None:
                    self.sizes[done.anchor] = self.total - done.before
            case "AliasEvent":
                self._alias(event)
            case "DocumentStartEvent":
                self.documents += 1
                if self.documents > 1:
                    raise self._fault(event, "there is another document", "keep one")

    def _scalar(self, event: Any) -> None:
        self._add(1)
        if event.anchor is not None:
            self.sizes[event.anchor] = 1
        # The work of reading a number grows with the square of its digits.
        if len(event.value) > MAX_DIGITS and event.implicit[0] and _NUMERAL.fullmatch(event.value):
            raise self._fault(event, "it holds a number of thousands of digits", "give it as text")

    def _alias(self, event: Any) -> None:
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            raise self._fault(event, f"there are more than {MAX_ALIASES} aliases", "write them out")
        if event.anchor not in self.sizes and any(one.anchor == event.anchor for one in self.opened):
            raise self._fault(event, f"{event.anchor!r} holds itself, so it is nested too deeply", "write it out")
        self._add(self.sizes.get(event.anchor, 1))

    def _add(self, size: int) -> None:
        self.total += size
        if self.total > self.most:
            raise RecordError(f"{self.where} unfolds into more than {self.most} values",
                              remedy="write fewer aliases, and keep data out of it")  # fmt: skip

    def _fault(self, event: Any, what: str, remedy: str) -> RecordError:
        return RecordError(f"{self.where} is not YAML at line {event.start_mark.line + 1}: {what}", remedy=remedy)
