"""How the user called, so that a remedy can be the same call with what was missing put in."""

import shlex
from dataclasses import dataclass

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
        return shlex.join((*self.program, *_without(self.options, once), *options, *tail))

    def again(self, *, prefix: str = "") -> str:
        """The call as it was, after environment settings in `prefix`."""
        return f"{prefix} {self.plus()}".strip()


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
