"""Runs from elsewhere, sealed like our own: what they hold, then the manifest that names it, then the outcome.

A run that does not say how it ended has no outcome to name its series; its manifest names them, under `origin`.
"""

from typing import Any

from runaudit.records.digest import digest_bytes
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.records.run import Run
from runaudit.records.trajectory import write_lines
from runaudit.store.store import Store


def foreign_manifest(run: Run) -> Manifest:
    """The manifest under which a foreign run is kept: its id in the store."""
    if run.outcome is not None or not _lines(run):
        return run.manifest
    raw = _lines(run)
    body = run.manifest.to_json()
    body["origin"] = {**body.get("origin", {}), "trajectory": _entry(raw)}
    return Manifest.of(body)


def seal_foreign(store: Store, run: Run, *, time: str) -> Manifest:
    """Keep a foreign run. Raises StoreError; what was written until then is unnamed and does no harm."""
    for raw in run.blobs.values():
        store.put(raw)
    manifest = foreign_manifest(run)
    raw = _lines(run)
    if raw:
        store.put(raw)
    store.seal_manifest(manifest, time=time)
    if run.outcome is not None:
        body = run.outcome.to_json() | ({"trajectory": _entry(raw)} if raw else {})
        store.seal_outcome(Outcome.of(body), time=time)
    return manifest


def _lines(run: Run) -> bytes:
    return write_lines(run.trajectory)


def _entry(raw: bytes) -> dict[str, Any]:
    return {"digest": str(digest_bytes(raw)), "size": len(raw)}
