"""Why results cannot be held side by side, whatever changed: a damaged record, no result, another measure."""

from collections.abc import Iterable, Iterator, Sequence

from runaudit.diff.arms import Arm
from runaudit.diff.result import FactorChange
from runaudit.factors.compute_budget import budget_barriers
from runaudit.factors.factor import Change, Role
from runaudit.factors.gaps import status_gap
from runaudit.factors.negative_control import control_barriers, controls
from runaudit.records.run import Run


def faults(runs: Iterable[Run]) -> tuple[str, ...]:
    """Records that do not match their digest, those that the runs descend from among them."""
    return tuple(
        f"the record of {run.label} ({run.short}) is damaged: {run.fault}"
        for given in runs
        for run in _line(given)
        if run.fault
    )


def _line(run: Run) -> Iterator[Run]:
    """A run and those it descends from."""
    yield run
    if run.parent is not None:
        yield from _line(run.parent)


def evaluation_barriers(factors: Iterable[FactorChange]) -> tuple[str, ...]:
    """Factors of the evaluation: with another measure there is nothing to compare."""
    return tuple(f"the evaluation differs: {f.summary}" for f in factors if f.role is Role.EVALUATION)


def result_barriers(a: Arm, b: Arm, found: Sequence[Change], factors: Sequence[FactorChange]) -> tuple[str, ...]:
    """Why the results of two arms cannot be compared; `found` is what changed between the runs that stand for them."""
    return (
        *_without_results(a, b),
        *evaluation_barriers(factors),
        *_moved_control((*a.cohort.runs, *b.cohort.runs)),
        *budget_barriers(a.typical.run, b.typical.run, found),
        *_lengths_within(a),
        *_lengths_within(b),
    )


def _without_results(a: Arm, b: Arm) -> Iterator[str]:
    """Arms without a result. How a foreign run ended may be unknown: that is a gap, not a barrier."""
    is_pair = not (a.is_replicated or b.is_replicated)
    for arm in (a, b):
        run = arm.cohort.runs[0]
        if arm.cohort.finished or any(status_gap(run) is not None for run in arm.cohort.runs):
            continue
        if not is_pair:
            yield f"no run of {arm.cohort.label} finished"
        elif not run.fault:
            yield f"{run.label} ({run.short}) did not finish: {run.status}"


def _moved_control(runs: Sequence[Run]) -> tuple[str, ...]:
    """The control must agree over every run of both arms that has it."""
    having = [run for run in runs if controls(run)]
    found = (barrier for run in having[1:] for barrier in control_barriers(having[0], run))
    return tuple(dict.fromkeys(found))[:1]


def _lengths_within(arm: Arm) -> tuple[str, ...]:
    """A run of an arm that took another number of steps, with nothing in the arm that sets how many. One says it."""
    first = arm.typical.run
    found = (
        f"{first.short} and {row.run.short} of {arm.cohort.label}: {barrier}"
        for row in arm.deviations
        for barrier in budget_barriers(first, row.run, row.found)
    )
    return tuple(found)[:1]
