"""One comparison of `list`, whether it was typed as a filter or within `--where`: what can be held against what.

Numbers are ordered by size and texts as texts; a number and a text have no order and are never equal. A run that lacks
what is compared is neither kept nor excluded by it: the answer is None, and stays so under `not`. Where no run can
answer, because the sides are of two kinds everywhere, that is a mistake, and is told instead of an empty list.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any, Protocol

from runaudit.errors import RecordError, UsageError
from runaudit.factors.factor import Absent
from runaudit.factors.tree import same
from runaudit.records.canonical import JSON, parse_strict
from runaudit.records.manifest import GONE
from runaudit.records.outcome import STATUSES
from runaudit.records.run import DAMAGED, UNSAID
from runaudit.runs.forms import MIN_PREFIX, is_prefix
from runaudit.runs.rows import Entry, fields, shown
from runaudit.text.terminal import printable
from runaudit.text.typed import typed_word
from runaudit.text.words import closest, cut, quoted

ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
ALIVE = ("running", "lost")
"""What a run without an outcome is."""
WORDS: Mapping[str, JSON] = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])")
QUOTED = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""", re.DOTALL)
IDS = ("id", "cohort")
"""Fields that are named by their beginning."""


class Missing(Exception):  # noqa: N818  (not an error: the run has no answer)
    """A run lacks what is asked for."""


ONE_KIND = "compare things of one kind"


class Impossible(Exception):  # noqa: N818  (whether it is an error, all runs together tell)
    """This run has what is asked for, and it cannot be compared or computed; the text says why, `remedy` what would."""

    def __init__(self, why: str, *, remedy: str = ONE_KIND) -> None:
        super().__init__(why)
        self.remedy = remedy


class Side(Protocol):
    """One side of a comparison."""

    @property
    def text(self) -> str:
        """As it was typed."""

    def of(self, entry: Entry, *, beside: JSON = None) -> JSON:
        """Its value for a run. beside: the other side's value. Raises Missing or Impossible."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a run has under a name. name: as the vocabulary has it; text: as it was typed."""

    name: str
    text: str

    def of(self, entry: Entry, *, beside: JSON = None) -> JSON:
        """The value. Raises Missing."""
        value = entry.at(self.name)
        if isinstance(value, Absent):
            raise Missing
        return value


@dataclass(frozen=True, slots=True)
class Written:
    """A value as it stands in the condition."""

    value: JSON
    text: str

    def of(self, entry: Entry, *, beside: JSON = None) -> JSON:
        """The value."""
        return self.value


@dataclass(frozen=True, slots=True)
class Typed:
    """A word of a filter, which has no quotes: a text beside a text, else what it says.

    is_setting: of a setting a number is a number and the text in quotes a text, as within `--where`: programs write
    both, and `0.1` for `"0.1"` would keep the runs of another program. Of a label, a status or a version, which are
    texts always, digits are the text.
    """

    text: str
    is_setting: bool = False

    def of(self, entry: Entry, *, beside: JSON = None) -> JSON:
        """The value, of the kind of the other side where it can be."""
        if isinstance(beside, str) and not self.is_setting:
            return self.text
        if NUMBER.fullmatch(self.text.removeprefix("-").removeprefix("+")):
            return number_of(self.text)
        if isinstance(beside, str):
            return unescaped(self.text[1:-1]) if QUOTED.fullmatch(self.text) else self.text
        if self.text in WORDS:
            return WORDS[self.text]
        try:
            return parse_strict(self.text, where="filter")
        except RecordError:
            return self.text


def number_of(text: str) -> int | float:
    """The number that was typed."""
    return int(text) if text.isdigit() and len(text) <= 400 else float(text)


def unescaped(text: str) -> str:
    """A text that stood in quotes."""
    return re.sub(r"\\(.)", lambda match: {"n": "\n", "t": "\t"}.get(match[1], match[1]), text, flags=re.DOTALL)


def kind(value: JSON) -> str:
    """What a value is, in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    return "text" if isinstance(value, str) else "a table" if isinstance(value, Mapping) else "a list"


@dataclass(frozen=True, slots=True)
class Relation:
    """`left sign right`. sign: one of == != < <= > >=."""

    left: Side
    sign: str
    right: Side

    @property
    def text(self) -> str:
        """As it was typed, more or less."""
        return f"{self.left.text} {self.sign} {self.right.text}"

    def holds(self, entry: Entry) -> bool | None:
        """Whether it holds for a run; None where the run lacks a side or has one that cannot be compared."""
        try:
            return self._decided(entry)
        except (Missing, Impossible):
            return None

    def comparisons(self) -> Sequence["Relation"]:
        """Itself: what is to be proven sensible before it is asked."""
        return (self,)

    def check(self, entries: Sequence[Entry]) -> None:
        """Raises UsageError where no run can answer, and for a word that the field never has."""
        for name, side in ((self.left, self.right), (self.right, self.left)):
            if self.sign not in ORDERS and isinstance(name, Named) and not isinstance(side, Named):
                _check_word(name.name, side, self.text)
        first: Impossible | None = None
        for entry in entries:
            try:
                if self._decided(entry) is not None:
                    return
            except Missing:
                continue
            except Impossible as error:
                first = first or error
        if first is not None:
            raise UsageError(f"{cut(self.text)!r} holds for no run: {first}", remedy=first.remedy)

    def _decided(self, entry: Entry) -> bool | None:
        a = self.left.of(entry)
        b = self.right.of(entry, beside=a)
        if isinstance(self.left, Typed):
            a = self.left.of(entry, beside=b)
        if self.sign in ORDERS:
            return self._ordered(a, b)
        if a is not None and b is not None and kind(a) != kind(b):
            raise self._mixed(a, b)
        return (same(a, b) or _is_shown_so(self.left, a, b) or _is_shown_so(self.right, b, a)) is (self.sign == "==")

    def _ordered(self, a: JSON, b: JSON) -> bool | None:
        if a is None or b is None:
            return None
        if kind(a) != kind(b):
            raise self._mixed(a, b)
        if isinstance(a, str) or (isinstance(a, int | float) and not isinstance(a, bool)):
            is_nan = any(isinstance(value, float) and isnan(value) for value in (a, b))
            return not is_nan and ORDERS[self.sign](a, b)
        raise Impossible(
            f"{cut(self.left.text)} is {kind(a)}, which has no order", remedy="ask whether it is equal: =="
        )

    def _mixed(self, a: JSON, b: JSON) -> Impossible:
        why = f"{cut(self.left.text)} is {kind(a)} and {cut(self.right.text)} is {kind(b)}"
        loose = next((side for side, other in ((self.left, b), (self.right, a))
                      if not isinstance(side, Named | Typed | Written) and isinstance(other, str)), None)  # fmt: skip
        if isinstance(self.left, Named) and isinstance(self.right, Typed) and isinstance(a, str):
            word = typed_word(f'{self.left.text}{self.sign}"{self.right.text}"')
            return Impossible(why, remedy=f"a text that reads as a number stands in quotes: {word}")
        return Impossible(why, remedy=f'a text stands in quotes: "{loose.text}"' if loose else ONE_KIND)


def _is_shown_so(side: Side, value: JSON, other: JSON) -> bool:
    """Whether a field is equal to what `list` prints of it; of an id any beginning will do."""
    if not isinstance(side, Named) or side.name not in fields() or not isinstance(other, str) or not other:
        return False
    if side.name in IDS:
        return len(other) >= MIN_PREFIX and str(value).startswith(other)
    return printable(shown(side.name, value), keep="") == printable(other, keep="")


def _check_word(name: str, side: Side, text: str) -> None:
    """Raises UsageError for a status that there is not, and for what is no beginning of an id."""
    word = side.text if isinstance(side, Typed) else side.value if isinstance(side, Written) else None
    if not isinstance(word, str):
        return
    if name == "status" and word not in (known := (*STATUSES, *ALIVE, UNSAID, GONE, DAMAGED)):
        raise UsageError(f"{quoted(word)} is no status{closest(word, known)}", remedy=f"there are {', '.join(known)}")
    if name in IDS and not is_prefix(word):
        raise UsageError(
            f"{quoted(word)} is no beginning of an id, in {cut(text)!r}", remedy=f"give {MIN_PREFIX} digits or more"
        )
