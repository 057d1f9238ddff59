"""Runs of which nothing that was measured is on record: of their inputs it can be asked whether they were one design,
and of their results nothing."""

from collections.abc import Iterable

from runaudit.factors.never import is_foreign, kind_of
from runaudit.records.run import Run
from runaudit.records.trackers import FILE

RESULTS = "metrics"
"""The path of that gap. That a run completed, which can be vouched for, does not say what it came to."""
NO_NUMBER = "no run holds a number: what became of these inputs nobody can vouch for"


def are_unmeasured(runs: Iterable[Run]) -> bool:
    """Whether trackers recorded all of these runs, and not one holds a number. A record file may tell of a design
    alone: whoever wrote one asks about that."""
    return all(is_foreign(run) and kind_of(run) != FILE and not run.has_numbers for run in runs)
