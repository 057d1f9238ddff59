"""A table: arms down the side and metrics across, or the other way round. A cell is the mean of an arm."""

import re
from collections.abc import Iterator

from runaudit.claims.claim import Claim, Kind, Source, Unread
from runaudit.claims.markdown import Block, rows
from runaudit.claims.number import OTHER, Number, numbers
from runaudit.claims.vocabulary import Vocabulary, is_decibel, metric_in
from runaudit.claims.words import OF_A_STEP, not_understood, stated_seeds

_DIFFERENCE = re.compile(
    r"[Δδ]|\b(?:delta|diff\w*|gain\w*|improve\w*|change|vs|over|p|ci|sd|std|sem|n)\b", re.IGNORECASE
)
_CELL = re.compile(r"^\s*[+-]?[\d,]*\.?\d+(?:[eE][+-]?\d+)?\s*(?:dB|px)?\s*(?:(?:±|\+/-|\(|\[).*)?$")
_DECIBEL = re.compile(r"\bdB\b")

Found = Claim | Unread | int
"""A claim, a number that was not understood, or how many numbers a cell holds that are about something else."""


def read_table(block: Block, vocabulary: Vocabulary, *, line: int, default: str | None = None) -> Iterator[Found]:
    """What the cells of a table claim; `line` is its first line, `default` the metric where no header names one."""
    (_, header), *body = rows(block)
    if not body:
        return
    arms = {_folded(arm): arm for arm in vocabulary.arms}
    is_turned = any(_folded(cell) in arms for cell in header[1:])
    for offset, cells in body:
        here = line + block.text.count("\n", 0, offset - block.start)
        for column, cell in enumerate(cells[1:], start=1):
            head = header[column] if column < len(header) else ""
            arm, title = (head, cells[0]) if is_turned else (cells[0], head)
            named = arms.get(_folded(arm)) or arms.get(_LETTERED.sub("", _folded(arm)), " ".join(arm.split()))
            yield from _cell(cell, named, title, vocabulary, line=here, default=default)


def _cell(
    cell: str, arm: str, title: str, vocabulary: Vocabulary, *, line: int, default: str | None
) -> Iterator[Found]:
    found = list(numbers(cell))
    if not found:
        return
    has_decibel = bool(_DECIBEL.search(f"{title} {cell}"))
    metric, why, rest = metric_in(title, vocabulary, has_decibel=has_decibel, default=None)
    if not metric and not why.startswith(("the metric could", "several")):
        metric = default or "" if arm in vocabulary.arms and not _DIFFERENCE.search(title) else ""
    if not metric and not why.startswith(("the metric could", "several")):
        yield len(found)
        return
    text = f"{arm} | {title} | {' '.join(cell.split())}"
    if reason := why if not metric else _problem(cell, rest, metric, found):
        yield from (Unread(line=line, written=n.written, reason=reason, text=text) for n in found)
        return
    first, *more = found
    yield Claim(
        line=line,
        kind=Kind.VALUE,
        metric=metric,
        arm=arm,
        value=first.value,
        tolerance=first.tolerance,
        written=first.written,
        source=Source.TABLE,
        text=text,
        seeds=stated_seeds(cell, found),
    )
    reason = "only the first number of a cell is checked"
    yield from (Unread(line=line, written=n.written, reason=n.problem or reason, text=text) for n in more
                if n.problem != OTHER)  # fmt: skip


def _problem(cell: str, title: str, metric: str, found: list[Number]) -> str:
    if _DIFFERENCE.search(title):
        return "a column of differences or spreads does not say between which arms"
    if step := OF_A_STEP.search(title):
        return f"the column speaks of a {step[0].lower()}, and only what a run ended with is checked"
    if why := not_understood(cell, cell, found, metric=metric):
        return why
    if not _CELL.match(cell) or found[0].problem:
        return found[0].problem or "the cell is no single number"
    if found[0].is_signed and found[0].value > 0:
        return "a number with a plus sign looks like a difference, and no second arm is named"
    if found[0].unit == "dB" and not is_decibel(metric):
        return f"{metric} is not measured in dB"
    return ""


_LETTERED = re.compile(r" \([a-z]{1,2}\)$")
"""The letter that a page of runaudit gives an arm, behind its name."""


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()
