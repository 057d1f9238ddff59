"""A logged series made drawable: cut at stages, thinned without losing a peak, with a running median through it.

A page that hides the one bad step in fifty thousand would be worse than no page, so thinning keeps the first, the last,
the smallest and the largest value of every bucket, and non-finite values are counted and kept apart, never skipped.
"""

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from statistics import median

from runaudit.records.points import Points
from runaudit.records.trajectory import Event

Point = tuple[int, float]
BUCKETS = 240
"""At four points a bucket this is finer than the widest figure has pixels."""
TREND_SHARE = 0.05
"""Window of the running median, as a share of the points of a segment."""
TREND_POINTS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A stage: its name, its first step, and the step at which the next one starts or the series ends."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One seed's series: finite segments in order of steps, the running median of each, and what was not finite."""

    seed: str
    segments: tuple[tuple[Point, ...], ...]
    trends: tuple[tuple[Point, ...], ...]
    non_finite: tuple[Point, ...]
    points: int
    duplicates: int = 0

    @property
    def finite(self) -> tuple[Point, ...]:
        """All finite points that are drawn."""
        return tuple(point for segment in self.segments for point in segment)


def line(seed: str, points: Sequence[Point], cuts: Sequence[int] = (), *, buckets: int = BUCKETS) -> Line:
    """A series ready to draw. At a step logged twice (a resumed run) the later value stands."""
    finite, others = _parted(points)
    segments = tuple(split(finite, cuts))
    share = buckets / max(1, len(finite))
    drawn = len(finite) + len(others)
    return Line(
        seed=seed,
        segments=tuple(thinned(part, max(8, round(len(part) * share))) for part in segments),
        trends=tuple(trend(part) for part in segments),
        non_finite=others,
        points=drawn,
        duplicates=len(points) - drawn,
    )


def _parted(points: Sequence[Point]) -> tuple[Sequence[Point], tuple[Point, ...]]:
    """The finite points in the order of their steps, each step once, and those that are not finite."""
    if not isinstance(points, Points):
        ordered = dict(sorted(points, key=lambda point: point[0])).items()
        return [p for p in ordered if math.isfinite(p[1])], tuple(p for p in ordered if not math.isfinite(p[1]))
    import numpy as np

    # A million points one by one are seconds a series.
    steps, values = np.array(points.steps), np.array(points.values)
    order = np.argsort(steps, kind="stable")
    steps, values = steps[order], values[order]
    once = np.append(steps[1:] != steps[:-1], True)[: len(steps)]
    steps, values = steps[once], values[once]
    known = np.isfinite(values)
    finite = Points(array("q", steps[known].tobytes()), array("d", values[known].tobytes()))
    return finite, tuple(zip(steps[~known].tolist(), values[~known].tolist(), strict=True))


def split(points: Sequence[Point], cuts: Sequence[int]) -> Iterator[Sequence[Point]]:
    """The points, in the order of their steps, between those at which something new starts; no empty pieces."""
    edges = [0, *(bisect_left(points, cut, key=itemgetter(0)) for cut in sorted(set(cuts))), len(points)]
    for low, high in pairwise(edges):
        if low < high:
            yield points[low:high]


def thinned(points: Sequence[Point], buckets: int) -> tuple[Point, ...]:
    """At most four points a bucket: first, smallest, largest, last, in order. Every peak survives."""
    if len(points) <= 4 * buckets:
        return tuple(points)
    kept: list[Point] = []
    for index in range(buckets):
        part = points[index * len(points) // buckets : (index + 1) * len(points) // buckets]
        values = part.values if isinstance(part, Points) else [value for _, value in part]
        extremes = {part[0], part[-1], part[values.index(min(values))], part[values.index(max(values))]}
        kept += sorted(extremes)
    return tuple(kept)


def trend(points: Sequence[Point]) -> tuple[Point, ...]:
    """The running median of a segment; empty where there are too few points to speak of a trend."""
    if len(points) < TREND_POINTS:
        return ()
    half = max(7, round(len(points) * TREND_SHARE / 2))
    stride = max(1, len(points) // 120)
    centres = [*range(0, len(points), stride), len(points) - 1]
    window = max(1, half // 128)  # long series: the median of a regular sample of the window
    return tuple(
        (points[i][0], median(value for _, value in points[max(0, i - half) : i + half + 1 : window])) for i in centres
    )


def bands(events: Sequence[Event], last_step: int | None) -> tuple[Band, ...]:
    """The stages of a run, from its events; none where it has no stages."""
    starts = sorted((e for e in events if e.kind == "stage"), key=lambda e: e.step)
    if not starts:
        return ()
    ends = [*(event.step for event in starts[1:]), max(last_step or 0, starts[-1].step)]
    return tuple(
        Band(name=str(event.detail.get("name", event.detail.get("stage", "stage"))), start=event.step, end=end)
        for event, end in zip(starts, ends, strict=True)
    )


def resumes(events: Sequence[Event]) -> tuple[int, ...]:
    """The steps at which a run went on after an interruption."""
    return tuple(sorted(event.step for event in events if event.kind == "resume"))
