"""Runs of which no more of the config is on record than was typed, beside runs whose config is.

An importer leaves the words of a command line out that the config repeats, so the one record tells a setting as a word
and the other under its name. What the two say of it is compared where they can be: a number with a number, a switch
with a truth value, a word with a word. A path, or a list, was perhaps written otherwise before it was logged; and a
word that only one record has may be in the config of the other under another name. Both stay open.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from runaudit.factors.arguments import ROOT
from runaudit.factors.levels import Levels
from runaudit.factors.tree import leaves_of, same
from runaudit.records.canonical import JSON

_TRUTHS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def beside_typed(runs: Sequence[Levels]) -> tuple[Levels, ...]:
    """The runs: of those that were only typed each word that is a setting of all the others told as that setting, and
    the others with the words that they may repeat under another name."""
    whole = [of for of in runs if not of.is_typed_only]
    if not whole or len(whole) == len(runs):
        return tuple(runs)  # What was typed is all that either has, and of two command lines each word counts.
    told = [_as_settings(of, whole) if of.is_typed_only else of for of in runs]
    words = {path for of in told if of.is_typed_only for path, _ in leaves_of(_words(of), ROOT)} - {ROOT}
    return tuple(_with_open(of, {"config"} if of.is_typed_only else _repeatable(of, words)) for of in told)


def _words(of: Levels) -> Mapping[str, Any]:
    config = of.tree.get("config")
    found = config.get("args") if isinstance(config, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _with_open(of: Levels, places: set[str]) -> Levels:
    return replace(of, scope=replace(of.scope, open_settings=frozenset(places)))


def _repeatable(of: Levels, words: set[str]) -> set[str]:
    """The words of others that a config may repeat. Of a run of ours every word is on record."""
    if of.run.manifest.is_captured or not words:
        return set()
    own = {path for path, _ in leaves_of(_words(of), ROOT)} - {ROOT}
    return words - own | (set() if own else {ROOT})


def _as_settings(of: Levels, logged: Sequence[Levels]) -> Levels:
    """A run with its words as the settings that they are, as far as the other records show it."""
    words, found = dict(_words(of)), {}
    for name in [*words]:
        key, values = _logged_as(name, logged)
        if values and (setting := _setting(words[name], values)) is not None:
            found[key] = setting
            del words[name]
    config = of.tree.get("config")
    if not found or not isinstance(config, Mapping):
        return of
    rest = {key: value for key, value in config.items() if key != "args"}
    return replace(of, tree={**of.tree, "config": {**found, **rest, **({"args": words} if words else {})}})


def _logged_as(name: str, logged: Sequence[Levels]) -> tuple[str, list[JSON]]:
    """The setting of an option's name, with what each of these runs has of it; none where one of them has none, or was
    told something else on its command line: then a word is held against a word."""
    values: list[JSON] = []
    key = name
    for of in logged:
        config = of.tree.get("config")
        keys = {str(key).replace("-", "_"): key for key in config} if isinstance(config, Mapping) else {}
        if name not in keys or name in _words(of) or not isinstance(config, Mapping):
            return name, []
        key = keys[name]
        values.append(config[key])
    return key, values


def _setting(word: JSON, values: Sequence[JSON]) -> JSON:
    """What a word is as a setting of which these are values; None where the two cannot be compared."""
    last = word[-1] if isinstance(word, list | tuple) and word and not isinstance(values[0], list | tuple) else word
    for told in (word, last):
        equal = [value for value in values if same(told, value) or str(told).lower() == str(value).lower()]
        if equal:
            return equal[0]
    if all(isinstance(value, bool) for value in values):
        return _TRUTHS.get(str(last).lower())
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return last if isinstance(last, int | float) and not isinstance(last, bool) else None
    is_word = all(isinstance(value, str) and "/" not in value for value in (last, *values))
    return last if is_word else None
