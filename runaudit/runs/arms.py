"""Arms of a comparison: the runs that a user's words name together, and the whole cohorts that they are of."""

import contextlib
from collections.abc import Sequence
from dataclasses import replace

from runaudit.errors import UsageError
from runaudit.factors.cohort import Cohort, cohort_of, cohorts
from runaudit.records.run import Run
from runaudit.runs.forms import is_prefix
from runaudit.runs.indexfile import held
from runaudit.runs.names import Names, has_store, nameless, runs_named
from runaudit.settings import Settings
from runaudit.store.remarks import superseded
from runaudit.store.store import Store
from runaudit.system.progress import work


def cohort_in_text(store: Store, settings: Settings, name: str, launched: Sequence[Cohort]) -> Cohort:
    """The cohort that a text calls so, whatever its capitals; else what the word names on a command line."""
    found = [cohort for cohort in launched if cohort.label.casefold() == name.casefold()]
    if lost := [run.id for cohort in launched for run in cohort.runs if run.is_nameless]:
        raise nameless(lost, name, remedy="restore it from a backup; `runaudit verify` lists all")
    if len(found) > 1:
        raise UsageError(f"{len(found)} cohorts are labelled {name!r} ({', '.join(c.id for c in found)})",
                         remedy="name one by its id in an annotation")  # fmt: skip
    if found and not (is_prefix(name) and has_store(store)):
        return found[0]
    return cohort_named(store, settings, name, trajectory=False)  # Digits may be the beginning of an id as well.


def is_part_of(arm: Cohort, whole: Cohort) -> bool:
    """Whether an arm is some of the runs of a cohort, and not all."""
    return {run.id for run in arm.runs} < {run.id for run in whole.runs}


def cohort_named(store: Store, settings: Settings, *words: str, trajectory: bool = True) -> Cohort:
    """The runs that these words name together, as one arm."""
    runs = tuple({run.id: run for run in runs_named(store, settings, *words, trajectory=trajectory)}.values())
    runs = _each_once(store, runs)
    if not runs:
        raise UsageError("no run is named", remedy="run `runaudit list` to see all")
    return arm_of(store, settings, runs)


def arm_of(store: Store, settings: Settings, runs: Sequence[Run]) -> Cohort:
    """These runs as one arm; under the id of their cohort where they are of one."""
    whole = cohorts(runs, settings=settings)
    if len(whole) != 1:
        return cohort_of(runs)
    # By itself a repetition founds a cohort of another id, which no list shows and no command takes.
    return replace(whole[0], id=_home_of(store, settings, runs) or whole[0].id)


def _home_of(store: Store, settings: Settings, runs: Sequence[Run]) -> str | None:
    """The id under which the one cohort is listed that holds all these runs; None where there is no such, or no index
    that holds: none is made to name what is named already."""
    index = held(store.root, settings) if has_store(store) else None
    if index is None:
        return None
    query = "SELECT cohorts.id FROM runs JOIN cohorts ON cohorts.number = runs.cohort WHERE runs.id = ?"
    with contextlib.closing(index):
        found = {tuple(index.execute(query, (run.id,)).fetchall()) for run in runs}
    return str(found.pop()[0][0]) if len(found) == 1 and () not in found else None


def _each_once(store: Store, runs: tuple[Run, ...]) -> tuple[Run, ...]:
    """These runs without those that a newer record of the same launch, which is among them, tells again."""
    older = superseded(store) if len(runs) > 1 and has_store(store) else {}
    here = {run.id for run in runs}
    return tuple(run for run in runs if older.get(run.id) not in here)


def cohorts_with(store: Store, settings: Settings, ids: Sequence[str]) -> tuple[Cohort, ...]:
    """The whole cohorts of these runs, each once; none of what is not in the store, or where there is no store."""
    if not has_store(store):
        return ()
    found: dict[str, Cohort] = {}
    with Names(store, settings) as names, work("reading", len(ids), "runs") as advance:
        for run_id in ids:
            if run_id not in found and (cohort := names.cohort_with(run_id)) is not None:
                found.update((run.id, cohort) for run in cohort.runs)
            advance(1)
    return tuple({id(cohort): cohort for cohort in found.values()}.values())
