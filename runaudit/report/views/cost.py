"""What a better number cost: how much longer a run of one arm took than one of the other.

A supervisor asks it of every improvement. Records say how long each run took, not what else the machine did meanwhile,
so only arms whose runs do not overlap are told apart, and the sentence says what it cannot know.
"""

from collections.abc import Sequence
from statistics import median

from runaudit.records.run import Run

MUCH = 1.5
"""Times as long from which on it is told."""
LEAST_S = 1.0
"""Seconds below which a difference is that of starting up."""


def cost_words(arm: str, runs: Sequence[Run], baseline: str, others: Sequence[Run]) -> str:
    """That every finished run of one arm took longer than all of the other, and how much, as a sentence; empty where
    that is not so, or not on record. arm, baseline: how they are called on the page."""
    mine, theirs = _seconds(runs), _seconds(others)
    if not mine or not theirs:
        return ""
    if median(mine) < median(theirs):
        arm, baseline, mine, theirs = baseline, arm, theirs, mine
    long, short = median(mine), median(theirs)
    if min(mine) <= max(theirs) or long < MUCH * short or long - short < LEAST_S:
        return ""
    return (
        f"A run of {arm} took {long / short:.1f} times as long as one of {baseline} ({_time(long)} against "
        f"{_time(short)}, medians): the change, or what else the machine did."
    )


def _seconds(runs: Sequence[Run]) -> list[float]:
    found = (run.outcome.body.get("duration_s") for run in runs if run.finished and run.outcome)
    return [float(one) for one in found if isinstance(one, int | float) and not isinstance(one, bool) and one > 0]


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
