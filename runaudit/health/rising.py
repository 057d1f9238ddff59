"""Whether a curve left its best for good, since when, and what speaks against it: a restart of the schedule, a rise
that is being made up for, ups and downs that it went through before.

`onset` is where the rise to the end begins, not where the running minimum lies: on a flat stretch the minimum is
anywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from runaudit.health.shape import Shape
from runaudit.health.tracks import Part, Track

MIN_BLOCKS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Rise:
    """share: the rise over the progress to the best. step: where it began. Values as they were logged."""

    share: float
    step: int
    best: float
    best_step: int
    last: float
    noise: float
    is_recovering: bool
    is_explained: bool

    @property
    def words(self) -> str:
        """What is to be known besides."""
        if self.is_explained:
            return " (the learning rate was raised in that time)"
        return " (and it is on the way back)" if self.is_recovering else ""


def rise_of(part: Part, rates: Sequence[Track] = (), *, noise: float = 5.0) -> Rise | None:
    """The rise of a part from its best to its end; None where it is none, or too small for its noise.

    noise: how many standard deviations of a block median both the progress before it and the rise must have.
    """
    shape = part.shape
    if shape is None or len(shape) < MIN_BLOCKS:
        return None
    guard = noise * shape.noise
    top = shape.end - shape.best
    if top <= max(guard, 1e-9 * abs(shape.end)) or not _is_kept(shape, top):
        return None
    if shape.progress > guard:
        share = top / shape.progress
    elif part.track.is_main and shape.end - shape.start > 4 * guard and not part.is_resumed:
        share = 1.0  # It never got anywhere, and is far above where it began.
    elif part.track.is_main and part.is_resumed and top > 4 * guard:
        share = 1.0
    else:
        return None
    at = shape.turn(shape.best + max(2 * shape.noise, 0.03 * top), at_least=shape.best_at)
    at = min(at, len(shape) - 1)
    if _is_one_of_many(shape, top, at):
        return None
    peak = float(shape.smooth[at:].max())
    back = peak - shape.end
    return Rise(
        share=share,
        step=int(shape.first[at]),
        best=part.told(shape.best),
        best_step=int(shape.last[shape.best_at]),
        last=part.told(shape.end),
        noise=shape.noise,
        is_recovering=back > guard and back >= 0.25 * (peak - shape.best),
        is_explained=_raised(rates, int(shape.last[shape.best_at]), int(shape.last[-1])),
    )


def _is_kept(shape: Shape, top: float) -> bool:
    """Whether the last 5 % of the blocks all lie in the upper half of the rise; of a rise beyond the start three do."""
    tail = 3 if top >= max(shape.progress, 0.0) else shape.tail
    return bool((shape.smooth[-tail:] > shape.best + 0.5 * top).all())


def _is_one_of_many(shape: Shape, top: float, at: int) -> bool:
    """Whether it rose as far before, after most of its progress was made, and came back: a cycle, or wild ups and
    downs, which the rule on oscillation tells of."""
    import numpy as np

    near = np.flatnonzero(shape.smooth <= shape.start - 0.7 * shape.progress)
    if not len(near):
        return False
    values = shape.smooth[near[0] : at]
    if len(values) < 3:
        return False
    lowest = np.minimum.accumulate(values)
    is_up = values - lowest > 0.5 * top
    # It came back where a later value lies within a fifth of the rise above what was the lowest before.
    later = np.minimum.accumulate(values[::-1])[::-1]
    returned = is_up & (later <= lowest + 0.2 * top)
    starts = int((np.diff(np.concatenate([[0], returned.view(np.int8)])) == 1).sum())
    return starts >= 2


def _raised(rates: Sequence[Track], since: int, until: int) -> bool:
    """Whether a learning rate at the end is at least twice what it was at the best: a schedule that started anew."""
    import numpy as np

    for track in rates:
        steps, values = track.columns.steps, track.columns.values
        if len(steps) < 2:
            continue
        then = float(values[max(0, int(np.searchsorted(steps, since, side="right")) - 1)])
        now = float(values[max(0, int(np.searchsorted(steps, until, side="right")) - 1)])
        if then > 0 and now >= 2 * then:
            return True
    return False
