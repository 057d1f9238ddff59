"""RA406 to RA408: the last third of a validation curve.

A plateau is where every good training ends, and a curve that still improves is no fault: both are told as facts. What
is warned of is a curve that swings, which makes its last value a matter of luck.
"""
# ruff: noqa: D102  (what a rule checks is told once, in the docstring of its class: users read it too)

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from runaudit.health.best import Best
from runaudit.health.rule import TrajectoryRule
from runaudit.health.shape import SCATTER, Shape, running_mean
from runaudit.health.tracks import Part, Track
from runaudit.records.finding import Finding, Severity
from runaudit.stats.digits import show_p
from runaudit.stats.trend import MIN_POINTS, Trend

if TYPE_CHECKING:
    from numpy import ndarray


@dataclass(frozen=True, eq=False, kw_only=True)
class Late:
    """The last third of the part that is judged. total: what it improved over the whole part. scatter: of the third
    about its own line, as a standard deviation. gain: what a further third would add at this slope."""

    part: Part
    shape: Shape
    begins: int
    values: "ndarray"
    trend: Trend
    total: float
    scatter: float

    @property
    def gain(self) -> float:
        """What a further third would improve at this slope."""
        return -self.trend.slope * len(self.values)


def late_of(part: Part) -> Late | None:
    """The last third; None of a part with fewer than ten blocks in it, or without any progress to measure against."""
    import numpy as np

    shape = part.shape
    if shape is None:
        return None
    begins = len(shape) - max(MIN_POINTS, len(shape) // 3)
    found = shape.trend_of(begins) if begins >= 5 else None
    total = shape.progress
    if found is None or total <= shape.noise:
        return None
    values = shape.values[begins:]
    line = found.slope * np.arange(len(values))
    about = values - line
    scatter = float(SCATTER * np.median(np.abs(about - np.median(about))))
    return Late(part=part, shape=shape, begins=begins, values=values, trend=found, total=total, scatter=scatter)


def judged_part(held_out: Sequence[Track], losses: Sequence[Track], best: Best | None) -> Part | None:
    """The part that says whether training was long enough: the last one of the held-out series that is judged; where
    nothing was held out, of the training loss."""
    named = [track for track in held_out if best is not None and track.name == best.metric]
    main = [track for track in losses if track.is_main and not track.is_held_out]
    for track in [*named, *main]:
        if track.parts and late_of(track.parts[-1]) is not None:
            return track.parts[-1]
    return None


class Plateau(TrajectoryRule):
    """The last third still improves.

    Where it does not, further steps at this learning rate are spent for nothing. Most good trainings end so."""

    code = "RA406"
    name = "plateau"
    yields_to = frozenset({"RA402"})
    severity = Severity.INFO
    limits: ClassVar = {"gain": 0.02, "scatter": 0.05}
    limit_words: ClassVar = {
        "gain": "change over the last third that is none, as a share of all that was gained",
        "scatter": "the most it may scatter there, as the same share",
    }
    example = "val/l1 gets no further: its last third changed by 0.3 % of all that was gained"

    def check(self, lates: Sequence[Late]) -> Iterator[Finding]:
        for late in lates:
            yield from self._of(late)

    def _of(self, late: Late) -> Iterator[Finding]:
        # Over many points the least slope is certain: what counts is what it comes to.
        if abs(late.gain) >= self.limit("gain") * late.total:
            return
        if late.scatter >= self.limit("scatter") * late.total:
            return
        further = "hardly gets further" if late.trend.is_falling else "gets no further"
        yield self.finding(
            late.part.track.name,
            f"{late.part.subject} {further}: its last third changed by {abs(late.gain) / late.total:.1%} of all "
            "that was gained",
            remedy="a lower learning rate may gain more than more steps at this one",
            step=_flat_since(late),
            evidence={"p": late.trend.p, "gain": late.gain, "total": late.total, "sure": "likely"},
        )


def _flat_since(late: Late) -> int:
    """The step at which the fall was over: of curves that fall to a level and stay there, by a power that ends at a
    step or an exponential of which one part in a hundred is left there, the one that fits best by least squares."""
    import numpy as np

    shape = late.shape
    count = len(shape)
    ends = np.arange(max(3, count // 10), count)
    left = np.clip(1 - np.arange(count)[None] / ends[:, None], 0, 1)
    falls = [left**power for power in (1.0, 1.5, 2.0, 2.5)]
    falls.append(np.exp(np.log(0.01) * np.arange(count)[None] / ends[:, None]))
    values = shape.values - shape.values.mean()
    errors = []
    for fall in falls:
        centred = fall - fall.mean(axis=1, keepdims=True)
        explained = (centred @ values) ** 2 / np.maximum((centred**2).sum(axis=1), 1e-300)
        errors.append(-explained)
    return int(shape.first[int(ends[int(np.min(errors, axis=0).argmin())])])


class Oscillation(TrajectoryRule):
    """The last third does not swing.

    A validation that goes up and down by a good part of what was gained, without getting anywhere, makes the last value
    a matter of luck: which checkpoint is reported decides the result."""

    code = "RA407"
    name = "oscillation"
    requires = frozenset({"RA402"})
    severity = Severity.WARNING
    limits: ClassVar = {"amplitude": 0.1, "z": 2.33, "half_swings": 3.0}
    limit_words: ClassVar = {
        "amplitude": "trough to crest, as a share of all that was gained",
        "z": "how far from chance turns or a period are, in standard deviations",
        "half_swings": "times that it went up or down by half of the swing",
    }
    example = "val/l1 swings by 24 % of all that was gained since step 4200, turning at every second point"

    def check(self, late: Late, rates: Sequence[Track]) -> Iterator[Finding]:
        swing = _swing(late)
        if swing <= self.limit("amplitude") * late.total or (late.trend.p < 0.05 and abs(late.gain) > 0.5 * swing):
            return
        # All that swings is looked at: a third of a sparse curve holds too few ups and downs.
        since = _swings_since(late, swing)
        begins = min(since, late.begins)
        if _half_swings(late.shape.values[begins:], swing) < self.limit("half_swings"):
            return
        z, peak = _turning_points(late.shape.values[begins:]), _periodicity(late.shape.values[begins:])
        if z <= self.limit("z") and peak < self.limit("z"):
            return
        cyclic = [track for track in rates if _is_cyclic(track)]
        is_known = bool(rates) and not cyclic
        why = (
            f", as {cyclic[0].name} does" if cyclic else "" if rates else "; no learning rate was logged to explain it"
        )
        yield self.finding(
            late.part.track.name,
            f"{late.part.subject} swings by {swing / late.total:.0%} of all that was gained since step "
            f"{late.shape.first[since]}, and gets nowhere{why}",
            remedy="report a value chosen by a stated rule, or a mean of weights, not the last one; try a lower "
            "learning rate at the end",
            step=int(late.shape.first[since]),
            severity=Severity.WARNING if is_known and late.part.track.is_held_out else Severity.INFO,
            evidence={"swing": swing, "total": late.total, "z": z, "periodicity": peak, "sure": "likely"},
        )


def _swing(late: Late) -> float:
    """From trough to crest: between the tenth and the ninetieth part of the values about their line."""
    import numpy as np

    about = late.values - late.trend.slope * np.arange(len(late.values))
    return float(np.quantile(about, 0.9) - np.quantile(about, 0.1))


def _half_swings(values: "ndarray", swing: float) -> int:
    """How often it went from high to low or back, by more than half of the swing: one leap that stays is none."""
    ways = low = high = 0
    lowest = highest = float(values[0])
    for value in map(float, values):
        lowest, highest = min(lowest, value), max(highest, value)
        if not high and value - lowest > 0.5 * swing:
            ways, low, high, highest = ways + 1, 0, 1, value
        elif not low and highest - value > 0.5 * swing:
            ways, low, high, lowest = ways + 1, 1, 0, value
    return ways


def _swings_since(late: Late, swing: float) -> int:
    """The block since which it swings: the first of the values far from the middle that follow without a long pause."""
    import numpy as np

    shape = late.shape
    # About a mean: the median of ups and downs by turns is one of the two.
    apart = np.abs(shape.values - running_mean(shape.values, 0.12))
    far = np.flatnonzero((apart > 0.3 * swing) & (shape.values <= float(np.median(late.values)) + swing))
    if not len(far):
        return late.begins
    pauses = np.flatnonzero(np.diff(far) > max(4, 0.09 * len(shape)))
    at = int(far[int(pauses[-1]) + 1 if len(pauses) else 0])
    # The first swing began where it left the middle.
    near = np.flatnonzero(apart[:at] <= 0.1 * swing)
    return int(near[-1]) + 1 if len(near) else at


def _turning_points(values: "ndarray") -> float:
    """How many more turning points than noise has, in standard deviations (Bienayme): ups and downs of period two."""
    import numpy as np

    steps = np.sign(np.diff(values))
    steps = steps[steps != 0]
    count = len(steps) + 1
    if count < MIN_POINTS:
        return 0.0
    turns = int((steps[1:] != steps[:-1]).sum())
    return float((turns - 2 * (count - 2) / 3) / np.sqrt((16 * count - 29) / 90))


def _periodicity(values: "ndarray") -> float:
    """How far the highest peak of the periodogram stands above chance, in the scale of the other test: Fisher's g,
    whose probability under noise is at most n (1 - g)^(n - 1), turned into a deviate."""
    from statistics import NormalDist

    import numpy as np

    centred = values - np.polyval(np.polyfit(np.arange(len(values)), values, 1), np.arange(len(values)))
    power = np.abs(np.fft.rfft(centred))[1:] ** 2
    # The two slowest are drifts of a third of a training, which no one calls a swing.
    power = power[2:]
    if len(power) < 4 or not power.sum() > 0:
        return 0.0
    g = float(power.max() / power.sum())
    p = min(1.0, len(power) * (1 - g) ** (len(power) - 1))
    return NormalDist().inv_cdf(1 - max(p, 1e-15)) if p < 1 else 0.0


def _is_cyclic(track: Track) -> bool:
    """Whether a learning rate goes up again after its first tenth, twice at the least."""
    import numpy as np

    values = track.columns.values
    later = values[len(values) // 10 :]
    if len(later) < 3:
        return False
    moves = np.sign(np.diff(later))
    moves = moves[moves != 0]
    return int(((moves[1:] > 0) & (moves[:-1] < 0)).sum()) + int(len(moves) and moves[0] > 0) >= 2


class NeedsMoreEpochs(TrajectoryRule):
    """The training was long enough.

    Where the last third still improves steadily, a comparison with a run that was given more steps says nothing of
    the method."""

    code = "RA408"
    name = "needs_more_epochs"
    requires = frozenset({"RA402"})
    severity = Severity.INFO
    limits: ClassVar = {"gain": 0.05}
    limit_words: ClassVar = {
        "gain": "what a further third would gain, as a share of all that was gained",
    }
    example = "val/l1 still improves: a further third of the steps would gain another 9 % of all that was gained"

    def check(self, late: Late, rates: Sequence[Track], goes_on: bool) -> Iterator[Finding]:
        if goes_on or not late.trend.is_falling or late.gain <= max(self.limit("gain") * late.total, late.scatter):
            return  # What goes on is given its further steps.
        lost = late.part.track.columns.non_finite.steps
        if len(lost) and lost[-1] > late.shape.last[-1]:
            return  # It ended in values that are no numbers: more steps would gain nothing.
        if _has_ended(rates) or late.total <= 5 * late.shape.noise:
            return  # A slope of what never came out of its noise is chance.
        yield self.finding(
            late.part.track.name,
            f"{late.part.subject} still improves: at the slope of its last third, as many steps again would gain "
            f"another {late.gain / late.total:.0%} of all that was gained (p {show_p(late.trend.p)})",
            remedy="train longer before this is compared with a run that was; the slope may well flatten",
            step=int(late.shape.last[-1]),
            evidence={"p": late.trend.p, "gain": late.gain, "total": late.total, "sure": "hint"},
        )


def _has_ended(rates: Sequence[Track]) -> bool:
    """Whether every learning rate has come down to about nothing: the schedule is over, and more steps need another."""
    ended = [
        float(t.columns.values[-1]) <= 0.02 * float(t.columns.values.max()) for t in rates if len(t.columns.values)
    ]
    return bool(ended) and all(ended)


RULES: tuple[TrajectoryRule, ...] = (Plateau(), Oscillation(), NeedsMoreEpochs())
