"""A store whose contents wait until a launch is admitted: of one that the guard refuses nothing is kept.

A draft is judged by what it holds, so its sources must be readable before anybody has said that it may start. They wait
in memory, where they were read to anyway, under the caps of capture, and go into the store right before the seal.
"""

import threading
from collections.abc import Callable, Collection

from runaudit.records.digest import Digest, digest_bytes
from runaudit.store.store import Store
from runaudit.system.progress import work

WRITERS = 16


def put_all(put: Callable[[bytes], Digest], contents: Collection[bytes]) -> None:
    """Put all of them. Many are written side by side: their fsyncs share the journal's commits. Raises StoreError."""
    if len(contents) <= 4 or not threading.main_thread().is_alive():
        for data in contents:
            put(data)
        return
    from concurrent.futures import ThreadPoolExecutor

    with (
        ThreadPoolExecutor(max_workers=WRITERS, thread_name_prefix="runaudit-put") as pool,
        work("writing", len(contents), "records") as advance,
    ):
        for _ in pool.map(put, contents):
            advance(1)


class HeldStore(Store):
    """The store at the same place. What is put waits until `settle`; what waits is read as if it lay there."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.root)
        self._waiting: dict[Digest, bytes] | None = {}

    def put(self, data: bytes) -> Digest:
        """Let `data` wait under its digest; once it is settled, seal it as every store does."""
        if self._waiting is None:
            return super().put(data)
        digest = digest_bytes(data)
        self._waiting[digest] = data
        return digest

    def has(self, digest: Digest) -> bool:
        """Whether something waits or lies where these bytes belong."""
        return digest in (self._waiting or {}) or super().has(digest)

    def holds(self, digest: Digest) -> bool:
        """Whether these very bytes wait or lie there."""
        return digest in (self._waiting or {}) or super().holds(digest)

    def read(self, digest: Digest) -> bytes:
        """The bytes of this digest. Raises as every store does."""
        waiting = self._waiting or {}
        return waiting[digest] if digest in waiting else super().read(digest)

    def settle(self) -> None:
        """Write what waits. Raises StoreError."""
        waiting, self._waiting = self._waiting or {}, None
        put_all(super().put, waiting.values())
