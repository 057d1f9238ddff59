"""What is kept: immutable bytes addressed by their digest, and one append-only log that counts every launch.

    store.json                     {"schema": "runaudit.store/1"}
    objects/sha256/ab/ab12…        manifests, outcomes, trajectories, patches, sources: written once, mode 0444
    log.jsonl                      a hash chain of all launches, outcomes and corrections
    log.end                        where that log ends: its length and the digest of its last line (`store.end`)
    live/<run id>/                 a run in progress: series.jsonl, heartbeat
    runs/<run id>/                 the run's own folder ($RUNAUDIT_RUN): checkpoints, figures
    cache/                         derived, may be deleted at any time, never trusted by `verify`
    lanes/<store id>/              the logs of other stores, of whose runs some were pulled (`store.lanes`)
    aside/                         damaged bytes that good ones took the place of, for who wants to look
    tmp/                           half-written files; readers never look here

Bytes go to a temporary file *in the store*, are fsynced, and are linked into place: after a crash a record is whole or
absent, and two writers of equal bytes do no harm. The log line of a record carries the digest of the line before it, so
that a deleted or reordered launch shows, and the end of the log is sealed before a line is acknowledged. What this
cannot show, without an anchor outside the store, is a history that was rewritten on purpose, its end included.
"""

import contextlib
import errno
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from runaudit.errors import IntegrityError, NothingToJudgeError, StoreError, UsageError
from runaudit.records.canonical import JSON, canonical_bytes, parse_canonical
from runaudit.records.digest import Digest, digest_bytes, digest_file, is_digest_of
from runaudit.store.aside import DAMAGED, PUT_BACK, kept_aside, put_over
from runaudit.store.end import broken, chain_fault, damaged, end_fault, end_was_lost, read_ends, settled, write_lines
from runaudit.store.kept import damage_of, read_kept, writing
from runaudit.store.kinds import ENDINGS, FORGET, REPAIR
from runaudit.store.line import Line, LogEntry, entry_of, parsed_lines
from runaudit.store.links import make_folders, refuse_behind, refuse_links
from runaudit.store.place import instead_of, without_marker
from runaudit.store.tombstone import Forgotten, ForgottenError, in_force, rows_of, tombstone
from runaudit.system.clock import utc_text
from runaudit.system.files import fsync_folder, read_ordinary, refuse_special
from runaudit.system.locks import lock

if TYPE_CHECKING:
    # Only named: a store keeps bytes, and a listing reads none of them.
    from runaudit.records.manifest import Manifest
    from runaudit.records.outcome import Outcome

STORE_SCHEMA = "runaudit.store/1"
REPAIR_SCHEMA = "runaudit.repair/1"
"""What was mended in the store itself: the object of its line, whose subject is the event and no run."""
END_LOST = "sealed the end of the log anew: the end that was sealed before is gone"
"""What such an event says was done where the log had lost its end (`store.incidents`)."""
SPACE, MOUNT = "free space or fix the permissions", "mount it for writing, or name another --store"
BACKUP = "restore it from a backup; `runaudit verify` lists all"


class Store:
    """A folder of sealed records. Reading never creates anything."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        self._root_name, self._log_name = str(self.root), str(self.log_path)
        self._raw: tuple[tuple[int, int, int], bytes] | None = None
        self._read: tuple[tuple[int, int, int], tuple[LogEntry, ...], Mapping[str, LogEntry]] | None = None
        self._gone: tuple[tuple[int, int, int], Mapping[str, Forgotten]] | None = None

    def existing(self, *, as_it_is: bool = False) -> "Store":
        """This store, with what it has read, held to be there. Raises EmptyStoreError where there is none, StoreError
        like `open`."""
        Store.open(self.root, as_it_is=as_it_is)
        self.__dict__.pop("identity", None)  # It may have been asked for before the store was made.
        return self

    @classmethod
    def create(cls, root: Path | str) -> "Store":
        """The store at `root`, made if need be. Raises StoreError where the folder is something else."""
        marker = (root := Path(root)) / "store.json"
        refuse_special(root, "the store", wanted="folder")
        refuse_links(root)
        if not os.path.lexists(marker) and not os.path.lexists(root / "log.jsonl"):
            if root.is_dir() and any(root.iterdir()) and not (root / "tmp").is_dir():
                raise StoreError(f"{root} is not a runaudit store and is not empty", remedy="name another folder")
            store = cls(root)
            with store.explained("create"):
                make_folders(root)
                # Records hold configs and patches of unpublished work; a shared machine's other users need not read.
                root.chmod(0o700)
                # The id tells this store from others, in an anchor that several stores share.
                store.write_once(marker, canonical_bytes({"id": os.urandom(16).hex(), "schema": STORE_SCHEMA}))
        store = cls.open(root)
        with store.explained("write to"):
            make_folders(root)
        return store

    @classmethod
    def open(cls, root: Path | str, *, as_it_is: bool = False) -> "Store":
        """The store at `root`. Raises StoreError where there is none or it is of a newer version, and where a link
        leads out of it, but for who takes it `as_it_is`, to say what is wrong with it."""
        marker = (root := Path(root)) / "store.json"
        refuse_special(root, "the store", wanted="folder")
        if not as_it_is:
            refuse_links(root)
        try:
            value = parse_canonical(read_kept(marker), where=str(marker))
        except (FileNotFoundError, NotADirectoryError):
            if os.path.lexists(root / "log.jsonl"):
                raise without_marker(marker, "is missing") from None
            raise EmptyStoreError(f"there is no runaudit store at {root}", remedy=instead_of(root)) from None
        except OSError as error:
            raise StoreError(f"{marker} cannot be read: {error.strerror}", remedy="check its permissions") from error
        except UsageError as error:
            raise without_marker(marker, "is damaged") from error
        if not isinstance(value, dict) or value.get("schema") != STORE_SCHEMA:
            raise StoreError(f"{root} is a store of another version", remedy="use the runaudit that wrote it")
        return cls(root)

    # ── immutable bytes ──────────────────────────────────────────────────────────────────────────────────────────

    def object_path(self, digest: Digest) -> Path:
        """Where the bytes of this digest lie."""
        return self.root / self._object_name(digest)

    @staticmethod
    def _object_name(digest: Digest) -> str:
        return f"objects/{digest.algorithm}/{digest.hex[:2]}/{digest.hex}"

    def has(self, digest: Digest) -> bool:
        """Whether something lies where these bytes belong."""
        return os.path.lexists(self.object_path(digest))

    def holds(self, digest: Digest) -> bool:
        """Whether these very bytes lie there, read again: a damaged object is none."""
        try:
            return digest_file(self.object_path(digest)) == digest
        except OSError:
            return False

    def keeps(self, digest: Digest) -> bool:
        """Whether these very bytes lie there, asked by who is about to name them: from then on they count as new, and
        `gc` leaves them alone."""
        with contextlib.suppress(OSError):
            os.utime(self.object_path(digest))
        return self.holds(digest)

    def put(self, data: bytes) -> Digest:
        """Seal `data` under its digest. Putting equal bytes twice is a no-op; what lies there is read again, since a
        damaged object would poison every run to come, and good bytes take the place of others."""
        digest = digest_bytes(data)
        with self.explained("write to"):
            if not os.path.lexists(self.object_path(digest)):
                self.write_once(self.object_path(digest), data)
            elif not self.keeps(digest) and ((gone := self.forgotten().get(str(digest))) is None or gone.elsewhere):
                self.replace_damaged(digest, data, was=PUT_BACK if gone else DAMAGED)
        return digest

    def settle(self) -> None:
        """Write what waits: here nothing does (`store.held`)."""

    def replace_damaged(self, digest: Digest, data: bytes, *, was: str = DAMAGED) -> None:
        """Put good bytes in the place of an object that is not what its name says, the damaged ones aside. The log
        tells of it first: a crash in between leaves what is still damaged, never what was mended unseen. StoreError."""
        path = self.object_path(digest)
        name = str(path.relative_to(self.root))
        with self.explained("repair"):
            aside = kept_aside(self.root, path)
            self.tell_repair([{"what": was.rpartition(": ")[2], "file": name, "aside": aside}])
            put_over(self.root, path, data)
        _warn("runaudit: %s was %s, what lay there is in %s", name, was, aside)

    def tell_repair(self, rows: Sequence[Mapping[str, JSON]]) -> LogEntry:
        """Seal what is mended as an event of the log. `rows`: each with `what` was done, and to which `file`."""
        body = canonical_bytes({"schema": REPAIR_SCHEMA, "done": list(rows)})
        digest = self.put(body)
        return self.append(REPAIR, digest, subject=digest, time=utc_text(time.time()))

    def forgotten(self) -> Mapping[str, Forgotten]:
        """What was taken out of the store on purpose, by digest text; nothing where the log is damaged."""
        facts = self._facts()
        if self._gone is None or self._gone[0] != facts:
            try:
                lines = [one for one in self.newest_first(f'"kind":"{FORGET}"') if one.kind == FORGET]
            except IntegrityError:
                return {}
            rows = [row for one in reversed(lines) for row in rows_of(self.read(one.digest))]
            self._gone = facts, in_force(rows, self.object_path)
        return self._gone[1]

    def read(self, digest: Digest) -> bytes:
        """The bytes of this digest, re-hashed. Raises IntegrityError where they are missing or changed."""
        path = f"{self._root_name}/{self._object_name(digest)}"  # A Path for each of many records took as long again.
        try:
            data = read_kept(path)
        except FileNotFoundError:
            raise IntegrityError(f"{path} is missing from the store", remedy=BACKUP) from None
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror}", remedy="check its permissions") from error
        if not is_digest_of(digest, data):
            if (gone := self.forgotten().get(str(digest))) is not None and data == tombstone(gone):
                raise ForgottenError(gone)
            raise IntegrityError(f"{path} does not match its digest", remedy=BACKUP)
        return data

    @cached_property
    def blobs(self) -> Mapping[str, bytes]:
        """Stored contents by digest text."""
        from runaudit.store.blobs import Blobs  # It asks the store, so it is above it.

        return Blobs(self)

    def write_once(self, path: Path, data: bytes) -> None:
        """Write to a temporary file in the store, fsync, link into place, fsync the folder. Never overwrites."""
        refuse_behind(path, self.root)
        path.parent.mkdir(parents=True, exist_ok=True)
        import tempfile  # Who only reads never needs it.

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
            raise damage_of(error) or StoreError(
                f"cannot {verb} the store at {self.root}: {error.strerror or error}",
                remedy=f"{MOUNT if error.errno == errno.EROFS else SPACE}; nothing was half-written",
            ) from error

    # ── the log ──────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def log_path(self) -> Path:
        """The hash-chained log."""
        return self.root / "log.jsonl"

    @cached_property
    def identity(self) -> str:
        """The id that this store was given when it was made; empty for one from before stores had an id."""
        try:
            found = json.loads(read_ordinary(self.root / "store.json")).get("id")
        except (OSError, ValueError, AttributeError):
            return ""
        return found if isinstance(found, str) else ""

    def entries(self) -> tuple[LogEntry, ...]:
        """Every whole line of the log, in order; `verify` says whether they are the ones that were written.

        Raises IntegrityError where the log does not end as it was sealed: what is missing would be missed by nobody.
        """
        return self._log()[0]

    def endings(self) -> Mapping[str, LogEntry]:
        """Manifest digest -> the newest outcome line of its run: a correction supersedes what it corrects."""
        return self._log()[1]

    def ending(self, subject: str) -> LogEntry | None:
        """The newest outcome line of one run, by its manifest's digest."""
        if self._read is not None and self._read[0] == self._facts():
            return self._read[2].get(subject)
        about = (entry for entry in self.newest_first(subject) if entry.kind in ENDINGS)
        return next((entry for entry in about if entry.subject == subject), None)

    def newest_first(self, part: str) -> Iterator[LogEntry]:
        """The lines of the log in which `part` stands, the last one first. Raises IntegrityError as `entries` does.

        A question about one run of a hundred thousand looks for its id among the bytes and parses what it finds: to
        parse all of the log took longer than the rest of the answer.
        """
        facts = self._facts()
        if self._read is not None and self._read[0] == facts:
            yield from (entry for entry in reversed(self._read[1]) if part.encode() in entry.line)
            return
        raw, wanted = self._checked(facts), part.encode()
        at = raw.rfind(wanted)
        while at >= 0:
            start, end = raw.rfind(b"\n", 0, at) + 1, raw.index(b"\n", at)
            yield entry_of(raw[start:end], partial(raw.count, b"\n", 0, end + 1))
            at = raw.rfind(wanted, 0, start)

    def whole_log(self, known: Callable[[bytes], int] = lambda _: 0) -> bytes:
        """The whole lines of the log. Raises IntegrityError where it does not end as it was sealed, or a line does not
        follow the one before it: a launch that nobody can read any more would be missed by no judgement. known: of how
        many bytes from the first on that was found before."""
        facts = self._facts()
        # The end comes first: a line that is added meanwhile makes the log longer than this end, never shorter.
        end = read_ends(self.root).newest
        raw = self.log_bytes()
        if fault := end_fault(raw, end):
            raise damaged(self.root, fault)
        whole = raw[: raw.rfind(b"\n") + 1]
        if fault := chain_fault(whole, known(whole)):
            raise broken(self.root, fault)
        self._raw = facts, whole
        return whole

    def _checked(self, facts: tuple[int, int, int]) -> bytes:
        return self._raw[1] if self._raw is not None and self._raw[0] == facts else self.whole_log()

    def _log(self) -> tuple[tuple[LogEntry, ...], Mapping[str, LogEntry]]:
        """The log, parsed once for as long as the file stays what it was: a list of n runs reads it once."""
        facts = self._facts()
        if self._read is None or self._read[0] != facts:
            raw = self._checked(facts)
            entries = tuple(entry for _, entry in parsed_lines(raw))
            endings = {entry.subject: entry for entry in entries if entry.kind in ENDINGS}
            self._read, self._raw = (facts, entries, endings), None
        return self._read[1:]

    def _facts(self) -> tuple[int, int, int]:
        try:
            facts = os.stat(self._log_name)  # noqa: PTH116  (asked thrice a run: a Path takes longer than the system)
        except FileNotFoundError:
            return 0, 0, 0
        return facts.st_ino, facts.st_size, facts.st_mtime_ns

    def log_bytes(self) -> bytes:
        """The log as it lies there; empty where there is none yet."""
        try:
            return read_kept(self.log_path)
        except FileNotFoundError:
            return b""

    def append(self, kind: str, digest: Digest, *, subject: Digest, time: str) -> LogEntry:
        """Add one line: `append_all` of it."""
        return self.append_all([Line(kind=kind, digest=digest, subject=subject, time=time)])[0]

    def append_all(self, lines: "Sequence[Line]") -> tuple[LogEntry, ...]:
        """Add lines under a lock, each naming the line before it, and seal the last as the end. All are one write, so
        that a process that dies leaves all or none. Raises IntegrityError where the log is not the one that was sealed,
        StoreError where nothing was added."""
        added: list[LogEntry] = []
        with self.explained("write to the log of"), writing(self.log_path, os.O_RDWR | os.O_APPEND) as log:
            lock(log, self.log_path)
            ends = read_ends(self.root, is_locked=True)
            start = end = settled(log, ends, self.root, store=self.identity)
            before = [self._end_lost()] if end_was_lost(log, ends) else []
            written = bytearray()
            for line in [*before, *lines]:
                raw = line.raw(end)
                added.append(entry_of(raw, end.lines + 1))
                written += raw + b"\n"
                end = end.after(raw + b"\n")
            write_lines(self.root, log, bytes(written), start=start, end=end, over=ends)
        return tuple(added[len(before) :])

    def _end_lost(self) -> Line:
        """What the log is to say for ever of an end that is gone."""
        _warn(
            "runaudit: the sealed end of %s was missing: launches may have been cut off; the log says so from now on",
            self.log_path,
        )
        now = utc_text(time.time())
        body = {"schema": REPAIR_SCHEMA, "done": [{"what": END_LOST, "file": "log.end", "time": now}]}
        digest = Store.put(self, canonical_bytes(body))
        return Line(kind=REPAIR, digest=digest, subject=digest, time=now)

    def seal_manifest(self, manifest: "Manifest", *, time: str) -> None:
        """Write a manifest once and count its launch."""
        self.append("manifest", self.put(manifest.raw), subject=manifest.digest, time=time)
        self.put(manifest.raw)  # `doctor --repair` may have moved it aside while no line named it.

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


def _warn(text: str, *said: object) -> None:
    import logging  # A listing that mends nothing has nothing to say by it.

    logging.getLogger("runaudit").warning(text, *said)


class EmptyStoreError(NothingToJudgeError):
    """There is no store, so there is nothing to judge."""
