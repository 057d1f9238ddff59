"""Cohorts of the sample record, sealed in a store as launches are."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.records.record_file import run_of
from runaudit.records.trajectory import line_of
from runaudit.store.store import Store
from tests.diff.samples import both, put, record

Change = Callable[[dict[str, Any]], object]
METRIC = "full_frame/psnr"


def launched(store: Store, *changes: Change, campaign: Mapping[str, Any] | None = None) -> Manifest:
    """One launch that nobody ended, by itself or as a job of a campaign."""
    plain = record()
    both(*changes)(plain)
    run = run_of(plain, where="sample")
    for blob in run.blobs.values():
        store.put(blob)
    sections = {k: v for k, v in run.manifest.to_json().items() if k != "schema"}
    origin = {"kind": "captured"} | ({"campaign": dict(campaign)} if campaign else {})
    manifest = Manifest.of({**sections, "origin": origin})
    store.seal_manifest(manifest, time="2025-11-01T00:00:00Z")
    return manifest


def sealed(
    store: Store, *changes: Change, metrics: dict[str, float], status: str = "completed",
    curves: Mapping[str, Sequence[float]] = MappingProxyType({}), campaign: Mapping[str, Any] | None = None,
) -> str:  # fmt: skip
    """One run; returns its id. curves: what it logged of a series, every 100 steps."""
    manifest = launched(store, *changes, campaign=campaign)
    body: dict[str, Any] = {"manifest": str(manifest.digest), "status": status, "metrics": metrics, "steps_done": 3000}
    if curves:
        lines = b"".join(
            line_of(100 * at, {name: value}) for name, row in curves.items() for at, value in enumerate(row)
        )
        body["trajectory"] = {"digest": str(store.put(lines)), "size": len(lines)}
    store.seal_outcome(Outcome.of(body), time="2025-11-01T01:00:00Z")
    return manifest.id


def cohort(
    store: Store, label: str, values: Sequence[float | None], *changes: Change, first_seed: int = 1
) -> list[str]:
    """One run a value, with seeds from `first_seed` on; None is a run that crashed. Returns the ids."""
    return [
        sealed(
            store,
            put("seed", first_seed + index),
            put("label", label),
            *changes,
            metrics={} if value is None else {METRIC: value},
            status="crashed" if value is None else "completed",
        )
        for index, value in enumerate(values)
    ]
