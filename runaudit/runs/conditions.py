"""`--where`: the conditions that keep runs, read from text and asked of each run.

    condition   comparison | condition and condition | condition or condition | not condition | (condition)
    comparison  value (== != < <= > >=) value …  | value in (value, …) | value not in [value, …] | asked
    asked       missing(name) | finite(name)
    value       a name, a number, "text", true, false, null, arithmetic, floor ceil min max round

Read by hand and not by Python's parser, so that what is wrong is said of the words that were typed, and a name may hold
a slash. Nothing is executed. A run that lacks what a condition asks is not kept by it, nor by its opposite; `missing`
asks for it. Nor does a comparison keep what is NaN; `not finite(name)` does.
"""

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runaudit.errors import UsageError
from runaudit.records.canonical import JSON
from runaudit.runs.comparing import (
    NUMBER,
    ORDERS,
    QUOTED,
    WORDS,
    Impossible,
    Named,
    Relation,
    Side,
    Written,
    kind,
    number_of,
    unescaped,
)
from runaudit.runs.keeping import CONDITIONS, OF_A_NAME, All, Condition, Not
from runaudit.runs.meaning import Vocabulary
from runaudit.runs.rows import Entry
from runaudit.text.typed import typed_word
from runaudit.text.words import closest, cut, quoted

MAX_CHARS = 2000
MAX_DEPTH = 40
MAX_MAGNITUDE = 1e300
MAX_POWER = 64
NO_VALUE = "change the sum: it has a value for no run"
MOST_SHOWN = 120
"""Characters of a condition that is told mended."""
EXAMPLE = "write, for example, 'config.lr > 1e-3 and status == \"completed\"'"
CALLS: Mapping[str, Callable[..., Any]] = {
    "floor": math.floor, "ceil": math.ceil, "min": min, "max": max, "round": round,
}  # fmt: skip
_NOT_FINITE = "what is NaN or infinite is asked for by: not finite({name})"
_NO_TEXT: Mapping[str, str] = {
    "nan": _NOT_FINITE, "inf": _NOT_FINITE, "infinity": _NOT_FINITE,
    "none": "a setting that is null is None; a run without it: missing({name})",
}  # fmt: skip
"""Words that are typed for a value which has another word here; in quotes they would ask for a text."""
BINARY: Sequence[Mapping[str, Callable[[Any, Any], Any]]] = (
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": operator.truediv, "//": operator.floordiv, "%": operator.mod},
)
"""What binds weakest first; a power binds strongest and is read by itself."""
RESERVED = ("and", "or", "not", "in", "if", "else")
SIGNS = ("==", "!=", *ORDERS, "=")
_KEYS = r"(?:\.[^\W\d][\w-]*|\.\w+|\[\d+\]|\['(?:[^'\\]|\\.)*'\]|\[\"(?:[^\"\\]|\\.)*\"\]|\[[^\[\]'\"]+\])*"
_NAME = re.compile(rf"[^\W\d]\w*{_KEYS}(?:/[\w.\-]+)*")
_SHORTER = re.compile(r"[/\-][^/\-]*$")
_SIGN = re.compile(r"==|!=|<=|>=|\*\*|//|[-+*/%<>=()\[\],]")


@dataclass(frozen=True, slots=True)
class Computed:
    """Arithmetic over values."""

    function: Callable[..., Any]
    parts: tuple[Side, ...]
    text: str

    def of(self, entry: Entry, *, beside: JSON = None) -> JSON:
        """The result. Raises Missing, or Impossible for what is no number or grows beyond all numbers."""
        values = [part.of(entry) for part in self.parts]
        for part, value in zip(self.parts, values, strict=True):
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise Impossible(f"{cut(part.text)} is {kind(value)}, and not to be reckoned with", remedy=NO_VALUE)
            if MAX_MAGNITUDE < abs(value) != math.inf:
                raise Impossible(f"{cut(part.text)} is beyond 1e300", remedy=NO_VALUE)
        if self.function is operator.pow and abs(values[1]) > MAX_POWER:
            raise Impossible(f"the exponent of {cut(self.text)} is beyond {MAX_POWER}", remedy=NO_VALUE)
        try:
            found: JSON = self.function(*values)
        except (ArithmeticError, ValueError, TypeError) as error:
            raise Impossible(f"{cut(self.text)}: {error}", remedy=NO_VALUE) from error
        if isinstance(found, complex):
            raise Impossible(f"{cut(self.text)} is no real number", remedy=NO_VALUE)
        return found


def where(text: str, words: Vocabulary) -> Condition:
    """The condition that a text says. Raises UsageError for what is none, and for a name that no run knows."""
    if len(text) > MAX_CHARS:
        raise UsageError(f"--where is {len(text)} characters long, at most {MAX_CHARS} are read", remedy=EXAMPLE)
    return _Reader(text, words).whole()


Token = tuple[str, str, int]
"""name, number, text, sign or end; as it was typed; where it begins."""


class _Reader:
    """Reads one text from left to right."""

    def __init__(self, text: str, words: Vocabulary) -> None:
        self._text, self._words = text, words
        self._spelt = sorted((n for n in words.metrics if not _NAME.fullmatch(n)), key=len, reverse=True)
        self._tokens = list(self._split())
        self._at = self._depth = 0

    # ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _split(self) -> Iterable[Token]:
        at = 0
        while at < len(self._text):
            if self._text[at].isspace():
                at += 1
                continue
            token = self._token(at)
            yield token
            at += len(token[1])
        yield "end", "", at

    def _token(self, at: int) -> Token:
        for name in self._spelt:  # A metric that is called as no name is: with spaces, or signs.
            if self._text.startswith(name, at):
                return "name", name, at
        for what, pattern in (("text", QUOTED), ("number", NUMBER), ("name", _NAME), ("sign", _SIGN)):
            if match := pattern.match(self._text, at):
                return what, self._name(match[0]) if what == "name" else match[0], at
        raise self._wrong("is not understood", at)

    def _name(self, typed: str) -> str:
        """As much of a name as is known: `a/b` may be a metric, or a quotient of two."""
        name = typed
        while name not in RESERVED and not self._words.knows(name):
            shorter = _SHORTER.sub("", name)
            if shorter == name:
                # None of it is known: it is told whole, but for what can only be arithmetic.
                return typed
            name = shorter
        return name

    def _wrong(self, what: str, at: int | None = None) -> UsageError:
        rest = self._text[self._tokens[self._at][2] if at is None else at :]
        place = f"{cut(rest)!r} {what}" if rest.strip() else f"it ends where {what}"
        return UsageError(f"--where {cut(self._text)!r}: {place}", remedy=EXAMPLE)

    def _is(self, *words: str) -> bool:
        what, word, _ = self._tokens[self._at]
        return what in ("sign", "name") and word in words

    def _take(self, *words: str) -> str | None:
        if not self._is(*words):
            return None
        self._at += 1
        return self._tokens[self._at - 1][1]

    def _expect(self, word: str) -> None:
        if not self._take(word):
            raise self._wrong(f"stands where a {word!r} should" if self._tokens[self._at][0] != "end"
                              else f"a {word!r} is missing")  # fmt: skip

    def _since(self, at: int) -> str:
        """What was typed from a token on."""
        last = self._tokens[self._at - 1]
        return self._text[self._tokens[at][2] : last[2] + len(last[1])]

    # ── conditions ───────────────────────────────────────────────────────────────────────────────────────────────────

    def whole(self) -> Condition:
        """The whole text as one condition."""
        if not self._text.strip():
            raise UsageError("--where is empty", remedy=EXAMPLE)
        found = self._condition(self._any(), 0)
        if self._tokens[self._at][0] != "end":
            raise self._wrong("is more than a condition: join conditions by and, or, not")
        return found

    def _condition(self, found: Condition | Side, at: int) -> Condition:
        if isinstance(found, CONDITIONS):
            return found
        typed = cut(self._since(at))
        raise UsageError(f"--where {cut(self._text)!r}: {typed!r} is a value and no condition",
                         remedy=f"compare it with something: {typed} == …")  # fmt: skip

    def _any(self) -> Condition | Side:
        return self._joined("or", lambda: self._joined("and", self._negated))

    def _joined(self, word: str, part: Callable[[], Condition | Side]) -> Condition | Side:
        at = self._at
        found = part()
        if not self._is(word):
            return found
        parts = [self._condition(found, at)]
        while self._take(word):
            at = self._at
            parts.append(self._condition(part(), at))
        return All(tuple(parts), one=word == "or")

    def _negated(self) -> Condition | Side:
        if not self._take("not"):
            return self._compared()
        at = self._at
        self._deeper()
        found = Not(self._condition(self._negated(), at))
        self._depth -= 1
        return found

    def _compared(self) -> Condition | Side:
        at = self._at
        left = self._sum(0)
        if not self._is(*SIGNS, "in", "not"):
            return left
        side = self._side(left, at)
        if self._is("in", "not"):
            negated = bool(self._take("not"))
            self._expect("in")
            found = All(tuple(Relation(side, "==", one) for one in self._list()), one=True)
            return Not(found) if negated else found
        parts = []
        while sign := self._take(*SIGNS):
            at = self._at
            right = self._side(self._sum(0), at)
            parts.append(Relation(side, "==" if sign == "=" else sign, right))
            side = right
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _list(self) -> list[Side]:
        closing = {"(": ")", "[": "]"}.get(self._take("(", "[") or "")
        if closing is None:
            raise self._wrong("stands where a list is wanted, as (1, 2); what holds a text, `runaudit list TEXT` finds")
        found = []
        while not self._take(closing):
            at = self._at
            found.append(self._side(self._sum(0), at))
            if not self._is(closing):
                self._expect(",")
        return found

    # ── values ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _side(self, found: Any, at: int) -> Any:
        if not isinstance(found, CONDITIONS):
            return found
        raise UsageError(f"--where {cut(self._text)!r}: {cut(self._since(at))!r} is a condition and no value",
                         remedy="join conditions by and, or, not")  # fmt: skip

    def _sum(self, strength: int) -> Condition | Side:
        """Sums, and within them products."""
        if strength == len(BINARY):
            return self._signed()
        at = self._at
        found = self._sum(strength + 1)
        while self._is(*BINARY[strength]):
            left = self._side(found, at)
            sign, right_at = self._take(*BINARY[strength]) or "", self._at
            right = self._side(self._sum(strength + 1), right_at)
            found = Computed(BINARY[strength][sign], (left, right), self._since(at))
        return found

    def _signed(self) -> Condition | Side:
        at = self._at
        if sign := self._take("-", "+"):
            self._deeper()
            inner = self._side(self._signed(), at + 1)
            self._depth -= 1
            if isinstance(inner, Written) and isinstance(inner.value, int | float):
                return Written(-inner.value if sign == "-" else inner.value, self._since(at))
            return Computed(operator.neg if sign == "-" else operator.pos, (inner,), self._since(at))
        found = self._atom()
        if not self._is("**"):
            return found
        base = self._side(found, at)
        self._expect("**")
        right_at = self._at
        exponent = self._side(self._signed(), right_at)
        return Computed(operator.pow, (base, exponent), self._since(at))

    def _atom(self) -> Condition | Side:
        what, word, _ = self._tokens[self._at]
        if self._is("("):
            return self._bracketed()
        if what not in ("number", "text", "name") or self._is(*RESERVED):
            raise self._wrong("stands where a name or a value should" if what != "end" else "a value should follow")
        self._at += 1
        if what == "number":
            return Written(number_of(word), word)
        if what == "text":
            return Written(unescaped(word[1:-1]), word)
        if self._is("("):
            return self._called(word)
        if word in WORDS and not self._words.knows(word):
            return Written(WORDS[word], word)
        return self._named(word)

    def _named(self, word: str) -> Named:
        """A name, and not a text of which the quotes were forgotten, or taken away by the shell."""
        begun = self._at - 1
        if self._words.knows(word) or self._tokens[begun - 1][1] not in (*SIGNS, "(", "[", ",") or not begun:
            return Named(self._words.meaning(word), word)
        while not (self._is(*RESERVED, *SIGNS, ")", "]", ",") or self._tokens[self._at][0] == "end"):
            self._at += 1
        start, text = self._tokens[begun][2], self._since(begun)
        whole = f'{self._text[:start]}"{text}"{self._text[start + len(text) :]}'
        near = closest(text, self._words.known()) if "." in text or "/" in text else ""
        beside = self._tokens[begun - 2] if begun > 1 else ("", "", 0)
        name = beside[1] if beside[0] == "name" and beside[1] not in RESERVED else "NAME"
        if (meant := _NO_TEXT.get(text.casefold())) is not None:
            remedy = meant.format(name=name)
        else:
            quotes = f"a text stands in quotes: --where {typed_word(whole)}"
            remedy = quotes if len(whole) <= MOST_SHOWN else EXAMPLE
        raise UsageError(f"no run has {quoted(text)}{near}", remedy=remedy)

    def _bracketed(self) -> Condition | Side:
        self._expect("(")
        self._deeper()
        found = self._any()
        self._depth -= 1
        self._expect(")")
        return found

    def _called(self, name: str) -> Side | Condition:
        at = self._at - 1
        if name in OF_A_NAME:
            return self._of_a_name(name)
        if name not in CALLS:
            self._at = at
            raise self._wrong(f"calls what is no function; there are {', '.join((*CALLS, *OF_A_NAME))}")
        self._expect("(")
        parts = []
        while not self._take(")"):
            begun = self._at
            parts.append(self._side(self._sum(0), begun))
            if not self._is(")"):
                self._expect(",")
        return Computed(CALLS[name], tuple(parts), self._since(at))

    def _of_a_name(self, called: str) -> Condition:
        self._expect("(")
        what, word, _ = self._tokens[self._at]
        if what != "name" or self._is(*RESERVED):
            raise self._wrong(f"stands where a name should, as in {called}(config.lr)")
        self._at += 1
        self._expect(")")
        return OF_A_NAME[called](Named(self._words.meaning(word), word))

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._wrong("is nested too deeply")
