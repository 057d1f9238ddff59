"""A logged series cut into what belongs together: in the order of steps, each step once, a stage or a resume at a time.

A running mean over the start of a stage, or a trend over a resume, would speak of a jump that the training never made.
All of it is reckoned in columns: a million points one by one are seconds a series.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from runaudit.records.points import Points
from runaudit.records.trajectory import Event

if TYPE_CHECKING:
    from numpy import ndarray

Point = tuple[int, float]
FARTHEST = 2**62
"""Steps beyond are drawn as if they were this one: a column of steps holds 64 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A stage: its name, its first step, and the step at which the next one starts or the series ends."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """A series as two columns in the order of steps, each step once, and the points that are not finite. again: how
    many steps were logged more than once, and how often at the least and at the most."""

    steps: "ndarray"
    values: "ndarray"
    non_finite: Points
    points: int
    duplicates: int
    again: tuple[int, int, int] = (0, 0, 0)


def columns_of(points: Sequence[Point]) -> Columns:
    """A series in columns. At a step logged twice (a resumed run) the later value stands."""
    import numpy as np

    if isinstance(points, Points):
        steps, values = np.asarray(points.steps), np.asarray(points.values)
    else:
        ordered = dict(sorted(points, key=lambda point: point[0]))
        steps = np.array([max(-FARTHEST, min(FARTHEST, step)) for step in ordered], dtype=np.int64)
        values = np.array(list(ordered.values()), dtype=np.float64)
    if (steps[1:] <= steps[:-1]).any():
        order = np.argsort(steps, kind="stable")
        steps, values = steps[order], values[order]
        once = np.append(steps[1:] != steps[:-1], True)
        steps, values = steps[once], values[once]
    lost = len(points) - len(steps)
    known = np.isfinite(values)
    drawn = len(values)
    others = points_of(steps[~known], values[~known])
    if len(others):
        steps, values = steps[known], values[known]
    return Columns(steps, values, others, drawn, lost, repeated(points) if lost else (0, 0, 0))


def repeated(points: Sequence[Point]) -> tuple[int, int, int]:
    """How many steps were logged more than once, and how often at the least and at the most."""
    import numpy as np

    steps = np.asarray(points.steps) if isinstance(points, Points) else np.array([float(step) for step, _ in points])
    _, counts = np.unique(steps, return_counts=True)
    again = counts[counts > 1]
    return (len(again), int(again.min()), int(again.max())) if len(again) else (0, 0, 0)


def repeated_words(fewest: int, most: int) -> str:
    """`twice`, `8 times each`, `2 to 8 times each`."""
    if most == fewest == 2:
        return "twice"
    return f"{most if most == fewest else f'{fewest} to {most}'} times each"


def split(series: Columns, cuts: Sequence[int]) -> "Iterator[tuple[ndarray, ndarray]]":
    """The steps and values between those at which something new starts; no empty pieces."""
    import numpy as np

    inside = sorted({max(-FARTHEST, min(FARTHEST, cut)) for cut in cuts})
    edges = [0, *np.searchsorted(series.steps, np.array(inside, dtype=np.int64)).tolist(), len(series.steps)]
    for low, high in pairwise(edges):
        if low < high:
            yield series.steps[low:high], series.values[low:high]


def points_of(steps: "ndarray", values: "ndarray") -> Points:
    """The columns as a series."""
    return Points(array("q", steps.tobytes()), array("d", values.tobytes()))


def bands(events: Sequence[Event], last_step: int | None) -> tuple[Band, ...]:
    """The stages of a run, from its events; none where it has no stages."""
    starts = sorted((e for e in events if e.kind == "stage"), key=lambda e: e.step)
    if not starts:
        return ()
    ends = [*(event.step for event in starts[1:]), max(last_step or 0, starts[-1].step)]
    return tuple(Band(name=event.stage, start=event.step, end=end) for event, end in zip(starts, ends, strict=True))


def resumes(events: Sequence[Event]) -> tuple[int, ...]:
    """The steps at which a run went on after an interruption."""
    return tuple(sorted(event.step for event in events if event.kind == "resume"))
