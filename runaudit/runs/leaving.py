"""Runs that leave a store, and those of their design that stay behind: a choice is a choice wherever it goes.

Three of five seeds, the best ones, looked like a whole cohort in the store that took them in. So what leaves says how
many were launched with it, and what is taken in alone says what it was taken from.
"""

from collections.abc import Collection, Iterable

from runaudit.factors.cohort import hybrid_mark
from runaudit.runs.arms import cohorts_with
from runaudit.settings import Settings
from runaudit.store.catalogue import is_launched
from runaudit.store.remarks import launched_with, tell_launched
from runaudit.store.store import Store


def tell_who_stays(
    store: Store, settings: Settings, ids: Collection[str], *, there: Iterable[str] = (), time: str
) -> None:
    """Say of each of these runs which others of its design do not leave the store with it, in the log, which goes
    along. there: runs that are where they go already. Raises StoreError where the store cannot be written to."""
    leaving, known = frozenset(ids), frozenset(there)
    for cohort in cohorts_with(store, settings, tuple(ids)):
        # Hybrids were made to answer a question and count in no cohort; what still runs is left out by nobody's choice.
        counted = [run.id for run in cohort.runs if not hybrid_mark(run.manifest) and run.status != "running"]
        if stay := [run for run in counted if run not in leaving and run not in known]:
            for run in leaving.intersection(counted):
                tell_launched(store, run, stay, time=time)


def not_here(store: Store, *groups: Iterable[str]) -> tuple[frozenset[str], ...]:
    """Of each group of runs the launches of their designs that are not in this store, though they were made."""
    said = launched_with(store)  # The log is looked through once, however many arms a page has.
    beside = [frozenset[str]().union(*(said.get(run, frozenset()) for run in ids)) for ids in groups if said]
    gone = {run for own in beside for run in own if not is_launched(store, run)}
    return tuple(own & gone for own in beside) if said else (frozenset(),) * len(groups)
