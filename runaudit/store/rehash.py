"""One run hashed again: its manifest, its outcomes, what they link to, and the files in its folder.

Each file is hashed once, however many runs lead to it, and a run costs what it holds: a store of n runs is verified in
time that grows with n. Runs do not depend on each other, so they can be shared out among processes.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runaudit.errors import IntegrityError, RunauditError
from runaudit.records.digest import Digest, digest_bytes, digest_file, digest_within
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.store.ends import End, ends_fault
from runaudit.store.kinds import ENDINGS, RECORDS
from runaudit.store.line import LogEntry
from runaudit.store.removed import Place, Removed, removed_files
from runaudit.store.store import Store
from runaudit.store.tombstone import tombstone

_MENTIONED = re.compile(rb"sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong: the run it belongs to (None: the store itself), the file, and what about it."""

    run: str | None
    file: str
    problem: str


@dataclass(slots=True)
class Hashed:
    """What was hashed so far: file -> its digest, or what the system said; and every digest that a record mentions."""

    files: dict[Path, str] = field(default_factory=dict)
    mentioned: set[str] = field(default_factory=set)

    def fault(self, path: Path, digest: str, *, within: Path | None = None) -> str | None:
        """What is wrong with a file that must have this digest; None where it has.

        within: a folder out of which it must not lead. A record may be a stranger's: of a file that lies elsewhere
        nothing is read, and not even the digest is told.
        """
        found = self.files.get(path)
        if found is None:
            found = self.files[path] = _digest_or_fault(path, within)
        if found == digest:
            return None
        if not found.startswith("sha256:"):
            return found
        return f"does not match its digest: sealed {digest[:19]}…, found {found[:19]}…"

    def object_fault(self, store: Store, digest: Digest) -> str | None:
        """What is wrong with an object of the store; nothing where it was forgotten, and its tombstone lies there."""
        fault = self.fault(store.object_path(digest), str(digest))
        gone = store.forgotten().get(str(digest)) if fault else None
        if gone is not None and self.fault(store.object_path(digest), str(digest_bytes(tombstone(gone)))) is None:
            return None
        return fault

    def add(self, other: "Hashed") -> None:
        """Take over what another process hashed."""
        self.files.update(other.files)
        self.mentioned |= other.mentioned


def _digest_or_fault(path: Path, within: Path | None) -> str:
    try:
        return str(digest_file(path) if within is None else digest_within(path, within))
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"


Launch = tuple[str, Sequence[LogEntry]]
"""The id of a run and every line of the log about it."""


def check_runs(root: Path, launches: Sequence[Launch], hashed: Hashed | None = None) -> tuple[list[Problem], Hashed]:
    """What is wrong with these runs, and all that was hashed for it, here or before (`hashed`): another process can do
    it as well as this one."""
    store, hashed = Store(root), hashed or Hashed()
    try:
        away = removed_files(store)
    except IntegrityError:
        away = {}  # The log or the account is damaged, which is told by itself.
    return [problem for launch in launches for problem in _check_run(store, launch, hashed, away)], hashed


def _check_run(store: Store, launch: Launch, hashed: Hashed, away: Mapping[Place, Removed]) -> Iterator[Problem]:
    """What is wrong with one run. away: the files that made room."""
    run, entries = launch
    ends: list[End] = []
    for entry in entries:
        file = relative(store, entry.digest)
        if fault := hashed.object_fault(store, entry.digest):
            yield Problem(run=run, file=file, problem=f"{entry.kind}: {fault}")
            continue
        if str(entry.digest) in store.forgotten():
            continue
        if entry.kind not in RECORDS:
            continue  # Of a kind that counts for nothing here (`verify` names it): its bytes are what they were.
        try:
            yield from _check_links(store, run, entry, hashed, away)
            if entry.kind in ENDINGS:
                outcome = Outcome.from_bytes(store.read(entry.digest), where="outcome")
                ends.append((entry.kind, entry.digest, outcome))
        except RunauditError as error:
            yield Problem(run=run, file=file, problem=f"{entry.kind}: {error.message}")
    if fault := ends_fault(ends):
        yield Problem(run=run, file=relative(store, ends[-1][1]), problem=f"outcome: {fault}")


def _check_links(
    store: Store, run: str, entry: LogEntry, hashed: Hashed, away: Mapping[Place, Removed]
) -> Iterator[Problem]:
    raw = store.read(entry.digest)
    hashed.mentioned.update(digest.decode() for digest in _MENTIONED.findall(raw))
    files: tuple[Mapping[str, Any], ...] = ()
    if entry.kind == "manifest":
        links = stored_links(Manifest.from_bytes(raw, where="manifest").body)
    else:
        outcome = Outcome.from_bytes(raw, where="outcome")
        if outcome.manifest.hex != run:
            yield Problem(run=run, file=relative(store, entry.digest), problem="outcome: belongs to another run")
        links = stored_links(outcome.body)
        files = (*outcome.checkpoints, *outcome.artifacts)
    for name, digest in links:
        if fault := hashed.object_fault(store, digest):
            yield Problem(run=run, file=relative(store, digest), problem=f"{name}: {fault}")
    folder = store.run_dir(run)
    for file in files:
        made_room = away.get((run, str(file["path"])))
        if made_room and made_room.digest == file["digest"] and not os.path.lexists(folder / str(file["path"])):
            continue
        if fault := hashed.fault(folder / str(file["path"]), str(file["digest"]), within=folder):
            yield Problem(run=run, file=str(file["path"]), problem=f"{file.get('kind', 'file')}: {fault}")


def stored_links(body: Mapping[str, Any]) -> Iterator[tuple[str, Digest]]:
    """What a record says lies in the store: patches, sources, trajectory. Not the files of the run's folder."""
    code = body.get("code")
    if isinstance(code, Mapping):
        yield from _code_links(code, "")
    for holder in (body, body.get("origin")):  # a foreign run without an outcome names its series under `origin`
        trajectory = holder.get("trajectory") if isinstance(holder, Mapping) else None
        if isinstance(trajectory, Mapping) and "digest" in trajectory:
            yield "trajectory", Digest.parse(str(trajectory["digest"]))


def text_links(body: Mapping[str, Any]) -> Iterator[tuple[str, Digest]]:
    """Code without a file that a run was seen to compile: kept where there was room for it."""
    seen = body.get("observed")
    for row in (seen.get("texts") or ()) if isinstance(seen, Mapping) else ():
        yield f"text {row['name']}", Digest.parse(str(row["digest"]))


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _code_links(code: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Digest]]:
    patch = code.get("patch")
    if isinstance(patch, Mapping) and "digest" in patch and patch.get("stored", True):
        yield f"{prefix}patch", Digest.parse(str(patch["digest"]))
    for path, entry in _table(code.get("files")).items():
        if isinstance(entry, Mapping) and "digest" in entry and entry.get("stored", True):
            yield f"{prefix}source {path}", Digest.parse(str(entry["digest"]))
    for group in ("submodules", "siblings"):
        for name, inner in _table(code.get(group)).items():
            if isinstance(inner, Mapping):
                yield from _code_links(inner, f"{prefix}{name}: ")


def relative(store: Store, digest: Digest) -> str:
    """Where an object lies, seen from the store."""
    return str(store.object_path(digest).relative_to(store.root))
