"""What is said where runs were forgotten on purpose: a claim cannot get better by forgetting, and no answer is silent.

A tombstone tells of which cohort its run was, so the run stays there, as one without a result. An older one does not:
such a run may be missing from any cohort, and no answer on cohorts of that store is whole.
"""

from collections.abc import Iterable, Sequence

from runaudit.records.run import Run

FORGOTTEN = "runtime.forgotten"
"""What a record of cohorts lacks where runs were forgotten that may have been of them."""


def forgotten_runs(runs: Iterable[Run]) -> str:
    """How many of these runs were forgotten, and when and why, in a sentence; empty where none was."""
    reasons = [run.withheld for run in runs if run.withheld]
    why = "; ".join(sorted({reason.removeprefix("forgotten ") for reason in reasons}))
    count, also = ("1 run of it was", "is") if len(reasons) == 1 else (f"{len(reasons)} runs of it were", "are")
    return f"{count} forgotten {why}, and {also} counted as without a result" if reasons else ""


def unattributed(runs: Iterable[Run]) -> int:
    """How many runs were forgotten, in the stores of these, of which nobody can say what cohort they were of."""
    return max((run.unattributed for run in runs), default=0)


def of_no_cohort(count: int) -> str:
    """Why nobody can say it, in a sentence."""
    runs = "1 run of the store was" if count == 1 else f"{count} runs of the store were"
    return f"{runs} forgotten before tombstones told which cohort a run was of: any cohort may lack some"


def notes_on_forgotten(runs: Sequence[Run]) -> tuple[str, ...]:
    """Both, of runs that are judged together."""
    gone = unattributed(runs)
    told = forgotten_runs(runs).replace(" of it", "", 1)
    return (*([told] if told else []), *([of_no_cohort(gone)] if gone else []))
