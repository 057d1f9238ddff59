"""What a metric's name stands for in a run: its final value, or the mean over the sequences it was measured on."""

from collections.abc import Iterable, Sequence
from math import isfinite

from runaudit.records.run import Run


def sequence_names(known: Iterable[str], metric: str) -> tuple[str, ...]:
    """The sequences of a metric among these names, without its prefix."""
    found = (name.removeprefix(f"{metric}/") for name in known if name.startswith(f"{metric}/"))
    return tuple(sorted(name for name in found if "/" not in name))


def parents(known: Iterable[str]) -> set[str]:
    """The metrics of which these names could be sequences."""
    found = {name.rpartition("/")[0] for name in known} - {""}
    return {name for name in found if is_quantity(name)}


def is_quantity(metric: str, *, is_directed: bool = False) -> bool:
    """Whether a name stands for one quantity, so that its parts may be averaged: `val` of `val/psnr` does not."""
    from runaudit.metrics.direction import known_direction

    return is_directed or known_direction(metric) is not None


def metric_value(run: Run, metric: str, sequences: Sequence[str] = ()) -> float | None:
    """The run's value: recorded, else the mean over these sequences; None where one is missing."""
    from runaudit.stats.interval import mean

    if metric in run.metrics:
        return run.metrics[metric]
    parts = [run.metrics.get(f"{metric}/{name}") for name in sequences]
    numbers = [part for part in parts if part is not None]
    return mean(numbers) if numbers and len(numbers) == len(parts) and all(map(isfinite, numbers)) else None
