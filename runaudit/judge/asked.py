"""Whether a question about cohorts names what it takes: arms, a baseline, a metric, or a file of plain numbers."""

from collections.abc import Sequence
from pathlib import Path

from runaudit.errors import UsageError
from runaudit.text.typed import typed_word


def check_asked(
    runs: Sequence[str],
    vs: Sequence[str],
    *,
    metric: str | None,
    direction: str | None,
    values: Path | None,
    baseline: str | None,
) -> None:
    """Raises UsageError for options that do not go together."""
    if values is not None:
        if runs or vs:
            raise UsageError("--values judges a file, and runs were named too", remedy="give one or the other")
        return
    if baseline is not None:
        raise UsageError("--baseline goes with --values", remedy="name the baseline's runs with --vs")
    metric = named_metric(metric)
    if not vs and len(runs) > 1:
        *others, last = map(typed_word, runs)
        way = f" --direction {typed_word(direction)}" if direction else ""
        named = f"runaudit stats --metric {typed_word(metric)}{way} {' '.join(others)} --vs {last}"
        raise UsageError("no baseline is named", remedy=named)
    if not runs or not vs:
        raise UsageError("stats compares two cohorts", remedy="runaudit stats --metric M RUN… --vs RUN…")


def named_metric(metric: str | None) -> str:
    """The metric that a question is about. Raises UsageError where none is named."""
    if metric is None:
        raise UsageError("no metric is named", remedy="add --metric NAME; `runaudit show RUN` lists them")
    return metric
