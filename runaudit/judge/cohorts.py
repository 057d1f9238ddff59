"""From recorded cohorts to the numbers that are judged: what `stats` and `report` share.

The unit is the run. A metric is the run's final value, or the mean over its sequences (`full_frame/psnr/<sequence>`)
where only those were recorded; sequences are shown side by side and never counted as n. Runs without a value stay in
their place.
"""

import difflib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from runaudit.diff import Comparison, compare_cohorts
from runaudit.errors import UsageError
from runaudit.factors.cohort import Cohort
from runaudit.judge.circumstances import circumstances, launched_cohorts
from runaudit.judge.values import metric_value
from runaudit.metrics.catalogue import is_quantity, parents, sequence_names
from runaudit.records.run import Run
from runaudit.settings import Settings
from runaudit.store.store import Store
from runaudit.text.words import ended

if TYPE_CHECKING:
    from runaudit.metrics.catalogue import Direction
    from runaudit.stats.answer import InteractionEffect, StatsAnswer
    from runaudit.stats.values import ArmValues, Comparability, StatsPlan


def judge_cohorts(
    store: Store,
    settings: Settings,
    arms: Sequence[Cohort],
    *,
    metric: str,
    direction: str | None,
    launched: Sequence[Cohort] | None = None,
    count: bool = False,
) -> "tuple[StatsAnswer, tuple[Comparison, ...]]":
    """Every arm against the last, on one metric; and the comparison of designs behind each.

    launched: every run of the store by cohort, read anew if None. count: this is a look, and the log counts it.
    Raises UsageError where no run has the metric.
    """
    from runaudit.metrics.direction import settle_direction
    from runaudit.stats.judge import judge

    declared = declared_direction(settings, metric, direction)
    require_metric(arms, metric, is_directed=declared is not None)
    values = values_of(arms, metric)
    around = circumstances(
        store,
        arms,
        values,
        direction=settle_direction(metric, declared),
        metric=metric,
        plan=declared_plan(settings),
        launched=launched_cohorts(store, settings) if launched is None else launched,
        count=count,
    )
    designs = tuple(compare_cohorts(arms[-1], arm, settings=settings) for arm in arms[:-1])
    answer = judge(
        values,
        metric=metric,
        direction=declared,
        design=weakest(designs),
        plan=around.plan,
        designs=[design_of(found) for found in designs],
    )
    told = (
        *around.notes,
        *(ended(note) for design in designs for note in design.contradictions),
        *(ended(note) for arm in arms for note in arm.contradictions),
        *_averaged(arms, metric, values[-1]),
        *answer.notes,
    )
    answer = replace(answer, notes=told, looks=around.looks, interaction=_interaction(values, designs, around.plan))
    return answer, designs


def require_metric(arms: Sequence[Cohort], metric: str, *, is_directed: bool = False) -> None:
    """Raises UsageError, with the nearest names, where no run of any arm has the metric, or sequences of it."""
    known = {name for arm in arms for run in arm.runs for name in run.metrics}
    if metric not in known and not (sequence_names(known, metric) and is_quantity(metric, is_directed=is_directed)):
        known |= parents(known)
        near = difflib.get_close_matches(metric, known, n=3, cutoff=0.3)
        found = f"did you mean {', '.join(near)}?" if near else f"known are {', '.join(sorted(known)[:8]) or 'none'}"
        raise UsageError(f"no run has the metric {metric!r}", remedy=found)


def weakest(designs: Sequence[Comparison]) -> "Comparability":
    """The design of a family: as good as its worst comparison."""
    return design_of(min(designs, key=lambda found: found.verdict.rank))


def design_of(found: Comparison) -> "Comparability":
    """A comparison as the judge of numbers takes it."""
    from runaudit.stats.values import Comparability

    named = tuple(f.factor for f in found.treatments)
    return Comparability(verdict=str(found.verdict), factors=named, reason=found.reason, idle=found.idle)


def _interaction(
    values: "Sequence[ArmValues]", designs: Sequence[Comparison], plan: "StatsPlan"
) -> "InteractionEffect | None":
    """Of four arms that are the cells of a 2 x 2 with the baseline: two change one factor each, one changes both."""
    from runaudit.stats.factorial import two_by_two

    single = [i for i, d in enumerate(designs) if str(d.verdict) == "single_factor" and len(d.treatments) == 1]
    both = [i for i, d in enumerate(designs) if str(d.verdict) == "confounded" and len(d.treatments) == 2]
    if len(designs) != 3 or len(single) != 2 or len(both) != 1:
        return None
    changed = [{(f.factor, repr(f.after)) for f in designs[i].treatments} for i in (*single, *both)]
    if changed[0] | changed[1] != changed[2]:
        return None
    first, second = (designs[i].treatments[0].factor for i in single)
    cells = [values[-1], *(values[i] for i in (*single, *both))]
    return two_by_two(cells, factors=(first, second), alpha=plan.alpha)


def values_of(arms: Sequence[Cohort], metric: str) -> "tuple[ArmValues, ...]":
    """The numbers of all arms, on the sequences that any of them has."""
    names = sequence_names({name for arm in arms for run in arm.runs for name in run.metrics}, metric)
    pairs = zip(arms, distinct_labels(arms), strict=True)
    return tuple(arm_values(arm, metric, label, sequences=names) for arm, label in pairs)


def _averaged(arms: Sequence[Cohort], metric: str, values: "ArmValues") -> tuple[str, ...]:
    if any(metric in run.metrics for arm in arms for run in arm.runs):
        return ()
    return (f"The value of a run is the mean over its {len(values.by_sequence)} sequences.",)


def arm_values(arm: Cohort, metric: str, label: str, *, sequences: Sequence[str] | None = None) -> "ArmValues":
    """The numbers of a cohort, one entry a run; sequences: those of every arm, its own if None."""
    from runaudit.stats.values import ArmValues

    own = sequence_names({name for run in arm.runs for name in run.metrics}, metric)
    names = own if sequences is None else sequences
    return ArmValues(
        label=label,
        seeds=tuple(seed if isinstance(seed, int | str) else None for seed in arm.seeds),
        values=tuple(metric_value(run, metric, names) for run in arm.runs),
        statuses=tuple(run.status for run in arm.runs),
        proven=tuple(_proven(arm, run) for run in arm.runs),
        draws=arm.effective_n,
        by_sequence=tuple((name, tuple(run.metrics.get(f"{metric}/{name}") for run in arm.runs)) for name in names),
    )


def _proven(arm: Cohort, run: Run) -> bool | None:
    """Whether the run's seed acted: not where it repeats an earlier run, unknown where the record has no proof."""
    for group in arm.replicates:
        if run in group[1:]:
            seeds = group[0].manifest.body.get("seed"), run.manifest.body.get("seed")
            # A seed that nobody set or wrote down tells no two runs apart; only a proof does, and then they repeat not.
            return False if seeds[0] != seeds[1] or seeds[1] is None else None
    return None if run in arm.unproven or not run.finished else True


def distinct_labels(arms: Sequence[Cohort]) -> tuple[str, ...]:
    """A label for each arm; arms of one name are told apart by their runs."""
    labels = [arm.label for arm in arms]
    pairs = zip(labels, arms, strict=True)
    return tuple(
        label if labels.count(label) == 1 else f"{label} ({' '.join(run.short for run in arm.runs)})"
        for label, arm in pairs
    )


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
