"""RA404, RA405: curves that stand still: a number that depends on the network no longer, a loss never learned."""
# ruff: noqa: D102  (what a rule checks is told once, in the docstring of its class: users read it too)

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from runaudit.health.rule import TrajectoryRule
from runaudit.health.setup import Setup
from runaudit.health.shape import HUGE
from runaudit.health.tracks import Part, Track, words_of
from runaudit.metrics.catalogue import Direction
from runaudit.metrics.roles import Role
from runaudit.records.finding import Finding, Severity
from runaudit.stats.trend import MIN_POINTS
from runaudit.text.words import plural

if TYPE_CHECKING:
    from numpy import ndarray

CEILINGS = (0.0, 1.0, 100.0)
"""Where an accuracy or an error ends."""


class Frozen(TrajectoryRule):
    """A loss changes from step to step.

    The same number to the last bit, again and again, is a loss that no longer depends on the network: a metric that is
    not updated, a graph that was cut, gradients that are zero, a batch that is never exchanged. One that was come to by
    steps of the last digit that is written has come to rest, which is told and not warned of."""

    code = "RA404"
    name = "frozen"
    severity = Severity.CRITICAL
    limits: ClassVar = {"points": 20.0, "share": 0.02}
    limit_words: ClassVar = {
        "points": "equal values in a row, at the least",
        "share": "and as a share of all points",
    }
    example = "train/loss is 0.6931471805599453 at 4800 points in a row from step 200 on"

    def check(self, curves: Sequence[Track]) -> Iterator[Finding]:
        learned = [track for track in curves if track.is_main and not track.is_held_out]
        for track in curves:
            for part in track.parts:
                start, length = _longest_still(part.values)
                if length < max(self.limit("points"), self.limit("share") * len(part.values)):
                    continue
                value, step = float(part.values[start]), int(part.steps[start])
                if not (track.is_main or track.role is Role.LOSS) and (
                    value in CEILINGS or (length == len(part.values) and not track.is_plain_quality)
                ):
                    continue  # A baseline, or a setting, was never meant to move; what is perfect cannot.
                is_broken = value != 0 or start == 0  # What was learned by heart may come down to nothing.
                is_sure = track.is_main and not track.is_held_out and is_broken and not _is_rounded(part.values)
                is_stuck = track.is_held_out and value != 0 and _is_stuck(part, start, length, learned)
                yield self.finding(
                    track.name,
                    f"{part.subject} is {value:.6g} at {length} points in a row from step {step} on"
                    + (", while the training went on" if is_stuck else ""),
                    remedy="check that what is logged is computed anew at each step, and that the loss has a gradient",
                    step=step,
                    severity=Severity.CRITICAL if is_sure else Severity.WARNING if is_stuck else Severity.INFO,
                    evidence={"value": value, "points": length, "sure": "observed"},
                )


def _is_stuck(part: Part, start: int, length: int, learned: Sequence[Track]) -> bool:
    """Whether a held-out number that stands still is one that should not: a loss to all its digits, or a count over a
    set that is the same from early on to the end, or while the training loss still fell by a good part."""
    track = part.track
    if track.is_main:
        return not _is_rounded(part.values)
    if not track.is_plain_quality or _is_settled(part, start):
        return False
    if start <= 0.2 * len(part.values) and start + length == len(part.values):
        return True
    until = int(part.steps[start + length - 1])
    for one in learned:
        shape = one.shape_since(int(part.steps[start]))
        if shape is not None:
            fell = float(shape.smooth[shape.block_of(int(part.steps[start]))] - shape.smooth[shape.block_of(until)])
            if fell > max(5 * shape.noise, 0.1 * shape.progress):
                return True
    return False


def _is_settled(part: Part, start: int) -> bool:
    """Whether an accuracy came to where it stands by half the way and more to what is perfect: of a few examples the
    same ones are then right again and again."""
    if start == 0 or part.values.min() < 0 or part.values.max() > 100:
        return False
    whole = 100.0 if part.values.max() > 1 else 1.0
    value, before = float(part.values[start]), part.values[:start]
    return bool(value >= before.max() and value - before[0] >= 0.5 * (whole - before[0]))


def _longest_still(values: "ndarray") -> tuple[int, int]:
    """Where the longest stretch of one value begins, and how many points it has."""
    import numpy as np

    if not len(values):
        return 0, 0
    starts = np.append(0, np.flatnonzero(values[1:] != values[:-1]) + 1)
    lengths = np.diff(np.append(starts, len(values)))
    at = int(lengths.argmax())
    return int(starts[at]), int(lengths[at])


def _is_rounded(values: "ndarray") -> bool:
    """Whether a stretch of equal numbers may say no more than that the curve moves slowly: neighbours are often equal
    although it moves, or the stretch was come to by steps of the last digit that is written. What freezes leaves off
    anywhere in its noise, which is many of those."""
    import numpy as np

    start, length = _longest_still(values)
    rest = np.concatenate([values[:start], values[start + length :]])
    if len(rest) >= MIN_POINTS and len(np.unique(rest)) < 0.5 * len(rest):
        return True
    before = values[max(0, start - BEFORE) : start]
    if len(before) < BEFORE:
        return False
    away = np.abs(before - values[start]) <= NEAR * _digit(np.append(before, values[start]))
    return bool(away[-1]) and int(away.sum()) > BEFORE // 2


BEFORE = 5
"""Points before a stretch of equal numbers that tell how it was come to."""
NEAR = 3.5
"""Steps of the last written digit that they lie from it at most."""
SINGLE = 2.0**-23
"""The last digit of a number of single precision, as a share of it."""


def _digit(values: "ndarray") -> float:
    """One step of the last digit that these numbers are written with, six decimals or six places at the most; else that
    of single precision."""
    import numpy as np

    size, largest = float(np.abs(values[-1])), float(np.abs(values).max())
    finest = SINGLE * size
    for places in range(16):
        step = 10.0**-places
        if step < 1e-6 * size:
            break
        if (np.abs(values - step * np.round(values / step)) <= min(0.01 * step, SINGLE * largest)).all():
            return max(step, finest)
    return finest


class NotLearning(TrajectoryRule):
    """The loss goes down.

    A loss that ends where it began, with no trend in between, is a network that does not learn: a learning rate far too
    low or too high, frozen weights, labels that say nothing, a loss without a gradient. Where no training loss was
    logged, accuracies and the like are asked; one that begins high may have been learned before its first value."""

    code = "RA405"
    name = "not_learning"
    severity = Severity.WARNING
    requires = frozenset({"RA402"})
    limits: ClassVar = {"improvement": 0.02, "points": 20.0, "live_points": 300.0}
    limit_words: ClassVar = {
        "improvement": "what is no improvement yet, as a share of the loss",
        "points": "points a curve must have",
        "live_points": "points it must have while the run goes on",
    }
    example = "train/loss is 2.303 at the start and 2.302 at the end of 4000 points: it did not get below its noise"

    def check(
        self,
        curves: Sequence[Track],
        rates: Sequence[Track],
        setup: Setup,
        goes_on: bool,
    ) -> Iterator[Finding]:
        # A run that has only begun has not failed to learn.
        if goes_on and _is_warming_up(rates):
            return
        least_points = self.limit("live_points" if goes_on else "points")
        # A surrogate has no level, and a fine-tuned network is near its loss when it starts: where what the training
        # is for improves, it learns.
        if any(_has_gained(one, self.limit("improvement")) for one in curves):
            return
        for track in _learned(curves):
            first = track.parts[0] if track.parts else None
            if first is None or first.shape is None:
                continue
            shape = first.shape
            if (
                shape.points < least_points
                or abs(shape.start) >= HUGE
                or _longest_still(first.values)[1] == shape.points
            ):
                continue
            size, least = max(abs(shape.start), abs(shape.end)), self.limit("improvement")
            if shape.start - shape.end > max(least * size, min(3 * shape.noise, 0.1 * size)):
                continue
            if shape.progress > max(5 * shape.noise, 0.1 * size) or (found := shape.trend_of(0)) is None:
                continue
            # Over many points the least drift is certain; it is a trend where it comes to something.
            if found.p < 0.01 and abs(found.slope) * len(shape) > least * size:
                continue
            # What was learned before the first value nobody knows: it must come at once, or after one more such step.
            begins, second = int(first.steps[0]), int(first.steps[1])
            is_fresh = setup.init_kind in (None, "random") and begins <= max(0.01 * first.steps[-1], second - begins)
            is_fresh = is_fresh and (track.is_main or _is_low(first))
            began, ended = first.told(shape.start), first.told(shape.end)
            beyond = "above" if track.direction is Direction.HIGHER else "below"
            yield self.finding(
                track.name,
                f"{first.subject} is {began:.4g} at the start and {ended:.4g} at the end of "
                f"{plural(shape.points, 'point')}: it did not get {beyond} "
                "what its noise explains",
                remedy="check that it can learn one batch by heart; then the learning rate, which weights have a "
                "gradient, and the labels",
                step=int(first.steps[0]),
                severity=Severity.WARNING if is_fresh else Severity.INFO,
                evidence={"start": began, "end": ended, "p": found.p, "noise": shape.noise, "sure": "likely"},
            )


def _has_gained(track: Track, least: float) -> bool:
    """Whether a curve ends better than it began, by more than its noise; a loss by what is an improvement, or if it
    still falls in its second half: what drops at once and stands still from there has found the level of a guess."""
    if not len(track.columns.steps) or not track.has_improved_since(first := int(track.columns.steps[0])):
        return False
    shape = track.shape_since(first)
    if track.is_quality or shape is None or -shape.change_since(first) > least * abs(shape.start):
        return True
    late = shape.trend_of(len(shape) // 2)
    return late is not None and late.p < 0.01 and late.is_falling


def _learned(curves: Sequence[Track]) -> Sequence[Track]:
    """The training losses; where none was logged, what is called a quality and no more."""
    main = [track for track in curves if track.is_main]
    return [one for one in main if not one.is_held_out] if main else [one for one in curves if one.is_plain_quality]


def _is_low(part: Part) -> bool:
    """Whether it is an accuracy in the lower half of what there is: a high one was learned before its first value, and
    of another quality nobody knows what is low."""
    low, high = float(part.values.min()), float(part.values.max())
    return bool(words_of(part.track.name) & {"acc", "accuracy"}) and low >= 0 and (high <= 0.5 or 1 < high <= 50)


def _is_warming_up(rates: Sequence[Track]) -> bool:
    """Whether a learning rate still rises to where it has never been."""
    for track in rates:
        values = track.columns.values
        if len(values) > 1 and values[-1] == values.max() > values[:-1].max():
            return True
    return False


RULES: tuple[TrajectoryRule, ...] = (Frozen(), NotLearning())
