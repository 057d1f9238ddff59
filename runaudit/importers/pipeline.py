"""The command of a stage as a program and its words: `python -u src/train.py --lr 0.1` ran src/train.py."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runaudit.importers.commandline import arguments, repeats
from runaudit.importers.tables import words_of
from runaudit.records.canonical import JSON

_SHELL = re.compile(r"[|&;<>`\n]|\$\(")
_KEPT = re.compile(r"\s+(?:(?:[12&]?>>?|\|\s*tee(?:\s+-a)?)\s*[^\s|&;<>`$\"']+|2>&1)\s*$")
"""Where a shell was told to keep what the program prints: it is no part of what ran."""
_PYTHON = re.compile(r"(?:.*/)?python[\d.]*")


@dataclass(frozen=True, slots=True)
class Command:
    """What ran and the words behind it. A line that only a shell can read is its own program."""

    program: str | None = None
    argv: Sequence[str] = ()

    def beyond(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The words as settings, without those that repeat one of these."""
        leaves = dict(_leaves(settings))
        return {name: value for name, value in arguments(self.argv).items()
                if not repeats(name, value, settings) and leaves.get(_plain(name), _NONE) != value}  # fmt: skip


def command_of(cmd: JSON) -> Command:
    """The command of a stage, one line or a list of them."""
    lines = [str(line) for line in cmd] if isinstance(cmd, list) else [str(cmd)] if cmd else []
    text = " && ".join(map(_unkept, lines))
    if len(lines) != 1 or _SHELL.search(text):
        return Command(text or None)
    words = words_of(text)
    if words is None:
        return Command(text)
    if words and re.fullmatch(r"[A-Za-z_]\w*=.*", words[0], re.DOTALL):
        return Command(text)  # A variable that is set for the command is a setting that only the shell reads.
    if words and _PYTHON.fullmatch(words[0]):
        rest = words[1:]
        while rest and rest[0].startswith("-") and rest[0] not in ("-m", "-c"):
            rest = rest[1:]
        if rest[:1] == ["-m"] and len(rest) > 1:
            return Command(f"-m {rest[1]}", rest[2:])
        if rest and rest[0] != "-c":
            return Command(rest[0], rest[1:])
        return Command(text)
    return Command(words[0], words[1:]) if words else Command()


def _unkept(line: str) -> str:
    while (match := _KEPT.search(line)) is not None:
        line = line[: match.start()]
    return line


def _leaves(table: Mapping[str, Any]) -> Any:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _leaves(value)
        else:
            yield _plain(str(key)), value


_NONE = object()


def _plain(name: str) -> str:
    """The name of a setting, wherever it lies. Of a single letter the case tells two apart: `-B` is not `-b`."""
    plain = name.replace("-", "_")
    return plain.lower() if len(plain) > 1 else plain
