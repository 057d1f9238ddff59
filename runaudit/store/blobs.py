"""The contents of a store as a mapping: what a run's sources and patches are read from, wherever it is judged."""

from collections.abc import Iterator, Mapping

from runaudit.records.digest import Digest
from runaudit.store.store import Store


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
