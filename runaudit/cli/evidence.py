"""From two arms of runs to the numbers that are judged: the composition of cohorts, comparison and statistics."""

from collections.abc import Iterator, Sequence

from runaudit.diff.result import Comparison
from runaudit.errors import UsageError
from runaudit.factors.cohort import Cohort
from runaudit.records.run import Run
from runaudit.settings import StatsSettings
from runaudit.stats.answer import StatsAnswer
from runaudit.stats.judge import judge
from runaudit.stats.metric import known_direction
from runaudit.stats.values import ArmValues, Design, Direction, StatsPlan

MAX_METRICS = 8
PRIMARY = "full_frame/psnr/"


def arm_values(cohort: Cohort, metric: str, *, label: str) -> ArmValues:
    """One number a run, in the order of the runs; None where a run has none.

    A seed provably did not act where another run with another seed began from the same state.
    """
    idle = {run.id for group in cohort.replicates for run in group[1:] if run.manifest.seed != group[0].manifest.seed}
    unproven = {run.id for run in cohort.unproven}
    return ArmValues(
        label=label,
        seeds=tuple(seed if seed is None or isinstance(seed, int) else str(seed) for seed in cohort.seeds),
        values=tuple(run.metrics.get(metric) for run in cohort.runs),
        statuses=tuple(run.status for run in cohort.runs),
        proven=tuple(False if run.id in idle else None if run.id in unproven else True for run in cohort.runs),
    )


def judge_pair(
    baseline: Cohort,
    arm: Cohort,
    comparison: Comparison,
    *,
    metric: str,
    settings: StatsSettings,
    labels: tuple[str, str] | None = None,
) -> StatsAnswer:
    """What the seeds of `arm` against `baseline` support, given what their comparison allows.

    Raises UsageError where it is not known which way the metric improves.
    """
    names = labels or (baseline.label, arm.label)
    factors = tuple(factor.factor for factor in comparison.treatments)
    return judge(
        [arm_values(arm, metric, label=names[1]), arm_values(baseline, metric, label=names[0])],
        metric=metric,
        direction=direction_of(metric, settings),
        design=Design(verdict=str(comparison.verdict), factors=factors, reason=comparison.reason),
        baseline=1,
        plan=StatsPlan(alpha=settings.alpha, margin=settings.margin, is_paired=settings.paired),
    )


def direction_of(metric: str, settings: StatsSettings) -> Direction | None:
    """The direction the policy declares for a metric, under its name or a folder of names; None: by its name."""
    for name in (metric, *(metric[:at] for at, sign in enumerate(metric) if sign == "/")):
        if name in settings.directions:
            text = settings.directions[name]
            if text not in Direction:
                raise UsageError(f"the policy gives {name!r} the direction {text!r}", remedy="write higher or lower")
            return Direction(text)
    return None


def metrics_to_judge(arms: Sequence[Sequence[Run]], settings: StatsSettings) -> tuple[str, ...]:
    """The full-frame PSNR of every sequence; without any, what every arm has and whose direction is known."""
    shared = sorted(set.intersection(*(_names(runs) for runs in arms))) if arms else []
    primary = [name for name in shared if name.startswith(PRIMARY)]
    return tuple(primary or list(_judgeable(shared, settings))[:MAX_METRICS])


def _names(runs: Sequence[Run]) -> set[str]:
    return {name for run in runs for name in run.metrics}


def _judgeable(names: Sequence[str], settings: StatsSettings) -> Iterator[str]:
    return (name for name in names if known_direction(name) or direction_of(name, settings))
