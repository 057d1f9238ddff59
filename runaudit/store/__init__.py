"""What is kept: sealed bytes and the log (`store`), runs read back (`catalogue`), the re-hash (`verify`)."""

from runaudit.store.line import LogEntry
from runaudit.store.store import EmptyStoreError, Store, StoreError, find_store

__all__ = ["EmptyStoreError", "LogEntry", "Store", "StoreError", "find_store"]
