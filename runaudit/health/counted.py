"""What a program counts over its steps: those that the scaler skipped, those whose loss was no number.

Some loops never log such a step itself: Megatron's row tells the mean of the steps that were well, and beside it how
many were not. The counter is then all that shows it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from runaudit.health.shape import stretches
from runaudit.health.tracks import Track

if TYPE_CHECKING:
    from numpy import ndarray


@dataclass(frozen=True, eq=False, kw_only=True)
class Counter:
    """How many steps were so, up to each that was logged."""

    name: str
    steps: "ndarray"
    counts: "ndarray"

    @cached_property
    def runs(self) -> "tuple[ndarray, ndarray]":
        """Stretches in which every step was: their first steps and their lengths."""
        # A counter that starts anew, or is told of the last step alone, is no stretch.
        starts, ends = stretches((self._more > 0) & (self._more >= self._apart))
        return self.steps[starts] + 1, self.steps[ends] - self.steps[starts]

    @property
    def count(self) -> int:
        """All of them."""
        return int(self._more.clip(0).sum())

    @property
    def first(self) -> int:
        """The first logged step by which one was counted."""
        return int(self.steps[1:][self._more > 0][0])

    @cached_property
    def _more(self) -> "ndarray":
        import numpy as np

        return np.diff(self.counts)

    @cached_property
    def _apart(self) -> "ndarray":
        import numpy as np

        return np.diff(self.steps)


def counter_of(tracks: Sequence[Track]) -> Counter | None:
    """The first of several counters with two values or more. It began at nothing: where its first value can have come
    about since one distance before, it did."""
    import numpy as np

    for track in tracks:
        steps, counts = track.columns.steps, track.columns.values
        if len(steps) < 2:
            continue
        apart = int(np.median(np.diff(steps)))
        if 0 < counts[0] <= apart:
            steps, counts = np.append(steps[0] - apart, steps), np.append(0.0, counts)
        return Counter(name=track.name, steps=steps, counts=counts)
    return None
