"""From recorded cohorts to the numbers that are judged: what `stats` and `report` share.

The unit is the run. A metric is the run's final value; sequences of it (`full_frame/psnr/<sequence>`) are shown side by
side and never counted as n. Runs without a value stay in their place.
"""

import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runaudit.cli.common import Context
from runaudit.diff import Comparison, compare_cohorts
from runaudit.errors import UsageError
from runaudit.factors.cohort import Cohort
from runaudit.records.run import Run

if TYPE_CHECKING:
    from runaudit.stats.answer import StatsAnswer
    from runaudit.stats.values import ArmValues, Design, Direction, StatsPlan


def judged_cohorts(
    context: Context, arms: Sequence[Cohort], *, metric: str, direction: str | None
) -> "tuple[StatsAnswer, tuple[Comparison, ...]]":
    """Every arm against the last, on one metric; and the comparison of designs behind each.

    Raises UsageError where no run has the metric.
    """
    from runaudit.stats.judge import judge

    require_metric(arms, metric)
    designs = tuple(compare_cohorts(arms[-1], arm, settings=context.settings) for arm in arms[:-1])
    answer = judge(
        [arm_values(arm, metric, label) for arm, label in zip(arms, distinct_labels(arms), strict=True)],
        metric=metric,
        direction=declared_direction(context, metric, direction),
        design=weakest(designs),
        plan=declared_plan(context),
    )
    return answer, designs


def require_metric(arms: Sequence[Cohort], metric: str) -> None:
    """Raises UsageError, with the nearest names, where no run of any arm has the metric."""
    known = {name for arm in arms for run in arm.runs for name in run.metrics}
    if metric not in known:
        near = difflib.get_close_matches(metric, known, n=3, cutoff=0.3)
        found = f"did you mean {', '.join(near)}?" if near else f"known are {', '.join(sorted(known)[:8]) or 'none'}"
        raise UsageError(f"no run has the metric {metric!r}", remedy=found)


def weakest(designs: Sequence[Comparison]) -> "Design":
    """The design of a family: as good as its worst comparison."""
    from runaudit.stats.values import Design

    worst = min(designs, key=lambda found: found.verdict.rank)
    return Design(verdict=str(worst.verdict), factors=tuple(f.factor for f in worst.treatments), reason=worst.reason)


def arm_values(arm: Cohort, metric: str, label: str) -> "ArmValues":
    """The numbers of a cohort, one entry a run."""
    from runaudit.stats.values import ArmValues

    prefix = f"{metric}/"
    names = sorted({name for run in arm.runs for name in run.metrics if name.startswith(prefix)})
    return ArmValues(
        label=label,
        seeds=tuple(seed if isinstance(seed, int | str) else None for seed in arm.seeds),
        values=tuple(run.metrics.get(metric) for run in arm.runs),
        statuses=tuple(run.status for run in arm.runs),
        proven=tuple(_proven(arm, run) for run in arm.runs),
        by_sequence=tuple(
            (name.removeprefix(prefix), tuple(run.metrics.get(name) for run in arm.runs)) for name in names
        ),
    )


def _proven(arm: Cohort, run: Run) -> bool | None:
    """Whether the run's seed acted: not where it repeats an earlier run, unknown where the record has no proof."""
    for group in arm.replicates:
        if run in group[1:]:
            return False if group[0].manifest.body.get("seed") != run.manifest.body.get("seed") else None
    return None if run in arm.unproven or not run.finished else True


def distinct_labels(arms: Sequence[Cohort]) -> tuple[str, ...]:
    """A label for each arm; arms of one name are told apart by their runs."""
    labels = [arm.label for arm in arms]
    pairs = zip(labels, arms, strict=True)
    return tuple(
        label if labels.count(label) == 1 else f"{label} ({' '.join(run.short for run in arm.runs)})"
        for label, arm in pairs
    )


def declared_direction(context: Context, metric: str, given: str | None) -> "Direction | None":
    """The option's direction, else the policy's; None leaves it to what is known of the name."""
    from runaudit.stats.values import Direction

    word = given or context.settings.stats.directions.get(metric)
    if word is None:
        return None
    if word not in ("higher", "lower"):
        raise UsageError(f"{word!r} is no direction", remedy="write higher or lower")
    return Direction(word)


def declared_plan(context: Context) -> "StatsPlan":
    """What the policy declared before anyone looked."""
    from runaudit.stats.values import StatsPlan

    declared = context.settings.stats
    return StatsPlan(alpha=declared.alpha, margin=declared.margin, is_paired=declared.paired)
