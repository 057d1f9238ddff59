"""What lies at a remote, fetched and held against the digest by which it is known, before anybody uses a byte of it."""

import os
import shutil
import threading
from collections.abc import Iterable
from pathlib import Path

from runaudit.errors import IntegrityError
from runaudit.records.digest import digest_file, is_digest_of
from runaudit.remote.checking import digest_of
from runaudit.remote.layout import object_name
from runaudit.remote.place import Place, reached, side_by_side
from runaudit.store.store import Store

STAGE = "tmp/pull"


class Fetcher:
    """Fetches from a place for a store; what the store has is not fetched. files, size: what came over, in bytes."""

    def __init__(self, store: Store, place: Place) -> None:
        self._store, self._place = store, place
        self._counting = threading.Lock()
        self.files = self.size = 0
        self._whole: set[str] = set()
        """Digests whose files were hashed here and wait in `tmp/pull`, where one pull is at a time."""

    def content(self, digest: str) -> bytes:
        """The bytes of this digest. Raises IntegrityError where the remote has none, or others; OSError."""
        wanted, name = digest_of(digest), object_name(digest)
        if self._store.has(wanted) and self._store.holds(wanted):
            return self._store.read(wanted)
        try:
            raw = self._place.read(name)
        except FileNotFoundError:
            raise IntegrityError(f"{name} is missing at the remote") from None
        if not is_digest_of(wanted, raw):
            raise IntegrityError(f"{name} at the remote does not match its digest")
        self._count(len(raw))
        return raw

    def contents(self, digests: Iterable[str]) -> dict[str, bytes | str]:
        """The bytes of each of these digests, or what is wrong with them. Raises StoreError."""
        names = list(dict.fromkeys(digests))
        return dict(zip(names, side_by_side(self._place, "read", self._content_or_fault, names), strict=True))

    def _content_or_fault(self, digest: str) -> bytes | str:
        try:
            return self.content(digest)
        except IntegrityError as error:
            return error.message

    def keep(self, digests: Iterable[str]) -> dict[str, str]:
        """Put contents into the store; digest -> what is wrong with it, empty where nothing is. Raises StoreError."""
        names = list(dict.fromkeys(digests))
        return dict(zip(names, side_by_side(self._place, "read", self._kept_or_fault, names), strict=True))

    def _kept_or_fault(self, digest: str) -> str:
        found = self._content_or_fault(digest)
        if isinstance(found, bytes):
            self._store.put(found)
            return ""
        return found

    def is_there(self, digest: str) -> bool:
        """Whether the store or the remote has such contents."""
        return self._store.has(digest_of(digest)) or self._place.size(object_name(digest)) is not None

    def staged(self, digest: str) -> Path:
        """A file of this digest in the store's `tmp/pull`, fetched unless it waits there. Raises IntegrityError where
        the remote has none, or another; OSError, StoreError."""
        wanted, place = digest_of(digest), self._store.root / STAGE / digest[-64:]
        if (digest in self._whole and place.is_file()) or self._is_whole(place, digest):
            self._whole.add(digest)
            return place
        with self._store.explained("write to"):
            place.parent.mkdir(parents=True, exist_ok=True)
        new = place.with_name(f"{place.name}.{os.getpid()}")
        try:
            with reached(self._place, "read"):
                self._fetch(object_name(digest), new)
            if digest_file(new) != wanted:
                raise IntegrityError(f"{object_name(digest)} at the remote does not match its digest")
            self._count(new.stat().st_size)
            with self._store.explained("write to"):
                new.replace(place)
            self._whole.add(digest)
        finally:
            new.unlink(missing_ok=True)
        return place

    def _fetch(self, name: str, path: Path) -> None:
        try:
            self._place.fetch(name, path)
        except FileNotFoundError:
            raise IntegrityError(f"{name} is missing at the remote") from None

    @staticmethod
    def _is_whole(path: Path, digest: str) -> bool:
        try:
            return digest_file(path) == digest_of(digest)
        except OSError:
            return False

    def _count(self, size: int) -> None:
        with self._counting:
            self.files, self.size = self.files + 1, self.size + size

    def clear(self) -> None:
        """Take away what waited and was not used: all that was wanted came in."""
        shutil.rmtree(self._store.root / STAGE, ignore_errors=True)
