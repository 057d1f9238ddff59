"""Where the one number of a run comes from: the last value that it logged, the best one, or what the program reported.

The record does not say it, and need not: the number stands beside the series that it may have come from, and is held
against it. The best of a curve lies above its end though nothing was improved (by 0.3 dB and more at the noise of a
validation), so the best of some runs is not held against the last of others.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

from runaudit.errors import RunauditError
from runaudit.factors.cohort import Cohort
from runaudit.metrics.naming import sequence_names
from runaudit.metrics.quantity import Quantity
from runaudit.records.run import Run
from runaudit.records.trajectory import Trajectory
from runaudit.store.catalogue import read_trajectory
from runaudit.store.store import Store

REPORTED = "what the program or its tracker reported"
ONLY = "the one that was logged"
LAST, HIGHEST, LOWEST = "the last that was logged", "the highest that was logged", "the lowest that was logged"
Series = Sequence[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Origin:
    """How a run came by its number, and at which step where that is one; the parts that it is the mean over."""

    words: str
    step: int | None = None
    parts: tuple[str, ...] = ()


def origin_of(run: Run, metric: str) -> Origin | None:
    """Of one run whose series were read, the first kind that fits; of a mean over sequences that of its parts, where
    they are all of one kind. None where it has no such number."""
    if metric in run.metrics:
        return _origin(run.metrics[metric], run.trajectory.series.get(metric, ()))
    names = sequence_names(run.metrics, metric)
    full = [f"{metric}/{name}" for name in names]
    parts = [_origin(run.metrics[one], run.trajectory.series.get(one, ())) for one in full]
    if not parts:
        return None
    first = parts[0]
    return Origin(first.words if len(set(parts)) == 1 else "", first.step, names)


def _origin(value: float, points: Series) -> Origin:
    if not points:
        return Origin(REPORTED)
    if len(points) == 1 and _same(points[0][1], value):
        return Origin(ONLY, points[0][0])
    for words, at in _candidates(points):
        if _same(points[at][1], value):
            return Origin(words, points[at][0])
    return Origin(f"{REPORTED}, which is neither the last nor the best of its curve")


def _candidates(points: Series) -> Iterator[tuple[str, int]]:
    """What a number may be among those that were logged, with its place: the last, the highest, the lowest."""
    steps = range(len(points))
    yield LAST, max(steps, key=lambda at: (points[at][0], at))
    finite = [at for at in steps if math.isfinite(points[at][1])]
    if finite:
        yield HIGHEST, max(finite, key=lambda at: points[at][1])
        yield LOWEST, min(finite, key=lambda at: points[at][1])


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


# ── whether the numbers of two arms came about alike ─────────────────────────────────────────────────────────────


def ways(store: Store, arm: Cohort, quantity: Quantity) -> tuple[frozenset[str], ...]:
    """In which ways the number of each finished run of an arm may have been taken from its curve, the same for every
    sequence of a mean; a run without a curve is left out. None of the ways where it is neither end nor best."""
    full = [f"{quantity.name}/{part}" for part in quantity.sequences] if quantity.is_mean else [quantity.name]
    found = []
    for run in (one for one in arm.finished if all(name in one.metrics for name in full)):
        series = _logged(store, run).series
        if all(series.get(name) for name in full):
            found.append(reduce(frozenset.intersection, (_ways(run.metrics[name], series[name]) for name in full)))
    return tuple(found)


def _ways(value: float, points: Series) -> frozenset[str]:
    return frozenset(words for words, at in _candidates(points) if _same(points[at][1], value))


def _logged(store: Store, run: Run) -> Trajectory:
    if run.trajectory.series or run.fault:
        return run.trajectory
    try:
        return read_trajectory(store, run.id, run.outcome, origin=run.manifest.section("origin"))
    except RunauditError:
        return Trajectory()  # What cannot be read tells nothing here, and is told as damage elsewhere.


def unlike(label: str, of: Sequence[frozenset[str]], baseline: str, other: Sequence[frozenset[str]]) -> str:
    """That the numbers of two arms were provably taken from their curves in two ways, in a sentence part; empty where
    nothing proves it: no curve, or a number that is neither the end nor the best of one, tells nothing of an arm."""
    if not (of and other and all(of) and all(other)):
        return ""
    own, theirs = (reduce(frozenset.intersection, ways) for ways in (of, other))
    if own and theirs and not own & theirs:
        return f"the number of each run of {label} is {_one(own)}, in {baseline} it is {_one(theirs)}"
    for name, ways_of, common in ((label, of, own), (baseline, other, theirs)):
        if not common:
            told = sorted({_one(found) for found in ways_of if len(found) == 1})
            return f"the numbers of {name} are {' of some runs, '.join(told)} of others"
    return ""


def _one(found: frozenset[str]) -> str:
    """The way that is told: to be the last of a curve asks for no choice."""
    return next(words for words in (LAST, HIGHEST, LOWEST) if words in found)
