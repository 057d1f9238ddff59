"""Files that earlier runs of a store wrote: outputs that lie in the work tree are no code of the next run.

Who wrote a file is asked, not what it is called: the outcome of an observed run lists what its processes wrote, with
size and time stamp. A file that somebody has edited since is no longer what the run left, and counts as source again.
"""

import json
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from runaudit.errors import RunauditError
from runaudit.store.store import Store

MAX_OUTCOMES = 200
"""How many outcomes are looked through, the newest: what older runs left was committed, ignored or rewritten."""


class Outputs:
    """What the runs of a store left in the work tree at `top`. Nothing is read before the first question."""

    def __init__(self, store: Store, top: Path) -> None:
        self._store = store
        self._top = top
        self.found: set[str] = set()
        """The files that were asked for and are outputs."""

    def wrote(self, path: str) -> bool:
        """Whether `path` (posix, relative to the top) is still what a run wrote."""
        if self._is_left(path):
            self.found.add(path)
            return True
        return False

    def _is_left(self, path: str) -> bool:
        if not (stamps := self._written.get(path)):
            return False
        try:
            facts = os.lstat(f"{self._top}{os.sep}{path}")
        except OSError:
            return False
        return stamp_of(facts) in stamps

    def touched(self, path: str) -> bool:
        """Whether a run ever wrote `path`, whatever lies there now."""
        return path in self._written

    @cached_property
    def _written(self) -> Mapping[str, set[str]]:
        found: dict[str, set[str]] = {}
        endings = [entry for entry in self._store.entries() if entry.kind in ("outcome", "correction")]
        for entry in endings[-MAX_OUTCOMES:]:
            try:
                raw = self._store.read(entry.digest)
            except RunauditError:
                continue
            if b'"written":[{' not in raw:
                continue
            for row in (json.loads(raw).get("observed") or {}).get("written") or ():
                if isinstance(row, dict) and row.get("stamp"):
                    found.setdefault(str(row["path"]), set()).add(str(row["stamp"]))
        return found


def stamp_of(facts: os.stat_result) -> str:
    """Size and time of a file as one text: what changes when it is written again."""
    return f"{facts.st_size} {facts.st_mtime_ns}"
