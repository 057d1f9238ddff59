"""What a metric's name stands for: in a run, its final value or the mean over the sequences it was measured on; in the
policy, the way it improves and what was planned for it.
"""

import difflib
from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING

from runaudit.errors import UsageError
from runaudit.factors.cohort import Cohort
from runaudit.metrics.catalogue import is_quantity, parents, sequence_names
from runaudit.records.run import Run
from runaudit.settings import Settings

if TYPE_CHECKING:
    from runaudit.metrics.catalogue import Direction
    from runaudit.stats.values import StatsPlan


def metric_value(run: Run, metric: str, sequences: Sequence[str] = ()) -> float | None:
    """The run's value: recorded, else the mean over these sequences; None where one is missing."""
    from runaudit.stats.interval import mean

    if metric in run.metrics:
        return run.metrics[metric]
    parts = [run.metrics.get(f"{metric}/{name}") for name in sequences]
    numbers = [part for part in parts if part is not None]
    return mean(numbers) if numbers and len(numbers) == len(parts) and all(map(isfinite, numbers)) else None


def require_metric(settings: Settings, arms: Sequence[Cohort], metric: str, *, direction: str | None = None) -> None:
    """Raises UsageError, with the nearest names, where no run of any arm has the metric, or sequences of it."""
    is_directed = declared_direction(settings, metric, direction) is not None
    known = {name for arm in arms for run in arm.runs for name in run.metrics}
    if metric not in known and not (sequence_names(known, metric) and is_quantity(metric, is_directed=is_directed)):
        known |= parents(known)
        near = difflib.get_close_matches(metric, known, n=3, cutoff=0.3)
        found = f"did you mean {', '.join(near)}?" if near else f"known are {', '.join(sorted(known)[:8]) or 'none'}"
        raise UsageError(f"no run has the metric {metric!r}", remedy=found)


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
