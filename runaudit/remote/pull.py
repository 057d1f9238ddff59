"""`runaudit pull`: runs of a remote in this store, each whole or not at all.

What lies at a remote is a stranger's. Every byte is held against the digest by which it is known before it is kept,
what lines of a log may say is what a bundle may bring (`store.bundled`), and where a file lies is said by the outcome
whose digest was checked. The logs that counted the runs first come along as they are (`store.lanes`), so that their
chains can be walked here as well; the own log counts each run in a line that names the one there.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from runaudit.remote.answer import PullAnswer
from runaudit.remote.layout import Told, read_pushes, require_remote
from runaudit.remote.place import Place
from runaudit.remote.taking import Taking
from runaudit.remote.words import runs_meant
from runaudit.runs.names import has_store
from runaudit.store.catalogue import run_ids
from runaudit.store.kept import writing
from runaudit.store.remarks import tell_launched
from runaudit.store.store import Store
from runaudit.system.locks import lock


def pull(here: Store, create: Callable[[], Store], place: Place, words: Sequence[str], *, time: str) -> PullAnswer:
    """Take in what the words name at a remote, or all of it. A run of which something is damaged is left out, and the
    others come in. create: makes the store `here`, where there is none.

    Raises UsageError where there is no remote, or no such run; StoreError where it cannot be read, or nothing can be
    written here; StoppedError where Ctrl-C ends it.
    """
    if has_store(here):
        here.existing().entries()  # What is damaged takes nothing in, whatever lies there.
    require_remote(place)
    told = read_pushes(place)
    ids = runs_meant(told.runs, words, place.shown) if words else tuple(told.runs)
    if not ids:
        return PullAnswer(remote=place.shown, problems=tuple(told.problems))
    store = create()
    with _alone(store):
        taking = Taking(store, place, time)
        taking.take([told.runs[run] for run in ids])
        _tell_who_stays(store, told.runs, ids, time)
    return taking.answer(told.problems)


def _tell_who_stays(store: Store, there: Mapping[str, Told], ids: Sequence[str], time: str) -> None:
    """Say of the runs that came in which others of their cohorts, as the remote lists these, did not."""
    here = set(run_ids(store))
    cohorts: dict[tuple[str, str], list[str]] = {}
    for run, one in there.items():
        if cohort := str(one.row.get("cohort") or ""):
            cohorts.setdefault((one.store, cohort), []).append(run)
    for members in cohorts.values():
        if stay := [run for run in members if run not in here]:
            for run in here.intersection(ids, members):
                tell_launched(store, run, stay, time=time)


@contextlib.contextmanager
def _alone(store: Store) -> Iterator[None]:
    """One pull at a time: what waits for the rest of its run is another's to take, too."""
    with store.explained("write to"):
        (store.root / "cache").mkdir(exist_ok=True)
        path: Path = store.root / "cache" / "pull.lock"
        with writing(path, os.O_RDWR) as file:
            lock(file, path)
            yield
