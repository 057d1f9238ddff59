"""A remote that fsspec opens: S3, Google Cloud, Azure, SSH, whatever has a package. The one home of fsspec.

Where a protocol writes a file as a whole or not at all (`WHOLE`), that is used; elsewhere a file is written under a
name of its own, and given the one it is to have by a move.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from runaudit.errors import UsageError
from runaudit.remote.address import Address
from runaudit.remote.place import AT_ONCE, TMP

WHOLE = frozenset(("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss", "oci", "memory"))
"""Protocols whose files come to be at the end of an upload: object stores, which would copy a file to move it."""
PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "abfss": "adlfs",
            "az": "adlfs", "ssh": "sshfs", "sftp": "paramiko", "oss": "ossfs", "oci": "ocifs", "http": "aiohttp",
            "https": "aiohttp", "smb": "smbprotocol", "webhdfs": "requests", "hdfs": "pyarrow"}  # fmt: skip
INSTALL = "pip install 'runaudit[remote]'"


def opened(address: Address) -> "Opened":
    """The place at a URL. Raises UsageError where fsspec or the package of the protocol is missing."""
    try:
        import fsspec
    except ImportError:
        raise UsageError(f"{address.shown} needs fsspec, which is not installed", remedy=_with(address)) from None
    try:
        system, root = fsspec.core.url_to_fs(address.url)
    except ImportError as error:
        raise UsageError(
            f"{address.shown} needs a package that is not installed ({error.name or address.protocol})",
            remedy=_with(address),
        ) from None
    except ValueError as error:
        if "rotocol not known" in str(error):
            raise UsageError(
                f"fsspec knows no protocol {address.protocol!r}", remedy="s3://, gs://, az://, ssh://, or a folder"
            ) from None
        raise UsageError(
            f"{address.shown} is no address that {address.protocol} takes",
            remedy=f"write {address.protocol}://HOST-OR-BUCKET/FOLDER",
        ) from None
    except Exception as error:
        # A protocol that connects at once fails in words of its own, which may hold the address and its password.
        raise UsageError(f"{address.shown} cannot be opened: {type(error).__name__}",
                         remedy="check the address, and the keys that the environment has") from error  # fmt: skip
    return Opened(system, root.rstrip("/"), address)


def _with(address: Address) -> str:
    package = PACKAGES.get(address.protocol, "")
    return f"{INSTALL} {package}".strip()


class Opened:
    """A place behind fsspec."""

    def __init__(self, system: Any, root: str, address: Address) -> None:
        self._system, self._root = system, root
        self.shown = address.shown
        self.at_once = AT_ONCE if address.protocol in WHOLE else 1
        self._is_whole = address.protocol in WHOLE
        self._made: set[str] = set()

    def names(self, folder: str) -> Sequence[str]:
        """What lies right below a folder, sorted; nothing where it is not there."""
        return sorted(path.rpartition("/")[2] for path in self._listed(folder))

    def sizes(self, folder: str) -> Mapping[str, int]:
        """The sizes in bytes of the files right below a folder, by name; none where it is not there."""
        found = self._listed(folder).items()
        return {path.rpartition("/")[2]: int(facts["size"]) for path, facts in found if facts["type"] != "directory"}

    def _listed(self, folder: str) -> Mapping[str, Mapping[str, Any]]:
        try:
            with _as_the_system():
                self._system.invalidate_cache()  # Another machine writes there, too.
                found = self._system.ls(self._at(folder), detail=True)
                self._system.invalidate_cache()
        except FileNotFoundError:
            return {}
        paths = {str(facts["name"]).strip("/"): facts for facts in found}
        # Some protocols list the folder in itself, by the object that stands for it.
        paths.pop(self._at(folder).strip("/"), None)
        return paths

    def size(self, name: str) -> int | None:
        """The size of a file in bytes; None where there is none."""
        try:
            with _as_the_system():
                facts = self._system.info(self._at(name))
        except FileNotFoundError:
            return None
        return None if facts.get("type") == "directory" else int(facts["size"])

    def read(self, name: str) -> bytes:
        """The bytes of a file."""
        with _as_the_system():
            return bytes(self._system.cat_file(self._at(name)))

    def fetch(self, name: str, path: Path) -> None:
        """Write a file of the place to `path`."""
        with _as_the_system():
            self._system.get_file(self._at(name), str(path))

    def put(self, name: str, data: bytes) -> None:
        """Put bytes under a name, whole or not at all. What lies there stays."""
        if self.size(name) is None:
            with self._written(name) as at, _as_the_system():
                self._system.pipe_file(at, data)

    def send(self, name: str, path: Path) -> None:
        """Put the bytes of a file under a name, as `put`."""
        if self.size(name) is None:
            with self._written(name) as at, _as_the_system():
                self._system.put_file(str(path), at)

    def remove(self, name: str) -> None:
        """Take away what can be made again."""
        with _as_the_system():
            self._system.rm_file(self._at(name))

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    @contextlib.contextmanager
    def _written(self, name: str) -> Iterator[str]:
        """Where the bytes of a new file go, which has its name at the end."""
        if self._is_whole:
            yield self._at(name)
            return
        with _as_the_system():
            for folder in (self._at(name).rpartition("/")[0], self._at(TMP)):
                if folder not in self._made:
                    self._system.makedirs(folder, exist_ok=True)
                    self._made.add(folder)
        new = self._at(f"{TMP}/{os.getpid()}-{os.urandom(8).hex()}")
        try:
            yield new
            if self.size(name) is None:
                with _as_the_system():
                    self._system.mv(new, self._at(name))
            else:
                self._forget(new)
        except BaseException:
            self._forget(new)
            raise

    def _forget(self, path: str) -> None:
        with contextlib.suppress(Exception):
            self._system.rm_file(path)


@contextlib.contextmanager
def _as_the_system() -> Iterator[None]:
    """What a protocol raises in words of its own, as an OSError: each has its own kinds of failure."""
    try:
        yield
    except (OSError, RecursionError, MemoryError):
        raise
    except Exception as error:
        raise OSError(f"{type(error).__name__}") from error
