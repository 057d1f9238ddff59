"""RA54: do the numbers that say how long a run lasts agree with each other?"""
# ruff: noqa: D102  (what a rule checks is told once, in the docstring of its class: users read it too)

from collections.abc import Iterator, Mapping
from typing import Any

from runaudit.guard.lint import settings as knobs
from runaudit.guard.lint.settings import Knob, Setting, Settings
from runaudit.records.finding import Finding, Severity
from runaudit.records.manifest import Unknown
from runaudit.rules import Rule


class Contradiction(Rule):
    """Steps, epochs and schedule agree.

    A schedule that is longer than the run never comes down; one that is shorter starts anew, or ends while the run goes
    on; a warm-up as long as the run is all there is. Each is left over from another run's length."""

    code = "RA540"
    name = "schedule_contradiction"
    severity = Severity.WARNING
    switchable = True
    example = "config.lr_decay_iters = 600000 is longer than the run: config.max_iters = 5000"

    def check(self, told: Settings) -> Iterator[Finding]:
        epochs, steps = _of(told, knobs.EPOCHS), _of(told, knobs.STEPS)
        per_epoch, period = _of(told, knobs.STEPS_PER_EPOCH), _of(told, knobs.PERIOD)
        for message, evidence in (
            *_product(epochs, steps, per_epoch),
            *_warmed(told, epochs, steps),
            *_period(epochs, steps, per_epoch, period),
            *_never_reached(epochs, steps, per_epoch, _of(told, knobs.MILESTONES)),
        ):
            yield self.finding(
                next(iter(evidence)), message, remedy="set what is left over from another run anew", evidence=evidence
            )
        if period and epochs and not steps and not per_epoch and _fits_as_batches(period, epochs):
            each = period.value // epochs.value
            yield self.finding(
                period.path,
                f"{period} ends with the run only if it counts steps, and an epoch has {each} of them: {epochs}",
                remedy="compare it with the batches of an epoch; a schedule that is longer never comes down",
                severity=Severity.INFO,
                evidence=_evidence(period, epochs),
            )


Told = Iterator[tuple[str, dict[str, Any]]]


def _of(told: Settings, knob: Knob) -> Setting | None:
    """What is set; None also where two things are: what holds of them is not known."""
    found = told.find(knob)
    return None if isinstance(found, Unknown) else found


def _evidence(*given: Setting | None) -> dict[str, Any]:
    return {one.path: one.value for one in given if one is not None}


def _product(epochs: Setting | None, steps: Setting | None, per_epoch: Setting | None) -> Told:
    if epochs and steps and per_epoch:
        product = epochs.value * per_epoch.value
        # A last epoch that is cut short is a choice; another length altogether is none.
        if not 0.5 <= steps.value / product <= 1.001:
            yield f"{epochs} of {per_epoch} are {product} steps, and {steps}", _evidence(steps, epochs, per_epoch)


def _warmed(told: Settings, epochs: Setting | None, steps: Setting | None) -> Told:
    # What nobody typed is what the program's own options default to: two of these may contradict as well.
    given = told.all_of(knobs.WARMUP) or tuple(filter(None, [told.default_of(knobs.WARMUP)]))
    for one in given:
        if isinstance(one.value, bool) or not isinstance(one.value, int) or one.value < 1:
            continue
        in_epochs = "epoch" in one.name
        in_steps = any(word in one.name for word in ("step", "iter", "update"))
        whole = epochs if in_epochs else steps if in_steps else None
        if whole is not None and one.value >= whole.value:
            yield f"the warm-up is as long as the run: {one}, {whole}", _evidence(one, whole)


def _period(epochs: Setting | None, steps: Setting | None, per_epoch: Setting | None, period: Setting | None) -> Told:
    if period is None:
        return
    name = period.name
    total = epochs.value * per_epoch.value if epochs and per_epoch else None
    lengths: Mapping[str, Setting | None] = {"epochs": epochs, "steps": steps}
    fits = [one.value for one in lengths.values() if one] + ([total] if total else [])
    # A length that counts in a unit of its own says which; T_max counts in whatever the scheduler is stepped by.
    counted = epochs if "epoch" in name else steps if any(word in name for word in ("iter", "step")) else None
    if counted is not None:
        if period.value > 1.2 * counted.value:
            yield f"{period} is longer than the run: {counted}", _evidence(period, counted)
        elif period.value < 0.5 * counted.value and "t_max" in name:
            yield f"{period} is over long before the run: {counted}", _evidence(period, counted)
    elif epochs and period.value < 0.9 * epochs.value and (not steps or period.value < 0.9 * steps.value):
        # Shorter than the run in whatever unit: cosine comes up again.
        yield f"{period} is shorter than the run, and the rate rises again: {epochs}", _evidence(period, epochs)
    elif epochs and (steps or total) and period.value not in fits and period.value > 1.2 * max(fits):
        whole = f" of {per_epoch} = {total} steps" if total else ""
        yield f"{period} is longer than the run: {epochs}{whole}", _evidence(period, epochs, steps)
    elif epochs and not steps and not total and _is_odd(period.value, epochs.value):
        yield f"{period} is longer than the run: {epochs}", _evidence(period, epochs)


def _never_reached(
    epochs: Setting | None, steps: Setting | None, per_epoch: Setting | None, at: Setting | None
) -> Told:
    """A last step down that lies beyond the run in whatever unit it counts."""
    if at is None:
        return
    last, known = max(at.value), [one for one in (epochs, steps) if one]
    ends = [one.value for one in known] + ([epochs.value * per_epoch.value] if epochs and per_epoch else [])
    # As batches it would be a few epochs at the most, of which nobody makes a step of a schedule.
    is_in_epochs = not steps and len(ends) == 1 and last < 10 * ends[0]
    if known and last > max(ends) and (steps or len(ends) > 1 or is_in_epochs):
        yield f"{at} goes beyond the run: {known[0]}", _evidence(at, *known)


def _fits_as_batches(period: Setting, epochs: Setting) -> bool:
    """Whether a length in a unit that nobody says is too long as epochs, and may be right as steps."""
    is_said = any(word in period.name for word in ("epoch", "iter", "step"))
    return not is_said and period.value > 1.2 * epochs.value and not _is_odd(period.value, epochs.value)


def _is_odd(period: int, epochs: int) -> bool:
    """Whether a length of which nobody says in what it counts is wrong either way: as epochs it is longer than the run,
    as batches it is a few an epoch, and not even a whole number of them."""
    return 1.2 * epochs < period < 10 * epochs and period % epochs != 0


RULES: tuple[Rule, ...] = (Contradiction(),)
