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
from runaudit.metrics.catalogue import is_share
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


@dataclass(frozen=True, slots=True)
class Taken:
    """How the number of a run may have been taken from its curve: in these ways, none where it is neither its end nor
    its best; the curve has so many points, the last one at `at`, `highest` the highest of them, and the run logged
    something until `until`."""

    ways: frozenset[str]
    points: int
    at: int
    until: int
    highest: float


def taken(store: Store, arm: Cohort, quantity: Quantity) -> tuple[Taken, ...]:
    """How the numbers of an arm were taken, those of a mean alike for every sequence; a run without a curve, or that
    did not finish, is left out."""
    full = [f"{quantity.name}/{part}" for part in quantity.sequences] if quantity.is_mean else [quantity.name]
    found = []
    for run in (one for one in arm.finished if all(name in one.metrics for name in full)):
        logged = _logged(store, run)
        curves = [logged.series.get(name, ()) for name in full]
        if all(curves):
            ways = (_ways(run.metrics[name], points) for name, points in zip(full, curves, strict=True))
            found.append(
                Taken(
                    ways=reduce(frozenset.intersection, ways),
                    points=min(map(len, curves)),
                    at=max(step for points in curves for step, _ in points),
                    until=logged.last_step() or 0,
                    highest=max((value for points in curves for _, value in points), default=math.nan),
                )
            )
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


def unlike(label: str, of: Sequence[Taken], baseline: str, other: Sequence[Taken]) -> str:
    """That the numbers of two arms were provably taken from their curves in two ways, in a sentence part; empty where
    nothing proves it: no curve, or a number that is neither the end nor the best of one, tells nothing of an arm."""
    every = (*of, *other)
    if not (of and other and all(one.ways for one in every)):
        return ""
    own, theirs = (reduce(frozenset.intersection, (one.ways for one in arm)) for arm in (of, other))
    for name, arm, common in ((label, of, own), (baseline, other, theirs)):
        if not common:
            told = sorted({_one(one.ways) for one in arm if len(one.ways) == 1})
            return f"the numbers of {name} are {' of some runs, '.join(told)} of others; {_FLATTERS}"
    if not own & theirs:
        return f"the number of each run of {label} is {_one(own)}, in {baseline} it is {_one(theirs)}; {_FLATTERS}"
    return _other_moment(label, of, baseline, other, is_last=LAST in own & theirs)


_FLATTERS = "the best of a curve beats its end without any cause: report the same of every run"


def _other_moment(label: str, of: Sequence[Taken], baseline: str, other: Sequence[Taken], *, is_last: bool) -> str:
    """That runs of one length were measured at two moments of it, or that the best of few values stands against the
    best of many. How long to train may be what was changed; each is then measured at its own end."""
    mine, theirs = ({one.at if is_last else one.points for one in arm} for arm in (of, other))
    until = {one.until for one in (*of, *other)}
    if not len(mine) == len(theirs) == len(until) == 1 or mine == theirs:
        return ""
    a, b, end = *mine, *theirs, *until
    if is_last:
        return f"{label} was measured last at step {a}, {baseline} at step {b}, of {end} each: measure at one step"
    return (
        f"the number of {label} is the best of {a} values, of {baseline} that of {b}, in as many steps: the best of "
        "more is better without any cause, so report the last"
    )


# ── whether they are in one unit ─────────────────────────────────────────────────────────────────────────────────


def in_percent(name: str, label: str, values: Sequence[float], baseline: str, other: Sequence[float]) -> str:
    """That a share is from 0 to 1 in one arm and beyond in the other, in a sentence part: percent, for all one knows.
    values: every number of an arm, its curves' too; empty where nothing speaks for two units."""
    low, high = ([value for value in found if math.isfinite(value)] for found in (values, other))
    names = label, baseline
    if low and high and min(high) >= 0.0 and max(high) <= 1.0:
        low, high, names = high, low, (baseline, label)
    if not (low and high and is_share(name)):
        return ""
    if not (min(low) >= 0.0 and max(low) <= 1.0 < min(high) and max(high) <= 100.0):
        return ""
    return (
        f"{name} is from 0 to 1 in {names[0]} and beyond 1 in {names[1]}, as a share is and percent are: log both alike"
    )


def _one(found: frozenset[str]) -> str:
    """The way that is told: to be the last of a curve asks for no choice."""
    return next(words for words in (LAST, HIGHEST, LOWEST) if words in found)
