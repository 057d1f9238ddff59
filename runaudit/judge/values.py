"""What a metric's name stands for: in a run, its final value or the mean over the sequences it was measured on; in the
policy, the way it improves and what was planned for it.
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING

from runaudit.errors import UsageError
from runaudit.factors.cohort import Cohort, hybrid_mark
from runaudit.factors.never import is_foreign
from runaudit.metrics.naming import all_names, meant, near_names
from runaudit.metrics.quantity import Quantity, quantity_of
from runaudit.records.outcome import BROKEN_OFF
from runaudit.records.results import Results, begins
from runaudit.records.run import Run
from runaudit.runs.leaving import not_here
from runaudit.settings import Settings
from runaudit.store.store import Store
from runaudit.text.words import plural, quoted

if TYPE_CHECKING:
    from runaudit.metrics.catalogue import Direction
    from runaudit.stats.values import ArmValues, LeftOut, StatsPlan


def require_metric(
    settings: Settings, arms: Sequence[Cohort], metric: str, *, direction: str | None = None
) -> Quantity:
    """The metric that a name means, and what stands for it in the runs of these arms: it is one measure in all of them.

    Raises UsageError, with the nearest names, where no run of any arm has the metric, or sequences of it, and where the
    name could be that of several.
    """
    is_directed = declared_direction(settings, metric, direction) is not None
    known = {name for arm in arms for run in arm.runs for name in run.metrics}
    found = meant(metric, known, aliases=settings.series, is_directed=is_directed)
    if len(found) == 1:
        return measure(found[0], arms)
    if found:
        raise UsageError(f"{quoted(metric)} could be {', '.join(map(quoted, found))}", remedy="write one in full")
    names = all_names(known)
    near = near_names(metric, names)
    few = near or sorted(names)[:8]
    told = f"{'did you mean' if near else 'known are'} {', '.join(map(quoted, few)) or 'none'}{'?' if near else ''}"
    lost = sum(bool(run.unwritten) for arm in arms for run in arm.runs)
    why = f"; of {plural(lost, 'run')} the disk did not take the last steps (`show` says how many)" if lost else ""
    raise UsageError(f"no run has the metric {quoted(metric)}{why}", remedy=told)


def measure(metric: str, arms: Sequence[Cohort]) -> Quantity:
    """What stands for a metric in these arms, whose finished runs decide it; where none finished, all of them."""
    runs = [run for arm in arms for run in arm.runs]
    return quantity_of(metric, [run.metrics for run in [run for run in runs if run.finished] or runs])


def values_of(arms: Sequence[Cohort], quantity: Quantity) -> "tuple[ArmValues, ...]":
    """The numbers of all arms, one entry a run, on what `require_metric` found."""
    pairs = zip(arms, distinct_labels(arms), strict=True)
    return tuple(_arm_values(arm, quantity, label) for arm, label in pairs)


def _arm_values(arm: Cohort, quantity: Quantity, label: str) -> "ArmValues":
    from runaudit.stats.values import AGAIN, ArmValues

    values = tuple(quantity.of(run.metrics) for run in arm.runs)
    metric, names = quantity.name, quantity.sequences
    return ArmValues(
        label=label,
        seeds=tuple(seed if isinstance(seed, int | str) else None for seed in arm.seeds),
        values=values,
        statuses=tuple(AGAIN if is_launched_again(run, arm) else run.status for run in arm.runs),
        proven=tuple(_proven(arm, run) for run in arm.runs),
        draws=arm.effective_n,
        repeats=_repeats(arm, values),
        by_sequence=tuple((name, tuple(run.metrics.get(f"{metric}/{name}") for run in arm.runs)) for name in names),
    )


def is_launched_again(run: Run, arm: Cohort) -> bool:
    """Whether a run that was stopped from outside is the beginning of one that finished, of the same seed and equal to
    it to the last bit: the two are one draw, whose result is there. One that ended by itself is its draw's end."""
    if run.status not in BROKEN_OFF:
        return False
    seed, own = run.manifest.body.get("seed"), Results(run)
    same = (other for other in arm.finished if seed is not None and other.manifest.body.get("seed") == seed)
    return any(begins(own, Results(other)) for other in same)


def left_out(
    store: Store, arms: Sequence[Cohort], home: Mapping[str, Cohort], quantity: Quantity
) -> "tuple[LeftOut, ...]":
    """The numbers of the runs that were launched with those of each arm and stand in none of them. home: id of a run ->
    its whole cohort in the store."""
    from runaudit.stats.values import LeftOut

    absent = not_here(store, *(_whole(arm, home) for arm in arms))
    found = []
    for arm, rest, gone in zip(arms, runs_left_out(arms, home), absent, strict=True):
        values = tuple(quantity.of(run.metrics) if run.finished else None for run in rest)
        found.append(LeftOut(named=sum(run.id in home for run in arm.runs), values=values, absent=len(gone)))
    return tuple(found)


def _whole(arm: Cohort, home: Mapping[str, Cohort]) -> dict[str, Run]:
    """The runs of the whole cohorts of an arm's runs, by id."""
    return {run.id: run for own in arm.runs if own.id in home for run in home[own.id].runs}


def runs_left_out(arms: Sequence[Cohort], home: Mapping[str, Cohort]) -> tuple[tuple[Run, ...], ...]:
    """The runs that were launched with those of each arm and stand in none of them. home: id of a run -> its whole
    cohort in the store. One that still runs has left nothing out yet; nor has one that repeats a draw that is named, to
    the last bit."""
    named = {run.id for arm in arms for run in arm.runs}
    return tuple(
        tuple(
            run
            for run in _whole(arm, home).values()
            if run.id not in named and run.status != "running" and not hybrid_mark(run.manifest)
            and not _is_told_already(run, arm, home)
        )
        for arm in arms
    )  # fmt: skip


def _is_told_already(run: Run, arm: Cohort, home: Mapping[str, Cohort]) -> bool:
    """Whether a run is one draw with a run of an arm and came to the same numbers: to leave it out chooses nothing."""
    own = {one.id for one in arm.runs}
    if not run.finished or run.id not in home:
        return False
    group = next((group for group in home[run.id].replicates if any(one.id == run.id for one in group)), ())
    return any(one.id in own and Results(one).final == Results(run).final for one in group)


def _repeats(arm: Cohort, values: Sequence[float | None]) -> tuple[int | None, ...]:
    """Of each run that is one draw with an earlier one and came to another number, the place of that one: of two unlike
    numbers of one draw none is the draw's, and the one that was imported first may be the better one."""
    place = {run.id: index for index, run in enumerate(arm.runs)}
    found: list[int | None] = [None] * len(arm.runs)
    for group in arm.replicates:
        places = sorted(place[run.id] for run in group)
        held = [at for at in places if (value := values[at]) is not None and isfinite(value)]
        if len({values[at] for at in held}) > 1:
            for at in held[1:]:
                found[at] = held[0]
    return tuple(found)


def _proven(arm: Cohort, run: Run) -> bool | None:
    """Whether the run's seed acted: not where it repeats an earlier run of another; unknown where the record has no
    proof."""
    for group in arm.replicates:
        if run in group[1:]:
            seeds = group[0].manifest.body.get("seed"), run.manifest.body.get("seed")
            # A seed that nobody set or wrote down tells no two runs apart; only a proof does, and then they repeat not.
            if seeds[0] != seeds[1] or seeds[1] is None:
                return False
    return None if run in arm.unproven or not run.finished else True


def distinct_labels(arms: Sequence[Cohort]) -> tuple[str, ...]:
    """What each arm is called: its label, and where another has the same one what tells it from that: the run of its
    tracker (`a0/metrics.csv`), else its id."""
    labels = [arm.label for arm in arms]
    told = [arm.label if labels.count(arm.label) == 1 else _told_apart(arm) for arm in arms]
    return tuple(
        name if told.count(name) == 1 else f"{arm.label} ({_and_more(arm.runs[0].short, arm)})"
        for name, arm in zip(told, arms, strict=True)
    )


def _told_apart(arm: Cohort) -> str:
    first = arm.runs[0]
    theirs = first.manifest.section("origin").get("run") if is_foreign(first) else None
    known = str(theirs) if theirs else arm.id if arm.n > 1 and not is_foreign(first) else first.short
    return f"{arm.label} ({known if known == arm.id else _and_more(known, arm)})"


def _and_more(known: str, arm: Cohort) -> str:
    return f"{known} and {arm.n - 1} more" if arm.n > 1 else known


def declared_direction(settings: Settings, metric: str, given: str | None) -> "Direction | None":
    """The option's direction, else the policy's; None leaves it to what is known of the name."""
    from runaudit.metrics.catalogue import Direction

    word = given or settings.stats.directions.get(metric)
    if word is None:
        return None
    if word not in ("higher", "lower"):
        raise UsageError(f"{word!r} is no direction", remedy="write higher or lower")
    return Direction(word)


def declared_plan(settings: Settings) -> "StatsPlan":
    """What the policy declared before anyone looked."""
    from runaudit.stats.values import StatsPlan

    declared = settings.stats
    return StatsPlan(alpha=declared.alpha, margin=declared.margin, is_paired=declared.paired, best_of=declared.best_of)
