"""Stored runs read whole, one or all; what is damaged comes back with its fault."""

import contextlib
import json

from runaudit.factors.cohort import Cohort, cohorts
from runaudit.records.canonical import canonical_bytes
from runaudit.records.digest import Digest
from runaudit.records.run import Run
from runaudit.settings import Settings
from runaudit.store.catalogue import load_or_fault, run_ids
from runaudit.store.remarks import superseded
from runaudit.store.store import Store
from runaudit.system.files import read_ordinary
from runaudit.system.progress import work


def is_labelled(store: Store, label: str) -> bool:
    """Whether a run is labelled so, without an index. The records are read as they lie there, quickly: whoever goes on
    to use one has it checked."""
    written = b'"label":' + canonical_bytes(label)
    for run in run_ids(store):
        with contextlib.suppress(OSError, ValueError):
            data = read_ordinary(store.object_path(Digest("sha256", run)))
            if written in data and json.loads(data).get("label") == label:
                return True
    return False


def all_runs(store: Store, *, trajectory: bool = False, is_hashed: bool = True) -> tuple[Run, ...]:
    """Every launch, oldest first. One that was imported again, grown, is told by the newer record alone. is_hashed: as
    `catalogue.load` has it."""
    found: list[Run] = []
    older = superseded(store)
    ids = [run for run in run_ids(store) if run not in older]
    with work("reading", len(ids), "runs") as advance:
        for run_id in ids:
            found.append(load_or_fault(store, run_id, trajectory=trajectory, is_hashed=is_hashed))
            advance(1)
    return tuple(found)


def stored_cohorts(store: Store, settings: Settings) -> tuple[Cohort, ...]:
    """The cohorts of all stored runs."""
    return cohorts(all_runs(store), settings=settings)
