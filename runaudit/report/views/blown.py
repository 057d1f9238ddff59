"""Runs whose training blew up: what they logged last is no number. Such an arm is not merely short of seeds.

What the rules of health found is told by them; this is for the series that no rule is about.
"""

import math
from collections.abc import Collection, Iterator

from runaudit.records.run import Run
from runaudit.report.inputs import ArmInput
from runaudit.report.views.arm import letter, seeds_words
from runaudit.report.views.curve import step_text
from runaudit.report.words import called, number
from runaudit.text.words import listed

MOST = 3
"""Series that are named; the warnings and the curves have the rest."""


def blown_up(arm: ArmInput, index: int, found: Collection[tuple[str, str]] = ()) -> Iterator[str]:
    """One sentence where runs of the arm ended in values that are no numbers: which, from which step on, which runs.
    found: (run id, series) in which a rule of health found something, which says it better."""
    hit: dict[str, list[Run]] = {}
    for run in arm.runs:
        for name, value in run.metrics.items():
            if not math.isfinite(value) and (run.id, name) not in found:
                hit.setdefault(name, []).append(run)
    if not hit:
        return
    told = [_told(name, runs) for name, runs in sorted(hit.items())[:MOST]]
    runs = list({run.id: run for group in hit.values() for run in group}.values())
    more = f" and {len(hit) - MOST} more" if len(hit) > MOST else ""
    yield f"{letter(index)} ended in values that are no numbers ({seeds_words(runs)}): {listed(told)}{more}."


def _told(name: str, runs: list[Run]) -> str:
    value = number(runs[0].metrics[name])
    firsts = [first for run in runs if (first := _first_bad(run, name)) is not None]
    return f"{called(name).short} is {value}" + (f" from step {step_text(min(firsts))} on" if firsts else "")


def _first_bad(run: Run, name: str) -> int | None:
    """The step from which on a series held no number to its end; None where it was not logged on the way."""
    first = None
    for step, value in reversed(run.trajectory.series.get(name, ())):
        if math.isfinite(value):
            break
        first = step
    return first
