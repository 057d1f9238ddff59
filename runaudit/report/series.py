"""A logged series made drawable: cut at stages, thinned without losing a peak, its trend, and the mean over seeds.

A page that hides the one bad step in fifty thousand would be worse than no page, so thinning keeps the smallest and the
largest value of every column of pixels, and non-finite values are counted and kept apart, never skipped. All of it is
reckoned in columns: a million points one by one are seconds a series.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from runaudit.records.points import Points
from runaudit.records.segments import Columns, points_of, split
from runaudit.report.axis import HUGE

if TYPE_CHECKING:
    from numpy import ndarray

Point = tuple[int, float]
COLUMNS = 400
"""Of pixels, as wide as a figure is drawn."""
TREND_SHARE = 0.05
"""Window of the running median, as a share of the points of a segment."""
TREND_POINTS = 40
NOISY = 5.0
"""Times its range that a noisy series goes up and down; one that only falls goes once."""
MEAN_POINTS = 120
"""Bins of a mean over seeds."""
_MOST_GAPS = 100
_TURNING = 0.4
"""Share of its points at which a beat turns; noise turns at two of three, a curve at few."""
_BEATING, _TAMED = 0.6, 0.25
"""How far a beat goes from bin to bin, in steps of the runs: the median of five points of noise goes half as far as the
points do. Once bins are widened, they are until it goes a quarter as far."""
_FEWEST_BINS = 6
_EVENED = 0.75
"""How fast a beat evens out as its bins widen, as a power of their width: what swings about as its width, what wanders
(a smoothed loss, a return) as the root of it at best, and that is no beat but where the runs went."""
_LOOKED_AT = 4000
_FEW_TURNS = 4
_BIN_SAMPLE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One seed's series: finite segments in order of steps, the running median of each, and what was not finite.
    in_two: whether it goes to and fro between two values, and is evened by its mean."""

    seed: str
    segments: tuple[Points, ...]
    trends: tuple[Points, ...]
    non_finite: Points
    points: int
    duplicates: int = 0
    again: tuple[int, int, int] = (0, 0, 0)
    in_two: bool = False

    @property
    def finite(self) -> tuple[Point, ...]:
        """All finite points that are drawn."""
        return tuple(point for segment in self.segments for point in segment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """A stretch of the mean over `runs` seeds, numbered as in their arm; `low` and `high` are the outermost of them."""

    steps: "array[int]"
    values: "array[float]"
    low: "array[float]"
    high: "array[float]"
    runs: tuple[int, ...]


def line(
    seed: str,
    series: Columns,
    cuts: Sequence[int] = (),
    *,
    columns: int = COLUMNS,
    span: tuple[int, int] | None = None,
    with_trend: bool = True,
) -> Line:
    """A series ready to draw on an axis of `span` steps that is so many columns of pixels wide."""
    segments = tuple(split(series, [*cuts, *_gaps(series)]))
    low, high = span or _span(series)
    thin = partial(thinned, low=low, high=high, columns=columns)
    parts = list(split(series, cuts)) if with_trend else []
    noisy = [_is_noisy(values) for _, values in parts]
    in_two = is_in_two(series.values)
    return Line(
        seed=seed,
        segments=tuple(points_of(*thin(*part)) for part in segments),
        # Beside the trend of a long stage, the few points of a short one stand for themselves.
        trends=tuple(
            trend(*part, in_two=in_two) if is_so else points_of(*thin(*part))
            for part, is_so in zip(parts, noisy, strict=True)
        )
        if any(noisy)
        else (),
        non_finite=series.non_finite,
        points=series.points,
        duplicates=series.duplicates,
        again=series.again,
        in_two=in_two,
    )


def is_in_two(values: "ndarray") -> bool:
    """Whether a series goes to and fro between two values, as an episode is solved or not: of three failures in ten the
    median says none. A scale that was halved once goes down a step, and stays what it was."""
    import numpy as np

    some = values[:_LOOKED_AT]
    return len(np.unique(some)) == 2 and int((some[1:] != some[:-1]).sum()) > _FEW_TURNS


def thinned(steps: "ndarray", values: "ndarray", *, low: int, high: int, columns: int) -> "tuple[ndarray, ndarray]":
    """The first and the last point, and the smallest and largest of each column of pixels, in order."""
    import numpy as np

    if len(steps) <= 2 * columns:
        return steps, values
    place = np.floor((steps - float(low)) * (columns / max(1.0, float(high) - float(low)))).astype(np.int64)
    starts = np.append(0, np.flatnonzero(place[1:] != place[:-1]) + 1)
    sizes = np.diff(np.append(starts, len(steps)))
    kept = np.zeros(len(steps), dtype=bool)
    kept[0] = kept[-1] = True
    for extreme in (np.minimum, np.maximum):
        at = np.flatnonzero(values == np.repeat(extreme.reduceat(values, starts), sizes))
        _, first = np.unique(np.searchsorted(starts, at, side="right"), return_index=True)
        kept[at[first]] = True
    return steps[kept], values[kept]


def _is_noisy(values: "ndarray") -> bool:
    """Whether a segment goes up and down so much that a line through it says more than it does."""
    import numpy as np

    if len(values) < TREND_POINTS:
        return False
    near = np.clip(values, -HUGE, HUGE) / len(values)
    return bool(np.abs(near[1:] - near[:-1]).sum() > NOISY * (near.max() - near.min()))


def trend(steps: "ndarray", values: "ndarray", *, in_two: bool = False) -> Points:
    """The running median of a segment; of two values, their running mean."""
    import numpy as np

    count = len(steps)
    values = np.clip(values, -HUGE, HUGE)
    half = max(7, round(count * TREND_SHARE / 2))
    stride = max(1, count // 120)
    centres = np.array([*range(0, count, stride), *([] if (count - 1) % stride == 0 else [count - 1])])
    window = np.arange(-half, half + 1, max(1, half // 128))  # long series: a regular sample of the window
    whole = (centres >= half) & (centres + half < count)
    evened = np.mean if in_two else np.median
    medians = np.empty(len(centres))
    if whole.any():
        medians[whole] = evened(values[centres[whole, None] + window], axis=1)
    for index in np.flatnonzero(~whole):
        near = centres[index] + window
        medians[index] = evened(values[near[(near >= 0) & (near < count)]])
    return points_of(steps[centres], medians)


def bin_width(seeds: Sequence[Columns]) -> int:
    """How many steps are one bin of the mean over these seeds: 0 where they logged few steps, and the same ones.

    Where they logged at different steps no value is invented in between: a bin is wide enough to hold one of each.
    """
    import numpy as np

    steps = [series.steps for series in seeds if len(series.steps)]
    if len(steps) < 2:
        return 0
    if max(map(len, steps)) <= MEAN_POINTS and _are_prefixes(steps):
        return 0
    low, high = min(int(one[0]) for one in steps), max(int(one[-1]) for one in steps)
    gaps: list[float] = [float(np.quantile(_some_gaps(one), 0.95)) for one in steps if len(one) > 1]
    least = max([(high - low + 1) / MEAN_POINTS, *gaps, 1.0])
    size: int = 10 ** (len(str(int(least))) - 1)
    return next(size * times for times in (1, 2, 5, 10) if size * times >= least)


def _some_gaps(steps: "ndarray") -> "ndarray":
    """Differences of neighbours, a regular sample of very many."""
    at = slice(0, len(steps) - 1, max(1, len(steps) // 2000))
    gaps: ndarray = steps[1:][at] - steps[:-1][at]
    return gaps


def _are_prefixes(steps: "Sequence[ndarray]") -> bool:
    """Whether all logged at the same steps, though some ended early."""
    longest = max(steps, key=len)
    return all((one == longest[: len(one)]).all() for one in steps)


def mean_of(
    seeds: Sequence[Columns], cuts: Sequence[int], places: "Callable[[ndarray], ndarray]"
) -> tuple[tuple[Mean, ...], int]:
    """The mean over seeds, and how many steps are a bin of it. places: where values stand on the axis.

    Bins that hold about one period of what goes up and down take a high now and a low then: a zigzag that no run has.
    Such a mean turns all the time, and by as much as the runs do; its bins are doubled until they even that out. Where
    they do not, the runs themselves go up and down as slowly as that, and the mean is left as it was.
    """
    width = least = bin_width(seeds)
    found = narrow = means(seeds, cuts, width)
    moves = _moves(seeds, places) if width else 0.0
    tamed = _BEATING if all(is_in_two(one.values) for one in seeds if len(one.steps)) else _TAMED
    while moves and _beats(found, places, moves * (tamed if width > least else _BEATING)):
        if 2 * width * _FEWEST_BINS > _length(seeds):
            evened = _reach(narrow, places) * (least / width) ** _EVENED
            return (found, width) if _reach(found, places) < evened else (narrow, least)
        width *= 2
        found = means(seeds, cuts, width)
    return found, width


def _length(seeds: Sequence[Columns]) -> int:
    ends = [(int(one.steps[0]), int(one.steps[-1])) for one in seeds if len(one.steps)]
    return max(end for _, end in ends) - min(start for start, _ in ends)


def _moves(seeds: Sequence[Columns], places: "Callable[[ndarray], ndarray]") -> float:
    """How far the runs go from one point to the next, as a share of the axis: of each the first many."""
    import numpy as np

    parts = [np.abs(np.diff(places(one.values[:_LOOKED_AT]))) for one in seeds if len(one.values) > 1]
    return float(np.mean([part.mean() for part in parts])) if parts else 0.0


def _beats(found: Sequence[Mean], places: "Callable[[ndarray], ndarray]", least: float) -> bool:
    """Whether a mean turns all the time and goes further than `least` from one bin to the next."""
    import numpy as np

    steps = _from_bin_to_bin(found, places)
    turns = sum(int((np.sign(part[1:]) != np.sign(part[:-1])).sum()) for part in steps)
    return turns > sum(map(len, steps)) * _TURNING and _reach(found, places) > least


def _reach(found: Sequence[Mean], places: "Callable[[ndarray], ndarray]") -> float:
    """How far a mean goes from one bin to the next, as a share of the axis."""
    import numpy as np

    steps = _from_bin_to_bin(found, places)
    return float(np.abs(np.concatenate(steps)).mean()) if steps else 0.0


def _from_bin_to_bin(found: Sequence[Mean], places: "Callable[[ndarray], ndarray]") -> "list[ndarray]":
    import numpy as np

    return [np.diff(places(np.asarray(part.values))) for part in found if len(part.values) > _FEWEST_BINS // 2]


def means(seeds: Sequence[Columns], cuts: Sequence[int], width: int) -> tuple[Mean, ...]:
    """The mean over seeds, in stretches over which the same seeds have values; of one seed alone there is none.

    A seed that ends (it crashed, or is not finite from there on) ends the stretch: the mean of those left is another
    quantity, and nobody shall read its jump as progress. A bin that a running seed left empty has no mean.
    """
    import numpy as np

    with_values = [index for index, series in enumerate(seeds) if len(series.steps)]
    if len(with_values) < 2:
        return ()
    edges = _edges(seeds, cuts)
    in_two = all(is_in_two(seeds[index].values) for index in with_values)
    binned = [_binned(seeds[index], edges, width, in_two=in_two) for index in with_values]
    keys = np.unique(np.concatenate([own for own, _, _ in binned]))
    table, logged = np.full((2, len(with_values), len(keys)), np.nan)
    for row, steps, (own, values, middles) in zip(table, logged, binned, strict=True):
        at = np.searchsorted(keys, own)
        row[at], steps[at] = values, middles
    found = ~np.isnan(table)
    first, last = found.argmax(axis=1), len(keys) - 1 - found[:, ::-1].argmax(axis=1)
    running = (np.arange(len(keys)) >= first[:, None]) & (np.arange(len(keys)) <= last[:, None])
    whole = np.flatnonzero((found >= running).all(axis=0) & (running.sum(axis=0) > 1))
    part = np.searchsorted(edges, keys, side="right")
    stretches = []
    breaks = np.flatnonzero((running[:, whole[1:]] != running[:, whole[:-1]]).any(axis=0) | (np.diff(part[whole]) != 0))
    for places in np.split(whole, breaks + 1):
        if len(places):
            here = np.flatnonzero(running[:, places[0]])
            values = table[np.ix_(here, places)]
            stretches.append(
                Mean(
                    steps=array("q", logged[np.ix_(here, places)].mean(axis=0).round().astype(np.int64).tobytes()),
                    values=array("d", values.mean(axis=0).tobytes()),
                    low=array("d", values.min(axis=0).tobytes()),
                    high=array("d", values.max(axis=0).tobytes()),
                    runs=tuple(with_values[row] for row in here.tolist()),
                )
            )
    return tuple(stretches)


def _edges(seeds: Sequence[Columns], cuts: Sequence[int]) -> "ndarray":
    """Where the bins of the parts of a training begin, and the step after the last."""
    import numpy as np

    low = min(int(series.steps[0]) for series in seeds if len(series.steps))
    high = max(int(series.steps[-1]) for series in seeds if len(series.steps))
    return np.array([low, *sorted({cut for cut in cuts if low < cut <= high}), high + 1], dtype=np.int64)


def _binned(series: Columns, edges: "ndarray", width: int, *, in_two: bool) -> "tuple[ndarray, ndarray, ndarray]":
    """The first step of each bin that holds a value, and the median of what it holds (a regular sample of many); of two
    values, their mean. And the middle of the steps at which these were logged, where the mean is drawn: two arms with
    the same values lie on one another, though one more evaluation of one seed put the other into bins."""
    import numpy as np

    # The middle of two of the largest doubles is none.
    if not width:
        return series.steps, np.clip(series.values, -HUGE, HUGE), series.steps
    # A bin ends where a stage does, and what is left of a stage after its last whole bin belongs to that one.
    most = np.maximum(1, np.rint(np.diff(edges) / width).astype(np.int64))
    keys = np.concatenate([edge + width * np.arange(count) for edge, count in zip(edges[:-1], most, strict=True)])
    starts = np.searchsorted(series.steps, keys)
    sizes = np.diff(np.append(starts, len(series.steps)))
    keys, starts, sizes = keys[sizes > 0], starts[sizes > 0], sizes[sizes > 0]
    steps = np.asarray(series.steps, dtype=np.float64)
    middles = (steps[starts + (sizes - 1) // 2] + steps[starts + sizes // 2]) / 2
    if in_two:
        return keys, np.add.reduceat(np.clip(series.values, -HUGE, HUGE), starts) / sizes, middles
    stride = np.maximum(1, sizes // _BIN_SAMPLE)
    counts = -(-sizes // stride)
    column = np.arange(counts.max())
    table = np.full((len(keys), len(column)), np.inf)
    inside = column < counts[:, None]
    table[inside] = np.clip(series.values[(starts[:, None] + column * stride[:, None])[inside]], -HUGE, HUGE)
    table.sort(axis=1)
    rows = np.arange(len(keys))
    return keys, (table[rows, (counts - 1) // 2] + table[rows, counts // 2]) / 2, middles


def _gaps(series: Columns) -> Iterator[int]:
    """The steps at which values were not finite, so that no line is drawn over them; none where they are everywhere."""
    if len(series.non_finite) <= _MOST_GAPS:
        yield from series.non_finite.steps


def _span(series: Columns) -> tuple[int, int]:
    return (int(series.steps[0]), int(series.steps[-1])) if len(series.steps) else (0, 1)
