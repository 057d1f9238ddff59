"""Lists of tables as mappings, and back: what a list of named tables is compared by is not what a reader is shown."""

from collections.abc import Mapping
from typing import Any

NAMES = "\0\0"
"""The key under which a list of named tables keeps the order of its names; its path is that of the list."""


def is_keyed(value: Any) -> bool:
    """Whether `keyed` made this mapping of a list of tables."""
    return isinstance(value, Mapping) and bool(value) and all(str(key).startswith("\0") for key in value)


def unkeyed(value: Any) -> Any:
    """`value` as it was before `keyed`."""
    if isinstance(value, list | tuple):
        return [unkeyed(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    if not is_keyed(value):
        return {key: unkeyed(item) for key, item in value.items()}
    if NAMES in value:
        return [{"name": name, **unkeyed(value[f"\0{name}"])} for name in value[NAMES]]
    return [unkeyed(value[key]) for key in sorted(value, key=lambda key: int(key[1:]))]
