"""How the user called, so that a remedy can be the same call with what was missing put in."""

import shlex
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """`program` and `options` before the command that is run, `command` after `--` (empty where there is none)."""

    program: tuple[str, ...] = ("runaudit", "guard")
    options: tuple[str, ...] = ()
    command: tuple[str, ...] = ()

    def plus(self, *options: str) -> str:
        """The call again with more options, quoted for a shell."""
        tail = ("--", *self.command) if self.command else ()
        return shlex.join((*self.program, *self.options, *options, *tail))

    def again(self, *, prefix: str = "") -> str:
        """The call as it was, after environment settings in `prefix`."""
        return f"{prefix} {self.plus()}".strip()
