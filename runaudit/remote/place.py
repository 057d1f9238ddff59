"""A place that holds files by name, whole or not at all: a folder of this machine, or what fsspec opens.

A remote is written by machines that do not know of each other, and by processes that die. So nothing is ever written
over, and a file has its name only once it is whole: in a folder by a link, as the store does it; elsewhere by the
protocol (`fsplace`). The names of half-written files are below `tmp/`, where no reader looks.
"""

import contextlib
import errno
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

from runaudit.errors import StoreError, UsageError
from runaudit.remote.address import Address, address_of
from runaudit.system.copying import copy_told
from runaudit.system.files import fsync_folder, open_ordinary, read_ordinary

_A = TypeVar("_A")
_B = TypeVar("_B")

TMP = "tmp"
AT_ONCE = 16
"""Files that are on their way at once where a place takes it: each waits for the disk or the network, not for us."""


class Place(Protocol):
    """Files by names such as `objects/sha256/ab/ab12…`. Every method raises OSError as the system, or the protocol,
    does; a file that is not there is a FileNotFoundError."""

    shown: str
    at_once: int
    """How many files may be on their way at once."""

    def names(self, folder: str) -> Sequence[str]:
        """What lies right below a folder, sorted; nothing where it is not there."""

    def sizes(self, folder: str) -> Mapping[str, int]:
        """The sizes in bytes of the files right below a folder, by name; none where it is not there."""

    def size(self, name: str) -> int | None:
        """The size of a file in bytes; None where there is none."""

    def read(self, name: str) -> bytes:
        """The bytes of a file."""

    def fetch(self, name: str, path: Path) -> None:
        """Write a file of the place to `path`."""

    def put(self, name: str, data: bytes) -> None:
        """Put bytes under a name, whole or not at all. What lies there stays."""

    def send(self, name: str, path: Path) -> None:
        """Put the bytes of a file under a name, as `put`."""

    def remove(self, name: str) -> None:
        """Take away what can be made again."""


class Folder:
    """A folder of this machine, or of a disk that it has mounted."""

    def __init__(self, root: Path, shown: str) -> None:
        self.root, self.shown, self.at_once = root, shown, AT_ONCE

    def names(self, folder: str) -> Sequence[str]:
        """What lies right below a folder, sorted; nothing where it is not there."""
        try:
            return sorted(path.name for path in (self.root / folder).iterdir())
        except FileNotFoundError:
            return ()

    def sizes(self, folder: str) -> Mapping[str, int]:
        """The sizes in bytes of the files right below a folder, by name; none where it is not there."""
        try:
            with os.scandir(self.root / folder) as found:
                return {one.name: one.stat().st_size for one in found if one.is_file()}
        except FileNotFoundError:
            return {}

    def size(self, name: str) -> int | None:
        """The size of a file in bytes; None where there is none."""
        try:
            return (self.root / name).stat().st_size
        except FileNotFoundError:
            return None

    def read(self, name: str) -> bytes:
        """The bytes of a file."""
        return read_ordinary(self.root / name)

    def fetch(self, name: str, path: Path) -> None:
        """Write a file of the place to `path`."""
        with open_ordinary(self.root / name) as body, path.open("wb") as file:
            copy_told(body, file, os.fstat(body.fileno()).st_size, "fetching")

    def put(self, name: str, data: bytes) -> None:
        """Put bytes under a name, whole or not at all. What lies there stays."""
        self._put(name, lambda file: file.write(data))

    def send(self, name: str, path: Path) -> None:
        """Put the bytes of a file under a name, as `put`."""
        with open_ordinary(path) as body:
            size = os.fstat(body.fileno()).st_size
            self._put(name, lambda file: copy_told(body, file, size, "sending"))

    def remove(self, name: str) -> None:
        """Take away what can be made again."""
        (self.root / name).unlink()

    def _put(self, name: str, fill: Callable[[BinaryIO], object]) -> None:
        path, new = self.root / name, self.root / TMP / f"{os.getpid()}-{os.urandom(8).hex()}"
        for folder in (path.parent, new.parent):
            if not folder.is_dir():
                folder.mkdir(parents=True, exist_ok=True)
        try:
            fd = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o644)
            with os.fdopen(fd, "wb") as file:
                fill(file)
                file.flush()
                os.fsync(file.fileno())
            self._name(new, path)
            fsync_folder(path.parent)
        finally:
            with contextlib.suppress(OSError):
                new.unlink()

    @staticmethod
    def _name(new: Path, path: Path) -> None:
        try:
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(new)
        except OSError as error:  # A disk without hard links (FAT, some network ones) has a rename all the same.
            if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
                raise
            if not os.path.lexists(path):
                new.rename(path)


def place_named(word: str, remotes: Mapping[str, str]) -> Place:
    """The place that a word names, as `address_of` reads it. Raises UsageError."""
    return open_place(address_of(word, remotes))


def open_place(address: Address) -> Place:
    """The place at an address. Raises UsageError where the package of its protocol is missing, or something else lies
    there than a folder."""
    if address.local is not None:
        if os.path.lexists(address.local) and not address.local.is_dir():
            raise UsageError(f"{address.shown} is not a folder", remedy="name a folder, or one that is to be made")
        return Folder(address.local, address.shown)
    from runaudit.remote.fsplace import opened  # It loads fsspec, which a folder does not need.

    return opened(address)


@contextlib.contextmanager
def reached(place: Place, doing: str) -> Iterator[None]:
    """What the system or a protocol refuses within, as a StoreError that says what could not be done there."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"cannot {doing} {place.shown}: {_why(error)}", remedy=_remedy(error)) from error


def side_by_side(place: Place, doing: str, do: Callable[[_A], _B], items: Iterable[_A]) -> list[_B]:
    """`do` of each, as many on their way at once as the place takes, in their order. Raises StoreError as `reached`."""
    from concurrent.futures import ThreadPoolExecutor  # A plain list of a remote needs none.

    with reached(place, doing), ThreadPoolExecutor(place.at_once, "runaudit-remote") as pool:
        return list(pool.map(do, items))


def _why(error: OSError) -> str:
    """What was refused, without an address that a message of the protocol may hold."""
    if error.errno is not None and error.strerror:
        return str(error.strerror)
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said[:200]}" if said and "://" not in said else type(error).__name__


_REMEDIES: Mapping[int, str] = {
    errno.ENOSPC: "free space there, and do the same again: it goes on where it stopped",
    errno.EDQUOT: "free space there, and do the same again: it goes on where it stopped",
    errno.EACCES: "check the permissions there, or the keys that the environment has",
    errno.EPERM: "check the permissions there, or the keys that the environment has",
    errno.EROFS: "mount it for writing, or name another remote",
}


def _remedy(error: OSError) -> str:
    return _REMEDIES.get(error.errno or 0, "do the same again when it can be reached: it goes on where it stopped")
