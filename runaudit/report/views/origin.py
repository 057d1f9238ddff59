"""Where the one number of a run comes from: the last logged value, the best one, or what the program reported.

A reviewer asks it first. The record does not say it, and need not: the number stands beside the series that it may have
come from, and is held against it.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from runaudit.metrics.heldout import is_held_out
from runaudit.metrics.naming import sequence_names
from runaudit.metrics.roles import Role, role
from runaudit.records.run import Run
from runaudit.report.views.curve import step_text
from runaudit.report.words import shown
from runaudit.text.words import listed, plural

REPORTED = "what the program or its tracker reported"
_ONE_BATCH = (
    "A training loss ends on one logged value, of a batch or an interval: its curve says more than its last point."
)


@dataclass(frozen=True, slots=True)
class Origin:
    """How a run came by its number, and at which step where that is one."""

    words: str
    step: int | None = None


def origin_words(runs: Sequence[Run], metric: str) -> str:
    """Where the numbers of these runs on a metric come from, as sentences; empty where none has one. What a run
    that did not finish logged last is no result, and comes from nowhere."""
    found = [one for run in runs if run.finished and (one := _origin(run, metric)) is not None]
    if not found:
        return ""
    kinds = [
        (words, list(group))
        for words, group in groupby(sorted(found, key=lambda one: one.words), lambda one: one.words)
    ]
    if len(kinds) == 1:
        told = f"{kinds[0][0]}{_where(kinds[0][1])}"
    else:
        told = "; ".join(f"{words}{_where(group)} ({plural(len(group), 'run')})" for words, group in kinds)
    more = f" {_ONE_BATCH}" if is_training_loss(metric) and any(one.step is not None for one in found) else ""
    return f"The number of a run is {told}.{more}"


def is_training_loss(metric: str) -> bool:
    """Whether a metric is a loss on what the network learns from."""
    return role(metric) is Role.LOSS and not is_held_out(metric)


def _where(found: Sequence[Origin]) -> str:
    steps = sorted({one.step for one in found if one.step is not None})
    if not steps:
        return ""
    return f", at step {step_text(steps[0])}" + (f" to {step_text(steps[-1])}" if len(steps) > 1 else "")


def _origin(run: Run, metric: str) -> Origin | None:
    """Of one run; of a mean over sequences that of its parts, where they are all of one kind."""
    if metric in run.metrics:
        return _of(run, metric)
    parts = [_of(run, f"{metric}/{name}") for name in sequence_names(run.metrics, metric)]
    if not parts:
        return None
    over = f"the mean over {plural(len(parts), 'part')} ({_named(run, metric)}), each of them"
    first = parts[0]
    return Origin(f"{over} {first.words}" if len(set(parts)) == 1 else f"{over} as it was recorded", first.step)


def _named(run: Run, metric: str) -> str:
    return listed([shown(name, 24).short for name in sequence_names(run.metrics, metric)], limit=4)


def _of(run: Run, name: str) -> Origin:
    """The value held against its series: the kind is the first that fits."""
    value, points = run.metrics[name], run.trajectory.series.get(name, ())
    if not points:
        return Origin(REPORTED)
    if len(points) == 1 and _same(points[0][1], value):
        return Origin("the one that was logged", points[0][0])
    for words, at in _candidates(points):
        if _same(points[at][1], value):
            return Origin(words, points[at][0])
    return Origin(f"{REPORTED}, which is neither the last nor the best of its curve")


def _candidates(points: Sequence[tuple[int, float]]) -> Iterator[tuple[str, int]]:
    """What a number may be among those that were logged, with its place: the last, the highest, the lowest."""
    steps = range(len(points))
    yield "the last that was logged", max(steps, key=lambda at: (points[at][0], at))
    finite = [at for at in steps if math.isfinite(points[at][1])]
    if finite:
        yield "the highest that was logged", max(finite, key=lambda at: points[at][1])
        yield "the lowest that was logged", min(finite, key=lambda at: points[at][1])


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))
