"""The shape of a curve in a hundred numbers: medians of blocks, how they scatter, where it is best, where it turns.

Thresholds on raw values cry wolf: a noisy curve crosses any line, and a ratio means nothing for a loss below zero. So
every question is asked of block medians, in units of their own scatter and of the progress that the curve itself made.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from runaudit.stats.trend import MIN_POINTS, Trend, trend

if TYPE_CHECKING:
    from numpy import ndarray

FEW = 2
"""Points that are no number up to which their share says nothing: of 60 points one is more than a hundredth."""
BLOCKS = 100
"""A curve of more points is cut into about so many blocks."""
SCATTER = 1.4826
"""Standard deviations of a normal distribution in its median absolute deviation."""
SAMPLE = 20_000
"""Neighbours that are compared to estimate the noise of a long series."""
HUGE = 1e150
"""Beyond it a value is reckoned as if it were this large: squares and sums must stay numbers."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Shape:
    """A finite series, lower is better, in blocks of `size` points: their first and last steps, and their medians."""

    first: "ndarray"
    last: "ndarray"
    values: "ndarray"
    points: int
    size: int

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def noise(self) -> float:
        """Standard deviation of a block's median about the curve, from the differences of neighbours."""
        return noise_of(self.values)

    @cached_property
    def smooth(self) -> "ndarray":
        """The running median over 5 % of the blocks, at least three."""
        return running_median(self.values, max(3, round(len(self.values) * 0.05)) | 1)

    @property
    def tail(self) -> int:
        """Blocks in the last 5 % of the points: three at the least."""
        return min(len(self.values), max(3, -(-len(self.values) // 20)))

    @cached_property
    def start(self) -> float:
        """Where it began: the median of the first 2 % of the blocks."""
        import numpy as np

        return float(np.median(self.values[: max(1, len(self.values) // 50)]))

    @cached_property
    def end(self) -> float:
        """Where it is: the median of the last 5 %."""
        import numpy as np

        return float(np.median(self.values[-self.tail :]))

    @cached_property
    def best_at(self) -> int:
        """The block at which the running median is lowest."""
        return int(self.smooth.argmin())

    @property
    def best(self) -> float:
        """The lowest running median."""
        return float(self.smooth[self.best_at])

    @property
    def progress(self) -> float:
        """How far it came: from where it began to its best."""
        return self.start - self.best

    def trend_of(self, low: int) -> Trend | None:
        """The trend of the blocks from `low` on; None where they are too few to have one."""
        values = self.values[low:]
        return trend(values) if len(values) >= MIN_POINTS else None

    def block_of(self, step: int) -> int:
        """The block that a step lies in; the last one for what comes after it."""
        return min(int(self.last.searchsorted(step)), len(self) - 1)

    def change_since(self, step: int) -> float:
        """How far the end lies above the running median just before a step: below zero where it is better since. At a
        leap the median of its own block is already what it leapt to."""
        at = self.block_of(step)
        return self.end - float(self.smooth[max(0, at - 3) : at + 1].min())


def shape_of(steps: "ndarray", values: "ndarray", *, higher_is_better: bool = False) -> Shape | None:
    """The shape of finite values over increasing steps; None where there is no value."""
    import numpy as np

    count = len(values)
    if not count:
        return None
    signed = np.clip(-values if higher_is_better else values, -HUGE, HUGE)
    size = max(1, count // BLOCKS)
    whole = count // size
    starts = np.arange(whole) * size
    ends = np.append(starts[1:], count) - 1
    if size == 1:
        medians = np.asarray(signed, dtype=float)
    else:
        medians = np.median(signed[: whole * size].reshape(whole, size), axis=1)
        medians[-1] = np.median(signed[starts[-1] :])
    return Shape(first=steps[starts], last=steps[ends], values=medians, points=count, size=size)


def noise_of(values: "ndarray") -> float:
    """Standard deviation of what varies from one value to the next, by the median absolute deviation: a trend and a few
    outliers do not move it. 0.0 of fewer than three values."""
    import numpy as np

    if len(values) < 3:
        return 0.0
    # Of a long series pieces of neighbours, not every n-th value: what lies far apart differs by the trend.
    if len(values) > SAMPLE:
        stride = len(values) // (SAMPLE // 100)
        starts = np.arange(0, len(values) - 100, stride)
        steps = np.diff(values[starts[:, None] + np.arange(100)], axis=1).ravel()
    else:
        steps = np.diff(values)
    return float(SCATTER * np.median(np.abs(steps - np.median(steps))) / np.sqrt(2.0))


def stretches(flags: "ndarray") -> "tuple[ndarray, ndarray]":
    """Where each stretch of true flags begins, and the place after its end."""
    import numpy as np

    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.view(np.int8), [0]])))
    return edges[::2], edges[1::2]


def last_stretch(flags: "ndarray") -> int:
    """How long the stretch of true flags is that reaches the end, but for one point: what has come to its floor stays
    there once. 0 where none does."""
    starts, ends = stretches(flags)
    return int(ends[-1] - starts[-1]) if len(ends) and ends[-1] >= len(flags) - 1 else 0


def running_median(values: "ndarray", width: int) -> "ndarray":
    """The median of the `width` values about each; at the ends of those that there are."""
    import numpy as np

    half = min(width // 2, (len(values) - 1) // 2)
    if half < 1:
        return values
    middle = np.median(np.lib.stride_tricks.sliding_window_view(values, 2 * half + 1), axis=1)
    head = [np.median(values[: half + 1 + at]) for at in range(half)]
    tail = [np.median(values[-(half + 1 + at) :]) for at in range(half)]
    return np.concatenate([head, middle, tail[::-1]])


def running_mean(values: "ndarray", share: float) -> "ndarray":
    """The mean about each value over a share of them, five at the least; beyond the ends the last one stands."""
    import numpy as np

    width = min(max(5, round(share * len(values))) | 1, (len(values) - 1) | 1)
    return np.convolve(np.pad(values, width // 2, mode="edge"), np.full(width, 1 / width), mode="valid")
