"""Numbers without runs, and spreads without a verdict: a table of plain values judged, and what seeds varied by."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from runaudit.errors import IntegrityError, UsageError
from runaudit.factors.cohort import cohorts
from runaudit.judge.bench import Bench
from runaudit.judge.values import declared_direction, declared_plan, require_metric, values_of
from runaudit.records.run import faults
from runaudit.settings import Settings
from runaudit.stats.answer import StatsAnswer
from runaudit.stats.cohort import collapse
from runaudit.stats.judge import judge
from runaudit.stats.planning import Spread, pooled_spread
from runaudit.stats.selection import best_of
from runaudit.stats.table import read_values
from runaudit.stats.values import UNKNOWN_DESIGN
from runaudit.store.store import BACKUP


def judge_table(
    settings: Settings, path: Path, *, metric: str, direction: str | None = None, baseline: str | None = None
) -> StatsAnswer:
    """The answer on a table of plain numbers, whose design nobody knows. baseline: the last arm if None."""
    arms, plan = read_values(path), declared_plan(settings)
    return judge(
        arms,
        metric=metric,
        direction=declared_direction(settings, metric, direction),
        design=UNKNOWN_DESIGN,
        baseline=-1 if baseline is None else baseline,
        plan=replace(plan, best_of=max(plan.best_of, best_of(arm.label for arm in arms))),
    )


def spread_for(bench: Bench, words: Sequence[str], metric: str | None, *, sd: float | None) -> Spread:
    """The spread between seeds that a plan rests on: the `sd` that was stated, else that of recorded cohorts on a
    metric. Raises UsageError where both are given, or neither."""
    if sd is not None:
        if words or metric:
            raise UsageError("--sd gives the spread, and runs were named too", remedy="give one or the other")
        return Spread(sd=sd, source="--sd")
    if metric is None or not words:
        raise UsageError("a plan needs a spread between seeds",
                         remedy="give --sd S, or a recorded cohort: --metric M RUN…")  # fmt: skip
    return recorded_spread(bench, words, metric)


def recorded_spread(bench: Bench, words: Sequence[str], metric: str) -> Spread:
    """The spread within each recorded cohort, pooled. Failed runs have no value and add nothing to it.

    Raises IntegrityError where a record is damaged: how it ended, and so whether it belongs in here, nobody knows.
    """
    runs = bench.cohort(*words, trajectory=False).runs
    if damaged := faults(runs):
        raise IntegrityError("; ".join(damaged), remedy=BACKUP)
    arms = cohorts(runs, settings=bench.settings)
    quantity = require_metric(bench.settings, arms, metric)
    return pooled_spread([collapse(arm).values for arm in values_of(arms, quantity)])
