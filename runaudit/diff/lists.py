"""What changed inside a long list, in few words. The one home of deepdiff.

A list that changed is one leaf and one factor; which of its elements moved it is for the reader. Elements are matched
by content, so one insertion is told as one insertion and not as a change of everything after it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from runaudit.records.canonical import JSON

WORTH_TELLING = 6
"""Shorter lists are shown whole: two lists of five numbers are read faster than a sentence about them."""
MAX_TOLD = 3
MAX_ELEMENTS = 2_000
"""Matching is quadratic in the worst case; beyond this the lengths must do."""


def list_summary(before: JSON, after: JSON) -> str | None:
    """`2 of 12 elements changed: …` for two long lists; None where they are better shown whole."""
    if not (_is_list(before) and _is_list(after)) or max(len(before), len(after)) < WORTH_TELLING:
        return None
    sizes = f"{len(before)} → {len(after)} elements"
    if max(len(before), len(after)) > MAX_ELEMENTS:
        return sizes
    return f"{sizes}: {'; '.join(_parts(before, after))}"


def _is_list(value: JSON) -> bool:
    return isinstance(value, list | tuple)


def _parts(before: Sequence[JSON], after: Sequence[JSON]) -> list[str]:
    from deepdiff import DeepDiff

    found: Any = DeepDiff(_numbers(before), _numbers(after), ignore_nan_inequality=True, view="tree")
    kinds = (
        ("changed", ("values_changed", "type_changes")),
        ("added", ("iterable_item_added", "dictionary_item_added")),
        ("removed", ("iterable_item_removed", "dictionary_item_removed")),
    )
    parts = [_kind(word, [item for key in keys for item in found.get(key, ())]) for word, keys in kinds]
    return [text for text in parts if text] or ["the order changed"]


def _numbers(value: JSON) -> JSON:
    """A plain copy in which 1.0 is 1 and True is not, as in the canonical form; Python calls all three equal."""
    if isinstance(value, bool):
        return f"{value} (a truth value)"
    if isinstance(value, Mapping):
        return {key: _numbers(item) for key, item in value.items()}
    if _is_list(value):
        return [_numbers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _kind(word: str, items: Sequence[Any]) -> str:
    if not items:
        return ""
    shown = ", ".join(_item(word, item) for item in items[:MAX_TOLD])
    return f"{len(items)} {word} ({shown}{', …' if len(items) > MAX_TOLD else ''})"


def _item(word: str, item: Any) -> str:
    place = str(item.path()).removeprefix("root")
    if word == "changed":
        return f"{place} {item.t1!r} → {item.t2!r}"
    return f"{place} {item.t2 if word == 'added' else item.t1!r}"
