"""Runs read back from the store, by their whole ids; the words by which a user names one are `runs.names`.

The log says which runs there are: crashed and killed ones stay in it, so every list and every denominator counts them.
"""

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from runaudit.errors import IntegrityError, RecordError
from runaudit.records.digest import Digest, digest_bytes
from runaudit.records.manifest import GONE, Manifest
from runaudit.records.outcome import Outcome, sealed_series
from runaudit.records.run import SHORT, Run
from runaudit.records.told import with_told
from runaudit.records.trajectory import Trajectory
from runaudit.store.kept import read_kept
from runaudit.store.kinds import ENDINGS, MANIFEST
from runaudit.store.line import LogEntry
from runaudit.store.store import Store
from runaudit.store.tombstone import ForgottenError
from runaudit.system.files import read_ordinary

SERIES = "series.jsonl"
"""What a run in progress logs, in its live folder."""
HEARTBEAT = "heartbeat"
"""The file by which a run in progress shows that it lives."""
HEARTBEAT_S = 15.0
"""How often a run in progress touches its heartbeat."""
STALE_S = 4 * HEARTBEAT_S
"""A heartbeat older than this, on another machine, means the run is lost."""
MAX_GENERATIONS = 32
"""Parents are followed back this far; beyond it a checkpoint's digest is what is known of a start."""


def run_ids(store: Store) -> tuple[str, ...]:
    """Every launch in the log, oldest first."""
    return tuple(entry.digest.hex for entry in store.entries() if entry.kind == "manifest")


def is_launched(store: Store, run_id: str) -> bool:
    """Whether the log counts this run. Finds it without reading the rest of a long log."""
    return any(e.kind == "manifest" and e.digest.hex == run_id for e in store.newest_first(run_id))


def outcome_entry(store: Store, run_id: str) -> LogEntry | None:
    """The log line of the newest outcome of a run: a correction supersedes what it corrects."""
    return store.ending(f"sha256:{run_id}")


def load(
    store: Store, run_id: str, *, trajectory: bool = True, is_hashed: bool = True, generations: int = MAX_GENERATIONS
) -> Run:
    """One run by its whole id, with the stored runs it descends from, at most `generations` back. Raises
    IntegrityError where its manifest, its outcome or its sealed series does not match its digest.

    trajectory: whether its series are read. is_hashed: where they are not, whether their bytes are held against their
    digest all the same. Whatever is judged is; a list of ten thousand runs is not.
    """
    manifest = manifest_of(store, run_id)
    gone = store.forgotten()
    entry = outcome_entry(store, run_id)
    if entry is not None and str(entry.digest) in gone:
        entry = None
    outcome = Outcome.from_bytes(store.read(entry.digest), where=f"outcome of {run_id[:SHORT]}") if entry else None
    forgotten = _forgotten(store, run_id, manifest, outcome) if gone else {}
    logged, origin = Trajectory(), manifest.section("origin")
    if "trajectory" not in forgotten:
        if trajectory:
            logged = read_trajectory(store, run_id, outcome, origin=origin)
        elif is_hashed and (sealed := sealed_series(outcome, origin)) and not store.holds(sealed):
            store.read(sealed)  # Says what is wrong with it, in the words that whoever reads it would meet.
    return Run(
        manifest=manifest if outcome is None else with_told(manifest, outcome.section("told")),
        outcome=outcome,
        trajectory=logged,
        forgotten=MappingProxyType(forgotten),
        blobs=store.blobs,
        liveness=_liveness(store, run_id, manifest, outcome, forgotten),
        unattributed=sum(row.what == "manifest" and row.about is None for row in gone.values()),
        corrected=_correction(store, outcome),
        parent=_parent(store, manifest, generations),
    )


def _correction(store: Store, outcome: Outcome | None) -> str:
    if outcome is None or outcome.body.get("supersedes") is None:
        return ""
    from runaudit.store.ends import correction_told  # Few results are corrected.

    return correction_told(store, outcome)


def _liveness(
    store: Store, run_id: str, manifest: Manifest, outcome: Outcome | None, forgotten: Mapping[str, str]
) -> str:
    """What a run without an outcome is, or would be."""
    if outcome is None and (manifest.is_gone or not forgotten.keys().isdisjoint(ENDINGS)):
        return GONE
    return "lost" if outcome else liveness(store.live_dir(run_id))


def _forgotten(store: Store, run_id: str, manifest: Manifest, outcome: Outcome | None) -> dict[str, str]:
    """What of a run was taken out of the store on purpose, each with when and why."""
    from runaudit.store.rehash import stored_links  # Few stores have forgotten anything.

    gone = store.forgotten()
    entries = [
        entry for entry in store.entries() if run_id in (entry.digest.hex, entry.subject.removeprefix("sha256:"))
    ]
    named = [(entry.kind, entry.digest) for entry in entries]
    for body in (manifest.body, outcome.body if outcome else {}):
        named += [(_as_factor(name), digest) for name, digest in stored_links(body)]
    return {name: gone[str(digest)].said for name, digest in named if str(digest) in gone}


def _as_factor(link: str) -> str:
    """`code.sub/train.py` for the link `sub: source train.py`: the words in which gaps and factors are named."""
    *inside, last = link.split(": ")
    if last == "trajectory":
        return last
    return "code." + "/".join([*inside, last.removeprefix("source ")])


def _parent(store: Store, manifest: Manifest, generations: int) -> Run | None:
    """The run whose checkpoint this one began with. An id is a digest of its record, so a line has no circle."""
    named = manifest.section("init").get("parent")
    if generations < 1 or not isinstance(named, str) or not re.fullmatch(r"[0-9a-f]{64}", named):
        return None
    if not store.has(Digest("sha256", named)):
        return None
    try:
        return load_or_fault(store, named, trajectory=False, is_hashed=False, generations=generations - 1)
    except (RecordError, OSError):
        return None  # Not a manifest, or beyond reading: the checkpoint's digest is then all that is known.


def manifests_with(store: Store, *letters: bytes) -> Iterator[Manifest]:
    """The manifests whose bytes hold one of these, in the order of their launches; none that is damaged or forgotten.

    Sealed bytes are canonical: a record without the letters does not say what is looked for, and is not parsed.
    """
    for entry in store.entries():
        if entry.kind != MANIFEST:
            continue
        try:
            raw = store.read(entry.digest)
            if any(text in raw for text in letters):
                yield Manifest.from_bytes(raw, where=f"manifest {entry.digest.hex[:SHORT]}", held=entry.digest)
        except (ForgottenError, IntegrityError, RecordError):
            continue


def with_parent(store: Store, run: Run) -> Run:
    """A run that was not read from its store, or is none yet, with the stored run that it names as its parent."""
    if run.parent is not None or "parent" not in run.manifest.section("init"):
        return run
    return replace(run, parent=_parent(store, run.manifest, MAX_GENERATIONS))


def writer_of(store: Store, digest: object) -> str | None:
    """The id of the run that kept a checkpoint of this digest, or was seen to write a file of it; None where none was.
    Of several that made the same bytes, as runs that repeat each other do, it is the newest."""
    if not isinstance(digest, str) or not digest or not store.root.is_dir():
        return None
    letters = digest.encode()
    for run, entry in reversed([*store.endings().items()]):
        try:
            raw = store.read(entry.digest)
            if letters in raw and _wrote(Outcome.from_bytes(raw, where="an outcome"), digest):
                return run.removeprefix("sha256:")
        except (ForgottenError, IntegrityError, RecordError):
            continue
    return None


def _wrote(outcome: Outcome, digest: str) -> bool:
    seen = outcome.section("observed").get("written")
    rows = (*outcome.checkpoints, *(seen if isinstance(seen, list | tuple) else ()))
    return any(row.get("digest") == digest for row in rows)


def manifest_of(store: Store, run_id: str) -> Manifest:
    """What a run began with. Raises IntegrityError where its bytes do not match its digest, or are missing."""
    digest = Digest("sha256", run_id)
    try:
        return Manifest.from_bytes(store.read(digest), where=f"manifest {run_id[:SHORT]}", held=digest)
    except ForgottenError as error:
        return Manifest.forgotten(digest, error.row.said, error.row.about)


def load_or_fault(
    store: Store, run_id: str, *, trajectory: bool = True, is_hashed: bool = True, generations: int = MAX_GENERATIONS
) -> Run:
    """Like `load`, but a run that is damaged or malformed comes back with its `fault` named."""
    try:
        return load(store, run_id, trajectory=trajectory, is_hashed=is_hashed, generations=generations)
    except (IntegrityError, RecordError) as error:
        digest = Digest("sha256", run_id)
        try:
            raw = read_kept(store.object_path(digest))
        except (OSError, IntegrityError):
            raw = b""
        is_whole = digest_bytes(raw) == digest
        manifest = Manifest.salvaged(raw, digest, why="its record is damaged")
        return Run(manifest=manifest, blobs=store.blobs, fault=error.message, is_nameless=not is_whole)


def read_trajectory(
    store: Store, run_id: str, outcome: Outcome | None, *, origin: Mapping[str, Any] = MappingProxyType({})
) -> Trajectory:
    """What the run logged: the sealed series, or those of a run in progress.

    A foreign run that does not say how it ended has its series named by its manifest, under `origin`.
    """
    from runaudit.records.columns import read_series  # A listing reads no series.

    if sealed := sealed_series(outcome, origin):
        return read_series(store.read(sealed), where=f"the series of {run_id[:SHORT]}")
    live = store.live_dir(run_id) / SERIES
    try:
        return read_series(read_kept(live))
    except FileNotFoundError:
        return Trajectory()


def liveness(live: Path, *, now: Callable[[], float] = time.time) -> str:
    """running or lost. On this machine the process is asked for; elsewhere only the heartbeat's age can tell."""
    beat = live / HEARTBEAT
    try:
        facts = json.loads(read_ordinary(beat))
        age = now() - beat.stat().st_mtime
    except (OSError, ValueError):
        return "lost"
    import socket  # Only a run in progress needs it.

    if facts.get("host") == socket.gethostname():
        return "running" if process_start(int(facts.get("pid", 0))) == facts.get("pid_start") else "lost"
    return "running" if age < STALE_S else "lost"


def process_start(pid: int) -> str | None:
    """When a process of this machine started, in kernel ticks: a pid alone is used again by another process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return _without_proc(pid)
    return stat.rpartition(")")[2].split()[19]


def _without_proc(pid: int) -> str | None:
    """Where there is no /proc, whether the process exists is all that can be asked."""
    if Path("/proc/self/stat").exists() or pid <= 0:
        return None
    try:
        os.kill(pid, 0)
    except OSError:
        return None
    return "alive"
