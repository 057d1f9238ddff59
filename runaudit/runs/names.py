"""The words by which a user names runs, turned into runs: ids, labels, `@last`, cohorts, lists, record files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from runaudit.errors import IntegrityError, RecordError, UsageError
from runaudit.factors.cohort import Cohort, cohort_of, cohorts
from runaudit.factors.lineage import linked
from runaudit.records.run import SHORT, Run
from runaudit.settings import Settings
from runaudit.store.catalogue import is_list, load_or_fault, resolve, run_ids
from runaudit.store.store import Store

MAX_TOLD = 4
"""Cohorts that are told apart in the sentence about an ambiguous label."""


def load_run(store: Store, run_id: str, *, trajectory: bool = True) -> Run:
    """A stored run, with its fault where it is damaged. Raises IntegrityError where nothing of it can be read."""
    try:
        return load_or_fault(store, run_id, trajectory=trajectory)
    except (RecordError, OSError) as error:
        raise IntegrityError(
            f"the manifest of {run_id[:SHORT]} is damaged beyond reading",
            remedy="restore it from a backup; `runaudit verify` lists all",
        ) from error


def all_runs(store: Store, *, trajectory: bool = False) -> tuple[Run, ...]:
    """Every launch, oldest first."""
    return tuple(load_run(store, run_id, trajectory=trajectory) for run_id in run_ids(store))


def stored_cohorts(store: Store, settings: Settings) -> tuple[Cohort, ...]:
    """The cohorts of all stored runs."""
    return cohorts(all_runs(store), settings=settings)


def runs_named(store: Store, settings: Settings, word: str, *, trajectory: bool = True) -> tuple[Run, ...]:
    """The runs that a word names: one, or those of a cohort, a list or a record file.

    Raises UsageError for an unknown or ambiguous word.
    """
    if is_file(word):
        from runaudit.capture.foreign import without_secrets
        from runaudit.importers.record import read_records

        keys = store.existing() if has_store(store) else None
        return linked(without_secrets([found.run for found in read_records(Path(word))[0]], keys))
    if "," in word and not (has_store(store) and not is_list(store.existing(), word)):
        parts = [part for part in word.split(",") if part]
        runs = [run for part in parts for run in runs_named(store, settings, part, trajectory=trajectory)]
        return tuple({run.id: run for run in runs}.values())
    opened = store.existing()  # one for all: it keeps the log that it has read
    return tuple(load_run(opened, run_id, trajectory=trajectory) for run_id in ids_named(opened, settings, word))


def ids_named(store: Store, settings: Settings, word: str) -> tuple[str, ...]:
    """The stored runs that a word names, by their ids. Raises UsageError for an unknown or ambiguous word."""
    store = store.existing()
    known: list[Cohort] = []

    def by_cohort() -> Mapping[str, tuple[str, ...]]:
        known.extend(stored_cohorts(store, settings))
        labels = [group.label for group in known]
        # The label under which `list` shows a cohort names it too, where it is the only one so called.
        shown = {group.label: group for group in known if labels.count(group.label) == 1}
        named = {**shown, **{group.id: group for group in known}}
        return {name: tuple(run.id for run in group.runs) for name, group in named.items()}

    return resolve(store, word, cohorts=by_cohort, telling=lambda ids: _told_apart(settings, known, ids))


def _told_apart(settings: Settings, known: Sequence[Cohort], ids: Sequence[str]) -> str:
    """Cohorts by id, size and seeds, and what the others change of the first."""
    from runaudit.diff import compare_cohorts

    groups = [group for group in known if group.id in ids]
    told = []
    for group in groups[:MAX_TOLD]:
        what = (
            f"{group.id} ({group.n} {'run' if group.n == 1 else 'runs'}, seed {', '.join(map(str, group.seeds[:5]))})"
        )
        if group is not groups[0]:
            found = compare_cohorts(groups[0], group, settings=settings).treatments
            what += f": {', '.join(f.summary for f in found[:3]) or 'the records do not say what differs'}"
        told.append(what)
    rest = f"; and {len(groups) - MAX_TOLD} more" if len(groups) > MAX_TOLD else ""
    return "; ".join(told) + rest


def cohort_named(store: Store, settings: Settings, *words: str, trajectory: bool = True) -> Cohort:
    """The runs that these words name together, as one arm; under its own id where they are a whole cohort."""
    runs = tuple({r.id: r for word in words for r in runs_named(store, settings, word, trajectory=trajectory)}.values())
    if not runs:
        raise UsageError("no run is named", remedy="run `runaudit list` to see all")
    whole = cohorts(runs, settings=settings)
    return whole[0] if len(whole) == 1 else cohort_of(runs)


def has_store(store: Store) -> bool:
    """Whether there is a store to ask: record files can be compared without one."""
    return (store.root / "store.json").exists()


def is_file(word: str) -> bool:
    """Whether a word is the path of a record file rather than a run's name."""
    try:
        return Path(word).is_file()
    except (OSError, ValueError):
        return False
