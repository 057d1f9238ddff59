"""RA41: the loss scale of fp16 training, judged by how it moves.

PyTorch's GradScaler halves its scale after a step with a gradient that is not finite, skips that step, and doubles the
scale after 2,000 clean ones. So a healthy scale climbs above 65536 and goes up and down like a saw: no line it crosses
says anything by itself. With skips of probability p a step the scale drifts by p(q^G/(1-q^G) - 1) powers of two a step
(q = 1 - p, G = 2,000), which is zero at p = 0.035 %: beyond that it falls without end. What is told is the non-finite
gradients, which are seen; a scale that is low then risks underflow, it does not indicate one.
"""
# ruff: noqa: D102  (what a rule checks is told once, in the docstring of its class: users read it too)

from collections.abc import Iterator
from typing import ClassVar

from runaudit.health.counted import Counter
from runaudit.health.rule import TrajectoryRule
from runaudit.health.scale import APART, CALIBRATION, SMALLEST, ScalerTrace, fall_to, holds, patience_from
from runaudit.health.setup import Setup
from runaudit.records.finding import Finding, Severity
from runaudit.text.words import plural


class ScalerCollapse(TrajectoryRule):
    """The loss scale does not collapse.

    The scaler halves its scale after every step whose gradients are not finite, and skips that step. A scale that keeps
    falling means that such steps come faster than it can recover from: the network makes NaN or infinite gradients,
    and below a scale of some hundreds small gradients are rounded to zero besides. The search for a scale that fits, in
    the first hundred steps, is none: what comes after it is judged, against the scale that it found."""

    code = "RA411"
    name = "scaler_collapse"
    severity = Severity.CRITICAL
    limits: ClassVar = {"warn": 1 / 4, "critical": 1 / 64}
    limit_words: ClassVar = {
        "warn": "share of the first scale, of 65536 at most, below which is warned",
        "critical": "share below which it is critical",
    }
    example = "the loss scale fell from 65536 to 512 between step 1200 and step 2100: 7 halvings, 0 growths"

    def check(self, scaler: ScalerTrace) -> Iterator[Finding]:
        if len(scaler.scale) > 1 and (scaler.scale[-2:] <= 0).all():
            step = int(scaler.steps[int((scaler.scale <= 0).argmax())])
            yield self.finding(
                scaler.name,
                f"the loss scale is {_scale(float(scaler.scale[-1]))} since step {step}: every gradient is multiplied "
                "by it",
                remedy="look at what set it; a scaler's scale is above zero",
                step=step,
                evidence={"last": float(scaler.scale[-1]), "sure": "observed"},
            )
            return
        is_at_rest, scaler = holds(scaler), scaler.searched
        crossing = None if scaler.is_disabled else scaler.line(self.limit("warn"))
        if crossing is None or is_at_rest:
            return
        fall = fall_to(scaler, crossing)
        if not fall.is_falling or fall.is_regrown:
            return
        # Told is the whole way down, and counted what happened on it.
        top, bottom = max(0, fall.at - 1), crossing + int(scaler.scale[crossing:].argmin())
        moves, lowest = scaler.changes[top:bottom], float(scaler.scale[bottom])
        halvings, growths = round(-float(moves[moves < 0].sum())), round(float(moves[moves > 0].sum()))
        is_critical = lowest < scaler.reference * self.limit("critical")
        # Told as what was seen: between two logged points the scale may have gone up and down unseen.
        yield self.finding(
            scaler.name,
            f"the loss scale fell from {_scale(float(scaler.scale[top]))} at step {scaler.steps[top]} to "
            f"{_scale(lowest)} at step {scaler.steps[bottom]}: at least {plural(halvings, 'halving')} and "
            f"{plural(growths, 'growth')} in that time, so gradients were not finite again and again",
            remedy="look at the first batch with a non-finite gradient; cast what overflows (FFT, large sums) to fp32, "
            "lower the learning rate or warm up, or train in bf16",
            step=int(scaler.steps[fall.at]),
            severity=Severity.CRITICAL if is_critical else Severity.WARNING,
            evidence={"from": float(scaler.scale[top]), "lowest": lowest, "halvings": halvings,
                      "growths": growths, "last": float(scaler.scale[-1]), "sure": "observed"},
        )  # fmt: skip


class ScalerLow(TrajectoryRule):
    """The loss scale is low but holds.

    A scale that settled low and stays is a working scaler: something in the network needs it so. It is worth a look,
    since small gradients are nearer to being rounded to zero, and no reason to stop."""

    code = "RA412"
    name = "scaler_low"
    severity = Severity.INFO
    limits: ClassVar = {"line": 1 / 4}
    limit_words: ClassVar = {
        "line": "share of the first scale below which it is low",
    }
    requires = frozenset({"RA411"})
    example = "the loss scale settled at 4096 from step 900 on and holds"

    def check(self, scaler: ScalerTrace) -> Iterator[Finding]:
        import numpy as np

        if scaler.is_disabled or scaler.scale[-1] >= scaler.reference * self.limit("line"):
            return
        if not holds(scaler):
            return
        # A saw that touches the line on its way up is still a low one.
        line = scaler.reference * self.limit("line")
        above = np.flatnonzero(scaler.scale >= 2 * line)
        at = int(above[-1]) + 1 if len(above) else 0
        at += int((scaler.scale[at:] < line).argmax())
        yield self.finding(
            scaler.name,
            f"the loss scale is {_scale(float(scaler.scale[-1]))}, below a quarter of {_scale(scaler.reference)}, "
            f"since step {scaler.steps[at]}, and holds",
            remedy="nothing need be done; if small gradients matter, look at which part needs so low a scale",
            step=int(scaler.steps[at]),
            evidence={"last": float(scaler.scale[-1]), "reference": scaler.reference, "sure": "observed"},
        )


class NonfiniteBurst(TrajectoryRule):
    """Non-finite gradients come one at a time.

    Several skipped steps in a row, after which the scale grew back, are a burst: a few bad batches, or an unstable
    stretch that the training left again."""

    code = "RA413"
    name = "nonfinite_burst"
    severity = Severity.INFO
    limits: ClassVar = {"skips": 5.0}
    limit_words: ClassVar = {
        "skips": "steps skipped in a row",
    }
    requires = frozenset({"RA411"})
    example = "6 steps were skipped in a row from step 1200 on; the scale grew back"

    def check(self, scaler: ScalerTrace) -> Iterator[Finding]:
        if scaler.is_disabled:
            return
        found = [
            (int(scaler.steps[start]), float(depth))
            for start, depth in zip(*scaler.halving_runs, strict=True)
            if depth >= self.limit("skips") and scaler.steps[start] > scaler.steps[0] + CALIBRATION
        ]
        if found:
            step, depth = max(found, key=lambda one: one[1])
            yield self.finding(
                scaler.name,
                f"at least {plural(int(depth), 'step')} in a row had non-finite gradients and were skipped at step "
                f"{step}" + (f", and so it was at {plural(len(found) - 1, 'other place')}" if len(found) > 1 else ""),
                remedy="log which batches these were, and whether they are the same in another seed",
                step=step,
                evidence={"skips": depth, "bursts": len(found), "sure": "observed"},
            )


class OptimizerNotStepping(TrajectoryRule):
    """The optimiser steps.

    A step with non-finite gradients is skipped. Where every step is, nothing is learned, though loss curve, GPU and
    clock go on. Read are counters as `amp/skipped` or `skipped_steps`, which grow from step to step, flags of each step
    as `found_inf` or `step_skipped`, and the scale. A series that goes from 0 to 1 and stays there may be either. From
    2^32 the search for a scale that fits takes more than twenty steps: the first ones, if others followed, are no
    failure."""

    code = "RA414"
    name = "optimizer_not_stepping"
    severity = Severity.CRITICAL
    limits: ClassVar = {"skips": 20.0}
    limit_words: ClassVar = {
        "skips": "steps skipped in a row, more than",
    }
    example = "no step from step 1200 to step 1262 was taken: 62 skipped in a row"

    def check(
        self, stepping: "ScalerTrace | Counter", scaler_if_any: ScalerTrace | None, setup: Setup, goes_on: bool
    ) -> Iterator[Finding]:
        is_counted = isinstance(stepping, Counter)
        if isinstance(stepping, Counter) and stepping.is_either:
            yield from self._either(stepping)
            return
        if isinstance(stepping, Counter):
            pairs = [(int(step), float(length)) for step, length in zip(*stepping.runs, strict=True)]
        elif stepping.is_disabled:
            return
        else:
            pairs = [(int(stepping.steps[at]), float(depth)) for at, depth in zip(*stepping.halving_runs, strict=True)]
        patience = scaler_if_any.patience if scaler_if_any else patience_from(setup.init_scale)
        long = [
            one
            for one in pairs
            if one[1] > self.limit("skips") and not _is_search(stepping, *one, patience=patience, goes_on=goes_on)
        ]
        if long:
            step, length = max(long, key=lambda one: one[1])
            how = "" if is_counted else " (the scale halved so often without growing once)"
            steps = "logged steps" if isinstance(stepping, Counter) and stepping.is_flag else "steps"
            yield self.finding(
                stepping.name,
                f"{length:.0f} {steps} in a row from step {step} were skipped{how}: the weights did not change",
                remedy="stop the run: nothing is learned; find what makes the gradients non-finite at that step",
                step=step,
                evidence={"skips": length, "sure": "observed" if is_counted else "lower bound"},
            )

    def _either(self, counter: Counter) -> Iterator[Finding]:
        """One step, or every one: told, since nobody passed it."""
        points = int((counter.counts > 0).sum())
        if points > self.limit("skips"):
            step = int(counter.steps[int((counter.counts > 0).argmax())])
            yield self.finding(
                counter.name,
                f"{counter.name} is 1 from step {step} to the end: one step was skipped if it is a count, every one "
                "since if it is told of each step",
                remedy="log the loss scale as well, or a count as `skipped_steps`: then it is judged",
                step=step,
                severity=Severity.INFO,
                evidence={"points": points, "sure": "hint"},
            )


def _is_search(stepping: ScalerTrace | Counter, step: int, length: float, *, patience: float, goes_on: bool) -> bool:
    """Whether steps that were skipped in a row are the search for a scale that fits: the first ones of a run, no more
    than it takes from where the scale began, and others came after them, or may come."""
    first, last = int(stepping.steps[0]), int(stepping.steps[-1])
    if step > max(first + APART, int(stepping.steps[min(1, len(stepping.steps) - 1)])) or length > patience:
        return False
    if isinstance(stepping, ScalerTrace) and stepping.search:
        return True
    is_over = last - step >= 2 * length
    return (goes_on and not is_over) or (is_over and isinstance(stepping, Counter))


class ScalerStateNotRestored(TrajectoryRule):
    """A resumed run goes on with its scale.

    A scaler that begins anew at a resume repeats the search for a scale that fits: the first steps are skipped, and the
    run is not the one that was interrupted."""

    code = "RA415"
    name = "scaler_state_not_restored"
    severity = Severity.WARNING
    example = "the loss scale was 4096 before the resume and 65536 at step 5001, after it: it began anew at 65536"

    def check(self, scaler: ScalerTrace) -> Iterator[Finding]:
        import numpy as np

        if scaler.is_disabled:
            return
        begun = scaler.init_scale or float(scaler.scale[0])
        for step in scaler.resumes:
            # What was logged at that very step is told of the step before.
            at = int(np.searchsorted(scaler.steps, step, side="right"))
            if not 0 < at < len(scaler.steps) or scaler.steps[at] - step >= scaler.growth_interval:
                continue
            before, after = float(scaler.scale[at - 1]), float(scaler.scale[at])
            # No scaler doubles twice at once; and it falls to where it began by chance only if it fell step by step. A
            # scale that moves by one power of two at the very step may have done so by itself: once in 2,000 steps.
            is_sure = after >= 4 * max(before, SMALLEST) or (begun / 4 <= after <= begun and before >= 4 * after)
            is_near = after != before and after in (begun, begun / 2) and scaler.steps[at] - step <= 2
            if is_sure or is_near:
                anew = after if after > begun else begun  # What was logged first may be what came out of a search.
                yield self.finding(
                    scaler.name,
                    f"the loss scale was {_scale(before)} before the resume and {_scale(after)} at step "
                    f"{scaler.steps[at]}, after "
                    f"it: it {'' if is_sure else 'may have '}{'began' if is_sure else 'begun'} anew at {_scale(anew)}",
                    remedy="save scaler.state_dict() with the checkpoint and load it when the run goes on",
                    step=int(scaler.steps[at]),
                    severity=Severity.WARNING if is_sure else Severity.INFO,
                    evidence={"before": before, "after": after, "sure": "likely" if is_sure else "hint"},
                )


def _scale(value: float) -> str:
    return f"{value:.0f}" if 1 <= value < 1e7 else f"{value:.3g}"


RULES: tuple[TrajectoryRule, ...] = (
    ScalerCollapse(), ScalerLow(), NonfiniteBurst(), OptimizerNotStepping(), ScalerStateNotRestored(),
)  # fmt: skip
