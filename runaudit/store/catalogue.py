"""Runs read back from the store, and the words by which a user names one.

The log says which runs there are: crashed and killed ones stay in it, so every list and every denominator counts them.
"""

import difflib
import json
import os
import re
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from runaudit.errors import IntegrityError, RecordError, UsageError
from runaudit.records.digest import Digest
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.records.run import SHORT, Run
from runaudit.records.trajectory import Trajectory, read_lines
from runaudit.store.store import LogEntry, Store, find_store

HEARTBEAT = "heartbeat"
"""The file by which a run in progress shows that it lives."""
HEARTBEAT_S = 15.0
"""How often a run in progress touches its heartbeat."""
STALE_S = 4 * HEARTBEAT_S
"""A heartbeat older than this, on another machine, means the run is lost."""
MIN_PREFIX = 4
MAX_GENERATIONS = 32
"""Parents are followed back this far; beyond it a checkpoint's digest is what is known of a start."""

COHORT_ID = 12
Cohorts = Callable[[], Mapping[str, tuple[str, ...]]]
"""Cohort id, and what else names a cohort -> run ids, computed only when a word might name a cohort."""
Telling = Callable[[Sequence[str]], str]
"""Cohort ids -> what they are and what differs between them, in words."""


def run_ids(store: Store) -> tuple[str, ...]:
    """Every launch in the log, oldest first."""
    return tuple(entry.digest.hex for entry in store.entries() if entry.kind == "manifest")


def outcome_entry(store: Store, run_id: str) -> LogEntry | None:
    """The log line of the newest outcome of a run: a correction supersedes what it corrects."""
    return store.endings().get(f"sha256:{run_id}")


def load(store: Store, run_id: str, *, trajectory: bool = True, generations: int = MAX_GENERATIONS) -> Run:
    """One run by its whole id, with the stored runs it descends from, at most `generations` back. Raises
    IntegrityError where its manifest does not match its digest."""
    manifest = Manifest.from_bytes(store.read(Digest("sha256", run_id)), where=f"manifest {run_id[:SHORT]}")
    entry = outcome_entry(store, run_id)
    outcome = Outcome.from_bytes(store.read(entry.digest), where=f"outcome of {run_id[:SHORT]}") if entry else None
    return Run(
        manifest=manifest,
        outcome=outcome,
        trajectory=read_trajectory(store, run_id, outcome, origin=manifest.section("origin"))
        if trajectory
        else Trajectory(),
        blobs=store.blobs,
        liveness="lost" if outcome else liveness(store.live_dir(run_id)),
        parent=_parent(store, manifest, generations),
    )


def _parent(store: Store, manifest: Manifest, generations: int) -> Run | None:
    """The run whose checkpoint this one began with. An id is a digest of its record, so a line has no circle."""
    named = manifest.section("init").get("parent")
    if generations < 1 or not isinstance(named, str) or not re.fullmatch(r"[0-9a-f]{64}", named):
        return None
    if not store.has(Digest("sha256", named)):
        return None
    try:
        return load_or_fault(store, named, trajectory=False, generations=generations - 1)
    except (RecordError, OSError):
        return None  # Not a manifest, or beyond reading: the checkpoint's digest is then all that is known.


def load_or_fault(store: Store, run_id: str, *, trajectory: bool = True, generations: int = MAX_GENERATIONS) -> Run:
    """Like `load`, but a run whose outcome or trajectory is damaged comes back with its `fault` named."""
    try:
        return load(store, run_id, trajectory=trajectory, generations=generations)
    except IntegrityError as error:
        manifest = Manifest.from_bytes(store.object_path(Digest("sha256", run_id)).read_bytes(), where=run_id[:SHORT])
        return Run(manifest=manifest, blobs=store.blobs, fault=error.message)


def read_trajectory(
    store: Store, run_id: str, outcome: Outcome | None, *, origin: Mapping[str, Any] = MappingProxyType({})
) -> Trajectory:
    """What the run logged: the sealed series, or those of a run in progress.

    A foreign run that does not say how it ended has its series named by its manifest, under `origin`.
    """
    section = outcome.section("trajectory") if outcome else origin.get("trajectory")
    sealed = section.get("digest") if isinstance(section, Mapping) else None
    if sealed:
        return read_lines(store.read(Digest.parse(str(sealed))))
    live = store.live_dir(run_id) / "series.jsonl"
    return read_lines(live.read_bytes()) if live.is_file() else Trajectory()


def liveness(live: Path, *, now: Callable[[], float] = time.time) -> str:
    """running or lost. On this machine the process is asked for; elsewhere only the heartbeat's age can tell."""
    beat = live / HEARTBEAT
    try:
        facts = json.loads(beat.read_text())
        age = now() - beat.stat().st_mtime
    except (OSError, ValueError):
        return "lost"
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


# ── the words by which a user names a run ────────────────────────────────────────────────────────────────────────


def resolve(
    store: Store, word: str, *, cohorts: Cohorts = lambda: MappingProxyType({}), telling: Telling = ", ".join
) -> tuple[str, ...]:
    """The run ids that `word` names: `@last`, `@last~1`, an id prefix, a label, a cohort's id, or a list with commas.

    A label that several runs have names their cohort; where they are of several designs, none is meant.
    Raises UsageError for an unknown or ambiguous word, with the nearest candidates.
    """
    if is_list(store, word):
        parts = [part for part in word.split(",") if part]
        found = (run for part in parts for run in resolve(store, part, cohorts=cohorts, telling=telling))
        return tuple(dict.fromkeys(found))
    ids = run_ids(store)
    if match := re.fullmatch(r"@last(?:~(\d+))?", word):
        return (_from_end(ids, int(match[1] or 0), word),)
    if _is_prefix(word):
        hits = sorted({run for run in ids if run.startswith(word)})
        if len(hits) > 1:
            raise UsageError(f"{word!r} fits {len(hits)} runs: {_shown(hits)}", remedy="give more digits")
        if hits:
            return (hits[0],)
    return _by_name(store, ids, word, cohorts, telling)


def _is_prefix(word: str) -> bool:
    return len(word) >= MIN_PREFIX and set(word) <= set("0123456789abcdef")


def is_list(store: Store, word: str) -> bool:
    """Whether a word with commas lists runs: one that is a label itself names what it labels."""
    return "," in word and word not in _labels(store, run_ids(store)).values()


def _labels(store: Store, ids: tuple[str, ...]) -> dict[str, str]:
    return {run: load(store, run, trajectory=False).manifest.label or "" for run in ids}


def _from_end(ids: tuple[str, ...], back: int, word: str) -> str:
    if back >= len(ids):
        raise UsageError(f"{word} does not exist: the store holds {len(ids)} runs", remedy="see `runaudit list`")
    return ids[-1 - back]


def _by_name(store: Store, ids: tuple[str, ...], word: str, cohorts: Cohorts, telling: Telling) -> tuple[str, ...]:
    labels = _labels(store, ids)
    hits = [run for run, label in labels.items() if label == word]
    if len(hits) == 1:
        return (hits[0],)
    groups = cohorts()
    if word in groups:
        return groups[word]
    if hits:
        return _of_label(store, word, hits, groups, telling)
    if _is_prefix(word):
        fits = {name: runs for name, runs in groups.items() if len(name) == COHORT_ID and name.startswith(word)}
        if len(fits) == 1:
            return next(iter(fits.values()))
        if fits:
            raise UsageError(f"{word!r} fits {len(fits)} cohorts: {', '.join(fits)}", remedy="give more digits")
    known = [*(f"{run[:SHORT]}" for run in ids), *labels.values(), *groups]
    near = difflib.get_close_matches(word, sorted(set(filter(None, known))), n=3, cutoff=0.4)
    closest = f" (closest: {', '.join(near)})" if near else ""
    raise UsageError(f"no run matches {word!r}{closest}", remedy="run `runaudit list` to see all")


def _of_label(
    store: Store, word: str, hits: list[str], groups: Mapping[str, tuple[str, ...]], telling: Telling
) -> tuple[str, ...]:
    """The runs of a label, with the repetitions of them that are of their design: `rerun` gives those other labels."""
    # A cohort's id comes after its other names, and is the one that is told.
    homes = {runs: name for name, runs in groups.items() if not set(runs).isdisjoint(hits)}
    if not homes:
        raise UsageError(f"{len(hits)} runs are labelled {word!r}: {_shown(hits)}", remedy="name one by its id")
    if len(homes) > 1:
        raise UsageError(
            f"the {len(hits)} runs labelled {word!r} are of {len(homes)} designs: {telling(tuple(homes.values()))}",
            remedy="name one cohort by its id",
        )
    (members,) = homes
    named = set(hits)
    for run in members:
        origin = (
            load(store, run, trajectory=False, generations=0).manifest.section("origin") if run not in named else {}
        )
        if origin.get("rerun_of") in named:
            named.add(run)
    return tuple(run for run in members if run in named)


def _shown(ids: list[str]) -> str:
    head = ", ".join(run[:SHORT] for run in ids[:4])
    return head if len(ids) <= 4 else f"{head} and {len(ids) - 4} more"


def find_run(word: str, *, store: Path | None = None) -> tuple[str, Path]:
    """The one run that `word` names, and its folder, in the store that a command here would use. Raises UsageError."""
    place = Store.open(find_store(Path.cwd(), named=store))
    ids = resolve(place, word)
    if len(ids) != 1:
        raise UsageError(f"{word!r} names {len(ids)} runs", remedy="name one by its id")
    return ids[0], place.run_dir(ids[0])
