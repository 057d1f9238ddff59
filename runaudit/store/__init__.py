"""What is kept: sealed bytes and the log (`store`), runs read back (`catalogue`), the re-hash (`verify`).

The names are loaded when they are first asked for: a listing needs to know where the store lies, and no more of it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runaudit.errors import StoreError
    from runaudit.store.line import LogEntry
    from runaudit.store.place import find_store
    from runaudit.store.store import EmptyStoreError, Store

__all__ = ["EmptyStoreError", "LogEntry", "Store", "StoreError", "find_store"]

_HOMES = {
    "LogEntry": "line",
    "find_store": "place",
    "EmptyStoreError": "store",
    "Store": "store",
    "StoreError": "store",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
