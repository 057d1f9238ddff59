"""What is known of a loss scale: the trace of one run, the search for a scale that fits, a fall, and coming to rest.

A scaler begins far too high on purpose (PyTorch at 2^16, DeepSpeed at 2^32) and halves step after step until it fits.
That is no failure, whatever line it crosses on its way, and what is judged begins after it. A search that is sure is
one that ended: within the first steps, above 1, and the scale then stood for as long as the search took.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from runaudit.health.shape import last_stretch, stretches

if TYPE_CHECKING:
    from numpy import ndarray

USUAL = 65536.0
"""Where PyTorch's scaler begins, and DeepSpeed's settles that begins at 2^32."""
HIGHEST = 2.0**32
"""Where DeepSpeed's begins."""
CALIBRATION = 100
"""Steps in which a scale may fall until it fits."""
ENDLESS = 20
"""Falls in a row up to the end of a log that are no search, however early, where the scale began at 65536 or below. A
loss of weight 1e9 took 24, then held."""
APART = 10
"""Steps from one fall to the next, at the most, while a scale that fits is searched for."""
SMALLEST = 2.0**-200
"""A scale at or below zero is drawn here: it has no logarithm."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ScalerTrace:
    """The scale over the steps.

    resumes: the last steps before the run went on.
    """

    name: str
    steps: "ndarray"
    scale: "ndarray"
    resumes: tuple[int, ...] = ()
    init_scale: float | None = None
    growth_interval: int = 2000

    @cached_property
    def powers(self) -> "ndarray":
        """The scale in powers of two."""
        import numpy as np

        powers: ndarray = np.log2(np.maximum(self.scale, SMALLEST))
        return powers

    @property
    def is_disabled(self) -> bool:
        """A scaler that is switched off has the scale 1 throughout."""
        return bool((self.scale == 1.0).all())

    @property
    def reference(self) -> float:
        """What the lines are relative to: where the scale began, but not above where it usually does."""
        first = self.init_scale or float(self.scale[0])
        return min(USUAL, first) if first > 0 else USUAL

    @cached_property
    def changes(self) -> "ndarray":
        """From one logged scale to the next, in powers of two; what a resume changed is not counted."""
        import numpy as np

        changes = np.diff(self.powers)
        for step in self.resumes:
            at = int(np.searchsorted(self.steps, step, side="right"))
            if 0 < at <= len(changes):
                changes[at - 1] = 0.0
        return changes

    @property
    def patience(self) -> float:
        """Falls in a row that may be a search."""
        return patience_from(max(self.init_scale or 0.0, float(self.scale[0])))

    @cached_property
    def search(self) -> int:
        """The place of the last fall of the search at the start; 0 where there was none, or none that surely ended."""
        import numpy as np

        falls = np.flatnonzero(self.changes < 0) + 1
        if not len(falls):
            return 0
        at = self.steps[falls]
        count = int(at[0] <= self.steps[0] + CALIBRATION)
        # The nearer it is to what fits, the longer it waits for the batch that overflows next.
        while 0 < count < len(falls) and at[count] <= self.steps[0] + CALIBRATION:
            if falls[count] - falls[count - 1] > 1 and at[count] - at[count - 1] > max(APART, at[count - 1] - at[0]):
                break
            count += 1
        if count == 0:
            return 0
        end = int(falls[count - 1])
        stood = (at[count] if count < len(falls) else self.steps[-1]) - self.steps[end]
        # At 1 or below a scaler may be at its floor, with every step skipped.
        return end if self.scale[end] > 1 and stood >= max(APART, count) else 0

    @property
    def searched(self) -> "ScalerTrace":
        """The trace from the end of that search on. Where it came to rest low, it may fall once more by noise."""
        if not (end := self.search):
            return self
        found = min(self.reference, 2 * float(self.scale[end]))
        return replace(self, steps=self.steps[end:], scale=self.scale[end:], init_scale=found)

    def line(self, share: float) -> int | None:
        """The first place, after the search for one that fits, at which the scale is below a share of the reference."""
        import numpy as np

        counted = (self.steps > self.steps[0] + CALIBRATION) | (last_stretch(self.changes < 0) > self.patience)
        below = np.flatnonzero((self.scale < self.reference * share) & counted)
        return int(below[0]) if len(below) else None

    @cached_property
    def halving_runs(self) -> "tuple[ndarray, ndarray]":
        """Stretches in which the scale only fell: the place of the first fall, and by how many powers of two."""
        import numpy as np

        starts, ends = stretches(self.changes < 0)
        total = np.concatenate([[0.0], np.cumsum(self.changes)])
        return starts + 1, total[starts] - total[ends]


def patience_from(first: float | None) -> float:
    """Falls in a row, and skipped steps, that may be a search from this scale; from the highest if nobody knows it."""
    from math import log2

    return ENDLESS + max(0.0, log2((first or HIGHEST) / USUAL))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """How the scale moved in the window that ends where it crossed a line."""

    at: int
    """The place at which the fall began; the last healthy one is before it."""
    net: float
    backoffs: float
    growths: float
    in_a_row: float
    is_regrown: bool

    @property
    def is_falling(self) -> bool:
        """Three powers of two down, or backoffs well ahead of growths, or many skips with nothing in between."""
        return self.net <= -3 or self.backoffs >= self.growths + 4 or self.in_a_row >= 5


def fall_to(trace: ScalerTrace, crossing: int) -> Fall:
    """The fall that crossed a line at this place: over a window of twice the growth interval, 4,000 steps at least."""
    import numpy as np

    window = max(4000, 2 * trace.growth_interval)
    # On to the lowest that it came to within a window: a fall is not over where it meets a line.
    end = int(np.searchsorted(trace.steps, trace.steps[crossing] + window, side="right"))
    lowest = crossing + int(trace.powers[crossing:end].argmin())
    low = int(np.searchsorted(trace.steps, trace.steps[lowest] - window))
    before = trace.powers[: max(1, crossing)]
    usual = before >= np.log2(trace.reference) - 2
    # By how long each was in force: a log may hold a line for each fall and none for the steps in between.
    lasted = np.diff(trace.steps[: len(before) + 1], append=trace.steps[len(before) - 1])[: len(before)]
    healthy = _middle(before[usual], lasted[usual]) if usual.any() else float(before.max())
    above = np.flatnonzero(trace.powers[:crossing] >= healthy)
    start = int(above[-1]) + 1 if len(above) else crossing
    start = min(start, crossing)
    moves = trace.changes[low:lowest]
    starts, depths = trace.halving_runs
    inside = (starts >= low) & (starts <= lowest)
    return Fall(
        at=start,
        net=float(trace.powers[lowest] - trace.powers[low : crossing + 1].max()),
        backoffs=float(-moves[moves < 0].sum()),
        growths=float(moves[moves > 0].sum()),
        in_a_row=float(depths[inside].max()) if inside.any() else 0.0,
        is_regrown=bool(trace.powers[-1] >= trace.powers[lowest] + 3 or trace.scale[-1] >= trace.reference / 4),
    )


def _middle(values: "ndarray", weights: "ndarray") -> float:
    """The weighted median."""
    import numpy as np

    order = np.argsort(values)
    total = np.cumsum(np.maximum(weights[order], 1))
    return float(values[order][int(np.searchsorted(total, total[-1] / 2))])


def holds(trace: ScalerTrace) -> bool:
    """Whether the scale came to rest: over the last two growth intervals it lost no power of two on the whole, and was
    halved about as often as it was doubled; in a shorter run, since a search at its start that ended. Below 1 it holds
    nothing: there gradients vanish before they overflow."""
    import numpy as np

    begin = int(np.searchsorted(trace.steps, trace.steps[-1] - 2 * trace.growth_interval))
    is_long = begin > 0 or (trace.search > 0 and trace.steps[-1] - trace.steps[trace.search] >= CALIBRATION)
    if not is_long or trace.scale[-1] < 1:
        return False
    moves = trace.changes[max(begin - 1, trace.search) :]
    net, halved = float(moves.sum()), float(-moves[moves < 0].sum())
    return net >= -1 and halved <= float(moves[moves > 0].sum()) + 2
