"""Re-hash everything that is stored, and say which file of which run is wrong.

Nothing cached is trusted. What `verify` proves: no stored byte differs from its digest, no launch was removed from or
moved within the log, every link leads somewhere. What it cannot prove without an anchor outside the store: that the
whole history was not rewritten, or its end cut off.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runaudit.errors import IntegrityError, RunauditError
from runaudit.records.digest import Digest, digest_bytes, digest_file, digest_within
from runaudit.records.manifest import MANIFEST_SCHEMA, Manifest
from runaudit.records.outcome import Outcome
from runaudit.records.run import SHORT
from runaudit.store.remarks import KINDS, remark_faults
from runaudit.store.store import LogEntry, Store, check_chain
from runaudit.system.progress import work


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong: the run it belongs to (None: the store itself), the file, and what about it."""

    run: str | None
    file: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """How many runs and files were checked, and what was wrong."""

    runs: int
    checked: int
    problems: tuple[Problem, ...]


def verify(store: Store, ids: tuple[str, ...] | None = None) -> Verification:
    """Check every run of the store, or those named."""
    try:
        entries = store.entries()
    except IntegrityError as error:
        return Verification(runs=0, checked=1, problems=(Problem(run=None, file="log.jsonl", problem=error.message),))
    problems = [Problem(run=None, file="log.jsonl", problem=text) for text in check_chain(entries)]
    launches = [entry for entry in entries if entry.kind == "manifest"]
    wanted = [entry for entry in launches if ids is None or entry.digest.hex in ids]
    seen: set[Path] = set()
    with work("hashing again", len(wanted), "runs") as advance:
        for entry in wanted:
            problems += _check_run(store, entry, entries, seen)
            advance(1)
    problems += _check_remarks(store, entries, ids, seen)
    if ids is None:
        problems += _check_rest(store, entries, seen)
    return Verification(runs=len(wanted), checked=len(seen) + bool(entries), problems=tuple(dict.fromkeys(problems)))


def _check_run(store: Store, launch: LogEntry, entries: tuple[LogEntry, ...], seen: set[Path]) -> Iterator[Problem]:
    run = launch.digest.hex
    own = [e for e in entries if e.subject == str(launch.digest)]
    for entry in own:
        fault = _fault_of_object(store, entry.digest, seen)
        if fault:
            yield Problem(run=run, file=_relative(store, entry.digest), problem=f"{entry.kind}: {fault}")
            continue
        try:
            yield from _check_links(store, run, entry, seen)
        except RunauditError as error:
            yield Problem(run=run, file=_relative(store, entry.digest), problem=error.message)


def _check_links(store: Store, run: str, entry: LogEntry, seen: set[Path]) -> Iterator[Problem]:
    raw = store.read(entry.digest)
    if entry.kind == "manifest":
        links = stored_links(Manifest.from_bytes(raw, where="manifest").body)
        files: tuple[Mapping[str, Any], ...] = ()
    else:
        outcome = Outcome.from_bytes(raw, where="outcome")
        if outcome.manifest.hex != run:
            yield Problem(run=run, file=_relative(store, entry.digest), problem="outcome: belongs to another run")
        links = stored_links(outcome.body)
        files = (*outcome.checkpoints, *outcome.artifacts)
    for name, digest in links:
        if fault := _fault_of_object(store, digest, seen):
            yield Problem(run=run, file=_relative(store, digest), problem=f"{name}: {fault}")
    for file in files:
        folder = store.run_dir(run)
        if fault := _fault_of_file(folder / str(file["path"]), str(file["digest"]), seen, within=folder):
            yield Problem(run=run, file=str(file["path"]), problem=f"{file.get('kind', 'file')}: {fault}")


def stored_links(body: Mapping[str, Any]) -> Iterator[tuple[str, Digest]]:
    """What a record says lies in the store: patches, sources, trajectory. Not the files of the run's folder."""
    code = body.get("code")
    if isinstance(code, Mapping):
        yield from _code_links(code, "")
    for holder in (body, body.get("origin")):  # a foreign run without an outcome names its series under `origin`
        trajectory = holder.get("trajectory") if isinstance(holder, Mapping) else None
        if isinstance(trajectory, Mapping):
            yield "trajectory", Digest.parse(str(trajectory["digest"]))


def _code_links(code: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Digest]]:
    patch = code.get("patch")
    if isinstance(patch, Mapping):
        yield f"{prefix}patch", Digest.parse(str(patch["digest"]))
    for path, entry in (code.get("files") or {}).items():
        if isinstance(entry, Mapping) and entry.get("stored", True):
            yield f"{prefix}source {path}", Digest.parse(str(entry["digest"]))
    for group in ("submodules", "siblings"):
        for name, inner in (code.get(group) or {}).items():
            if isinstance(inner, Mapping):
                yield from _code_links(inner, f"{prefix}{name}: ")


def _check_remarks(
    store: Store, entries: tuple[LogEntry, ...], ids: tuple[str, ...] | None, seen: set[Path]
) -> Iterator[Problem]:
    """What was said of the runs after they were sealed: notes, and that they were put away."""
    for run, entry, fault in remark_faults(store, entries, None if ids is None else frozenset(ids)):
        seen.add(store.object_path(entry.digest))
        yield Problem(run=run, file=_relative(store, entry.digest), problem=f"{entry.kind}: {fault}")


def _check_rest(store: Store, entries: tuple[LogEntry, ...], seen: set[Path]) -> Iterator[Problem]:
    """Objects no run led to: still re-hashed, and a manifest that the log does not count is told."""
    known = {entry.digest for entry in entries}
    launches = {str(entry.digest) for entry in entries if entry.kind == "manifest"}
    for entry in entries:
        # Lines about no run (a look at a comparison) seal an object too.
        if entry.kind in KINDS:
            continue  # Remarks were read one by one.
        if entry.subject not in launches and (fault := _fault_of_object(store, entry.digest, seen)):
            yield Problem(run=None, file=_relative(store, entry.digest), problem=f"{entry.kind}: {fault}")
    for path in sorted((store.root / "objects" / "sha256").glob("??/*")):
        digest = Digest("sha256", path.name)
        if path in seen:
            continue
        fault = _fault_of_object(store, digest, seen)
        file = str(path.relative_to(store.root))
        if fault:
            yield Problem(run=None, file=file, problem=fault)
        elif (
            digest not in known and path.read_bytes().startswith(b"{") and MANIFEST_SCHEMA.encode() in path.read_bytes()
        ):
            yield Problem(run=path.name, file=file, problem="manifest that the log does not count: sealed by a run "
                          "that died before its launch was logged, or removed from the log")  # fmt: skip


def _fault_of_object(store: Store, digest: Digest, seen: set[Path]) -> str | None:
    path = store.object_path(digest)
    if path in seen:
        return None if path.is_file() and digest_bytes(path.read_bytes()) == digest else "missing or changed"
    return _fault_of_file(path, str(digest), seen)


def _fault_of_file(path: Path, digest: str, seen: set[Path], *, within: Path | None = None) -> str | None:
    seen.add(path)
    try:
        # A record may be a stranger's: of a file outside of the run's folder not even the digest is told.
        found = digest_file(path) if within is None else digest_within(path, within)
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return (
        None if str(found) == digest else f"does not match its digest: sealed {digest[:19]}…, found {str(found)[:19]}…"
    )


def _relative(store: Store, digest: Digest) -> str:
    return str(store.object_path(digest).relative_to(store.root))


__all__ = ["SHORT", "Problem", "Verification", "stored_links", "verify"]
