"""What a dataset *is*: the digest over the path, size and content of every file in it.

Names are part of it: a digest over contents alone does not see that frame 3 and frame 4 were swapped. Links are
refused, since what they point to can change without a byte of the dataset changing; so are devices and pipes,
which have no content to digest.

An unchanged dataset is not read again. The cache believes a file unchanged when its size, time stamps and inode are as
they were *and* its time stamps are older than the moment it was hashed (git's racy rule: a file written again within
one tick of the clock keeps its stamp), by as much as the clock that stamps it may tick. `verify` never looks here.
"""

import hashlib
import json
import os
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from runaudit.capture.memory import keep, recall
from runaudit.errors import CaptureError, RunauditError
from runaudit.records.canonical import JSON, canonical_bytes, parse_strict, thawed
from runaudit.records.digest import Digest, FileEntry, digest_bytes, digest_tree
from runaudit.system.files import read_ordinary
from runaudit.system.progress import Advance, work

RACY_NS = 2_000_000_000
"""Time stamps younger than this at hashing are not trusted: the coarsest file system in use (FAT) ticks every 2 s."""
TICK_NS = 10_000_000
"""A kernel stamps by its tick, 10 ms at the coarsest (HZ = 100). A change time between two such ticks, which no program
can set, shows that the file system keeps finer ones than that."""
FINE_NS = 10 * TICK_NS
"""What is not trusted of such a file system, where the moment of hashing was told by that very one: its own clock."""
PARALLEL_BYTES = 64 << 20
"""Below this a second thread costs more than it saves."""
_CHUNK = 1 << 20
FACTS_FILE = "dataset.json"
FACTS = ("tiles", "frames", "scale", "preprocessing", "name", "version")

REMEMBERED_BYTES = 1 << 20
"""Smaller single files are hashed faster than the memory of their digests is read."""


@dataclass(frozen=True, slots=True)
class _File:
    """One file as the folder lists it: posix path, size, and what would change if it were written."""

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    device: int = -1
    """The file system that stamps it."""

    @property
    def stamp(self) -> list[int]:
        return [self.size, self.mtime_ns, self.ctime_ns, self.inode]


def _file(path: str, facts: os.stat_result) -> _File:
    return _File(path, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino, facts.st_dev)


def capture_dataset(
    path: Path,
    *,
    cache: Path | None,
    facts: Mapping[str, JSON] = MappingProxyType({}),
) -> dict[str, JSON]:
    """The `data` entry of one dataset: path, digest, files, bytes, and the facts its `dataset.json` states.

    A single file has the digest of its content. Given `facts` win over stated ones. `cache` is a folder that may be
    deleted at any time; None reads every byte. Raises CaptureError for what has no identity.
    """
    path = path.absolute()
    kind = _kind(path)
    found = _single(path, cache) if kind == "file" else _folder(path, cache)
    stated = _facts(path) if kind == "folder" else {}
    return {"path": str(path), **found, **stated, **thawed(facts)}


def _kind(path: Path) -> str:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise CaptureError(
            f"the dataset {path} cannot be read: {error.strerror}", remedy="check the path that is given as data"
        ) from error
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    raise CaptureError(f"the dataset {path} is neither a file nor a folder", remedy="name a file or a folder")


def _single(path: Path, cache: Path | None) -> dict[str, JSON]:
    # A dataset may be named through a link; what is hashed is the file it leads to.
    real = Path(os.path.realpath(path))
    facts = real.stat()
    file = _file(real.name, facts)
    # A small file is hashed faster than the memory of its digest is read.
    memory = _Memory(cache, real) if cache is not None and file.size >= REMEMBERED_BYTES else None
    state = " ".join(map(str, file.stamp))
    if memory is not None and (whole := memory.whole(state)):
        return whole
    started = memory.clock() if memory is not None else 0
    with work("hashing data", file.size) as advance:
        digest = _hash(str(real), file.size, file.mtime_ns, advance)
    found: dict[str, JSON] = {"digest": str(digest), "files": 1, "bytes": file.size}
    if memory is not None:
        memory.keep(state, found, [file], {file.path: digest}, started)
    return found


def _folder(root: Path, cache: Path | None) -> dict[str, JSON]:
    files = sorted(_walk(root), key=lambda file: os.fsencode(file.path))
    if not files:
        raise CaptureError(f"the dataset {root} holds no file", remedy="name the folder that holds the data")
    listing = "\n".join(f"{f.path}\0{f.size} {f.mtime_ns} {f.ctime_ns} {f.inode}" for f in files)
    state = hashlib.sha256(listing.encode("utf-8", "surrogateescape")).hexdigest()
    memory = _Memory(cache, root) if cache is not None else None
    if memory is not None and (whole := memory.whole(state)):
        return whole
    known = memory.entries() if memory is not None else {}
    # The clock of the file system, where there is one to ask: a server's may run behind this machine's.
    started = memory.clock() if memory is not None else time.time_ns()
    digests = _digests(root, files, known)
    tree = digest_tree(FileEntry(path=_name(f, root), size=f.size, digest=digests[f.path]) for f in files)
    found: dict[str, JSON] = {"digest": str(tree), "files": len(files), "bytes": sum(f.size for f in files)}
    if memory is not None:
        memory.keep(state, found, files, digests, started)
    return found


def _name(file: _File, root: Path) -> str:
    try:
        file.path.encode("utf-8")
    except UnicodeEncodeError:
        raise CaptureError(
            f"{root} holds a file whose name is not UTF-8: {os.fsencode(file.path)!r}", remedy="rename it"
        ) from None
    return file.path


def _walk(root: Path) -> list[_File]:
    """Every file below `root`. Raises CaptureError for a link, a pipe, a device, an unreadable folder."""
    found: list[_File] = []
    waiting = [(str(root), "")]
    while waiting:
        folder, prefix = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    facts = entry.stat(follow_symlinks=False)
                    path = prefix + entry.name
                    if stat.S_ISDIR(facts.st_mode):
                        waiting.append((entry.path, path + "/"))
                    elif stat.S_ISREG(facts.st_mode):
                        found.append(_file(path, facts))
                    else:
                        raise _refused(root, path, facts.st_mode)
        except OSError as error:
            raise CaptureError(f"{folder} cannot be listed: {error.strerror}", remedy="fix its permissions") from error
    return found


def _refused(root: Path, path: str, mode: int) -> CaptureError:
    what = "a symbolic link" if stat.S_ISLNK(mode) else "a pipe, socket or device"
    return CaptureError(
        f"{path!r} in the dataset {root} is {what}, which has no content of its own",
        remedy="put the file itself there, or name the folder it points to as a dataset of its own",
    )


def _digests(root: Path, files: list[_File], known: Mapping[str, tuple[list[int], str]]) -> dict[str, Digest]:
    digests: dict[str, Digest] = {}
    unread: list[_File] = []
    for file in files:
        stamp, text = known.get(file.path, (None, ""))
        if stamp == file.stamp:
            digests[file.path] = Digest.parse(text)
        else:
            unread.append(file)
    total = sum(file.size for file in unread)
    with work("hashing data", total) as advance:
        digests |= {
            file.path: digest for file, digest in zip(unread, _hashed(root, unread, total, advance), strict=True)
        }
    return digests


def _hashed(root: Path, files: list[_File], total: int, advance: Advance) -> "map[Digest] | list[Digest]":
    prefix = f"{root}/"

    def one(file: _File) -> Digest:
        return _hash(prefix + file.path, file.size, file.mtime_ns, advance)

    workers = min(4, os.cpu_count() or 1)
    # Small files are bound by open and close under the interpreter's lock; only long reads gain from a second thread.
    if workers < 2 or total < PARALLEL_BYTES or total < len(files) << 18:
        return map(one, files)
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="runaudit-hash") as pool:
        return list(pool.map(one, files))


def _hash(path: str, size: int, mtime_ns: int, advance: Advance) -> Digest:
    """Digest of a file that is still what the folder listed, and holds still while it is read.

    One open, one read and one fstat for a small file: twenty thousand of them are bound by calls, not by bytes.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            digest = _read(fd, size, advance)
            after = os.fstat(fd)
        finally:
            os.close(fd)
    except OSError as error:
        raise CaptureError(f"{path} cannot be read: {error.strerror}", remedy="fix its permissions") from error
    if (after.st_size, after.st_mtime_ns) != (size, mtime_ns) or not stat.S_ISREG(after.st_mode):
        raise CaptureError(f"{path} changed while it was read", remedy="wait until the dataset is written, then start")
    return digest


def _read(fd: int, size: int, advance: Advance) -> Digest:
    """SHA-256 of everything in `fd`; a file of the expected size below a chunk takes one read."""
    data = os.read(fd, min(size + 1, _CHUNK))
    state = hashlib.sha256(data)
    advance(len(data))
    if len(data) != size:
        while data := os.read(fd, _CHUNK):
            state.update(data)
            advance(len(data))
    return Digest("sha256", state.hexdigest())


class _Memory:
    """What one folder's files hashed to. A damaged, edited or foreign cache is no cache (`capture.memory`)."""

    def __init__(self, folder: Path, root: Path) -> None:
        name = hashlib.sha256(os.fsencode(root)).hexdigest()[:24]
        self._head = folder / f"dataset-{name}.json"
        self._body = folder / f"dataset-{name}.files.json"
        self._clock_of: int | None = None
        """The file system whose clock was asked."""

    def clock(self) -> int:
        """Now, in ns, as the file system that holds the cache stamps it; this machine's clock where it cannot say."""
        probe = self._head.with_suffix(".clock")
        try:
            self._head.parent.mkdir(parents=True, exist_ok=True)
            probe.write_bytes(b"")
            os.utime(probe)
            facts = probe.stat()
            probe.unlink()
        except OSError:
            return time.time_ns()
        self._clock_of = facts.st_dev
        return min(facts.st_mtime_ns, time.time_ns())

    def whole(self, state: str) -> dict[str, JSON] | None:
        """The finished answer, when not one stamp of the folder has moved."""
        head = self._load(self._head)
        if head.get("state") != state or not isinstance(head.get("found"), dict):
            return None
        return dict(head["found"])

    def entries(self) -> dict[str, tuple[list[int], str]]:
        """Path -> (stamp, digest) of the files that can be believed."""
        files: Any = self._load(self._body).get("files")
        try:
            return {path: (list(stamp), str(Digest.parse(text))) for path, (stamp, text) in files.items()}
        except (AttributeError, TypeError, ValueError, RunauditError):
            return {}

    def keep(
        self, state: str, found: dict[str, JSON], files: list[_File], digests: Mapping[str, Digest], started: int
    ) -> None:
        """Remember what was hashed; a file stamped too near to it is left out, and so is then the whole."""
        calm = [f for f in files if max(f.mtime_ns, f.ctime_ns) + self._in_doubt(f) < started]
        rows = {f.path: [f.stamp, str(digests[f.path])] for f in calm}
        keep(self._body, json.dumps({"files": rows}).encode())
        head = {"state": state, "found": found} if len(calm) == len(files) else {}
        keep(self._head, json.dumps(head).encode())

    def _in_doubt(self, file: _File) -> int:
        """How long after it was stamped a file may have been written again without another stamp, in ns."""
        is_fine = file.device == self._clock_of and file.ctime_ns % TICK_NS != 0
        return min(FINE_NS, RACY_NS) if is_fine else RACY_NS

    def _load(self, path: Path) -> dict[str, JSON]:
        try:
            value = json.loads(recall(path) or b"{}")
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


def _facts(root: Path) -> dict[str, JSON]:
    """What `dataset.json` says of tiles, frames, scale, preprocessing and splits; empty where there is none."""
    path = root / FACTS_FILE
    if not path.is_file():
        return {}
    try:
        value = parse_strict(read_ordinary(path), where=str(path))
    except (OSError, RunauditError) as error:
        raise CaptureError(f"{path} cannot be read: {error}", remedy="fix it or take it away") from error
    if not isinstance(value, dict):
        return {}
    found = {name: value[name] for name in FACTS if isinstance(value.get(name), int | float | str)}
    splits = value.get("splits")
    return found | (_splits(splits) if isinstance(splits, dict) else {})


def _splits(splits: Mapping[str, JSON]) -> dict[str, JSON]:
    """Size and digest of each split that lists its members, and how many members each two share.

    A test scene that is also trained on makes every comparison of the two optimistic; the count belongs in the record.
    """
    members = {name: {_member(item) for item in items} for name, items in splits.items() if isinstance(items, list)}
    names = sorted(members)
    shared = {f"{a}+{b}": len(members[a] & members[b]) for i, a in enumerate(names) for b in names[i + 1 :]}
    sizes = {
        name: {"count": len(members[name]), "digest": str(digest_bytes(canonical_bytes(sorted(members[name]))))}
        for name in names
    }
    return {"splits": sizes, "split_overlap": shared} if members else {}


def _member(item: JSON) -> str:
    return item if isinstance(item, str) else json.dumps(item, sort_keys=True)
