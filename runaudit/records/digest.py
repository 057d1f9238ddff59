"""What a thing *is*, independent of where it lies: SHA-256 over bytes, files and trees.

The digest of a tree covers (path, size, content) triples. A digest over contents alone is unchanged when a file is
renamed, and a renamed frame is another dataset.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from runaudit.errors import RecordError
from runaudit.system.files import open_ordinary
from runaudit.system.progress import work_on_file

_CHUNK = 1 << 20
SHORT = 12
"""Hexadecimal digits of an id that are shown: 48 bits, enough for any one store."""
_WRITTEN = re.compile(r"sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """An algorithm and its lower-case hexadecimal value; prints as `sha256:ab12…`."""

    algorithm: str
    hex: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"

    @classmethod
    def parse(cls, text: str) -> "Digest":
        """The digest written as `sha256:<64 hex digits>`. Raises RecordError for anything else."""
        if (found := _WRITTEN.fullmatch(text)) is None:
            raise RecordError(
                f"{text!r} is not a digest",
                remedy="digests are written sha256:<64 lower-case hexadecimal digits>",
            )
        return cls("sha256", found[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """One file of a tree: posix path relative to the root, size in bytes, digest of the content."""

    path: str
    size: int
    digest: Digest


def digest_bytes(data: bytes) -> Digest:
    """SHA-256 of `data`."""
    return Digest("sha256", hashlib.sha256(data).hexdigest())


def is_digest_of(digest: Digest, data: bytes) -> bool:
    """Whether `data` has this digest."""
    return digest.algorithm == "sha256" and hashlib.sha256(data).hexdigest() == digest.hex


def digest_file(path: Path) -> Digest:
    """SHA-256 of a file, streamed. Raises OSError as `open` does, and at once for a pipe or a device.

    >>> import pathlib, runaudit
    >>> print(runaudit.digest_file(pathlib.Path("data/train.csv")))
    sha256:14c5e74c4b96ccef41cd94db73a9ec3348038ac094feca4fd897cecffa07cdae
    """
    return _digest(open_ordinary(path))


def digest_within(path: Path, folder: Path) -> Digest:
    """SHA-256 of a file that a record names: one that lies within `folder`, with no link on the way out of it.

    Raises OSError as `digest_file` does, and for a path that leads elsewhere: what lies there is not read.
    """
    return _digest(open_ordinary(path, within=folder))


def _digest(opened: BinaryIO) -> Digest:
    state = hashlib.sha256()
    with opened as file:
        size = os.fstat(file.fileno()).st_size
        with work_on_file("hashing", size) as advance:
            while chunk := file.read(_CHUNK):
                state.update(chunk)
                advance(len(chunk))
    return Digest("sha256", state.hexdigest())


def digest_tree(entries: Iterable[FileEntry]) -> Digest:
    """SHA-256 over the sorted (path, size, digest) triples, each field length-framed so that no two trees collide.

    >>> import pathlib, runaudit
    >>> path = pathlib.Path("data/train.csv")
    >>> entry = runaudit.FileEntry(path="train.csv", size=path.stat().st_size, digest=runaudit.digest_file(path))
    >>> print(runaudit.digest_tree([entry]))
    sha256:b6303de13c4fdb1b7a689ba3cc2064fb52293b72f70633897ee2d732216f9fb9
    """
    state = hashlib.sha256(b"runaudit-tree/1\n")
    for entry in sorted(entries, key=lambda e: e.path.encode()):
        for part in (entry.path.encode(), str(entry.size).encode(), entry.digest.hex.encode()):
            state.update(len(part).to_bytes(8, "big") + part)
    return Digest("sha256", state.hexdigest())


def digest_files(paths: Sequence[Path]) -> Digest:
    """One digest for a few files together: names and contents, in any order. Raises OSError as `open` does.

    >>> import pathlib, runaudit
    >>> train, test = pathlib.Path("data/train.csv"), pathlib.Path("data/test.csv")
    >>> runaudit.digest_files([train, test]) == runaudit.digest_files([test, train])
    True
    """
    return digest_tree(FileEntry(path=path.name, size=path.stat().st_size, digest=digest_file(path)) for path in paths)
