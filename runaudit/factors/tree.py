"""What differs between two trees, leaf by leaf. Equality is that of the canonical form, so diff and digest agree.

`1` is `1.0`, NaN is NaN, `True` is not `1`, `"1e-4"` is not `0.0001`, absent is not null. A tree that only one side
has is one leaf: it was added as one thing.
"""

from collections.abc import Iterator, Mapping

from runaudit.factors.arguments import ROOT
from runaudit.factors.factor import ABSENT, Absent
from runaudit.factors.labelmap import FORTH as LABELS
from runaudit.factors.labelmap import as_one_choice
from runaudit.factors.marks import without_secrets
from runaudit.factors.path import joined
from runaudit.factors.tables import NAMES
from runaudit.records.canonical import JSON, LEAF_CLASSES, LEAVES, MAPPINGS, MAX_INT, canonical_equal

Difference = tuple[str, JSON | Absent, JSON | Absent]


def differences(a: JSON, b: JSON, prefix: str) -> Iterator[Difference]:
    """Every leaf that differs, in the order of sorted paths."""
    if a is b or (isinstance(a, str) and isinstance(b, str) and a == b):
        return
    if prefix == ROOT:  # A command line without options is one, and each option of another is typed by itself.
        a, b = ({} if isinstance(side, Absent) else side for side in (a, b))
    if isinstance(a, MAPPINGS) and isinstance(b, MAPPINGS):
        for key in sorted({*a, *b}):
            yield from differences(a.get(key, ABSENT), b.get(key, ABSENT), joined(prefix, key))
    elif not same(a, b):
        yield prefix, a, b


def same(a: JSON | Absent, b: JSON | Absent) -> bool:
    """Canonical equality, with a short way for the scalars that configs are made of."""
    if isinstance(a, Absent) or isinstance(b, Absent):
        return a is b
    if isinstance(a, str) or isinstance(b, str) or isinstance(a, bool) or isinstance(b, bool):
        return type(a) is type(b) and bool(a == b)
    if isinstance(a, int | float) and isinstance(b, int | float) and _plain(a) and _plain(b):
        return a == b
    return canonical_equal(a, b)


def _plain(value: float) -> bool:
    return abs(value) <= MAX_INT  # NaN and infinity are beyond it, and an integer of any length is no float


def leaves_of(tree: JSON, prefix: str) -> Iterator[tuple[str, JSON]]:
    """Every leaf of one tree with its path; an empty mapping is a leaf."""
    if isinstance(tree, LEAVES):
        yield prefix, tree
    elif isinstance(tree, MAPPINGS) and tree:
        for key in sorted(tree):
            value, path = tree[key], joined(prefix, key)
            if value.__class__ in LEAF_CLASSES:
                yield path, value
            else:
                yield from leaves_of(value, path)
    else:
        yield prefix, tree


def keyed(value: JSON) -> JSON:
    """`value` with every list of tables turned into a mapping.

    Tables that all carry a distinct `name` are keyed by it and their order is kept beside them; others by position.
    A list that holds anything else stays one leaf: its elements are not chosen one by one. So is a label map.
    """
    if isinstance(value, LEAVES):
        return value
    if isinstance(value, MAPPINGS):
        table = named_openly(value)
        leaves = (as_one_choice(table) if LABELS in table else table).items()
        return {key: item if item.__class__ in LEAF_CLASSES else keyed(item) for key, item in leaves}
    if isinstance(value, list | tuple):
        if value and all(isinstance(item, MAPPINGS) for item in value):
            return _table(value)
        return [keyed(item) for item in value]
    return value


def named_openly(table: Mapping[str, JSON]) -> dict[str, JSON]:
    """A table in the order of its keys, each secret in a key as one word: a rotated one names the same setting. Where
    two keys are told apart by their secrets alone, they are numbered in the order of their marks."""
    keys = sorted(table)
    if "<redacted:" not in "".join(keys):
        return {key: table[key] for key in keys}
    found: dict[str, JSON] = {}
    for key in keys:
        name = free = str(without_secrets(key))
        number = 2
        while free in found:
            free, number = f"{name} {number}", number + 1
        found[free] = table[key]
    return found


def _table(rows: list[Mapping[str, JSON]] | tuple[Mapping[str, JSON], ...]) -> JSON:
    names = [without_secrets(row.get("name")) for row in rows]
    if len({name for name in names if isinstance(name, str)}) == len(rows):
        named = {
            f"\0{name}": keyed({k: v for k, v in row.items() if k != "name"})
            for name, row in zip(names, rows, strict=True)
        }
        return {NAMES: names, **named}
    return {f"\0{index}": keyed(row) for index, row in enumerate(rows)}
