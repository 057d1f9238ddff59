"""Files that earlier runs of a store wrote: outputs that lie in the work tree are no code of the next run.

So is what a program that records itself had written before it called: the folder that Hydra makes for a job, a dump of
the arguments. Who wrote a file is asked, not what it is called: the outcome of an observed run lists what its processes
wrote, with size and time stamp. A file that somebody has edited since is no longer what the run left, and counts as
source again.
"""

import json
import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from runaudit.capture.hydra_folders import is_hydras
from runaudit.errors import RunauditError
from runaudit.observe.here import own_trace
from runaudit.records.digest import Digest
from runaudit.records.manifest import Manifest
from runaudit.store.kinds import ENDINGS, MANIFEST
from runaudit.store.store import Store

OBSERVER = "observe"
"""The folder below a run's `live` folder that holds the observer and its logs."""
MAX_OUTCOMES = 200
"""How many outcomes are looked through, the newest: what older runs left was committed, ignored or rewritten."""


SOURCES = (".py", ".pyi", ".pyx", ".ipynb")
"""What is code whoever wrote it: a cell of a notebook writes a module that it is about to run."""


class Outputs:
    """What the runs of a store left in the work tree at `top`, and Hydra of jobs that no store knows. Nothing is read
    before the first question. own: this process is the program, and what it wrote so far counts as well. What a process
    wrote that launches another is the other's input: an observed notebook edits a config before it starts a run."""

    def __init__(self, store: Store, top: Path, *, own: bool = False) -> None:
        self._store = store
        self._top = top
        self._own = own
        self.found: set[str] = set()
        """The files that were asked for and are outputs."""

    def wrote(self, path: str) -> bool:
        """Whether `path` (posix, relative to the top) is still what a run wrote."""
        if self._is_left(path) or is_hydras(self._top, path):
            self.found.add(path)
            return True
        return False

    def _is_left(self, path: str) -> bool:
        if not (stamps := self._written.get(path)):
            return path in self._being_written
        try:
            facts = os.lstat(f"{self._top}{os.sep}{path}")
        except OSError:
            return False
        return stamp_of(facts) in stamps or path in self._being_written

    def touched(self, path: str) -> bool:
        """Whether a run ever wrote `path`, whatever lies there now."""
        return path in self._written or path in self._being_written

    def all_touched(self) -> frozenset[str]:
        """All that a run ever wrote or made, relative to the top where it lies inside."""
        return frozenset(self._written) | self._being_written

    @cached_property
    def _being_written(self) -> frozenset[str]:
        """What runs that have not ended yet, seeds side by side, have written so far; this process before its own."""
        mine = own_trace().written if self._own else ()
        found = _inside(frozenset(path for path in mine if not path.endswith(SOURCES)), self._top)
        ended = {entry.subject for entry in self._store.entries() if entry.kind in ENDINGS}
        for entry in self._store.entries():
            if entry.kind == MANIFEST and entry.subject not in ended:
                found |= _inside(_so_far(self._store, entry.digest), self._top)
        return frozenset(found)

    @cached_property
    def _written(self) -> Mapping[str, set[str]]:
        found: dict[str, set[str]] = {}
        endings = [entry for entry in self._store.entries() if entry.kind in ENDINGS]
        for entry in endings[-MAX_OUTCOMES:]:
            try:
                raw = self._store.read(entry.digest)
            except RunauditError:
                continue
            if b'"written":[{' not in raw:
                continue
            for row in (json.loads(raw).get("observed") or {}).get("written") or ():
                if isinstance(row, dict) and row.get("path"):
                    stamps = found.setdefault(str(row["path"]), set())
                    stamps |= {str(row["stamp"])} if row.get("stamp") else set()
            for path in (json.loads(raw).get("observed") or {}).get("folders_made") or ():
                found.setdefault(str(path), set())
        return found


def written_beside(store: Store, manifest: Manifest) -> frozenset[str]:
    """What other runs of a store wrote that ended after this one began, or have not ended: whole paths."""
    found: set[str] = set()
    for run, outcome in runs_beside(store, manifest):
        found.update(_so_far(store, run) if outcome is None else _whole(store, run, outcome))
    return frozenset(found)


def _so_far(store: Store, run: Digest) -> frozenset[str]:
    """What a run that has not ended has written, as far as its observer is there to tell."""
    logs = store.live_dir(run.hex) / OBSERVER
    return written_so_far(logs) if (logs / "log").is_dir() else frozenset()


def runs_beside(store: Store, manifest: Manifest) -> Iterator[tuple[Digest, Digest | None]]:
    """The other runs that ended after this one began, each with its outcome, and those that have not ended."""
    began = str(manifest.section("launch").get("started") or "")
    endings = store.endings()
    for entry in store.entries():
        if entry.kind == MANIFEST and entry.digest != manifest.digest:
            ending = endings.get(entry.subject)
            if ending is None or ending.time >= began:
                yield entry.digest, None if ending is None else ending.digest


def _whole(store: Store, run: Digest, outcome: Digest) -> Iterator[str]:
    """What a run that has ended wrote, by its outcome."""
    try:
        rows = (json.loads(store.read(outcome)).get("observed") or {}).get("written") or ()
        launch = json.loads(store.read(run)).get("launch") or {}
    except RunauditError:
        return
    top = str(launch.get("top") or launch.get("cwd") or ".")
    for row in rows:
        if isinstance(row, dict) and row.get("path"):
            yield os.path.normpath(os.path.join(top, str(row["path"])))  # noqa: PTH118  (a path on record is a text)


def written_so_far(logs: Path) -> frozenset[str]:
    """The files that the processes of a run have written, by the logs of its observer."""
    from runaudit.observe.log import read_trace

    try:
        return frozenset(read_trace(logs).written)
    except (OSError, ValueError):
        return frozenset()


def _inside(paths: frozenset[str], top: Path) -> set[str]:
    tops = {f"{top}{os.sep}", f"{os.path.realpath(top)}{os.sep}"}
    return {path[len(folder) :] for path in paths for folder in tops if path.startswith(folder)}


def stamp_of(facts: os.stat_result) -> str:
    """Size and time of a file as one text: what changes when it is written again."""
    return f"{facts.st_size} {facts.st_mtime_ns}"
