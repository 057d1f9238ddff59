"""What an author says exactly, in a comment that a page does not show.

    METRIC "ARM" vs "BASELINE" = +0.9 dB        a difference, arm minus baseline
    METRIC "ARM" = 30.1                          the mean of an arm
    metric = METRIC                              the metric from here on, where the text names none
    ignore                                       the next paragraph or table is about other runs

Several stand on lines of their own, or are parted by semicolons. One that is not understood is a mistake, and is told.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from runaudit.claims.claim import Claim, Kind, Source
from runaudit.claims.number import tolerance
from runaudit.errors import UsageError

_QUOTED = r"[\"“”']([^\"“”]+?)[\"“”']"
_CLAIM = re.compile(
    rf"(?P<metric>[^\s\"“”=]+)\s+{_QUOTED}(?:\s+(?:vs\.?|versus|over|against)\s+{_QUOTED})?\s*=\s*"
    r"(?P<number>[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d\d?)?)\s*(?:dB|px)?"
)
_METRIC = re.compile(r"metric\s*=\s*(\S+)", re.IGNORECASE)
_REMEDY = """write <!-- runaudit: METRIC "ARM" vs "BASELINE" = +0.9 -->, without vs for the mean of an arm"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One annotation: a claim, a metric for what follows, or (neither) that what follows is to be ignored."""

    claim: Claim | None = None
    metric: str | None = None


def read_annotation(text: str, *, line: int) -> Iterator[Note]:
    """The annotations of one comment, without its `runaudit:`. Raises UsageError for one that says nothing known."""
    parts = [(line + text.count("\n", 0, m.start()), m[0].strip()) for m in re.finditer(r"[^;\n]+", text)]
    stated = [(here, part) for here, part in parts if part]
    if not stated:
        raise UsageError(f"line {line}: the annotation is empty", remedy=_REMEDY)
    for here, part in stated:
        yield _note(part.replace("−", "-"), line=here)


def _note(part: str, *, line: int) -> Note:
    if part.lower() == "ignore":
        return Note()
    if match := _METRIC.fullmatch(part):
        return Note(metric=match[1])
    match = _CLAIM.fullmatch(part)
    if match is None:
        raise UsageError(f"line {line}: the annotation {part!r} is not understood", remedy=_REMEDY)
    metric, arm, baseline, number = match["metric"], match[2], match[3], match["number"]
    return Note(
        claim=Claim(
            line=line,
            kind=Kind.VALUE if baseline is None else Kind.DIFFERENCE,
            metric=metric,
            arm=" ".join(arm.split()),
            baseline=None if baseline is None else " ".join(baseline.split()),
            value=float(number),
            tolerance=tolerance(number),
            written=number,
            source=Source.ANNOTATION,
            text=part,
        )
    )
