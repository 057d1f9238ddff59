"""Settings that a program logged twice: whole, in a table of their own beside the first, `config: {lr: 0.1, …}` beside
`lr: 0.1, …`, or a file, under one name within a table and outside of it.

A leaf of the inner copy that always says what the outer leaf of its name says is no choice of its own. That it does is
the evidence, and it has to be more than chance: `decoder: {lr: 0.1}` beside `lr: 0.1` are two networks that may have
been given one rate. So a table is a copy if its name is one of all settings, and what it has in common with those
around it is all equal, in each run; and a leaf by itself if it names a place.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

from runaudit.factors.arguments import ROOT
from runaudit.factors.factor import ABSENT, SEED_ROLES, Absent, Change, ChangeClass, Role
from runaudit.factors.levels import Levels
from runaudit.factors.pair import Pair
from runaudit.factors.path import joined, last_key, matches, steps
from runaudit.factors.tree import same
from runaudit.records.canonical import JSON, MAPPINGS

COPIED = "the program logged it twice, and it says what the other leaf says"
ALL_SETTINGS = frozenset({"config", "configs", "cfg", "conf", "configuration", "hparams", "hp", "hyperparams",
                          "hyperparameters", "hyper_parameters", "params", "parameters", "opt", "opts", "options",
                          "settings", "flags"})  # fmt: skip
"""What a table of all settings is called; `args` is one as well, and is a command line to everything here."""
_LEAST = 4
"""Settings in common that are all equal by no chance."""
_LONG = 12
"""Characters of a place that two leaves hardly have by chance."""

Values = Sequence[JSON | Absent]


def logged_twice(found: Sequence[Change], pair: Pair) -> Sequence[Change]:
    """The leaves, those of a copy told as following the leaf that they repeat."""
    factors = {change.path: change for change in found if change.kind is ChangeClass.FACTOR}
    values = {path: (change.before, change.after) for path, change in factors.items() if path.startswith("config")}
    result = []
    for change in found:
        told = repeats(change.path, values, (pair.a, pair.b)) if change.path in values else ""
        if told and change.role not in SEED_ROLES and factors[told].role in (change.role, Role.EVALUATION):
            change = replace(change, kind=ChangeClass.DERIVED, follows=told, role=Role.TREATMENT, why=COPIED)
        result.append(change)
    return result


def repeats(path: str, values: Mapping[str, Values], runs: Sequence[Levels]) -> str:
    """The leaf of the config that the one at `path` repeats, of those that have values; empty where it repeats none."""
    mine = values[path]
    if matches(path, ROOT):
        return ""
    keys = tuple(map(str, steps(path)))
    for at in range(1, len(keys) - 1):
        outer = _path(keys[:at] + keys[at + 1 :])
        if keys[at].lower() in ALL_SETTINGS and outer in values and _are_same(mine, values[outer]):
            around = [of.at(_path(keys[:at])) for of in runs]
            if all(_holds_a_copy(table, keys[at]) for table in around):
                return outer
    if all(value is ABSENT or _is_place(value) for value in mine):
        named = [other for other in values if last_key(other) == keys[-1] and len(steps(other)) < len(keys)
                 and not matches(other, ROOT) and _are_same(mine, values[other])]  # fmt: skip
        return min(named, key=lambda other: len(steps(other)), default="")
    return ""


def _path(keys: Sequence[str]) -> str:
    return reduce(joined, keys[1:], keys[0])


def _are_same(mine: Values, others: Values) -> bool:
    return all(same(value, other) for value, other in zip(mine, others, strict=True))


def _is_place(value: JSON | Absent) -> bool:
    """Whether a value is a text that leads to one file or folder."""
    return isinstance(value, str) and len(value) >= _LONG and ("/" in value or "\\" in value)


def _holds_a_copy(table: JSON | Absent, name: str) -> bool:
    """Whether a table holds, under a name, what it holds beside it."""
    inner = table.get(name) if isinstance(table, MAPPINGS) else None
    if not isinstance(table, MAPPINGS) or not isinstance(inner, MAPPINGS):
        return False
    pairs = [*_beside(inner, {key: value for key, value in table.items() if key != name})]
    common = [(value, other) for value, other in pairs if other is not ABSENT]
    is_most = len(common) >= _LEAST and 2 * len(common) >= len(pairs)
    return is_most and all(same(value, other) for value, other in common)


def _beside(inner: Mapping[str, Any], outer: Mapping[str, Any]) -> Iterator[tuple[JSON, JSON | Absent]]:
    """Each leaf of a table, with that of its name in another one."""
    for key, value in inner.items():
        other = outer.get(key, ABSENT)
        if isinstance(value, MAPPINGS) and isinstance(other, MAPPINGS):
            yield from _beside(value, other)
        else:
            yield value, other
