"""RA42: the norm of the gradient: growing without bound, vanishing before anything is learned, always at the clip."""
# ruff: noqa: D102  (what a rule checks is told once, in the docstring of its class: users read it too)

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from runaudit.health.rule import TrajectoryRule
from runaudit.health.scale import CALIBRATION, ScalerTrace, patience_from
from runaudit.health.setup import Setup
from runaudit.health.shape import FEW, stretches
from runaudit.health.tracks import Part, Track
from runaudit.records.finding import Finding, Severity
from runaudit.records.segments import Columns
from runaudit.stats.trend import MIN_POINTS
from runaudit.text.words import plural

if TYPE_CHECKING:
    from numpy import ndarray


APART = 10
"""Points from one overflow to the next, at the most, while a scale that fits is searched for."""


class GradExplosion(TrajectoryRule):
    """The gradient norm does not explode.

    A hundred times its usual size, over several stretches and still growing, ends in weights that no later step brings
    back. One that came back, and left the loss lower than it found it, went through a steep place, which is told and
    not warned of. A norm that is not finite is worse; under fp16 a few of those are how the scaler finds its scale:
    those at the start, after which the norm is a number, and one in a hundred later on."""

    code = "RA421"
    name = "grad_explosion"
    severity = Severity.CRITICAL
    limits: ClassVar = {"times": 100.0, "nonfinite": 0.01}
    limit_words: ClassVar = {
        "times": "multiple of the usual norm",
        "nonfinite": "share of norms that are no number, above which it is critical",
    }
    example = "train/grad_norm grew from 0.8 to 310 since step 2100"

    def check(
        self,
        gradients: Sequence[Track],
        learned: Sequence[Track],
        scaler_if_any: ScalerTrace | None,
        setup: Setup,
        goes_on: bool,
    ) -> Iterator[Finding]:
        patience = scaler_if_any.patience if scaler_if_any else patience_from(setup.init_scale)
        for track in gradients:
            yield from self._growing(track, learned)
            is_searching = setup.is_fp16 if scaler_if_any is None else not scaler_if_any.is_disabled
            bad = track.columns.non_finite
            if is_searching:
                bad = bad[_searched(track.columns, patience, is_live=goes_on) :]
            share = len(bad) / track.columns.points
            is_often = share > self.limit("nonfinite") and len(bad) > FEW
            if len(bad) and (is_often or not is_searching):
                yield self.finding(
                    track.name,
                    f"{track.name} is not finite at {len(bad)} of {plural(track.columns.points, 'point')}, first at "
                    f"step {bad.steps[0]}",
                    remedy="find the first such batch; clip by norm after unscaling, cast what overflows to fp32",
                    step=int(bad.steps[0]),
                    severity=Severity.CRITICAL if is_often else Severity.WARNING,
                    evidence={"count": len(bad), "points": track.columns.points, "sure": "observed"},
                )

    def _growing(self, track: Track, learned: Sequence[Track]) -> Iterator[Finding]:
        for part in track.parts:
            shape = part.shape
            if shape is None or len(shape) < MIN_POINTS:
                continue
            values = -shape.values if shape.values.max() <= 0 else shape.values
            usual = _usual_before(values)
            high = values > self.limit("times") * usual
            found = _rising_stretch(high, values)
            if found is None:
                continue
            start, end = found
            at = _left(values, start, float(usual[start]))
            is_back = _came_back(values, start, end) and _fell(learned, int(shape.first[at]))
            yield self.finding(
                track.name,
                f"{part.subject} grew from {usual[start]:.3g} to {values[start:end].max():.3g} since step "
                f"{shape.first[at]}" + (", and came back, with a lower loss" if is_back else ""),
                remedy="clip by norm near its usual size, lower the learning rate or warm up; look at what the loss "
                "divides by",
                step=int(shape.first[at]),
                severity=Severity.INFO if is_back else Severity.CRITICAL,
                evidence={"usual": float(usual[start]), "highest": float(values[start:end].max()), "sure": "observed"},
            )


def _searched(columns: Columns, patience: float, *, is_live: bool) -> int:
    """How many of the norms that are not finite, from the first on, are a scaler's search for a scale that fits: at the
    start, one soon after the other, no more than a search takes, and as many are numbers after them, or may be. Five
    of them in a run of 45 steps, which then trained, were called an explosion."""
    import numpy as np

    steps = np.asarray(columns.non_finite.steps)
    places = np.searchsorted(columns.steps, steps) + np.arange(len(steps))
    first = min(int(steps[0]), int(columns.steps[0])) if len(steps) and len(columns.steps) else 0
    goes_on = (np.diff(places, prepend=-1) <= APART) & (steps <= first + CALIBRATION)
    count = int(np.argmin(goes_on)) if not goes_on.all() else len(steps)
    if not 0 < count <= patience:
        return 0
    return count if is_live or int((columns.steps > steps[count - 1]).sum()) >= count else 0


def _usual_before(values: "ndarray") -> "ndarray":
    """At each place the median of all that came before, of a first tenth at the least."""
    import numpy as np

    least = max(3, len(values) // 10)
    usual = [_middle_above_zero(values[: max(least, at)]) for at in range(len(values))]
    found: ndarray = np.array(usual)
    return found


def _middle_above_zero(values: "ndarray") -> float:
    """The median of what is no zero: a module that is not trained yet has no gradient, and one that begins to have it
    did not explode. Infinite where nothing is known."""
    import numpy as np

    some = values[values > 0]
    return float(np.median(some)) if len(some) else float("inf")


def _rising_stretch(high: "ndarray", values: "ndarray") -> tuple[int, int] | None:
    """Three blocks in a row or more, of which the later ones are about as high as the first."""
    import numpy as np

    for start, end in zip(*stretches(high), strict=True):
        # It need not grow on: a norm that stays where it jumped to is one that does not come back.
        if end - start >= 3 and np.median(values[start + 1 : end]) >= 0.3 * values[start]:
            return int(start), int(end)
    return None


def _came_back(values: "ndarray", start: int, end: int) -> bool:
    """Whether a norm is small again to the end, for five blocks and half of the time since: nearer to what it was
    before than to its top."""
    import numpy as np

    after, top = values[end:], float(values[start:end].max())
    is_high = after > np.sqrt(_middle_above_zero(values[:start]) * top)
    calm = len(after) - int(np.flatnonzero(is_high).max(initial=-1)) - 1
    return calm >= max(5, len(after) / 2)


def _fell(learned: Sequence[Track], since: int) -> bool:
    """Whether every training loss ends lower than it was before this step, by more than its noise. False where none was
    logged, or one was no number since."""
    for track in learned:
        shape = track.shape_since(since)
        bad = track.columns.non_finite.steps
        if shape is None or (len(bad) and bad[-1] >= since) or shape.change_since(since) >= -3 * shape.noise:
            return False
    return bool(learned)


def _left(values: "ndarray", start: int, usual: float) -> int:
    """The block at which the values left their usual size for good, before they were a hundred times as large."""
    import numpy as np

    near = np.flatnonzero(values[:start] <= 2 * usual)
    return int(near[-1]) + 1 if len(near) else start


class GradVanishing(TrajectoryRule):
    """The gradient does not vanish.

    A norm below 1e-7 while the loss is not near its end moves no weight: saturated activations, a cut graph, an fp16
    gradient that was rounded to zero. Where all data are in each step, the norm sinks so at a minimum too, of whatever
    height: it shrinks step by step, and the loss, which has no noise, came to rest with it."""

    code = "RA422"
    name = "grad_vanishing"
    severity = Severity.WARNING
    limits: ClassVar = {"norm": 1e-7, "share": 0.05, "left": 0.1}
    limit_words: ClassVar = {
        "norm": "norm below which it has vanished",
        "share": "for how long, as a share of all points",
        "left": "share of the first loss below which it is learned",
    }
    example = "train/grad_norm is below 1e-07 since step 900, while train/loss has 84 % of its start left"

    def check(self, gradients: Sequence[Track], curves: Sequence[Track], learned: Sequence[Track]) -> Iterator[Finding]:
        import numpy as np

        for track in gradients:
            for part in track.parts:
                if _is_of_a_part(track.name) and (part.values != 0).sum() <= 1:
                    continue  # A module that this stage does not train has none; one value may be of the next stage.
                small = np.abs(part.values) < self.limit("norm")
                if _is_of_a_part(track.name):
                    small[: int((part.values != 0).argmax())] = False  # Not trained yet is not vanished.
                starts, ends = stretches(small)
                lengths = ends - starts
                if not len(lengths) or lengths.max() < max(3, self.limit("share") * len(part.values)):
                    continue
                start = int(starts[int(lengths.argmax())])
                step = int(part.steps[start])
                left = _left_of_loss(curves, step)
                if left is not None and (left < self.limit("left") or _is_at_rest(learned, part, start)):
                    continue
                told = "" if left is None else f", while the loss has {left:.0%} of its start left"
                yield self.finding(
                    track.name,
                    f"{part.subject} is below {self.limit('norm'):g} for {plural(int(lengths.max()), 'point')} since "
                    f"step {step}{told}",
                    remedy="check that the loss reaches these weights; look at activations that saturate, and at the "
                    "loss scale",
                    step=step,
                    severity=Severity.INFO if left is None else Severity.WARNING,
                    evidence={"points": int(lengths.max()), "loss_left": left, "sure": "observed"},
                )


LEAP = 0.01
"""Of a norm that shrinks towards a minimum this much is left from one point to the next at the least."""
REST = 1e-4
"""Of all that it gained a loss at its minimum moves no more than this share."""


def _is_at_rest(learned: Sequence[Track], part: Part, start: int) -> bool:
    """Whether a training came to its minimum: the norm shrank to nothing without a leap, over five points and a decade
    each at the most, and from there on every training loss stood at the lowest that it came to, though it had fallen.
    A loss of single batches would scatter there, and so would their gradients."""
    import numpy as np

    norms = np.abs(part.values[: start + 1])
    before = norms[: len(norms) - 1]
    falling = before[int(before.argmax()) :] if len(before) else before
    if len(falling) < 5 or (norms[len(norms) - len(falling) :] < LEAP * falling).any():
        return False
    step = int(part.steps[start])
    for track in learned:
        values = track.columns.values
        after = values[int(np.searchsorted(track.columns.steps, step)) :]
        gained = float(values[0] - values.min())
        is_low = len(after) >= 5 and float(after.max() - values.min()) <= REST * gained
        if gained < 0.01 * abs(float(values[0])) or not is_low:
            return False
    return bool(learned)


def _left_of_loss(curves: Sequence[Track], step: int) -> float | None:
    """The loss at this step, as a share of where it began; None where no training loss above zero says it."""
    for track in curves:
        shape = track.parts[0].shape if track.is_main and not track.is_held_out and track.parts else None
        if shape is not None and shape.start > 0:
            return float(shape.smooth[shape.block_of(step)]) / shape.start
    return None


class ClipAlwaysActive(TrajectoryRule):
    """Clipping is the exception.

    Where more than half of the steps are clipped, the clip sets the length of every step and the learning rate no
    longer means what it says. Read is the config's `max_grad_norm`, `gradient_clip_val`, `grad_clip` and the like."""

    code = "RA423"
    name = "clip_always_active"
    severity = Severity.INFO
    limits: ClassVar = {"share": 0.5}
    limit_words: ClassVar = {
        "share": "share of the steps of the second half that are clipped",
    }
    example = "train/grad_norm is at or above the clip of 1.0 in 93 % of the second half"

    def check(self, gradients: Sequence[Track], clip: float) -> Iterator[Finding]:
        for track in (track for track in gradients if not _is_of_a_part(track.name)):
            values, steps = track.columns.values, track.columns.steps
            half = values[len(values) // 2 :]
            share = float((half >= 0.999 * clip).mean()) if len(half) >= MIN_POINTS else 0.0
            if share > self.limit("share"):
                active = values >= 0.999 * clip
                yield self.finding(
                    track.name,
                    f"{track.name} is at or above the clip of {clip:g} in {share:.0%} of the second half",
                    remedy="log the norm before clipping; clip near its 90th percentile, or lower the learning rate",
                    step=int(steps[int(active.argmax())]),
                    evidence={"share": share, "clip": clip, "sure": "observed"},
                )


def _is_of_a_part(name: str) -> bool:
    """Whether a norm is that of one layer or module: those are not what is clipped."""
    return not {"norm", "gradnorm", "gnorm", "grad"} & set(name.lower().replace("_", "/").split("/")[-1:])


RULES: tuple[TrajectoryRule, ...] = (GradExplosion(), GradVanishing(), ClipAlwaysActive())
