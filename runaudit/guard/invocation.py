"""How the user called, so that a remedy can be the same call with what was missing put in."""

import json
from dataclasses import dataclass

from runaudit.factors.marks import SECRET
from runaudit.text.typed import typed_word, typed_words

ONCE = frozenset({"--seed", "--label", "--baseline", "--init"})
"""Options that are given once: a remedy replaces them. The others may be repeated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """`program` and `options` before the command that is run, `command` after `--` (empty where there is none)."""

    program: tuple[str, ...] = ("runaudit", "guard")
    options: tuple[str, ...] = ()
    command: tuple[str, ...] = ()

    def plus(self, *options: str) -> str:
        """The call again with more options, quoted for a shell."""
        tail = ("--", *self.command) if self.command else ()
        once = {option for option in options if option in ONCE}
        words = (*self.program, *_without(self.options, once), *options, *tail)
        if not any(SECRET in word for word in words):
            return typed_words(words)
        return f"{' '.join(map(_to_be_filled, words))}  (with what is not shown here in $SECRET)"

    def again(self, *, prefix: str = "") -> str:
        """The call as it was, after environment settings in `prefix`."""
        return f"{prefix} {self.plus()}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonCall(Invocation):
    """A call of `record()` or of the guard within a program: what was missing is an argument. An option of that name is
    typed only where the program was given one: whether it knows others, nobody can say."""

    def plus(self, *options: str) -> str:
        """The arguments to add, as Python has them."""
        if set(options[::2]) & set(self.options):
            return Invocation.plus(self, *options)
        pairs = zip(options[::2], options[1::2], strict=False)
        given = ", ".join(_argument(option, value) for option, value in pairs)
        return f"give {given} where the program calls runaudit" if given else Invocation.plus(self)


KEYS = {"--eval": "eval", "--bundle": "bundles", "--seed": "seeds"}
"""Options whose key in a campaign file is called otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCall(Invocation):
    """A call whose launches stand in a campaign file: what was missing is written there."""

    file: str

    def plus(self, *options: str) -> str:
        """What to write, and where."""
        pairs = zip(options[::2], options[1::2], strict=False)
        given = " and ".join(_line(option, value) for option, value in pairs)
        return f"write {given} in {self.file}" if given else Invocation.plus(self)


def _line(option: str, value: str) -> str:
    key = KEYS.get(option, option.removeprefix("--"))
    if option in ("--data", "--eval"):
        name, _, text = value.partition("=")
        return f"{key}.{name} = {json.dumps(text, ensure_ascii=False)}"
    if option in ("--waive", "--intent", "--bundle"):
        return f"{key} = [{json.dumps(value, ensure_ascii=False)}]"
    return f"{key} = {json.dumps(value, ensure_ascii=False)}"


def _argument(option: str, value: str) -> str:
    name = {"--bundle": "bundles"}.get(option, option.lstrip("-").replace("-", "_"))
    if option == "--data":
        key, _, path = value.partition("=")
        return f"data={{{key!r}: {path!r}, ...}}"
    if option == "--config":
        return "config=..., a mapping of the settings or the name of a file that holds them"
    if option in ("--waive", "--intent", "--bundle"):
        return f"{name}=[{value!r}]"
    return f"{name}={value if option == '--seed' else repr(value)}"


def _to_be_filled(word: str) -> str:
    """A word for a shell, a variable in the place of what was taken out of it: the mark itself, typed again, would be
    taken for the secret."""
    return '"$SECRET"'.join(typed_word(part) if part else "" for part in word.split(SECRET))


def _without(words: tuple[str, ...], options: set[str]) -> tuple[str, ...]:
    """`words` without these options and their values."""
    kept: list[str] = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word in options:
            skip = True
        else:
            kept.append(word)
    return tuple(kept)
