"""The end of a run that a program seals itself: what it saw of itself, what changed under it, what it loaded."""

import contextlib
import os
import time
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from runaudit.capture.config import plain_config
from runaudit.capture.draft import ABSENT
from runaudit.capture.loaded import code_roots, joined_code, loaded_code
from runaudit.capture.meanwhile import changed_config, changed_data
from runaudit.capture.observed import observe_outcome
from runaudit.capture.ranks import with_other_ranks
from runaudit.capture.redact import Redactor
from runaudit.errors import CaptureError, RunauditError, StoreError
from runaudit.observe.here import own_trace, unobserved
from runaudit.record.heartbeat import end
from runaudit.record.ledger import claim, claims
from runaudit.record.outcome import seal_outcome
from runaudit.records.canonical import JSON
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.records.run import SHORT
from runaudit.store.store import Store


def seal_own(
    store: Store,
    manifest: Manifest,
    redactor: Redactor,
    *,
    root: Path,
    traced: bool,
    status: str,
    error: str | None,
    config: Mapping[str, JSON],
) -> Outcome:
    """Seal the outcome of the run of this process. `traced`: this process was observed for it. Raises StoreError
    whatever the fault was; how the run ended then waits for `runaudit seal`."""
    try:
        return _sealed(store, manifest, redactor, root, traced, status, error, config)
    except RunauditError as fault:
        with contextlib.suppress(StoreError):
            clean = None if error is None else redactor.text(error)
            claim(store.live_dir(manifest.id), "ending", status=status, error=clean, config=dict(config) or None)
        end(store.live_dir(manifest.id))
        raise StoreError(
            f"the outcome is not sealed yet: {fault.message}",
            remedy=f"{fault.remedy}; then: runaudit seal {manifest.id[:SHORT]}",
        ) from fault


def _sealed(
    store: Store,
    manifest: Manifest,
    redactor: Redactor,
    root: Path,
    traced: bool,
    status: str,
    error: str | None,
    config: Mapping[str, JSON],
) -> Outcome:
    ended = time.time()  # What was seen and logged may take seconds to seal, and is no part of the run.
    trace = with_other_ranks(own_trace(), os.environ)
    with unobserved():
        changed, notes = changed_data(store, manifest)
        sections: dict[str, JSON] = {"data": {"changed": changed}} if changed else {}
        if config:
            sections["config"] = {"changed": dict(config)}
        code: dict[str, JSON] = {}
        if traced:
            seen = observe_outcome(trace, manifest, store, redactor)
            sections["observed"], code = seen.observed, seen.code
        if not traced or any(process.late for process in trace.processes):
            # What was imported before the first look stands in `sys.modules`.
            code = joined_code(code, loaded_here(store, manifest, redactor, root))
        return seal_outcome(store, manifest, status=status, error=error, code=code, sections=sections, notes=notes,
                            now=ended)  # fmt: skip


def loaded_here(store: Store, manifest: Manifest, redactor: Redactor, root: Path) -> dict[str, JSON]:
    """The project's modules that this process has loaded. What cannot be read any more is told, not fatal."""
    roots = code_roots(root, manifest.section("launch"))
    try:
        return loaded_code(manifest.section("code"), roots, store.put, redactor)
    except (CaptureError, OSError) as error:
        claim(store.live_dir(manifest.id), "note", text=f"the loaded modules could not be recorded: {error}")
        return {"changed": []}


class WatchedConfig:
    """A configuration that is an object may be changed after it was sealed; so it is looked at again at the end."""

    def __init__(self, source: Any, redactor: Redactor) -> None:
        self._source, self._redactor = source, redactor
        self._before: JSON = None
        if source is not ABSENT and not isinstance(source, str | PurePath):
            try:
                self._before = redactor.tree(plain_config(source))
            except RunauditError:
                self._before = None

    def changes(self) -> dict[str, JSON]:
        """Leaf -> [before, after]."""
        if not isinstance(self._before, Mapping):
            return {}
        return changed_config(self._before, self._source, self._redactor)


def change_note(changes: Mapping[str, Any]) -> str:
    """The note on a changed configuration."""
    shown = ", ".join(f"{path} ({was!r} -> {now!r})" for path, (was, now) in list(changes.items())[:5])
    return f"the config changed after it was sealed: {shown}"


AGAIN = (
    "the program recorded itself again when it had told its end: what it logged then is in this run, too, and two "
    "trainings of one command are two runs only where each records itself (without `runaudit run`)"
)
"""What is noted of a run that holds more than one, as far as anybody can tell."""


def was_told_an_end(store: Store, manifest: Manifest) -> bool:
    """Whether somebody already said how a run ended that goes on."""
    return any(row["k"] == "ending" for row in claims(store.live_dir(manifest.id)))
