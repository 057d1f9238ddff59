"""The file of a bundle, read once: each entry is hashed on the way, and all of it against its first line.

It is a stranger's file, and may be gigabytes: what stands in it is held only where the bundle's index names it as a
record, and nothing is made of it before every byte was hashed.
"""

import hashlib
import io
import os
import re
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from runaudit.errors import IntegrityError, RunauditError, UsageError
from runaudit.records.canonical import parse_canonical
from runaudit.store.bundle import HEAD_BYTES, SCHEMA
from runaudit.system.files import open_ordinary
from runaudit.system.progress import work
from runaudit.text.typed import typed_word

_HEAD = re.compile(rb"runaudit\.bundle/1 (sha256:[0-9a-f]{64})\n")
_MEMBER = re.compile(r"bundle\.json|objects/sha256/[0-9a-f]{64}|runs/[0-9a-f]{64}/[^\0]+")
_PART = 1 << 16
_BUFFER = 2 * _PART
"""Bytes read at once of an entry and of the file: `tarfile` joins what it reads, which for parts of a MiB costs more
than their hash."""
MAX_INDEX_BYTES = 64 << 20
TAR_MARK = 257
MISREAD = (ValueError, KeyError, TypeError, AttributeError)
"""What the reading of a record raises that is none."""


@dataclass(slots=True)
class Held:
    """What stands in a bundle: its index, the records that this names, and the digest of every entry by its name."""

    index: Mapping[str, Any] | None = None
    records: dict[str, bytes] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)


class Watched(io.RawIOBase):
    """A file that is read from; what is read is shown to `see`."""

    def __init__(self, file: IO[bytes], see: Callable[[bytes], object]) -> None:
        self._file, self._see = file, see

    def read(self, size: int = -1) -> bytes:
        """Read. Raises OSError as the system does."""
        data = self._file.read(size)
        self._see(data)
        return data


def is_bundle(path: Path) -> bool:
    """Whether a file begins as a bundle does."""
    try:
        with open_ordinary(path) as file:
            return file.read(HEAD_BYTES).startswith(f"{SCHEMA} ".encode())
    except OSError:
        return False


def refused(path: Path, why: str) -> IntegrityError:
    """That a bundle is not taken in."""
    return IntegrityError(f"{path} {why}", remedy="ask for an untouched copy; nothing was imported")


def read_whole(path: Path) -> Held:
    """What stands in a bundle. Raises IntegrityError for one that was altered, whatever else is wrong with it, and for
    one that holds what no bundle does; UsageError for what is none, or cannot be read."""
    held, fault, whole = Held(), None, hashlib.sha256()
    try:
        with open_ordinary(path) as file, work("checking", os.fstat(file.fileno()).st_size) as advance:

            def see(data: bytes) -> None:
                whole.update(data)
                advance(len(data))

            head = _required(path, _HEAD.fullmatch(file.read(HEAD_BYTES)))
            watched = Watched(file, see)
            try:
                _hold(path, watched, held)
            except (RunauditError, tarfile.TarError, *MISREAD) as error:
                fault = error
            while watched.read(_BUFFER):
                pass
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", remedy="check the path") from error
    if head[1] != f"sha256:{whole.hexdigest()}".encode():
        raise refused(path, "does not match its digest: it was altered or cut")
    if fault is not None:
        raise fault
    return held


def _required(path: Path, head: re.Match[bytes] | None) -> re.Match[bytes]:
    """The first line of a bundle. Raises IntegrityError where it was altered, UsageError where there is no bundle."""
    if head is not None:
        return head
    if _was_bundle(path):
        raise refused(path, "is a bundle whose first line was altered")
    raise UsageError(
        f"{path} is no bundle, which `runaudit export` makes",
        remedy=f"`runaudit import auto {typed_word(str(path))}` finds out what wrote it, or name its kind",
    )


def _was_bundle(path: Path) -> bool:
    """Whether a file without the first line of a bundle can be one of which that line was altered: the line begins as
    it should, an archive (its mark stands at byte 257, POSIX.1-2017 pax) lies behind it, or nothing is left of it."""
    with open_ordinary(path) as file:
        begins = file.read(HEAD_BYTES + TAR_MARK + len(b"ustar"))
    return (
        not begins
        or begins.startswith(SCHEMA.partition("/")[0].encode())
        or begins[HEAD_BYTES + TAR_MARK :] == b"ustar"
    )


def entries(path: Path, file: Watched) -> Iterator[tuple[str, IO[bytes]]]:
    """The entries of the archive that stands in `file` from where it is. Raises IntegrityError for one that no bundle
    has, and TarError where there is no archive."""
    with tarfile.open(fileobj=file, mode="r|", bufsize=_BUFFER) as tar:
        for member in tar:
            body = tar.extractfile(member) if member.isreg() else None
            if body is None or not _MEMBER.fullmatch(member.name):
                raise refused(path, f"holds {member.name!r}, which no bundle does")
            yield member.name, body


def _hold(path: Path, file: Watched, held: Held) -> None:
    wanted: set[str] = set()
    for name, body in entries(path, file):
        if name in held.digests or (held.index is None) is not (name == "bundle.json"):
            raise refused(path, f"holds {name} twice, or in the wrong place")
        if held.index is None:
            held.index = dict(parse_canonical(body.read(MAX_INDEX_BYTES), where="bundle.json"))
            wanted = {str(line["digest"]) for line in held.index["log"]}
            held.digests[name] = ""
            continue
        keep = io.BytesIO()
        digest = held.digests[name] = digest_of(body, keep.write if f"sha256:{name[-64:]}" in wanted else None)
        if name.startswith("objects/"):
            if digest != f"sha256:{name[-64:]}":
                raise refused(path, f"holds an object that does not match its digest: {name}")
            held.records[digest] = keep.getvalue()


def digest_of(body: IO[bytes], keep: Callable[[bytes], object] | None) -> str:
    """The digest of an entry; each part of it is handed to `keep`."""
    digest = hashlib.sha256()
    while chunk := body.read(_PART):
        digest.update(chunk)
        if keep is not None:
            keep(chunk)
    return f"sha256:{digest.hexdigest()}"
