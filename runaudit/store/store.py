"""What is kept: immutable bytes addressed by their digest, and one append-only log that counts every launch.

    store.json                     {"schema": "runaudit.store/1"}
    objects/sha256/ab/ab12…        manifests, outcomes, trajectories, patches, sources: written once, mode 0444
    log.jsonl                      a hash chain of all launches, outcomes and corrections
    live/<run id>/                 a run in progress: series.jsonl, heartbeat
    runs/<run id>/                 the run's own folder ($RUNAUDIT_RUN): checkpoints, figures
    cache/                         derived, may be deleted at any time, never trusted by `verify`
    tmp/                           half-written files; readers never look here

Bytes go to a temporary file *in the store*, are fsynced, and are linked into place: after a crash a record is whole or
absent, and two writers of equal bytes do no harm. The log line of a record carries the digest of the line before it, so
that a deleted or reordered launch shows. What this cannot show, without an anchor outside the store, is a rewriting of
the whole history or a cut at the end of the log.
"""

import contextlib
import fcntl
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runaudit.errors import IntegrityError, NothingToJudgeError, RunauditError
from runaudit.records.canonical import canonical_bytes, parse_canonical
from runaudit.records.digest import Digest, digest_bytes
from runaudit.system.files import read_ordinary

if TYPE_CHECKING:
    # Only named: a store keeps bytes, and a listing reads none of them.
    from runaudit.records.manifest import Manifest
    from runaudit.records.outcome import Outcome

STORE_SCHEMA = "runaudit.store/1"
GENESIS = "sha256:" + "0" * 64
"""What the first line of the log names as its predecessor."""


class StoreError(RunauditError):
    """The store cannot be read or written: permissions, a full disk, something else in its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One line of the log. `kind` is manifest, outcome, correction, waiver, look, note, archive or unarchive; `subject`
    the manifest it concerns, of a look the comparison, of the last three what was said (`store.remarks`)."""

    seq: int
    prev: str
    kind: str
    digest: Digest
    subject: str
    time: str
    line: bytes

    @property
    def chain(self) -> str:
        """The digest the next line must name."""
        return str(digest_bytes(self.line))


class Store:
    """A folder of sealed records. Reading never creates anything."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._read: tuple[tuple[int, int, int], tuple[LogEntry, ...], Mapping[str, LogEntry]] | None = None

    def existing(self) -> "Store":
        """This store, held to be there. Raises EmptyStoreError where there is none yet, StoreError like `open`."""
        return Store.open(self.root)

    @classmethod
    def create(cls, root: Path) -> "Store":
        """The store at `root`, made if need be. Raises StoreError where the folder is something else."""
        marker = root / "store.json"
        if not marker.exists():
            if root.is_dir() and any(root.iterdir()) and not (root / "tmp").is_dir():
                raise StoreError(f"{root} is not a runaudit store and is not empty", remedy="name another --store")
            store = cls(root)
            with store.explained("create"):
                # `tmp` first: by it another run that starts this moment sees that the folder is a store in the making.
                for name in ("tmp", "objects/sha256", "live", "runs", "cache"):
                    (root / name).mkdir(parents=True, exist_ok=True)
                # Records hold configs and patches of unpublished work; a shared machine's other users need not read.
                root.chmod(0o700)
                store.write_once(marker, canonical_bytes({"schema": STORE_SCHEMA}))
        return cls.open(root)

    @classmethod
    def open(cls, root: Path) -> "Store":
        """The store at `root`. Raises StoreError where there is none or it is of a newer version."""
        marker = root / "store.json"
        try:
            value = parse_canonical(read_ordinary(marker), where=str(marker))
        except FileNotFoundError:
            raise EmptyStoreError(
                f"there is no runaudit store at {root}",
                remedy="start a run first, or name it with --store DIR",
            ) from None
        except OSError as error:
            raise StoreError(f"{marker} cannot be read: {error.strerror}", remedy="check its permissions") from error
        if not isinstance(value, dict) or value.get("schema") != STORE_SCHEMA:
            raise StoreError(f"{root} is a store of another version", remedy="use the runaudit that wrote it")
        return cls(root)

    # ── immutable bytes ──────────────────────────────────────────────────────────────────────────────────────────

    def object_path(self, digest: Digest) -> Path:
        """Where the bytes of this digest lie."""
        return self.root / "objects" / digest.algorithm / digest.hex[:2] / digest.hex

    def has(self, digest: Digest) -> bool:
        """Whether something lies where these bytes belong."""
        return self.object_path(digest).is_file()

    def put(self, data: bytes) -> Digest:
        """Seal `data` under its digest. Putting equal bytes twice is a no-op."""
        digest = digest_bytes(data)
        if not self.has(digest):
            with self.explained("write to"):
                self.write_once(self.object_path(digest), data)
        return digest

    def read(self, digest: Digest) -> bytes:
        """The bytes of this digest, re-hashed. Raises IntegrityError where they are missing or changed."""
        path = self.object_path(digest)
        try:
            data = read_ordinary(path)
        except FileNotFoundError:
            raise IntegrityError(
                f"{path} is missing from the store",
                remedy="restore it from a backup; `runaudit verify` lists all",
            ) from None
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror}", remedy="check its permissions") from error
        if digest_bytes(data) != digest:
            raise IntegrityError(
                f"{path} does not match its digest",
                remedy="restore it from a backup; `runaudit verify` lists all",
            )
        return data

    @cached_property
    def blobs(self) -> "Blobs":
        """Stored contents by digest text."""
        return Blobs(self)

    def write_once(self, path: Path, data: bytes) -> None:
        """Write to a temporary file in the store, fsync, link into place, fsync the folder. Never overwrites."""
        path.parent.mkdir(parents=True, exist_ok=True)
        (self.root / "tmp").mkdir(exist_ok=True)
        fd, temporary = tempfile.mkstemp(dir=self.root / "tmp")
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                os.fchmod(file.fileno(), 0o444)
            # link() refuses to replace, unlike rename(): a second writer of the same bytes finds the work done.
            with contextlib.suppress(FileExistsError):
                Path(path).hardlink_to(temporary)
            fsync_folder(path.parent)
        finally:
            with contextlib.suppress(FileNotFoundError):
                Path(temporary).unlink()

    @contextlib.contextmanager
    def explained(self, verb: str) -> Iterator[None]:
        """What the system refuses within, as a StoreError that says what could not be done to this store."""
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"cannot {verb} the store at {self.root}: {error.strerror or error}",
                remedy="free space or fix the permissions; nothing was half-written",
            ) from error

    # ── the log ──────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def log_path(self) -> Path:
        """The hash-chained log."""
        return self.root / "log.jsonl"

    def entries(self) -> tuple[LogEntry, ...]:
        """Every whole line of the log, in order; `check_chain` says whether they are the ones that were written."""
        return self._log()[0]

    def endings(self) -> Mapping[str, LogEntry]:
        """Manifest digest -> the newest outcome line of its run: a correction supersedes what it corrects."""
        return self._log()[1]

    def _log(self) -> tuple[tuple[LogEntry, ...], Mapping[str, LogEntry]]:
        """The log, parsed once for as long as the file stays what it was: a list of n runs reads it once."""
        try:
            facts = self.log_path.stat()
        except FileNotFoundError:
            return (), {}
        key = (facts.st_ino, facts.st_size, facts.st_mtime_ns)
        if self._read is None or self._read[0] != key:
            raw = self.log_path.read_bytes()
            whole = raw[: raw.rfind(b"\n") + 1]
            entries = tuple(_entry(line, number) for number, line in enumerate(whole.splitlines(), start=1))
            endings = {entry.subject: entry for entry in entries if entry.kind in ("outcome", "correction")}
            self._read = key, entries, endings
        return self._read[1:]

    def append(self, kind: str, digest: Digest, *, subject: Digest, time: str) -> LogEntry:
        """Add one line under a lock, naming the line before it. A torn last line is cut first: it was never sealed."""
        with self.explained("write to the log of"), self.log_path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            raw = file.read()
            whole = raw.rfind(b"\n") + 1
            if whole != len(raw):
                file.truncate(whole)
            lines = raw[:whole].splitlines()
            row = {
                "seq": len(lines) + 1,
                "prev": str(digest_bytes(lines[-1])) if lines else GENESIS,
                "kind": kind,
                "digest": str(digest),
                "subject": str(subject),
                "time": time,
            }
            line = canonical_bytes(row)
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return _entry(line, len(lines) + 1)

    def seal_manifest(self, manifest: "Manifest", *, time: str) -> None:
        """Write a manifest once and count its launch."""
        self.append("manifest", self.put(manifest.raw), subject=manifest.digest, time=time)

    def seal_outcome(self, outcome: "Outcome", *, time: str) -> None:
        """Write an outcome once, linked to its manifest."""
        self.append("outcome", self.put(outcome.raw), subject=outcome.manifest, time=time)

    # ── where a run lives ────────────────────────────────────────────────────────────────────────────────────────

    def run_dir(self, run_id: str) -> Path:
        """The run's own folder."""
        return self.root / "runs" / run_id

    def live_dir(self, run_id: str) -> Path:
        """Where a run in progress writes its series and its heartbeat."""
        return self.root / "live" / run_id


class EmptyStoreError(NothingToJudgeError):
    """There is no store, so there is nothing to judge."""


class Blobs(Mapping[str, bytes]):
    """Stored contents by digest text. A missing or changed content raises IntegrityError when it is read."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getitem__(self, key: str) -> bytes:
        digest = Digest.parse(key)
        if not self._store.has(digest):
            raise KeyError(key)
        return self._store.read(digest)

    def __iter__(self) -> Iterator[str]:
        for path in sorted((self._store.root / "objects" / "sha256").glob("??/*")):
            yield f"sha256:{path.name}"

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _entry(line: bytes, number: int) -> LogEntry:
    try:
        row: dict[str, Any] = json.loads(line)
        return LogEntry(
            seq=int(row["seq"]),
            prev=str(row["prev"]),
            kind=str(row["kind"]),
            digest=Digest.parse(row["digest"]),
            subject=str(row["subject"]),
            time=str(row["time"]),
            line=line,
        )
    except (ValueError, KeyError, TypeError, RunauditError) as error:
        raise IntegrityError(
            f"line {number} of the store's log is damaged", remedy="restore log.jsonl from a backup"
        ) from error


def check_chain(entries: tuple[LogEntry, ...]) -> list[str]:
    """What is wrong with the chain, one sentence a break; empty when it is whole."""
    problems = []
    expected = GENESIS
    for number, entry in enumerate(entries, start=1):
        if entry.seq != number:
            problems.append(
                f"line {number} of the log says it is launch record {entry.seq}: lines were removed or moved"
            )
        if entry.prev != expected:
            problems.append(f"line {number} of the log does not follow the line before it")
        expected = entry.chain
    return problems


def fsync_folder(folder: Path) -> None:
    """Make a new directory entry durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def find_store(start: Path, *, environ: Mapping[str, str] = os.environ, named: Path | None = None) -> Path:
    """Where the store is: named, else $RUNAUDIT_STORE, else `.runaudit` at the root of the git work tree or here."""
    if named is not None:
        return named.expanduser()
    if environ.get("RUNAUDIT_STORE"):
        return Path(environ["RUNAUDIT_STORE"]).expanduser()
    for folder in (start, *start.parents):
        if (folder / ".git").exists():
            return folder / ".runaudit"
    return start / ".runaudit"
