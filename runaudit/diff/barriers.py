"""Why results cannot be held side by side, whatever changed: a damaged record, no result, another measure."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from runaudit.diff.arms import Beside
from runaudit.diff.lengths import broken_off, unexplained_lengths
from runaudit.diff.result import FactorChange
from runaudit.factors.cohort import Cohort
from runaudit.factors.factor import SEED_ROLES, Absent, Role
from runaudit.factors.gaps import status_gap
from runaudit.factors.negative_control import control_barriers, controls
from runaudit.factors.never import never_recorded
from runaudit.factors.unmeasured import RESULTS, are_unmeasured
from runaudit.records.sources import launch_called
from runaudit.records.trackers import TRACKERS
from runaudit.text.words import listed


def evaluation_barriers(factors: Iterable[FactorChange]) -> tuple[str, ...]:
    """Factors of the evaluation: with another measure there is nothing to compare."""
    found = [f for f in factors if f.role is Role.EVALUATION]
    data = [f for f in found if f.section == "data"]
    of_a = [f for f in data if isinstance(f.after, Absent)]
    of_b = [f for f in data if isinstance(f.before, Absent)]
    if not (of_a and of_b):
        return tuple(f"the evaluation differs: {f.summary}" for f in found)
    read = (f"{listed([f.factor for f in side], 3)} in {name}" for side, name in ((of_a, "a"), (of_b, "b")))
    rest = (f"the evaluation differs: {f.summary}" for f in found if f not in (*of_a, *of_b))
    return (f"the evaluation differs: results were measured with {' and with '.join(read)}", *rest)


def result_barriers(arms: Beside) -> tuple[str, ...]:
    """Why the results of two arms cannot be compared."""
    return tuple(barrier for find in _BARRIERS for barrier in find(arms))


def without_results(arms: Beside) -> Iterator[str]:
    """Arms without a result. How a foreign run ended may be unknown: that is a gap, not a barrier."""
    if are_unmeasured(arms.runs) and _may_pass(arms) and not never_recorded(RESULTS, arms.runs):
        names = (_named(arm.cohort) for arm in (arms.a, arms.b))
        yield f"neither {' nor '.join(names)} holds a number, so there is no result to compare"
        return
    if _only_inputs(arms):
        return
    for cohort, other in ((arms.a.cohort, arms.b.cohort), (arms.b.cohort, arms.a.cohort)):
        run = cohort.runs[0]
        if _holds_none(cohort) and any(run.has_numbers for run in other.runs):
            which = f"no run of {cohort.label} holds a" if cohort.n > 1 else f"{_named(cohort)} holds no"
            yield f"{which} number, so there is no result of it"
        elif cohort.finished or any(status_gap(run) or run.withheld for run in cohort.runs):
            continue
        elif arms.is_replicated:
            yield f"no run of {cohort.label} finished"
        elif not run.fault:
            yield f"{_named(cohort)} did not finish: {run.status}"


def _named(cohort: Cohort) -> str:
    """An arm by its label; a single run by its id besides, since two may share a label."""
    return cohort.label if cohort.n > 1 else f"{cohort.label} ({cohort.runs[0].short})"


def _may_pass(arms: Beside) -> bool:
    """Whether one treatment parts two arms, or nothing but seeds: a comparison of their results then, and of nothing
    where there are none. That two are one design says nothing of results, and that they are not shows all the same."""
    seeds = [factor for factor in arms.factors if factor.role in SEED_ROLES]
    return not arms.odd and bool(arms.factors) and len(arms.factors) - len(seeds) <= (0 if seeds else 1)


def _holds_none(cohort: Cohort) -> bool:
    """Whether an arm that may have gone to its end shows nothing that it came to: there is no result to compare. Of two
    that both show none it can be asked whether they were one design."""
    if any(run.withheld or run.fault or run.is_gone for run in cohort.runs):
        return False
    may_have_ended = bool(cohort.finished) or any(status_gap(run) for run in cohort.runs)
    return may_have_ended and not any(run.has_numbers for run in cohort.runs)


def _only_inputs(arms: Beside) -> bool:
    """Whether two records of elsewhere tell of launches that ended early, and neither holds a number: there are no
    results to hold side by side, and whether they were one design is all that can be asked. That they were not shows
    all the same; that one factor parts them is no comparison."""
    return (
        not arms.is_replicated
        and len(arms.factors) != 1
        and all(not (run.finished or run.metrics or run.manifest.is_captured) for run in arms.runs)
    )


def _one_launch(arms: Beside) -> Iterator[str]:
    """Records of two starts of what a tracker calls one run: it was resumed, and the later goes on with the earlier."""
    known = {launch_called(run.manifest.body): run for run in arms.a.cohort.runs}
    for run in arms.b.cohort.runs:
        launch = launch_called(run.manifest.body)
        other = known.get(launch) if launch else None
        begun = {one.manifest.began for one in (other, run) if one is not None}
        if other is not None and len(begun) == 2 and None not in begun:
            kind, _, name = launch.partition(":")
            tracker = TRACKERS[kind].name if kind in TRACKERS else kind
            yield (f"{other.short} and {run.short} are two records of one run, {name} of {tracker}, which was started "
                   "again: the one may go on with the other")  # fmt: skip
            return


def _other_measure(arms: Beside) -> Iterator[str]:
    """Another evaluation: as the records say, or as it shows in results of which not one is named alike. One run was
    trained and the other tested a model, say."""
    yield from evaluation_barriers(arms.factors)
    a, b = ({name for run in arm.cohort.runs for name in run.metrics} for arm in (arms.a, arms.b))
    if a and b and not a & b:
        yield f"no metric is in both: {listed(sorted(a), 3)} against {listed(sorted(b), 3)}"


def _moved_control(arms: Beside) -> Iterator[str]:
    """The control must agree over every run of both arms that has it."""
    having = [run for run in arms.runs if controls(run)]
    yield from islice((barrier for run in having[1:] for barrier in control_barriers(having[0], run)), 1)


_BARRIERS: tuple[Callable[[Beside], Iterator[str]], ...] = (
    without_results,
    _one_launch,
    _other_measure,
    _moved_control,
    unexplained_lengths,
    broken_off,
)
