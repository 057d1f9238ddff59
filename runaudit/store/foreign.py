"""Runs from elsewhere, sealed like our own: what they hold, then the manifest that names it, then the outcome.

A run that does not say how it ended has no outcome to name its series; its manifest names them, under `origin`.
"""

from typing import Any

from runaudit.records.canonical import canonical_bytes
from runaudit.records.digest import digest_bytes
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.records.run import Run
from runaudit.records.trajectory import write_lines
from runaudit.store.store import Store


def foreign_manifest(run: Run) -> Manifest:
    """The manifest under which a foreign run is kept: its id in the store. Two launches with equal inputs are two runs,
    so how a launch ended, and what it logged, is part of what it is."""
    raw = _lines(run)
    if run.outcome is None and not raw:
        return run.manifest
    body = run.manifest.to_json()
    origin: dict[str, Any] = dict(body.get("origin", {}))
    if run.outcome is None:
        origin["trajectory"] = _entry(raw)
    else:
        ended = {key: value for key, value in run.outcome.to_json().items() if key != "manifest"}
        origin["ending"] = str(digest_bytes(canonical_bytes([ended, _entry(raw) if raw else None])))
    return Manifest.of({**body, "origin": origin})


def seal_foreign(store: Store, run: Run, *, time: str, is_logged: bool = False) -> Manifest:
    """Keep a foreign run; where the log names it already, `is_logged`, what an import that was cut short did not get
    to: its end. Raises StoreError; what was written until then is finished by importing the run again."""
    for raw in run.blobs.values():
        store.put(raw)
    manifest = foreign_manifest(run)
    raw = _lines(run)
    if raw:
        store.put(raw)
    outcome = None
    if run.outcome is not None:
        body = run.outcome.to_json() | {"manifest": str(manifest.digest)} | ({"trajectory": _entry(raw)} if raw else {})
        outcome = Outcome.of(body)
        store.put(outcome.raw)
    if not is_logged:
        store.seal_manifest(manifest, time=time)
    if outcome is not None:
        store.seal_outcome(outcome, time=time)
    return manifest


def _lines(run: Run) -> bytes:
    return write_lines(run.trajectory)


def _entry(raw: bytes) -> dict[str, Any]:
    return {"digest": str(digest_bytes(raw)), "size": len(raw)}
