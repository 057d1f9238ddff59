"""A recorded command line as settings: what was typed and perhaps never logged as a config."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from runaudit.records.canonical import JSON

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_SECRET = re.compile(r"(?:^|_)(?:api_?key|token|password|passwd|secret|(?:access|secret|private)_key)$")
"""Options of a secret, which is one word: what stands behind it is not hidden with it."""
_OVERRIDE = re.compile(r"[+~]{0,2}([A-Za-z_][\w.@/-]*)=(.*)", re.DOTALL)


def arguments(argv: Sequence[str], logged: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A command line as settings: `--lr 1e-3` and `lr=1e-3` are lr 0.001, a bare flag is true, the rest is
    `positional` by place. logged: the settings that came of it, which tell whether the words behind an option are its
    values, or stand for themselves."""
    found: dict[str, Any] = {}
    loose: list[Any] = []
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.lstrip("-").partition("=")
        if word == "--":
            loose += map(as_number, rest)
            break
        if not word.startswith("-") or _number_text(word) or not name:
            if match := _OVERRIDE.fullmatch(word):
                found[match[1]] = as_number(match[2])
            else:
                loose.append(as_number(word))
            continue
        values = [value] if equals else []
        while not equals and rest and (not rest[0].startswith("-") or _number_text(rest[0])):
            values.append(rest.pop(0))
        name = name.replace("-", "_").lower()
        typed = [as_number(text) for text in values]
        taken = len(typed) if equals else _taken(name, typed, logged or {})
        loose += typed[taken:]
        typed = typed[:taken]
        found[name] = typed[0] if len(typed) == 1 else typed or True
    places = {str(place): word for place, word in enumerate(loose, start=1)}
    return {**found, **({"positional": places} if places else {})}


def _taken(name: str, typed: Sequence[Any], logged: Mapping[str, Any]) -> int:
    """How many of the words behind an option are its own: all of them, unless the setting of its name has fewer."""
    if typed and _SECRET.search(name):
        return 1
    named = {key.replace("-", "_").lower(): value for key, value in logged.items()}
    # argparse takes `--data` for `--dataset`, and `-s` is how one types `--seed`: that it is shows in the value.
    longer = [value for key, value in named.items() if key.startswith(name)]
    if name not in named and len(longer) != 1:
        return len(typed)
    value = named[name] if name in named else longer[0]
    if isinstance(value, list | tuple):
        return len(value) if value and _alike(list(typed[: len(value)]), value) else len(typed)
    if typed and _alike(typed[0], value):
        return 1
    is_switch = name in named and isinstance(value, bool) and typed and str(typed[0]).lower() not in _TRUTHS
    return 0 if is_switch else len(typed)


_TRUTHS = frozenset({"true", "false", "yes", "no", "on", "off", "1", "0", "t", "f", "y", "n"})


def repeats(name: str, value: Any, logged: Mapping[str, Any]) -> bool:
    """Whether a config holds what an option of the command line says, under its name or one it abbreviates, at the top
    or at its dotted place."""
    names = {key.replace("-", "_").lower(): key for key in logged}
    if name in names:
        return _alike(value, logged[names[name]])
    if value is True and name.startswith("no_") and (said := names.get(name.removeprefix("no_"))) is not None:
        return _alike(False, logged[said])  # `--no-amp` is how argparse and click say amp off, and amp is.
    inner: Any = logged
    for key in name.split("."):
        inner = inner.get(key) if isinstance(inner, Mapping) else None
    if inner is not None and not isinstance(inner, Mapping):
        return _alike(value, inner)
    # argparse takes `--dataset` for `--dataset_name`; that it did shows in the value.
    longer = [key for alike, key in names.items() if alike.startswith(name)]
    return len(longer) == 1 and bool(logged[longer[0]] == value)


def _alike(typed: Any, logged: Any) -> bool:
    """Whether a word of the command line and a logged value are the same setting, written as text or not."""
    if isinstance(typed, list) and isinstance(logged, list | tuple):
        return len(typed) == len(logged) and all(map(_alike, typed, logged))
    return bool(typed == logged or str(typed).lower() == str(logged).lower())


def _number_text(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def as_number(text: str) -> JSON:
    """A word of the command line as the number it writes, else as it stands."""
    if not _number_text(text):
        return text
    return int(text) if re.fullmatch(r"[-+]?\d+", text) else float(text)
