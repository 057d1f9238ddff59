"""How long the runs of two arms are: what forbids a comparison, and what a reader should know of it.

A run that took fewer steps for no known reason was cut short, and its numbers are those of the way. A known reason is a
setting that changed, a status, a curve that shows that the program gave up, or the word of the policy.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from statistics import median

from runaudit.diff.arms import Arm, Beside
from runaudit.factors.compute_budget import (
    LENGTH_WORDS,
    NOTHING_SETS,
    budget_barriers,
    budget_notes,
    explains_length,
    logged_apart,
    samples,
    updates,
)
from runaudit.factors.factor import SEED_ROLES, Absent
from runaudit.factors.own_settings import own_settings
from runaudit.factors.stopping import gave_up, waited_alike
from runaudit.records.canonical import JSON
from runaudit.records.results import Results
from runaudit.records.run import UNSAID, Run
from runaudit.text.words import listed

MUCH_LONGER = 1.1
"""From one length to another so many times as long the training itself may be what moved the result."""


def unexplained_lengths(arms: Beside) -> Iterator[str]:
    """Runs that took another number of steps, with nothing between them that sets how many: the runs that stand for the
    arms, and those of each arm. One says it for its arm."""
    found = [*_of_other_lengths(arms)]
    # The series of all runs are read where there is something to explain, and only there.
    yield from () if found and _all_stopped_early(arms) else found


def _of_other_lengths(arms: Beside) -> Iterator[str]:
    yield from budget_barriers(arms.pair.a.run, arms.pair.b.run, arms.found, arms.pair.settings.length)
    yield from _within_arms(arms)


def _within_arms(arms: Beside) -> Iterator[str]:
    length = arms.pair.settings.length
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
        f"all runs but the longest ended {alike[1]} evaluations after their best {alike[0]}: they stopped early"
    )  # fmt: skip


def length_notes(arms: Beside) -> Iterator[str]:
    """Why runs are of other lengths where only all of them together show it; that runs end a little apart in what they
    logged and are taken for equally long, once for each arm."""
    length = arms.pair.settings.length
    yield from _apart(arms)
    yield from _descent(arms)
    if any(_of_other_lengths(arms)):
        told = _all_stopped_early(arms)
        yield from (told,) if told else _how_to_say(arms)
    yield from budget_notes(arms.pair.a.run, arms.pair.b.run, arms.found, length)
    for arm in (arms.a, arms.b):
        first = arm.typical.run
        found = (note for row in arm.deviations for note in budget_notes(first, row.run, row.found, length))
        yield from islice(found, 1)


def _how_to_say(arms: Beside) -> Iterator[str]:
    """What a user can state who knows why runs are of other lengths."""
    # Of seeds of one arm nothing that was changed is why: only what they share can be.
    named = [f.factor for f in arms.factors if f.role not in SEED_ROLES and f.section == "config"]
    if any(_within_arms(arms)):
        shared = set.intersection(*({path for path, _ in own_settings(run)} for run in arms.runs))
        named = sorted(shared & {*named}) or sorted(filter(_may_time, shared))
    if named:
        it = json.dumps(named[0]) if len(named) == 1 else "…"
        yield f"if {listed(named, 3)} sets how many steps a run takes, the policy can say so: [factors] length = [{it}]"
    yield 'a program that stops early by itself can say so at its end: run.finish("early_stopped")'


def _may_time(path: str) -> bool:
    """Whether a setting, by its name, may say how long a run is."""
    return any(word in path.lower() for word in LENGTH_WORDS)


def broken_off(arms: Beside) -> Iterator[str]:
    """Foreign runs whose records break off where one like them went on: how they ended is not on record, and they did
    not finish, whoever vouches for it. Runs of one arm are alike; those of two arms where nothing that changed sets
    their length."""
    length = arms.pair.settings.length
    groups = [arms.a.cohort.runs, arms.b.cohort.runs] if explains_length(arms.found, length) else [arms.runs]
    yield from islice((barrier for group in groups for barrier in _cut_short(group)), 1)


def _cut_short(runs: Sequence[Run]) -> Iterator[str]:
    """Of runs that should be equally long, those without an end on record that are shorter than the longest."""
    counting = [run for run in runs if run.status == "completed" or (run.status == UNSAID and run.metrics)]
    if all(run.status != UNSAID for run in counting):
        return
    last = {run.id: Results(run).last_step for run in counting}
    if len({*last.values()}) < 2 or waited_alike(counting):
        return
    # One that completed is the measure: what goes on longer without an end on record went on with something else.
    ended = [run for run in counting if run.status == "completed"] or counting
    longest = max(ended, key=lambda run: last[run.id])
    how = "completed at" if longest.status == "completed" else "goes on to"
    for run in counting:
        is_cut = run.status == UNSAID and 0 <= last[run.id] < last[longest.id] and not gave_up(run, counting)
        if is_cut and not logged_apart(run, longest):
            yield (f"the record of {run.label} ({run.short}) breaks off at step {last[run.id]}, {longest.label} "
                   f"({longest.short}) {how} step {last[longest.id]}, and {NOTHING_SETS}")  # fmt: skip


def _apart(arms: Beside) -> Iterator[str]:
    """How far apart the lengths are, and what that means for what is said of the factors."""
    steps = [_steps(arm) for arm in (arms.a, arms.b)]
    if not all(steps) or {*steps[0]} == {*steps[1]}:
        return
    apart, ratio = f"last step logged: {_range(steps[0])} → {_range(steps[1])}", _ratio(*steps)
    if _same_samples(arms):
        yield f"{apart}, for the same number of samples"
    elif moves_the_length(arms):
        many, longer = (f"{ratio:.1f}", "longer") if ratio > 1 else (f"{ratio:.2f}", "shorter")
        yield f"{apart}, {many} times as many: what the {longer} training did is part of every difference between them"
    else:
        yield apart


def _descent(arms: Beside) -> Iterator[str]:
    """That every run of one arm began with the weights of a run of the other, whose training is a part of it then."""
    for arm, other in ((arms.a, arms.b), (arms.b, arms.a)):
        whose = {run.id for run in other.cohort.runs}
        if all(run.parent is not None and run.parent.id in whose for run in arm.cohort.runs):
            yield f"each run of {arm.cohort.label} began with the weights of a run of {other.cohort.label}"


def moves_the_length(arms: Beside) -> bool:
    """Whether the arms trained for other lengths, and the length is not itself what changed: an effect is then that of
    both together."""
    steps = [_steps(arm) for arm in (arms.a, arms.b)]
    factors = [f for f in arms.factors if f.role not in SEED_ROLES]
    if not all(steps) or not factors or _same_samples(arms):
        return False
    ratio = _ratio(*steps)
    is_alike = 1 / MUCH_LONGER < ratio < MUCH_LONGER
    return not is_alike and not any(_is_the_length(f.before, f.after, ratio) for f in factors)


def _ratio(before: Sequence[int], after: Sequence[int]) -> float:
    return max(1, median(after)) / max(1, median(before))


def _steps(arm: Arm) -> list[int]:
    """The steps of the runs of an arm that ended, in order."""
    return sorted(found.steps for run in arm.cohort.runs if run.finished and (found := updates(run)) is not None)


def _range(steps: Sequence[int]) -> str:
    return str(steps[0]) if steps[0] == steps[-1] else f"{steps[0]} to {steps[-1]}"


def _same_samples(arms: Beside) -> bool:
    """Whether the runs that stand for the arms saw equally many samples, in other batches."""
    seen = [count for side in (arms.pair.a, arms.pair.b)
            if (spent := updates(side.run)) and (count := samples(side, spent)) is not None]  # fmt: skip
    return len(seen) == 2 and max(seen) <= MUCH_LONGER * min(seen)


def _is_the_length(before: JSON | Absent, after: JSON | Absent, ratio: float) -> bool:
    """Whether a setting is the length itself: it grew as the steps did."""
    try:
        numbers = [float(v) for v in (before, after) if isinstance(v, str | int | float) and not isinstance(v, bool)]
    except (ValueError, OverflowError):
        return False
    return len(numbers) == 2 and min(numbers) > 0 and 1 / MUCH_LONGER < numbers[1] / numbers[0] / ratio < MUCH_LONGER
