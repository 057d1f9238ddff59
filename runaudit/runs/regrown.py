"""A launch that was imported while it still ran, and again when it had gone on: two records, one of which counts.

The second is a newer record of the first where both tell of one launch elsewhere, the first did not know how it ended,
and the second says all that the first said and goes on. Anything else is not growth: a record of an ended run that
reads otherwise now was edited, and both count, as two runs would.
"""

import contextlib
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from runaudit.errors import RunauditError
from runaudit.records.canonical import canonical_equal
from runaudit.records.digest import Digest, digest_bytes
from runaudit.records.manifest import Manifest
from runaudit.records.run import Run
from runaudit.store.catalogue import load_or_fault
from runaudit.store.kept import read_kept
from runaudit.store.remarks import source_of, supersede, superseded
from runaudit.store.store import Store


class Sources:
    """The launches elsewhere that a store has records of. ids: all of its runs; only imported ones are looked at."""

    def __init__(self, store: Store, ids: Iterable[str]) -> None:
        self._store = store
        self._older = dict(superseded(store))
        self._runs: dict[str, list[str]] = {}
        self._contents: dict[str, str] = {}
        self._elsewhere: dict[tuple[str, bool], str] = {}
        for run_id in ids:
            self._know(run_id)

    def _know(self, run_id: str) -> None:
        with contextlib.suppress(OSError, ValueError, RunauditError):  # One that is damaged is told by `verify`.
            raw = read_kept(self._store.object_path(Digest("sha256", run_id)))
            if b'"source":"' in raw:
                self._add(run_id, raw)

    def _add(self, run_id: str, raw: bytes) -> None:
        source, content, launch = _told(raw)
        if source is None:
            return
        if launch:
            self._elsewhere.setdefault((launch, _is_address(source)), run_id)
        if run_id not in self._runs.setdefault(source, []):
            self._runs[source].append(run_id)
        self._contents.setdefault(content, run_id)

    def same_as(self, manifest: Manifest) -> str | None:
        """The run that an equal record is, wherever that lay: a folder that was moved is no second launch, and neither
        is one that was synced to its tracker's server and is asked for there."""
        source, content, launch = _told(manifest.raw)
        synced = self._elsewhere.get((launch, not _is_address(source))) if launch and source else None
        return self._contents.get(content) or synced

    def know(self, manifest: Manifest) -> None:
        """Count a record among those of its launch."""
        self._add(manifest.id, manifest.raw)

    def settle(self, manifest: Manifest, *, time: str) -> None:
        """Of the records of a run's launch, all of them in the store by now, say which ones another has outgrown."""
        source = source_of(manifest.body)
        others = [run for run in self._runs.get(source or "", ()) if run not in self._older]
        if len(others) < 2:
            return
        runs = [load_or_fault(self._store, run_id) for run_id in others]
        for old in runs:
            newer = next((new for new in runs if new.id != old.id and new.id not in self._older
                          and has_grown(old, new)), None)  # fmt: skip
            if newer is not None:
                supersede(self._store, old.id, newer.id, time=time)
                self._older[old.id] = newer.id


@lru_cache(maxsize=1)  # A run that comes in is asked about, and then counted.
def _told(raw: bytes) -> tuple[str | None, str, str]:
    """Which launch elsewhere a sealed manifest tells of, None for one of our own; by its digest what it says of it,
    wherever it lay, and whatever was vouched for when it came in; and, where a tracker keeps a run both in a folder and
    on a server under one id, that id with what went in, else nothing."""
    body = json.loads(raw)
    if (source := source_of(body)) is None:
        return None, "", ""
    origin = body["origin"]
    told = {key: value for key, value in origin.items() if key not in ("source", "assumed")}
    synced = [origin.get("run"), body.get("config"), body.get("seed"), body.get("launch", {}).get("argv")]
    return source, _digest({**body, "origin": told}), _digest(synced) if origin.get("kind") == "wandb" else ""


def _digest(value: Any) -> str:
    return digest_bytes(json.dumps(value, sort_keys=True, default=str).encode()).hex


def _is_address(source: str) -> bool:
    return "://" in source


def has_grown(old: Run, new: Run) -> bool:
    """Whether a record says all that an older one of the same launch said, and goes on: the older one did not know how
    the run ended, every setting is there with its value, and every series goes at least as far."""
    if old.outcome is not None or old.fault or new.fault:
        return False
    if not _holds(new.manifest.section("config"), old.manifest.section("config")):
        return False
    if not _holds(_kept(new.manifest.section("code")), _kept(old.manifest.section("code"))):
        return False
    if new.manifest.body.get("seed") != old.manifest.body.get("seed"):
        return False
    longer = new.outcome is not None
    for name, points in old.trajectory.series.items():
        later = new.trajectory.series.get(name, ())
        if not later or later[-1][0] < points[-1][0]:
            return False
        # A tracker's summary is one point, which moves; a series that was written stays.
        if len(points) > 1 and tuple(later[: len(points)]) != tuple(points):
            return False
        longer = longer or later[-1][0] > points[-1][0] or len(later) > len(points)
    return longer or len(new.trajectory.series) > len(old.trajectory.series)


def _kept(code: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in code.items() if key in ("commit", "patch", "program", "files")}


def _holds(new: Any, old: Any) -> bool:
    """Whether a tree holds every leaf of another one."""
    if isinstance(old, Mapping):
        return isinstance(new, Mapping) and all(key in new and _holds(new[key], old[key]) for key in old)
    return canonical_equal(new, old)  # NaN is NaN, and 1 is not True.
