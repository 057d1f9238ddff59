"""What a metric's name stands for in a run: its final value, or the mean over the sequences it was measured on."""

from collections.abc import Sequence
from math import isfinite

from runaudit.records.run import Run


def metric_value(run: Run, metric: str, sequences: Sequence[str] = ()) -> float | None:
    """The run's value: recorded, else the mean over these sequences; None where one is missing."""
    from runaudit.stats.interval import mean

    if metric in run.metrics:
        return run.metrics[metric]
    parts = [run.metrics.get(f"{metric}/{name}") for name in sequences]
    numbers = [part for part in parts if part is not None]
    return mean(numbers) if numbers and len(numbers) == len(parts) and all(map(isfinite, numbers)) else None
