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
from runaudit.metrics.roles import counts_nan, flags_skip

if TYPE_CHECKING:
    from numpy import ndarray


@dataclass(frozen=True, eq=False, kw_only=True)
class Counter:
    """How many steps were so, up to each that was logged.

    is_flag: the series said it of each step that was logged, so that nothing is known of those in between.
    is_either: it went from 0 to 1 and stayed there, and nobody can say if it counts or flags: one step was so, or every
    one since.
    """

    name: str
    steps: "ndarray"
    counts: "ndarray"
    is_flag: bool = False
    is_either: bool = False

    @cached_property
    def runs(self) -> "tuple[ndarray, ndarray]":
        """Stretches in which every step was: their first steps and their lengths."""
        # A counter that starts anew, or is told of the last step alone, is no stretch.
        starts, ends = stretches((self._more > 0) & (self._more >= self._apart))
        if self.is_flag:
            return self.steps[starts + 1], ends - starts
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

        return np.ones(len(self.steps) - 1) if self.is_flag else np.diff(self.steps)


def counter_of(tracks: Sequence[Track]) -> Counter | None:
    """The first of several counters with two values or more. It began at nothing: where its first value can have come
    about since one distance before, it did."""
    import numpy as np

    for track in tracks:
        steps, counts = track.columns.steps, track.columns.values
        if len(steps) < 2:
            continue
        if _is_flag(track):
            # It may hold from the first step on.
            flags = np.concatenate([[0.0], np.cumsum(counts)])
            steps = np.append(steps[0] - 1, steps)
            return Counter(name=track.name, steps=steps, counts=flags, is_flag=True)
        is_either = _is_either(track)
        apart = int(np.median(np.diff(steps)))
        if 0 < counts[0] <= apart:
            steps, counts = np.append(steps[0] - apart, steps), np.append(0.0, counts)
        return Counter(name=track.name, steps=steps, counts=counts, is_either=is_either)
    return None


def _is_flag(track: Track) -> bool:
    """Whether a series is 0 or 1 of each step by itself: it is called so, or it went back to 0 more than once, which a
    count does at a new start only."""
    import numpy as np

    values = track.columns.values
    if counts_nan(track.name) or not np.isin(values, (0.0, 1.0)).all():
        return False
    return flags_skip(track.name) or int((np.diff(values) < 0).sum()) > 1


def _is_either(track: Track) -> bool:
    import numpy as np

    values = track.columns.values
    return bool(np.isin(values, (0.0, 1.0)).all()) and values[-1] == 1 and not (np.diff(values) < 0).any()
