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
ANOTHER = "one that was logged on the way, neither the last nor the best of its curve"
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
    if steps := _on_the_way(value, points):
        return Origin(ANOTHER, steps[0] if len(steps) == 1 else None)
    return Origin(f"{REPORTED}, which is neither the last nor the best of its curve")


def _candidates(points: Series) -> Iterator[tuple[str, int]]:
    """What a number may be among those that were logged, with its place: the last, the highest, the lowest."""
    steps = range(len(points))
    yield LAST, max(steps, key=lambda at: (points[at][0], at))
    finite = [at for at in steps if math.isfinite(points[at][1])]
    if finite:
        yield HIGHEST, max(finite, key=lambda at: points[at][1])
        yield LOWEST, min(finite, key=lambda at: points[at][1])


def _on_the_way(value: float, points: Series) -> list[int]:
    """The steps before the last one at which a series has this very value."""
    last = max(step for step, _ in points)
    return sorted({step for step, logged in points if step < last and _same(logged, value)})


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


# ── whether the numbers of two arms came about alike ─────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Taken:
    """How the number of a run may have been taken from its curve: in these ways, none where it is neither its end nor
    its best; `is_another` that it is another of the logged values, at a step that is the best of the series in
    `best_of`. The curve has so many points, the last one at `at`, `highest` the highest of them, and the run logged
    something until `until`."""

    ways: frozenset[str]
    is_another: bool
    best_of: frozenset[tuple[str, str]]
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
            numbers = [run.metrics[name] for name in full]
            ways = reduce(frozenset.intersection, map(_ways, numbers, curves))
            steps = [] if ways else _shared_steps(numbers, curves)
            found.append(
                Taken(
                    ways=ways,
                    is_another=bool(steps),
                    best_of=_best_of(logged, full, steps),
                    points=min(map(len, curves)),
                    at=max(step for points in curves for step, _ in points),
                    until=logged.last_step() or 0,
                    highest=max((value for points in curves for _, value in points), default=math.nan),
                )
            )
    return tuple(found)


def _ways(value: float, points: Series) -> frozenset[str]:
    return frozenset(words for words, at in _candidates(points) if _same(points[at][1], value))


def _shared_steps(numbers: Sequence[float], curves: Sequence[Series]) -> list[int]:
    """The steps before the end at which every curve has its number."""
    return sorted(set.intersection(*(set(_on_the_way(*one)) for one in zip(numbers, curves, strict=True))))


def _best_of(logged: Trajectory, own: Sequence[str], steps: Sequence[int]) -> frozenset[tuple[str, str]]:
    """The series whose highest or lowest value stands at one of these steps, a run's own sequences as their mean: the
    number of the epoch with the lowest validation loss is a choice that did not look at the number."""
    if not steps:
        return frozenset()
    series: dict[str, Series] = {name: points for name, points in logged.series.items() if name not in own and points}
    if len(own) > 1:
        rows = [dict(logged.series[name]) for name in own]
        series[" + ".join(own)] = [(at, sum(row[at] for row in rows) / len(rows)) for at in rows[0]
                                   if all(at in row for row in rows)]  # fmt: skip
    return frozenset((name, word) for name, points in series.items() for word in _best_at(points, steps))


def _best_at(points: Series, steps: Sequence[int]) -> Iterator[str]:
    """Whether the highest or the lowest value of a series stands at one of the steps, equal ones too."""
    finite = [value for _, value in points if math.isfinite(value)]
    here = {value for step, value in points if step in steps}
    if finite and max(finite) in here:
        yield HIGHEST
    if finite and min(finite) in here:
        yield LOWEST


def _logged(store: Store, run: Run) -> Trajectory:
    if run.trajectory.series or run.fault:
        return run.trajectory
    try:
        return read_trajectory(store, run.id, run.outcome, origin=run.manifest.section("origin"))
    except RunauditError:
        return Trajectory()  # What cannot be read tells nothing here, and is told as damage elsewhere.


def unlike(label: str, of: Sequence[Taken], baseline: str, other: Sequence[Taken]) -> str:
    """That the numbers of two arms were provably taken from their curves in two ways, in a sentence part; empty where
    nothing proves it: no curve, or a number that lies on none, tells nothing of an arm."""
    if picked := _picked(label, of, baseline, other) or _picked(baseline, other, label, of):
        return picked
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


def _picked(label: str, of: Sequence[Taken], baseline: str, other: Sequence[Taken]) -> str:
    """That each number of one arm is some value of its curve and each of the other its end, or its best. One rule for
    every run that another series gives (the lowest validation loss) accuses nobody."""
    if not (of and other and all(one.is_another for one in of)):
        return ""
    common = reduce(frozenset.intersection, (one.ways for one in other))
    if not common or reduce(frozenset.intersection, (one.best_of for one in of)):
        return ""
    return (
        f"the number of each run of {label} is {ANOTHER}, in {baseline} it is {_one(common)}; a value that was picked "
        "from a curve beats its end without any cause: report the same of every run"
    )


def off_curve(label: str, of: Sequence[Taken], baseline: str, other: Sequence[Taken]) -> str:
    """That every number of one arm lies on no curve of its run and every one of the other is the end of its own, as a
    sentence; empty where it is not so. An average of the weights that is measured at the end is the plain reason."""
    for name, arm, against, theirs in ((label, of, baseline, other), (baseline, other, label, of)):
        if arm and theirs and all(LAST in one.ways for one in theirs) and not any(o.ways or o.is_another for o in arm):
            return (
                f"The number of each run of {name} lies on no curve of it, that of each run of {against} is {LAST}: "
                "averaged weights (EMA, SWA) or an evaluation of its own at the end may be why; the record does not "
                "say it."
            )
    return ""


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
