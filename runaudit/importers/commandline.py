"""A recorded command line as settings: what was typed and perhaps never logged as a config."""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from runaudit.records.canonical import JSON
from runaudit.records.seednames import names_the_seed

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_SECRET = re.compile(r"(?:^|_)(?:api_?key|token|password|passwd|secret|(?:access|secret|private)_key)$")
"""Options of a secret, which is one word: what stands behind it is not hidden with it."""
OVERRIDE = re.compile(r"(\+\+?|~)?([A-Za-z_][\w.@/-]*)=(.*)", re.DOTALL)
"""A word that sets something by its name: how, what, and to what."""
_LEAST = 3
"""Letters of an abbreviation from which on it is one by no chance: argparse takes `--mod` for `--model_name`."""


@dataclass
class _Told:
    """The words while they are read."""

    named: dict[str, Any] = field(default_factory=dict)
    loose: list[Any] = field(default_factory=list)

    def put(self, name: str, value: JSON) -> None:
        """A named word. What is given more than once is a list of its values in their order, as our own records have
        it: whether the last one acts or all of them do is in the program."""
        if name in self.named:
            old = self.named[name]
            value = [*(old if isinstance(old, list) else [old]), value]
        self.named[name] = value


def arguments(argv: Sequence[str], logged: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A command line as settings: `--lr 1e-3` and `lr=1e-3` are lr 0.001, a bare flag is true, the rest is
    `positional` by place. logged: the settings that came of it, which tell whether the words behind an option are its
    values, or stand for themselves."""
    told, rest = _Told(), list(argv)
    options = {_plain(_split(word)[0]) for word in argv if _is_option(word)}
    while rest:
        word = rest.pop(0)
        if word == "--":
            told.loose += map(as_number, rest)
            break
        if not _is_option(word):
            _put_loose(word, options, told)
            continue
        name, equals, value = _split(word)
        values = [value] if equals else []
        while not equals and rest and (not rest[0].startswith("-") or _number_text(rest[0])):
            values.append(rest.pop(0))
        typed = [as_number(text) for text in values]
        taken = len(typed) if equals else _taken(_plain(name), typed, logged or {})
        told.loose += typed[taken:]
        typed = typed[:taken]
        told.put(_plain(name), typed[0] if len(typed) == 1 else typed or True)
    places = {str(place): word for place, word in enumerate(told.loose, start=1)}
    return {**told.named, **({"positional": places} if places else {})}


def _put_loose(word: str, options: Set[str], told: _Told) -> None:
    """A word that is no option's: one that sets something, or one that stands for itself. `~x=1` takes away what `x=1`
    sets, and of `--lr 1 lr=2` neither is a second value of the other."""
    match = OVERRIDE.fullmatch(word)
    if match is None:
        told.loose.append(as_number(word))
        return
    name = f"~{match[2]}" if match[1] == "~" else f"{match[2]}=" if match[2] in options else match[2]
    told.put(name, as_number(match[3]))


def _split(word: str) -> tuple[str, str, str]:
    return word.lstrip("-").partition("=")


def _is_option(word: str) -> bool:
    return word.startswith("-") and not _number_text(word) and bool(_split(word)[0])


def _plain(name: str) -> str:
    """What an option is called in its program. `-B` is not `-b`."""
    return name.replace("-", "_")


def _called(name: str, logged: Mapping[str, Any]) -> str | None:
    """The setting of the name of an option: letter by letter, else the only one that differs in their case. Of a single
    letter the case is all that tells two options apart."""
    names = {_plain(key): key for key in logged}
    if name in names:
        return names[name]
    alike = [key for plain, key in names.items() if plain.lower() == name.lower()] if len(name) > 1 else []
    return alike[0] if len(alike) == 1 else None


def _longer(name: str, logged: Mapping[str, Any]) -> Iterator[str]:
    """The settings whose names begin as the name of an option does."""
    return (key for key in logged if _plain(key).lower().startswith(name.lower()))


def _taken(name: str, typed: Sequence[Any], logged: Mapping[str, Any]) -> int:
    """How many of the words behind an option are its own: all of them, unless the setting of its name has fewer."""
    if typed and _SECRET.search(name.lower()):
        return 1
    called = _called(name, logged)
    # argparse takes `--data` for `--dataset`, and `-s` is how one types `--seed`: that it is shows in the value.
    longer = [*_longer(name, logged)]
    if called is None and len(longer) != 1:
        return len(typed)
    value = logged[longer[0] if called is None else called]
    if isinstance(value, list | tuple):
        return len(value) if value and alike(list(typed[: len(value)]), value) else len(typed)
    if typed and alike(typed[0], value):
        return 1
    is_switch = called is not None and isinstance(value, bool) and typed and str(typed[0]).lower() not in _TRUTHS
    return 0 if is_switch else len(typed)


_TRUTHS = frozenset({"true", "false", "yes", "no", "on", "off", "1", "0", "t", "f", "y", "n"})


def repeats(name: str, value: Any, logged: Mapping[str, Any]) -> bool:
    """Whether a config holds what an option of the command line says, under its name or one it abbreviates, at the top
    or at its dotted place. Of an option that was given again and again it holds all values, or the last, which acted.
    """
    if (called := _called(name, logged)) is not None:
        return alike(value, logged[called]) or (isinstance(value, list) and alike(value[-1], logged[called]))
    if value is True and name.startswith("no_") and (said := _called(name.removeprefix("no_"), logged)) is not None:
        return alike(False, logged[said])  # `--no-amp` is how argparse and click say amp off, and amp is.
    inner: Any = logged
    for key in name.split("."):
        inner = inner.get(key) if isinstance(inner, Mapping) else None
    if inner is not None and not isinstance(inner, Mapping):
        return alike(value, inner)
    # That an option was abbreviated shows in the value. `--lr` is a name of its own, and no short one of `lr_min`.
    longer = [*_longer(name, logged)]
    return len(longer) == 1 and _abbreviates(name, longer[0]) and bool(logged[longer[0]] == value)


def _abbreviates(name: str, key: str) -> bool:
    """Whether an option can only be a setting's name cut short: within a word, or that of the seed, `-s`."""
    return names_the_seed(key) or (len(name) >= _LEAST and _plain(key)[len(name)] not in "_.")


def alike(typed: Any, logged: Any) -> bool:
    """Whether a word of the command line and a logged value are the same setting, written as text or not."""
    if isinstance(typed, list) and isinstance(logged, list | tuple):
        return len(typed) == len(logged) and all(map(alike, typed, logged))
    return bool(typed == logged or str(typed).lower() == str(logged).lower())


def _number_text(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def as_number(text: str) -> JSON:
    """A word of the command line as the number it writes, else as it stands."""
    if not _number_text(text):
        return text
    return int(text) if re.fullmatch(r"[-+]?\d+", text) else float(text)
