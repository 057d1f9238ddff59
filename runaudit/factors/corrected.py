"""What is said where a result was changed after it was sealed: the newer one counts, and is told to be one."""

from collections.abc import Iterable

from runaudit.records.run import Run


def corrected_runs(runs: Iterable[Run]) -> tuple[str, ...]:
    """Of which of these runs the result was changed, and how, in sentences."""
    return tuple(f"run {run.short} ({run.label}): its result was corrected after it was sealed: {run.corrected}"
                 for run in runs if run.corrected)  # fmt: skip
