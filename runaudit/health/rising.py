"""Whether a curve left its best for good, since when, and what speaks against it: a restart of the schedule, a rise
that is being made up for, ups and downs that it went through before.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from runaudit.health.shape import Shape, noise_of, shape_of, stretches
from runaudit.health.tracks import Part, Track, words_of
from runaudit.health.turn import onset
from runaudit.metrics.catalogue import Direction
from runaudit.metrics.roles import Role
from runaudit.stats.trend import MIN_POINTS


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
    is_from_start: bool = False
    """Whether it was never better than at its start: nothing that it had gained is lost."""
    raised: str = ""
    """The schedule that was raised in that time: a rate that began anew, a task that was made harder."""
    is_late: bool = False
    """Whether it is a leap in the last few hundredths of the run."""
    is_in_decades: bool = False
    """Whether its share is one of orders of magnitude."""
    is_early: bool = False
    """Whether it was best at its very start, and gained next to nothing before: a rate that is warmed up does so."""

    is_both_ways: bool = False
    """Whether it swings to both sides of where it was, ever farther."""

    @property
    def is_explained(self) -> bool:
        """Whether a schedule is its reason."""
        return bool(self.raised)

    @property
    def words(self) -> str:
        """What is to be known besides."""
        if self.is_both_ways:
            return " (and as far to the other side)"
        if self.is_explained:
            return f" ({self.raised} was raised in that time)"
        if self.is_late:
            return " (so near the end that nobody knows whether it would have come back)"
        return " (and it is on the way back)" if self.is_recovering else ""


def rise_of(part: Part, rates: Sequence[Track] = (), *, noise: float = 5.0) -> Rise | None:
    """The rise of a part from its best to its end; None where it is none, or too small for its noise.

    noise: how many standard deviations of a block median both the progress before it and the rise must have.
    """
    shape = part.shape
    return None if shape is None or len(shape) < MIN_POINTS else _rise(part, shape, rates, noise)


def any_rise_of(part: Part, rates: Sequence[Track], *, noise: float, goes_on: bool) -> Rise | None:
    """The same; besides a leap in the last few hundredths of a run, and of a loss that came down by decades a rise by
    orders of magnitude that is little of what it began with. In a run that goes on a late leap may be a spike."""
    shape = part.shape
    if shape is None or len(shape) < MIN_POINTS:
        return None
    plain, drawn = _rise(part, shape, rates, noise), _rise_in_decades(part, shape, rates, noise)
    found = max((one for one in (plain, drawn) if one), key=lambda one: one.share, default=None)
    both = _both_ways(part)
    if found is not None and not found.is_recovering:
        # On which side it lies in the end is chance: it left where it was when it began to swing.
        return replace(found, step=min(found.step, both.step)) if both else found
    return both or found or (None if goes_on else _late_leap(part, shape, noise))


def _rise_in_decades(part: Part, shape: Shape, rates: Sequence[Track], noise: float) -> Rise | None:
    import numpy as np

    if not part.track.is_main or shape.values.min() <= 0:
        return None
    drawn = replace(shape, values=np.log(shape.values))
    if drawn.progress < np.log(100) or drawn.end - drawn.best < np.log(30):
        return None
    found = _rise(part, drawn, rates, noise)
    if found is None:
        return None
    return replace(found, best=float(np.exp(found.best)), last=float(np.exp(found.last)), is_in_decades=True)


FARTHER, WILDER = 5.0, 30.0
"""How many times as far as at its start, and as in its calmest time, a loss must be on both sides."""


def _both_ways(part: Part) -> Rise | None:
    """A loss that explodes with both signs: no median rises, but the distance from where it lies does, to the end."""
    import numpy as np

    if not part.track.is_main or not len(part.values) or part.values.min() >= 0:
        return None
    middle = float(np.median(part.values))
    far = shape_of(part.steps, np.abs(part.values - middle))
    if far is None or len(far) < 2 * MIN_POINTS:
        return None
    least, end = FARTHER * max(far.start, 1e-12), part.values[-max(10, len(part.values) // 10) :] - middle
    if far.end <= max(least, WILDER * float(far.smooth.min())) or min(end.max(), -end.min()) <= least:
        return None
    if (far.smooth[-far.tail :] <= 0.2 * far.end).any():
        return None
    at = onset(far)
    best = int(far.smooth[: at + 1].argmin())
    return Rise(
        share=far.end / max(far.start, 1e-12), step=int(far.first[at]), best=middle, best_step=int(far.last[best]),
        last=middle + float(end.max()), noise=far.noise, is_recovering=False, is_both_ways=True,
    )  # fmt: skip


def _late_leap(part: Part, shape: Shape, noise: float) -> Rise | None:
    """A leap that the last twentieth is too long for: two blocks and twenty points at the least, to the very end, of a
    curve that never was so high since it had come down."""
    import numpy as np

    middle = shape.best + 0.5 * shape.progress
    low = np.flatnonzero(shape.values <= middle)
    blocks = len(shape) - 1 - int(low[-1])
    if shape.progress <= noise * shape.noise or not 2 <= blocks <= shape.tail or blocks * shape.size < 20:
        return None
    came = int(np.flatnonzero(shape.smooth <= shape.best + 0.2 * shape.progress)[0])
    end = float(np.median(shape.values[-blocks:]))
    at = len(shape) - blocks
    if (shape.values[came:at] > middle).any() or end - shape.best <= 2 * noise * shape.noise:
        return None
    return Rise(
        share=(end - shape.best) / shape.progress, step=int(shape.first[at]), best=part.told(shape.best),
        best_step=int(shape.last[shape.best_at]), last=part.told(end), noise=shape.noise, is_recovering=False,
        is_late=True,
    )  # fmt: skip


def _rise(part: Part, shape: Shape, rates: Sequence[Track], noise: float) -> Rise | None:
    guard = max(noise * _calm_noise(shape), 2 * _grain(part))
    top = shape.end - shape.best
    if top <= max(guard, 1e-9 * abs(shape.end)) or not _is_kept(shape, top):
        return None
    if shape.progress > guard:
        share = top / shape.progress
    elif _is_minimised(part.track) and shape.end - shape.start > 4 * guard and not part.is_resumed:
        share = 1.0  # It never got anywhere, and is far above where it began.
    elif part.track.is_main and part.is_resumed and top > 4 * guard:
        share = 1.0
    else:
        return None
    at = onset(shape)
    if _is_one_of_many(shape, top, at) or _is_mixed(part, shape, top, at):
        return None
    # What lies before the last 5 %, which are the end itself: of a growing curve their middle is below their top.
    peak = float(shape.smooth[at : max(at + 1, len(shape) - shape.tail)].max())
    back = peak - shape.end
    return Rise(
        share=share,
        step=int(shape.first[at]),
        best=part.told(shape.best),
        best_step=int(shape.last[shape.best_at]),
        last=part.told(shape.end),
        noise=shape.noise,
        is_recovering=back > guard and back >= 0.25 * (peak - shape.best),
        is_early=shape.best_at < 0.1 * len(shape) and shape.progress < 0.25 * top < 2.5 * abs(shape.start),
        raised=_raised(rates, int(shape.last[shape.best_at]), int(shape.last[-1]))
        or _harder(shape, rates, at, guard)
        or _ramped(shape, rates, at, guard),
    )


def _calm_noise(shape: Shape) -> float:
    """The noise that gain and rise are held against. What leaps by decades once it has left would hide behind its own
    ups and downs: of a curve that stays above all that it began with, for a fifth of it and to its end, it is that of
    the time up to its best."""
    import numpy as np

    calm = shape.values[: shape.best_at + 1]
    low = np.flatnonzero(shape.smooth <= shape.start)
    above = len(shape) - 1 - int(low[-1]) if len(low) else 0
    if len(calm) < MIN_POINTS or above < max(MIN_POINTS, len(shape) // 5):
        return shape.noise
    return min(shape.noise, noise_of(calm))


def _is_minimised(track: Track) -> bool:
    """Whether it is a loss by its name. An objective may be what is to rise: it has shown otherwise where it fell."""
    words = words_of(track.name)
    return track.role is Role.LOSS and ("objective" not in words or bool(words & {"loss", "losses", "nll"}))


def _grain(part: Part) -> float:
    """The standard error of a share that was counted over a few samples; 0.0 of what is none. Of values that are whole
    multiples of one step, the step is one sample."""
    import numpy as np

    if not part.track.is_quality or part.values.min() < 0 or part.values.max() > 100:
        return 0.0
    whole = 100.0 if part.values.max() > 1 else 1.0
    apart = np.diff(np.unique(part.values)) / whole
    if not len(apart) or apart.min() < 1e-4:
        return 0.0
    steps = apart / apart.min()
    share = float(np.median(part.values)) / whole
    is_counted = bool((np.abs(steps - np.round(steps)) < 0.02).all())
    return whole * float(np.sqrt(share * (1 - share) * apart.min())) if is_counted else 0.0


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
    starts, _ = stretches(returned)
    return len(starts) >= 2


SHARE = 0.1
"""Of the points, how many are on each level of a mixture at the least."""


def _is_mixed(part: Part, shape: Shape, top: float, at: int) -> bool:
    """Whether its points lie on two levels with a gap between them, before it rose as well as after, and neither level
    rose: two tasks that take turns by chance. The median of a block then leaps from one to the other."""
    import numpy as np

    fifth = len(shape) // 5
    first = max(0, min(at - fifth, shape.best_at - 2))
    begin, turn, late = np.searchsorted(part.steps, shape.first[[first, min(at, first + fifth), at]]).tolist()
    turn, late = turn - begin, late - begin
    values = (-part.values if part.track.direction is Direction.HIGHER else part.values)[begin:]
    ordered = np.sort(values)
    inner = ordered[int(SHARE * len(ordered)) : len(ordered) - int(SHARE * len(ordered))]
    gap = int(np.diff(inner).argmax()) if len(inner) > MIN_POINTS else 0
    if len(inner) <= MIN_POINTS or inner[gap + 1] - inner[gap] < 0.25 * top:
        return False
    is_high = values > inner[gap]
    for level in (is_high, ~is_high):
        before, after = values[:turn][level[:turn]], values[late:][level[late:]]
        if len(before) < max(3, SHARE * turn) or len(after) < max(3, SHARE * (len(values) - late)):
            return False
        if np.median(after) - np.median(before) > 0.1 * top:
            return False
    return True


def _raised(rates: Sequence[Track], since: int, until: int) -> str:
    """A learning rate that is at the end at least twice what it was at the best: a schedule that started anew."""
    import numpy as np

    for track in (track for track in rates if track.role is Role.RATE):
        steps, values = track.columns.steps, track.columns.values
        if len(steps) < 2:
            continue
        then = float(values[max(0, int(np.searchsorted(steps, since, side="right")) - 1)])
        now = float(values[max(0, int(np.searchsorted(steps, until, side="right")) - 1)])
        if then > 0 and now >= 2 * then:
            return track.name
    return ""


def _harder(shape: Shape, levels: Sequence[Track], at: int, guard: float) -> str:
    """The level of a curriculum that was raised where the curve rose, block by block, and nowhere else: at each level
    by itself the curve does not rise."""
    import numpy as np

    for track in (track for track in levels if track.role is not Role.RATE):
        steps, values = track.columns.steps, track.columns.values
        raised = steps[1:][np.diff(values) > 0]
        raised = raised[(raised > shape.last[shape.best_at]) & (raised <= shape.last[-1])]
        borders = np.unique(np.searchsorted(shape.last, raised))
        if not len(borders) or at < borders[0] - 1:
            continue
        parts = np.split(shape.values, borders)[1:]
        thirds = [(part[: len(part) // 3], part[-(len(part) // 3) :]) for part in parts if len(part) >= 3]
        if len(thirds) == len(parts) and all(np.median(end) <= np.median(begin) + guard for begin, end in thirds):
            return track.name
    return ""


RAMP = 5
"""Blocks in which a level rose, from which it is a ramp; as many must follow it."""


def _ramped(shape: Shape, levels: Sequence[Track], at: int, guard: float) -> str:
    """The level of a schedule that rose little by little while the curve did, and no longer: since it stands the curve
    does not rise, and while it rose the curve did not leap, most of its way in a tenth of that of the level."""
    import numpy as np

    top = shape.end - shape.best
    for track in (track for track in levels if track.role is not Role.RATE):
        steps, values = track.columns.steps, track.columns.values
        raised = steps[1:][np.diff(values) > 0]
        if not len(raised) or (np.diff(values) < 0).any():
            continue
        first, last = np.searchsorted(shape.last, raised[[0, -1]]).tolist()
        after = shape.values[last + 1 :]
        # A slow rise may be dated before it began: asked is whether the curve had risen when the ramp began.
        is_earlier = shape.best_at < first and shape.smooth[max(0, first - 2)] > shape.best + max(guard, 0.1 * top)
        if last - first < RAMP or len(after) < RAMP or is_earlier or at > last:
            continue
        third = max(1, len(after) // 3)
        way = slice(max(0, at - RAMP), last + 1)
        risen, curve = np.interp(shape.last, steps, values)[way], np.maximum.accumulate(shape.smooth[way])
        tenth = np.searchsorted(risen, risen + 0.1 * float(np.ptp(values)), side="right").clip(max=len(risen) - 1)
        leaps = (curve[tenth] - curve) > 0.6 * top
        if np.median(after[-third:]) <= np.median(after[:third]) + guard and not leaps.any():
            return track.name
    return ""
