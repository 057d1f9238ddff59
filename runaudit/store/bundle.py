"""Runs in one file that another store takes back with every digest intact: `export` writes it, `import` reads it.

    runaudit.bundle/1 sha256:…\\n    the digest of all that follows: a bundle whose bytes were altered is refused
    (a tar archive, uncompressed, its entries sorted and without times or owners: equal runs give equal bytes)
        bundle.json                    the runs, the log's lines about them, what of them was forgotten or made room
        objects/sha256/<hex>           manifests, outcomes, trajectories, patches, sources, remarks
        runs/<run id>/<path>           the files that the outcome names

Nothing is unpacked by the names in the file: an object lies where its digest says, and a run's file where the outcome,
whose digest was checked, says that it lies in the run's folder. Everything is checked before anything is kept, and
the lines of the log come last, so that a store holds a run whole or not at all. The key by which secrets were replaced
stays in its store: what was redacted is redacted in the bundle, too.
"""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from runaudit.errors import IntegrityError, UsageError
from runaudit.records.canonical import canonical_bytes
from runaudit.records.filenames import tree_fault
from runaudit.records.outcome import Outcome
from runaudit.records.run import SHORT
from runaudit.store.kinds import CARRIED, ENDINGS, LOOK, RECORDS, REMARKS, SUPERSEDED
from runaudit.store.line import LogEntry
from runaudit.store.rehash import stored_links
from runaudit.store.remarks import read_remark
from runaudit.store.removed import removed_files, told_row
from runaudit.store.store import Store
from runaudit.store.tombstone import Forgotten, told_elsewhere
from runaudit.store.verify import verify
from runaudit.system.copying import Steady
from runaudit.system.files import check_no_twin, check_output, check_own, open_ordinary, writing_output
from runaudit.system.progress import Advance, work

SCHEMA = "runaudit.bundle/1"
HEAD_BYTES = len(f"{SCHEMA} sha256:{'0' * 64}\n")


def export(
    store: Store, ids: Sequence[str], target: Path, *, over: bool = False, tell: Callable[[], None] = lambda: None
) -> int:
    """Write these runs to `target`, whole or not at all; returns how many files it holds. over: an older bundle there
    may go; it may hold runs that are nowhere else, which nobody could tell afterwards. tell: puts into the log what is
    to go along beside, once nothing stands against it.

    Raises IntegrityError where one of them is not as it was sealed, UsageError where one has no sealed end, or where a
    bundle lies there.
    """
    check_output(target, "the bundle")
    check_no_twin(target, store.root, "the bundle")
    check_own(target, "the bundle", lambda head: head.startswith(b"runaudit.bundle/"))
    if not over and target.exists() and target.stat().st_size:
        raise UsageError(
            f"{target} is a bundle already; nothing was exported",
            remedy="name another file, or give --force where its runs may go",
        )
    if problems := verify(store, tuple(ids)).problems:
        first = problems[0]
        raise IntegrityError(f"{first.file}: {first.problem}; nothing was exported", remedy="run `runaudit verify`")
    for run in ids:
        if f"sha256:{run}" not in store.endings() and store.live_dir(run).is_dir():
            raise UsageError(
                f"run {run[:SHORT]} has no sealed end", remedy="wait for it, or `runaudit seal` a lost one"
            )
    tell()
    lines = tuple(_lines_about(store, frozenset(ids)))
    with work("gathering", len(lines), "lines of the log") as advance:
        members = _members(store, lines, advance)
    away = [row for place, row in sorted(removed_files(store).items())
            if (name := "/".join(("runs", *place))) in members and not members[name].exists()]  # fmt: skip
    for made_room in away:
        del members[f"runs/{made_room.run}/{made_room.path}"]
    gone = _forgotten(store, members, frozenset(ids))
    index = {"schema": SCHEMA, "runs": [str(entry.digest) for entry in lines if entry.kind == "manifest"],
             "log": [{"kind": entry.kind, "digest": str(entry.digest), "subject": entry.subject, "time": entry.time}
                     for entry in lines],
             **({"forgotten": [told_elsewhere(row) for row in gone]} if gone else {}),
             **({"removed": [told_row(row) for row in away]} if away else {})}  # fmt: skip
    for row in gone:
        members.pop(_member(row.digest), None)
    with writing_output(target, "the bundle") as new:
        _write(new, canonical_bytes(index), members)
    return len(members) + 1


def lacking(store: Store, ids: Sequence[str]) -> tuple[str, ...]:
    """Those of these runs of which a record was forgotten: they go along as launches that count, without a result."""
    gone = store.forgotten()
    found = {
        entry.subject.removeprefix("sha256:")
        for entry in store.entries()
        if entry.kind in RECORDS and str(entry.digest) in gone
    }
    return tuple(run for run in ids if run in found)


def _forgotten(store: Store, members: Mapping[str, Path], ids: frozenset[str]) -> list[Forgotten]:
    """What of these members was forgotten: it travels as what is said of it, so that it stays forgotten elsewhere; and
    what was forgotten with a record of these runs, which nothing names any more."""
    gone = store.forgotten()
    whole = {row.run for row in gone.values() if row.what in RECORDS}
    return [row for row in gone.values() if _member(row.digest) in members or row.run in ids & whole]


def _member(digest: str) -> str:
    return f"objects/sha256/{digest[-64:]}"


def _lines_about(store: Store, ids: frozenset[str]) -> Iterator[LogEntry]:
    """The lines of the log that concern these runs."""
    for entry, about in lines_about(store):
        if entry.kind == SUPERSEDED and str(read_remark(store, entry).get("by")) not in ids:
            continue  # Where the run that counts in its place does not go along, this one counts.
        if about & ids:
            yield entry


def lines_about(store: Store) -> Iterator[tuple[LogEntry, set[str]]]:
    """The lines of the log that may leave the store, each with the runs that it concerns: looks at comparisons stay
    counted wherever their runs go. A note that was forgotten says nothing any more, and that a run counts in another's
    place can only be shown of two whole ones."""
    gone = store.forgotten()
    for entry in store.entries():
        if entry.kind not in CARRIED:
            continue
        if entry.kind in REMARKS and (str(entry.digest) in gone or _is_of_forgotten(store, entry)):
            continue
        if entry.kind in REMARKS:
            yield entry, {str(read_remark(store, entry)["run"])}
        elif entry.kind == LOOK:
            yield entry, looked_at(store.read(entry.digest))
        else:
            yield entry, {entry.subject.removeprefix("sha256:")}


def _is_of_forgotten(store: Store, entry: LogEntry) -> bool:
    said = read_remark(store, entry) if entry.kind == SUPERSEDED else {}
    return any(f"sha256:{said.get(key)}" in store.forgotten() for key in ("run", "by"))


def looked_at(raw: bytes) -> set[str]:
    """The runs that a look at a comparison saw."""
    arms = json.loads(raw).get("arms")
    return {str(run) for runs in arms.values() for run in runs} if isinstance(arms, dict) else set()


def _members(store: Store, lines: Sequence[LogEntry], advance: Advance) -> dict[str, Path]:
    """Name in the bundle -> the file whose bytes stand under it."""
    found: dict[str, Path] = {}
    gone = store.forgotten()
    for entry in lines:
        advance(1)
        linked = [entry.digest]
        if str(entry.digest) in gone:
            found[_member(str(entry.digest))] = store.object_path(entry.digest)
            continue
        if entry.kind in RECORDS:
            linked += [digest for _, digest in stored_links(json.loads(store.read(entry.digest)))]
        found |= {f"objects/sha256/{digest.hex}": store.object_path(digest) for digest in linked}
        if entry.kind in ENDINGS:
            outcome = Outcome.from_bytes(store.read(entry.digest), where=entry.kind)
            run = outcome.manifest.hex
            found |= {f"runs/{run}/{name}": store.run_dir(run) / name for name in files_of(outcome)}
    return found


def files_of(outcome: Outcome) -> dict[str, str]:
    """The files of the run's folder that an outcome names: path -> digest. Raises IntegrityError for one outside."""
    named = {str(file["path"]): str(file["digest"]) for file in (*outcome.checkpoints, *outcome.artifacts)}
    fault = tree_fault(dict.fromkeys(named, False))
    if fault or any(str(PurePosixPath(name)) != name for name in named):
        name, why = fault or (next(n for n in named if str(PurePosixPath(n)) != n), "is not written as a path is")
        raise IntegrityError(
            f"the file {name!r} of run {outcome.manifest.hex[:SHORT]} lies outside its folder: it {why}",
            remedy="ask for an untouched copy; nothing was kept",
        )
    return named


def _write(path: Path, index: bytes, members: Mapping[str, Path]) -> None:
    size = sum(source.stat().st_size for source in members.values())
    with path.open("wb") as file, work("writing", size) as advance:
        file.write(b"\0" * HEAD_BYTES)
        hashed = _Hashed(Steady(file), advance)
        with tarfile.open(fileobj=hashed, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            tar.addfile(_plain("bundle.json", len(index)), io.BytesIO(index))
            for name, source in sorted(members.items()):
                with open_ordinary(source) as body:
                    tar.addfile(_plain(name, os.fstat(body.fileno()).st_size), body)
        file.seek(0)
        file.write(f"{SCHEMA} sha256:{hashed.digest.hexdigest()}\n".encode())


def _plain(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o444
    return entry


class _Hashed(io.RawIOBase):
    """Hands on what is written, keeps its digest, and tells how far it is."""

    def __init__(self, file: Steady, advance: Advance) -> None:
        self._file, self._advance = file, advance
        self.digest = hashlib.sha256()

    def writable(self) -> bool:
        """It is there to be written to."""
        return True

    def write(self, data: Any) -> int:
        """Write, and count into the digest."""
        self.digest.update(data)
        self._advance(len(data))
        return self._file.write(data)
