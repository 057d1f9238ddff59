"""Which installed package a file belongs to, by the package's own RECORD; and whether it is still what was installed.

A file that a RECORD explains needs no line of its own in a record: the version of the package says what it holds. One
that no RECORD names, or that was edited in place, is explained by nothing, and counts by its content like any other.

Only the RECORDs of packages that a run touched are read: the one of torch has 16,000 lines.
"""

import base64
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runaudit.records.digest import digest_file
from runaudit.system.files import read_ordinary

SMALL = 1 << 20
"""A file up to this size whose inode changed after its package was installed is hashed to see whether it was edited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """An installed package: normalised name, version, and the file that lists its contents."""

    name: str
    version: str
    record: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose file it is. `whole`: the package's RECORD says that the file is what was installed."""

    distribution: Distribution
    whole: bool


@dataclass(slots=True, kw_only=True)
class Site:
    """One folder of installed packages. What was read of it is kept while it is in use."""

    folder: str
    found: tuple[Distribution, ...] | None = None
    names: dict[str, tuple[Distribution, ...]] | None = None
    records: dict[str, "Listing"] = field(default_factory=dict)
    tops: dict[str, dict[Distribution, None]] = field(default_factory=dict)
    """First part of a path -> the packages that were found to hold files below it."""

    def owner(self, path: str) -> Owner | None:
        """The package that a file of this folder belongs to; None where none can be told."""
        inner = path[len(self.folder) + 1 :]
        top = inner.partition("/")[0]
        for one in self._likely(top):
            listing = self._listing(one)
            if (entry := listing.files.get(inner)) is not None:
                self.tops.setdefault(top, {})[one] = None
                return Owner(distribution=one, whole=_is_whole(path, entry, listing.ctime_ns, listing.mtime_ns))
        # No RECORD explains the file; a folder that bears the name of a package without one is still that package.
        named = next((one for one in self._named(top) if not self._listing(one).files), None)
        return Owner(distribution=named, whole=False) if named is not None else None

    def _likely(self, top: str) -> Iterator[Distribution]:
        """Every package, those first that were found below this folder before or bear its name; torch's RECORD last."""
        first = dict.fromkeys((*self.tops.get(top, ()), *self._named(top)))
        yield from first
        yield from (one for one in self._all() if one not in first)

    def _named(self, top: str) -> tuple[Distribution, ...]:
        """The packages that bear the name of a folder."""
        if self.names is None:
            self.names = {}
            for one in self._all():
                self.names[_normal(one.name)] = (*self.names.get(_normal(one.name), ()), one)
        return self.names.get(_normal(top.partition(".")[0]), ())

    def _all(self) -> tuple[Distribution, ...]:
        if self.found is None:
            self.found = tuple(sorted(distributions(self.folder), key=lambda one: _size(one.record)))
        return self.found

    def _listing(self, one: Distribution) -> "Listing":
        if one.record not in self.records:
            self.records[one.record] = read_record(one.record)
        return self.records[one.record]


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116  (thousands of texts)
    except OSError:
        return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A RECORD: path -> (hash as it stands there, size); and when it was written."""

    files: Mapping[str, tuple[str, str]]
    mtime_ns: int = 0
    ctime_ns: int = 0


def distributions(folder: str) -> Iterable[Distribution]:
    """The packages whose metadata lie in a folder."""
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208  (thousands of texts)
    except OSError:
        return
    for entry in names:
        if entry.endswith((".dist-info", ".egg-info")):
            name, dash, version = entry.rpartition(".")[0].partition("-")
            if dash:
                yield Distribution(
                    name=re.sub(r"[-_.]+", "-", name).lower(), version=version.partition("-py")[0],
                    record=f"{folder}/{entry}/RECORD",
                )  # fmt: skip


def read_record(path: str) -> Listing:
    """The lines of a RECORD; empty where there is none."""
    try:
        raw = read_ordinary(path)
        facts = os.stat(path)  # noqa: PTH116  (thousands of texts)
    except OSError:
        return Listing(files={})
    files: dict[str, tuple[str, str]] = {}
    for line in raw.decode("utf-8", "surrogateescape").splitlines():
        name, _, rest = line.rpartition(",")
        name, _, digest = name.rpartition(",")
        files[name.strip('"')] = (digest, rest)
    return Listing(files=files, mtime_ns=facts.st_mtime_ns, ctime_ns=facts.st_ctime_ns)


def _is_whole(path: str, entry: tuple[str, str], ctime_ns: int, mtime_ns: int) -> bool:
    """Whether a file is what its RECORD lists. The stat is asked first; a file that is older than the RECORD was not
    edited after it."""
    digest, size = entry
    if not digest:  # the version alone says nothing; the RECORD itself never has one
        return ".dist-info/" in path
    try:
        facts = os.stat(path)  # noqa: PTH116  (thousands of texts)
        if size.isdigit() and facts.st_size != int(size):
            return False
        newer = facts.st_mtime_ns > mtime_ns or (facts.st_ctime_ns > ctime_ns and facts.st_size <= SMALL)
        if not newer or not digest.startswith("sha256="):
            return True
        value = bytes.fromhex(digest_file(Path(path)).hex)
    except OSError:
        return False
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode() == digest.removeprefix("sha256=").rstrip("=")


class Installed:
    """All the package folders that the processes of a run searched."""

    def __init__(self, folders: Iterable[str]) -> None:
        real = dict.fromkeys(folder.rstrip("/") for folder in folders if _is_site(folder))
        self._sites = [Site(folder=folder) for folder in sorted(real, key=len, reverse=True)]

    def site(self, path: str) -> Site | None:
        """The package folder that a path lies in."""
        return next((site for site in self._sites if path.startswith(f"{site.folder}/")), None)


def _is_site(folder: str) -> bool:
    if not folder or not os.path.isdir(folder):  # noqa: PTH112  (thousands of texts)
        return False
    if os.path.basename(folder.rstrip("/")) in ("site-packages", "dist-packages"):  # noqa: PTH119  (thousands of texts)
        return True
    with os.scandir(folder) as entries:  # `pip install --target`: a folder of PYTHONPATH that holds packages
        return any(entry.name.endswith(".dist-info") for entry in entries)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()
