"""Files of this machine, opened and replaced in one careful way.

*Read*: only what is an ordinary file. A path comes from a record, a config or a command line, and a pipe, a device or a
socket behind it would keep a command waiting without end; where a file must lie within a folder, no `..` and no link
may lead out of it.

*Replaced as a whole*: who reads it sees the old one or the new one, never a part. The new content is written beside the
old, under a name that nobody else uses; the permissions of the old file stay; a link in its place is replaced and never
followed, so that no link in a folder that somebody else prepared decides what is overwritten; and where anything fails,
nothing is left and the old file stands.

*Where a user says* (`-o`): never over what a store keeps, never through a link, never over a folder or a device, nor
over a file that runaudit did not make.
"""

import contextlib
import errno
import os
import shlex
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from runaudit.errors import UsageError

OUTSIDE = "its path leads outside its folder"
HEAD_BYTES = 1 << 16
"""As much as tells what a file is."""
READ_BYTES = 1 << 20
"""As much is asked for at once of a file that is longer than it said."""


# ── read ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def open_ordinary(path: Path, *, within: Path | None = None) -> BinaryIO:
    """`path` opened to be read, unbuffered; it is an ordinary file, and where it lies `within` a folder, no link.

    Raises OSError as the system does, and for all that is no ordinary file, without waiting for it.
    """
    return os.fdopen(_ordinary(path, within)[0], "rb", buffering=0)


def _ordinary(path: Path | str, within: Path | None = None) -> tuple[int, int]:
    """The descriptor of an opened ordinary file, and its size."""
    if within is not None and not is_below(Path(path), within):
        raise OSError(errno.EPERM, OUTSIDE, str(path))
    link = os.O_NOFOLLOW if within is not None else 0
    try:
        # Without O_NONBLOCK, opening a pipe waits for somebody who writes to it.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | link)
    except ValueError as error:
        raise OSError(errno.EINVAL, "its name holds a NUL", str(path)) from error
    except OSError as error:
        if error.errno == errno.ENXIO:  # What a socket answers.
            raise OSError(errno.EINVAL, "it is a socket, not a file", str(path)) from error
        raise
    facts = os.fstat(fd)
    mode = facts.st_mode
    if stat.S_ISREG(mode):
        return fd, facts.st_size
    os.close(fd)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, f"it is {_kind(mode)}, not a file", str(path))


TO_A_FILE = "write what comes out of it into a file, and name that"
"""What to do about a pipe: what is judged is read more than once, and must be the same each time."""


def _kind(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "a pipe"
    if stat.S_ISSOCK(mode):
        return "a socket"
    return "a device" if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) else ""


def misplaced(path: Path | str) -> str:
    """What lies at `path` in the place of a file, in words; empty for an ordinary file, and where nothing lies."""
    try:
        mode = os.lstat(path).st_mode
    except (OSError, ValueError):
        return ""
    if stat.S_ISLNK(mode):
        try:
            mode = os.stat(path).st_mode  # noqa: PTH116  (it may be a text)
        except OSError:
            return "a link that leads nowhere"
    return "a folder" if stat.S_ISDIR(mode) else _kind(mode)


def is_of_a_device(path: str) -> bool:
    """Whether a path is one of devices. Shared memory is a disk like any other: projects, stores and data lie there."""
    return path.startswith("/dev/") and not path.startswith("/dev/shm/")


def refuse_special(path: Path, what: str, *, wanted: str = "file") -> None:
    """Raises UsageError where a pipe, a socket or a device lies at `path`, asked without opening it: one that is there
    and no `wanted` must not be called missing."""
    try:
        kind = _kind(path.stat().st_mode)
    except (OSError, ValueError):
        return
    if kind:
        remedy = TO_A_FILE if wanted == "file" else f"name a {wanted}"
        raise UsageError(f"{what} {path} is {kind}, not a {wanted}", remedy=remedy)


def read_ordinary(path: Path | str, *, most: int = -1, within: Path | None = None) -> bytes:
    """The bytes of an ordinary file, of a long one the first `most`. Raises OSError like `open_ordinary`."""
    fd, size = _ordinary(path, within)
    try:
        # A byte more than there should be: who gets what there should be has met the end, and need not ask again.
        parts = [os.read(fd, size + 1 if most < 0 else min(size + 1, most))]
        if len(parts[0]) == size:
            return parts[0]
        while parts[-1] and (left := READ_BYTES if most < 0 else most - sum(map(len, parts))) > 0:
            parts.append(os.read(fd, min(left, READ_BYTES)))
        return b"".join(parts)
    finally:
        os.close(fd)


def read_within(path: Path, folder: Path, *, most: int = -1) -> bytes:
    """The bytes of an ordinary file of `folder`, of a long one the first `most`. A link on the way to it that stays in
    the folder is followed, one that leads out is not. Raises OSError like `open_ordinary`, and for such a link."""
    real = Path(os.path.realpath(path))
    if not real.is_relative_to(os.path.realpath(folder)):
        raise OSError(errno.EPERM, f"a link leads out of {folder}, to {real}", str(path))
    # What was looked at is what is opened: a link that takes its place meanwhile is not followed.
    return read_ordinary(real, most=most, within=real.parent)


def is_below(path: Path, folder: Path) -> bool:
    """Whether `path`, which may not exist, lies within `folder` by its words and by every link on the way to it."""
    if not path.is_relative_to(folder) or path == folder or "\0" in str(path):
        return False
    if ".." in path.relative_to(folder).parts:  # the folder's own may be there: `--store ../runs`
        return False
    return Path(os.path.realpath(path.parent)).is_relative_to(os.path.realpath(folder))


# ── where a user says ────────────────────────────────────────────────────────────────────────────────────────────


def check_output(path: Path, what: str = "the file") -> None:
    """Raises UsageError where `what` must not be put at `path`: ask before the work is done rather than after."""
    if store := store_around(path):
        raise UsageError(
            f"{what} cannot be written to {path}: that lies within the store {store}, which only runaudit writes to",
            remedy="name a place outside of it",
        )
    if is_in_git(path):
        raise UsageError(
            f"{what} cannot be written to {path}: that is git's own folder", remedy="name a place outside of it"
        )
    if path.is_symlink():
        raise UsageError(
            f"{what} cannot be written to {path}: that is a symbolic link",
            remedy="name the file itself, or remove the link",
        )
    if path.is_dir():
        raise UsageError(f"{path} is not a file but a folder", remedy=f"name a file in it: {path / 'NAME'}")
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is not a file but a device, a pipe or a socket", remedy="name a file")
    if not path.parent.is_dir():
        raise UsageError(f"{what} cannot be written to {path}: no such folder", remedy="make the folder first")


def check_own(path: Path, what: str, is_own: Callable[[bytes], bool]) -> None:
    """Raises UsageError where a file at `path` would be lost that runaudit did not make, as `is_own` tells by its
    beginning: a source, a dataset, the policy. An empty one holds nothing to lose."""
    if str(path) == "-":
        raise UsageError(f"{what} goes into a file, not to stdout", remedy="name a file")
    try:
        head = read_ordinary(path, most=HEAD_BYTES)
    except FileNotFoundError:
        return
    except OSError:
        head = b"?"
    if head and not is_own(head):
        raise UsageError(
            f"{what} cannot be written to {path}: runaudit did not make the file that lies there",
            remedy=f"name another file, or delete it first: rm -- {shlex.quote(str(path))}",
        )


def check_no_twin(path: Path, folder: Path, what: str = "the file") -> None:
    """Raises UsageError where `path` is a hard link of a file that lies below `folder`, another name of the same."""
    try:
        facts = path.stat()
    except OSError:
        return
    inside = (entry for entry in folder.rglob("*") if entry.is_file()) if facts.st_nlink > 1 else ()
    twin = next((entry for entry in inside if path.samefile(entry)), None)
    if twin is not None:
        raise UsageError(
            f"{what} cannot be written to {path}: that is another name of the store's own {twin}",
            remedy="name another file",
        )


@contextlib.contextmanager
def writing_output(path: Path, what: str = "the file") -> Iterator[Path]:
    """A new file to be written in the block; at its end it takes the place of `path`. Raises UsageError as
    `check_output` does, and for what the system refuses."""
    check_output(path, what)
    try:
        with replacing(path) as new:
            yield new
    except OSError as error:
        raise UsageError(
            f"{what} cannot be written to {path}: {error.strerror or error}",
            remedy="free space or name another place; nothing was half-written",
        ) from error


def write_output(path: Path, data: bytes, what: str = "the file") -> None:
    """Put `data` at `path`, whole or not at all. Raises UsageError like `writing_output`."""
    with writing_output(path, what) as new:
        new.write_bytes(data)


def is_in_git(path: Path) -> bool:
    """Whether `path` lies in a folder of git's own, by its words or by where they lead: git obeys what lies there."""
    places = (path.absolute(), Path(os.path.realpath(path)))
    return any(part.lower() == ".git" for place in places for part in place.parts)


def store_around(path: Path) -> Path | None:
    """The store that `path` lies in or is, whatever links and dots lead there; None outside of any."""
    place = Path(os.path.realpath(path.parent)) / path.name
    for folder in (place, Path(os.path.realpath(path)), *place.parents, *Path(os.path.realpath(path)).parents):
        marked = (folder / "store.json").exists() or (folder / "log.jsonl").exists()
        if folder.name == ".runaudit" or (marked and (folder / "objects" / "sha256").is_dir()):
            return folder
    return None


# ── replaced as a whole ──────────────────────────────────────────────────────────────────────────────────────────


@contextlib.contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """A new file beside `path`, to be written in the block; at its end it takes the place of `path`.

    `durable` also waits for the disk, so that a power cut leaves one of the two: not needed for a cache, which can be
    made again. Raises OSError as the system does.
    """
    # Names of 255 bytes are the limit of most file systems, and the old name may be that long.
    new = path.with_name(f".{path.name[:50]}.{os.urandom(6).hex()}.tmp")
    handle = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    try:
        os.close(handle)
        yield new
        if (mode := _mode(path)) is not None:
            new.chmod(mode)
        if durable:
            _fsync(new)
        new.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            new.unlink()
        raise
    if durable:
        fsync_folder(path.parent)


def replace_file(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Put `data` at `path`, whole or not at all. Raises OSError as the system does."""
    with replacing(path, durable=durable) as new:
        new.write_bytes(data)


def remember(path: Path, data: bytes) -> None:
    """Put `data` into a cache, its folder included. A cache that cannot be written costs time, not the run."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data, durable=False)


def _mode(path: Path) -> int | None:
    """The permissions of the file that is replaced."""
    try:
        facts = path.lstat()
    except OSError:
        return None
    return stat.S_IMODE(facts.st_mode) if stat.S_ISREG(facts.st_mode) else None


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_random(path: Path, size: int, *, by: Path) -> None:
    """Put `size` random bytes at `path`, for its owner alone to read, unless a file lies there: of two that do so at
    once one wins, and both then read that one. by: a folder of the same file system, where they are written first.
    Raises OSError."""
    temporary = by / f"key-{os.getpid()}-{os.urandom(4).hex()}"
    fd = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, os.urandom(size))
        os.fsync(fd)
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(temporary)
    finally:
        os.close(fd)
        temporary.unlink()


def fsync_folder(folder: Path) -> None:
    """Make a new directory entry durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
