"""How a value is said: numbers with their sign, unit and doubt, texts without tricks, metrics by their full names.

Everything a run says about itself is somebody's text. It is shown, but it gets no say in the page: control and
direction-changing characters are written out, long texts are cut and kept whole beside the cut.
"""

import json
import math
import re
from dataclasses import dataclass
from typing import Any

from runaudit.metrics import catalogue
from runaudit.records.canonical import json_safe, thawed
from runaudit.records.run import SHORT
from runaudit.stats.digits import show
from runaudit.text.terminal import printable
from runaudit.text.words import ended, plural

MINUS = "\N{MINUS SIGN}"
NO_NUMBER = "no number"
NAMELESS = "“”"
_NEGATIVE = re.compile(r"(?<![^\s(\[])-(?=\d)")
_POWER = re.compile(r"(?<![\w.])(-?\d+(?:\.\d+)?e)(?:(-)|\+)0*(?=\d)")
"""A number in powers of ten as Python writes it, up to the first digit of its exponent."""
_NON_FINITE = {"nan": "NaN", "inf": "∞", "-inf": f"{MINUS}∞"}


@dataclass(frozen=True, slots=True)
class Text:
    """A text as it is shown, and the whole of it for whoever hovers."""

    short: str
    full: str

    def __str__(self) -> str:
        return self.short


def clean(text: str) -> str:
    """`text` on one line, with every character written out that nobody would see or that a reader would obey: as on the
    terminal and in Markdown, so that a name reads the same everywhere."""
    return printable(text.replace("\n", " ").replace("\t", " "))


def shown(text: object, limit: int = 64) -> Text:
    """`text` cleaned and cut to `limit` characters; the middle goes, because names differ at both ends."""
    full = clean(str(text))
    if len(full) <= limit:
        return Text(full, full)
    tail = limit // 3
    return Text(f"{full[: limit - tail - 1]}…{full[-tail:]}", full)


def called(name: str, limit: int = 64) -> Text:
    """The name that a program gave a metric, a series or a setting, as `shown`; an empty one as two quotes."""
    return shown(name or NAMELESS, limit)


_OPENINGS = re.compile(
    r"(?:an?|all|both|each|every|it|neither|no|nobody|nothing|one|only|some|the|these|this|what|where)(?= )"
)
"""Words with which our own notes begin; what else one begins with may be a name."""


def sentence(note: str) -> str:
    """A note as a sentence; a name at its beginning stays as it is."""
    said = clean(note)
    if not said:
        return ""
    return ended(said[:1].upper() + said[1:] if _OPENINGS.match(said) else said)


def ident(run_id: str) -> Text:
    """A run id: twelve digits shown, all of it kept."""
    full = clean(run_id)
    return Text(full[:SHORT], full)


def digest(text: object) -> Text:
    """A digest `sha256:<hex>`: twelve digits shown, all of it kept. Other texts are cut like any other."""
    full = clean(str(text))
    algorithm, colon, value = full.partition(":")
    if colon and re.fullmatch("[0-9a-f]{20,}", value):
        return Text(f"{algorithm}:{value[:SHORT]}…", full)
    return Text(full[:SHORT], full) if re.fullmatch("[0-9a-f]{20,}", full) else shown(full)


def number(value: float | None, digits: int = 2, *, signed: bool = False) -> str:
    """A number with a true minus sign; NaN and the infinities as such; None as `no number`."""
    if value is None:
        return NO_NUMBER
    if not math.isfinite(value):
        return _NON_FINITE[str(float(value))]
    text = show(abs(value), digits)
    if not text.strip("0."):
        return text
    sign = MINUS if value < 0 else "+" if signed else ""
    return sign + powers(text)


def compact(value: float | None, *, signed: bool = False, digits: int = 4) -> str:
    """A number of any size in at most so many significant digits: losses, learning rates, loss scales."""
    if value is None or not math.isfinite(value):
        return number(value)
    plus = "+" if signed and value > 0 else ""
    if value == int(value) and abs(value) < 1e7:
        return plus + whole(int(value))
    return plus + powers(f"{value:.{digits}g}").replace("-", MINUS)


def powers(text: str) -> str:
    """A text with its powers of ten as the page writes them: `1e+20` as `1e20`, `3e-09` with a true minus, no zero."""
    return _POWER.sub(lambda found: found[1] + (MINUS if found[2] else ""), text)


def true_minus(text: str) -> str:
    """A sentence of the judge's with the page's minus sign before its numbers. A hyphen in a name stays one."""
    return _NEGATIVE.sub(MINUS, powers(text))


def whole(value: int) -> str:
    """A step, a count: its digits in threes from five digits on, everywhere on the page."""
    text = f"{value:,}" if abs(value) >= 10_000 else str(value)
    return text.replace(",", "\N{NARROW NO-BREAK SPACE}").replace("-", MINUS)


def counted(count: int, noun: str) -> str:
    """`12 345 values`."""
    return plural(count, noun).replace(str(count), whole(count), 1)


def value_text(value: Any, limit: int = 120) -> Text:
    """A JSON value of a record, as one line."""
    if value is None:
        return Text("none", "none")
    if isinstance(value, str):
        return digest(value) if value.startswith("sha256:") else shown(value or NAMELESS, limit)
    return shown(json.dumps(json_safe(thawed(value)), ensure_ascii=False, sort_keys=True, default=str), limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricText:
    """A metric as it is shown: its name in words, its unit, how many decimals it is worth (None: no number of decimals
    shows it, as of 3e-11), and its test sequence."""

    name: str
    words: str
    unit: str
    digits: int | None
    sequence: str | None

    @property
    def title(self) -> str:
        """The words at the beginning of a sentence or a heading: a name as the program wrote it stays as it is."""
        is_known = self.words != self.name or self.name.lower() in catalogue.QUANTITIES
        return self.words[:1].upper() + self.words[1:] if is_known else self.words

    def amount(self, value: float | None, *, signed: bool = False) -> str:
        """`value` with its unit."""
        text = self.bare(value, signed=signed)
        return f"{text}\N{NO-BREAK SPACE}{self.unit}" if self.unit and value is not None else text

    def bare(self, value: float | None, *, signed: bool = False) -> str:
        """`value` without its unit."""
        return compact(value, signed=signed) if self.digits is None else number(value, self.digits, signed=signed)


def metric(name: str) -> MetricText:
    """What a metric's name means, harmless to show: the words are the catalogue's, or the name's own."""
    found = catalogue.metric(name)
    words = called(name).short if found.words == name else clean(found.words)
    sequence = None if found.sequence is None else clean(found.sequence)
    return MetricText(name=name, words=words, unit=found.unit, digits=found.digits, sequence=sequence)
