"""Why results cannot be held side by side, whatever changed: a damaged record, no result, another measure."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from runaudit.diff.arms import Beside
from runaudit.diff.result import FactorChange
from runaudit.factors.compute_budget import (
    NOTHING_SETS,
    budget_barriers,
    budget_notes,
    explains_length,
    logged_apart,
)
from runaudit.factors.factor import Role
from runaudit.factors.gaps import status_gap
from runaudit.factors.negative_control import control_barriers, controls
from runaudit.factors.stopping import gave_up, waited_alike
from runaudit.records.results import Results
from runaudit.records.run import UNSAID, Run
from runaudit.records.sources import launch_called
from runaudit.records.trackers import TRACKERS
from runaudit.text.words import listed


def evaluation_barriers(factors: Iterable[FactorChange]) -> tuple[str, ...]:
    """Factors of the evaluation: with another measure there is nothing to compare."""
    return tuple(f"the evaluation differs: {f.summary}" for f in factors if f.role is Role.EVALUATION)


def result_barriers(arms: Beside) -> tuple[str, ...]:
    """Why the results of two arms cannot be compared."""
    return tuple(barrier for find in _BARRIERS for barrier in find(arms))


def without_results(arms: Beside) -> Iterator[str]:
    """Arms without a result. How a foreign run ended may be unknown: that is a gap, not a barrier."""
    if _only_inputs(arms):
        return
    for cohort in (arms.a.cohort, arms.b.cohort):
        run = cohort.runs[0]
        if cohort.finished or any(status_gap(run) or run.withheld for run in cohort.runs):
            continue
        if arms.is_replicated:
            yield f"no run of {cohort.label} finished"
        elif not run.fault:
            yield f"{run.label} ({run.short}) did not finish: {run.status}"


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


def _unexplained_lengths(arms: Beside) -> Iterator[str]:
    """Runs that took another number of steps, with nothing between them that sets how many: the runs that stand for the
    arms, and those of each arm. One says it for its arm."""
    if _all_stopped_early(arms):
        return
    length = arms.pair.settings.length
    yield from budget_barriers(arms.pair.a.run, arms.pair.b.run, arms.found, length)
    for arm in (arms.a, arms.b):
        first = arm.typical.run
        within = (
            f"{first.short} and {row.run.short} of {arm.cohort.label}: {barrier}"
            for row in arm.deviations
            for barrier in budget_barriers(first, row.run, row.found, length)
        )
        yield from islice(within, 1)


def _all_stopped_early(arms: Beside) -> str:
    """How it shows in all runs of two arms together that they gave up after one number of evaluations without a better
    value; empty where it does not."""
    alike = waited_alike(arms.runs) if all(run.status == "completed" for run in arms.runs) else None
    return "" if alike is None else (
        f"every run that is shorter ended {alike[1]} evaluations after its best {alike[0]}: it stopped early"
    )  # fmt: skip


def length_notes(arms: Beside) -> Iterator[str]:
    """Why runs are of other lengths where only all of them together show it; that runs end a little apart in what they
    logged and are taken for equally long, once for each arm."""
    length = arms.pair.settings.length
    if not explains_length(arms.found, length):
        if told := _all_stopped_early(arms):
            yield told
        elif any(_unexplained_lengths(arms)):
            yield from _how_to_say(arms)
    yield from budget_notes(arms.pair.a.run, arms.pair.b.run, arms.found, length)
    for arm in (arms.a, arms.b):
        first = arm.typical.run
        found = (note for row in arm.deviations for note in budget_notes(first, row.run, row.found, length))
        yield from islice(found, 1)


def _how_to_say(arms: Beside) -> Iterator[str]:
    """What a user can state who knows why runs are of other lengths."""
    named = [f.factor for f in arms.factors if f.role not in (Role.SEED, Role.STOCHASTIC) and f.section == "config"]
    if named:
        it = json.dumps(named[0]) if len(named) == 1 else "…"
        yield f"if {listed(named, 3)} sets how many steps a run takes, the policy can say so: [factors] length = [{it}]"
    yield 'a program that stops early by itself can say so at its end: run.finish("early_stopped")'


def _broken_off(arms: Beside) -> Iterator[str]:
    """Foreign runs whose records break off where one like them went on: how they ended is not on record, and they did
    not finish, whoever vouches for it. Runs of one arm are alike; those of two arms where nothing that changed sets
    their length."""
    length = arms.pair.settings.length
    groups = [arms.a.cohort.runs, arms.b.cohort.runs] if explains_length(arms.found, length) else [arms.runs]
    yield from islice((barrier for group in groups for barrier in _cut_short(group)), 1)


def _cut_short(runs: Sequence[Run]) -> Iterator[str]:
    """Of runs that should be equally long, those without an end on record that are shorter than the longest."""
    counting = [run for run in runs if run.status == "completed" or (run.status == UNSAID and run.metrics)]
    if all(run.status != UNSAID for run in counting) or waited_alike(counting):
        return
    last = {run.id: Results(run).last_step for run in counting}
    # One that completed is the measure: what goes on longer without an end on record went on with something else.
    ended = [run for run in counting if run.status == "completed"] or counting
    longest = max(ended, key=lambda run: last[run.id])
    how = "completed at" if longest.status == "completed" else "goes on to"
    for run in counting:
        is_cut = run.status == UNSAID and 0 <= last[run.id] < last[longest.id] and not gave_up(run, counting)
        if is_cut and not logged_apart(run, longest):
            yield (f"the record of {run.label} ({run.short}) breaks off at step {last[run.id]}, {longest.label} "
                   f"({longest.short}) {how} step {last[longest.id]}, and {NOTHING_SETS}")  # fmt: skip


_BARRIERS: tuple[Callable[[Beside], Iterator[str]], ...] = (
    without_results,
    _one_launch,
    _other_measure,
    _moved_control,
    _unexplained_lengths,
    _broken_off,
)
