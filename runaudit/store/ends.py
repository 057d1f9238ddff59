"""The ends of a run, as they were sealed: the first one, and corrections of it, each of the one before.

Whoever reads a run takes its newest end. A second one that does not say which it corrects would replace a result
unseen, so it is no end but a fault; and what a correction changed of the result is told wherever the run is.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import groupby

from runaudit.errors import RunauditError
from runaudit.records.digest import Digest
from runaudit.records.outcome import Outcome
from runaudit.store.store import Store
from runaudit.text.words import head

MAX_CORRECTIONS = 32
"""A correction is followed back to the first end over this many others."""
End = tuple[str, Digest, Outcome]
"""Kind of the line, digest, and what was sealed."""


def ends_fault(ends: Iterable[End]) -> str | None:
    """What is wrong with the ends of one run, in the order of their lines; None where nothing is. An end that is
    counted twice, one line after the other, is one end."""
    before: Digest | None = None
    for digest, lines in groupby(ends, key=lambda end: end[1]):
        kind, _, outcome = next(iter(lines))
        named = outcome.body.get("supersedes")
        if before is not None and named != str(before):
            return f"is another end of the run ({digest}) and does not say that it corrects the one before ({before})"
        if before is None and kind == "correction":
            return f"corrects an end that is not there ({named})"
        before = digest
    return None


def correction_told(store: Store, outcome: Outcome | None) -> str:
    """What the corrections of a run changed of its result, in a sentence part; empty where none did, or none is."""
    newest = first = outcome
    for _ in range(MAX_CORRECTIONS):
        named = first.body.get("supersedes") if first is not None else None
        if not isinstance(named, str):
            break
        try:
            first = Outcome.from_bytes(store.read(Digest.parse(named)), where="outcome")
        except RunauditError:
            return f"the end that was sealed before ({named[:19]}…) cannot be read here"
    return "" if first is None or newest is None or first is newest else "; ".join(_changed(first, newest))


def _changed(first: Outcome, newest: Outcome) -> Sequence[str]:
    told = []
    if first.status != newest.status:
        told.append(f"status {first.status} -> {newest.status}")
    old, new = first.metrics, newest.metrics
    names = [name for name in sorted({*old, *new}) if not _same(old.get(name), new.get(name))]
    if names:
        told.append(head([f"{name} {_value(old.get(name))} -> {_value(new.get(name))}" for name in names]))
    told += [f"other {name}" for name in ("trajectory", "checkpoints", "artifacts")
             if first.body.get(name) != newest.body.get(name)]  # fmt: skip
    return told


def _same(a: float | None, b: float | None) -> bool:
    return a == b or (a is not None and b is not None and math.isnan(a) and math.isnan(b))


def _value(value: float | None) -> str:
    return "none" if value is None else f"{value:.10g}"
