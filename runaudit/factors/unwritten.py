"""What is said where a full disk did not take a run's last steps: what it logged last is no result of its end."""

from collections.abc import Iterable

from runaudit.records.run import Run

METRICS = "runtime.metrics"
"""What a record lacks that has neither last values nor what the program reported at its end."""


def unwritten_gap(run: Run) -> str | None:
    """Why it is unknown what a run came to; None where the record says, as where the program itself reported it."""
    return run.unwritten if run.unwritten and run.finished and not run.metrics else None


def unwritten_runs(runs: Iterable[Run]) -> tuple[str, ...]:
    """Of which of these runs the curves break off before the run did, and what stands for their end, in sentences."""
    return tuple(f"run {run.short} ({run.label}): its curves are incomplete, {run.unwritten}: {_stands(run)}"
                 for run in runs if run.unwritten)  # fmt: skip


def _stands(run: Run) -> str:
    if not run.metrics:
        return "what it came to is not known"
    return "only what its program reported at the end stands for it"
