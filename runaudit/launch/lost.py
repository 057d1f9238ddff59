"""Sealing a run whose sealer is gone."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from runaudit.capture.outputs import OBSERVER
from runaudit.errors import UsageError
from runaudit.launch.ending import End, close_run
from runaudit.launch.journal import drop_end, kept_end
from runaudit.launch.wrapper import remove_folder, traced
from runaudit.observe.here import POINTER
from runaudit.records.digest import Digest
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.records.run import SHORT
from runaudit.runs.follow import bring_index_along
from runaudit.store import Store
from runaudit.store.catalogue import HEARTBEAT, SERIES, liveness, outcome_entry
from runaudit.system.files import read_ordinary

LOST = "lost: the process that would have sealed it is gone"


def seal_lost(
    store: Store,
    run: str,
    *,
    cwd: Path,
    names: Mapping[str, str],
    environ: Mapping[str, str] = os.environ,
) -> Outcome:
    """Seal one lost run with what lies on disk. Raises UsageError for one that runs, or that is sealed."""
    if outcome_entry(store, run) is not None:
        raise UsageError(f"run {run[:SHORT]} is sealed already", remedy=f"runaudit show {run[:SHORT]}")
    live = store.live_dir(run)
    if liveness(live) == "running":
        raise UsageError(f"run {run[:SHORT]} is running", remedy="wait for its end, or stop it first")
    if (pid := _still_running(store.run_dir(run).absolute())) is not None:
        raise UsageError(
            f"the program of run {run[:SHORT]} still runs (process {pid}), though its wrapper is gone",
            remedy=f"wait for its end, or stop it first: kill {pid}",
        )
    manifest = Manifest.from_bytes(store.read(Digest("sha256", run)), where=f"manifest {run[:SHORT]}")
    place = Path(str(manifest.section("launch").get("cwd") or cwd))
    said = kept_end(live) or {}
    end = End(
        trace=traced(_logs(live), command=manifest.section("launch").get("argv")),
        cwd=place,
        exit_code=said.get("exit_code"),
        error=said.get("error") if said else LOST,
        stderr=str(said.get("stderr", "")),
        names=names,
        lost=True,
        ended=said.get("ended") or _last_sign(live),
        took_s=said.get("took_s"),
        notes=(*said.get("notes", ()), "sealed by `runaudit seal` with what was on disk"),
    )
    outcome = close_run(store, manifest, end, environ=environ)
    with contextlib.suppress(OSError):
        remove_folder(_logs(live))
    drop_end(live)
    bring_index_along(store)
    return outcome


def _still_running(folder: Path) -> int | None:
    """A process that was started with this run's folder in $RUNAUDIT_RUN; only this machine's own can be asked."""
    wanted = b"RUNAUDIT_RUN=" + os.fsencode(folder)
    for place in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if int(place.parent.name) != os.getpid() and wanted in place.read_bytes().split(b"\0"):
                return int(place.parent.name)
    return None


def _logs(live: Path) -> Path:
    """Where the observer of the run wrote: below the run, or where the program's own observer said."""
    try:
        return Path(os.fsdecode(read_ordinary(live / POINTER)))
    except OSError:
        return live / OBSERVER


def _last_sign(live: Path) -> float | None:
    """When the run was last seen alive."""
    times = [path.stat().st_mtime for path in (live / HEARTBEAT, live / SERIES) if path.exists()]
    return max(times, default=None)
