"""The settings that a framework hands over: recorded as far as they have a form, and a gap where they have none.

`record()` refuses a config that holds an open file or a module, and its caller takes it out. What a framework has saved
is nobody's call: a loss function among the settings must not stop a training, and is not left out as if it were not
there. It is unknown, under its path and with the reason, as what a foreign record does not hold.
"""

import argparse
import dataclasses
import functools
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runaudit.capture.config import plain
from runaudit.errors import CanonicalError
from runaudit.importers.omegaconf import Keys, path_of
from runaudit.records.canonical import JSON, MAX_DEPTH
from runaudit.text.words import kind_of

MAX_ITEMS = 1000
"""Numbers of an array that are still a setting, a weight for each class say; more of them are data."""

UNSET = "???"
"""How OmegaConf writes a setting that was left open. Whoever read it would have failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundConfig:
    """Settings, and why those that are not among them are unknown, by dotted path."""

    config: Mapping[str, JSON] = field(default_factory=dict)
    gaps: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.config or self.gaps)


def found_config(source: Any, *, leave_out: Sequence[str] = ()) -> FoundConfig:
    """The settings in a mapping of any library, a namespace or a dataclass. leave_out: keys that are no settings."""
    gaps: dict[str, str] = {}
    table = _as_table(source) or {}
    config = _table({key: None for key in table if key not in leave_out}, table, (), gaps)
    return FoundConfig(config=config, gaps=gaps)


def _as_table(value: Any) -> Mapping[Any, Any] | None:
    if isinstance(value, Mapping):
        return value
    if isinstance(value, argparse.Namespace):
        return vars(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return None


def _table(keys: Mapping[Any, None], source: Mapping[Any, Any], at: Keys, gaps: dict[str, str]) -> dict[str, JSON]:
    """What has a form of these keys. A mapping of OmegaConf resolves an interpolation when it is asked for its value,
    and may raise whatever a resolver raises."""
    kept: dict[str, JSON] = {}
    for key in keys:
        here = (*at, str(key))
        try:
            if str(key) in kept:
                raise CanonicalError("the key stands there twice, as text and as another thing")
            kept[str(key)] = _value(source[key], here, gaps)
        except Exception as error:  # of somebody else's object
            if type(error).__name__ == "MissingMandatoryValue":
                kept[str(key)] = UNSET
                continue
            kept.pop(str(key), None)
            gaps[path_of(here)] = " ".join(_reason(error).split())[:200]
    return kept


def _reason(error: Exception) -> str:
    return error.message if isinstance(error, CanonicalError) else f"{type(error).__name__}: {error}"


def _value(value: Any, at: Keys, gaps: dict[str, str]) -> JSON:
    """A value in JSON types. Raises where it has no form; a list without one of its items would be another list."""
    if len(at) > MAX_DEPTH:
        raise CanonicalError(f"it is nested deeper than {MAX_DEPTH} levels")
    if (table := _as_table(value)) is not None:
        return _table(dict.fromkeys(table), table, at, gaps)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray | memoryview):
        inner: dict[str, str] = {}
        items = [_value(value[i], (*at, i), inner) for i in range(len(value))]
        if inner:
            raise CanonicalError(next(iter(inner.values())))
        return items
    return _leaf(value, at)


def _leaf(value: Any, at: Keys) -> JSON:
    if isinstance(value, functools.partial):
        # What it calls and with what: the three choices that it is made of.
        made = {"_partial_": value.func, "args": list(value.args), **value.keywords}
        return {str(name): _value(part, (*at, str(name)), {}) for name, part in made.items()}
    if (name := _import_name(value)) is not None:
        return name
    if getattr(value, "ndim", 0) and callable(listed := getattr(value, "tolist", None)):
        if value.size > MAX_ITEMS if isinstance(value.size, int) else value.numel() > MAX_ITEMS:
            raise CanonicalError(f"it is an array of more than {MAX_ITEMS} numbers")
        return plain(listed(), where="it")
    try:
        return plain(value, where="it")
    except CanonicalError as error:
        raise CanonicalError(f"it is {kind_of(value)}, which has no canonical form") from error


def _import_name(value: Any) -> str | None:
    """The name that a function or class is imported by, where that name leads to it: `torch.nn.functional.relu`. What
    it does then is in the code."""
    home, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not callable(value) or not isinstance(home, str) or not isinstance(name, str):
        return None
    found: Any = sys.modules.get(home)
    for part in name.split("."):
        found = getattr(found, part, None)
    return f"{home}.{name}" if found is value else None
