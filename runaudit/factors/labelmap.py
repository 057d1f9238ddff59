"""The label map of a model of Hugging Face: `id2label`, and `label2id`, which is the same the other way round.

Every config of such a model holds both, with a key for each label, wherever a tracker keeps it. Which labels there are
in which order is one choice: it is one leaf, and the inverse of it is not told again. A map that its inverse
contradicts is two things, and stays so.
"""

import ast
from collections.abc import Mapping

from runaudit.records.canonical import JSON, MAPPINGS

FORTH, BACK = "id2label", "label2id"
_LONGEST = 1 << 16
"""Characters of a map that a tracker keeps as text."""


def as_one_choice(table: dict[str, JSON]) -> dict[str, JSON]:
    """A table of settings, its label map as one leaf: the labels in the order of their numbers."""
    labels = _in_order(table.get(FORTH))
    if labels is None or len(set(labels)) < len(labels):
        return table
    back = _map(table.get(BACK)) if BACK in table else None
    numbered = {label: number for number, label in enumerate(labels)}
    if BACK in table and (back is None or {label: _number(one) for label, one in back.items()} != numbered):
        return table
    return {key: list(labels) if key == FORTH else value for key, value in table.items() if key != BACK}


def _in_order(value: JSON) -> list[str] | None:
    """The labels of a map by their numbers from 0 on; None for one of other keys."""
    found = _map(value) or {}
    labels = {_number(key): label for key, label in found.items()}
    if not labels or set(labels) != set(range(len(found))) or not all(isinstance(one, str) for one in labels.values()):
        return None
    return [labels[number] for number in range(len(labels))]


def _map(value: JSON) -> Mapping[JSON, JSON] | None:
    """A map, or the text of one, as MLflow keeps it."""
    if isinstance(value, str) and value.startswith("{") and len(value) <= _LONGEST:
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            return None
    return value if isinstance(value, MAPPINGS) else None


def _number(value: JSON) -> int | None:
    if isinstance(value, str):
        return int(value) if value.isdecimal() and value.isascii() and len(value) < 10 else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
