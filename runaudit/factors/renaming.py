"""The names and orders that a policy declares: aliases moved to their names, lists that are sets put into one order."""

from collections.abc import Mapping
from typing import Any

from runaudit.factors.factor import ABSENT, Absent
from runaudit.factors.path import joined, lookup, matches, steps
from runaudit.factors.tables import NAMES, is_keyed, unkeyed
from runaudit.records.canonical import canonical_bytes


def end_of(name: str, aliases: Mapping[str, str]) -> str:
    """The name proper at the end of a chain of aliases."""
    while name in aliases:
        name = aliases[name]
    return name


def rename(tree: dict[str, Any], old: str, new: str) -> None:
    """Move a leaf. Where the new name is taken too, both stay and are compared."""
    value = lookup(tree, old)
    if isinstance(value, Absent) or lookup(tree, new) is not ABSENT:
        return
    parent = _parent(tree, old, make=False)
    target = _parent(tree, new, make=True)
    if parent is not None and target is not None:
        target[steps(new)[-1]] = parent.pop(steps(old)[-1])


def _parent(tree: dict[str, Any], path: str, *, make: bool) -> dict[Any, Any] | None:
    node: Any = tree
    for step in steps(path)[:-1]:
        if not isinstance(node, dict):
            return None
        if step not in node and make:
            node[step] = {}
        node = node.get(step)
    return node if isinstance(node, dict) else None


def sort_lists(tree: dict[str, Any], pattern: str, prefix: str = "") -> None:
    """Lists that are sets, in one order. Tables without names are then one leaf: their places told them apart."""
    for key, value in tree.items():
        path = joined(prefix, key) if prefix else key
        if matches(path, pattern) and (isinstance(value, list) or is_keyed(value)):
            if isinstance(value, dict) and NAMES in value:
                value[NAMES] = sorted(value[NAMES])
            else:
                tree[key] = sorted(unkeyed(value), key=canonical_bytes)
        elif isinstance(value, dict):
            sort_lists(value, pattern, path)
