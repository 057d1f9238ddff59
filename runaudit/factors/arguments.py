"""The command line as leaves: every word was chosen, and what was chosen is an input.

`config.args.script`, `.module`, `.command` (the text of `-c`, by digest), `.flags` of the interpreter, `.launcher` (the
options of torchrun and its kind), options by their names, and `positional` words by their places. Which interpreter is
no word: it is judged by what it is, not by where it lies.
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from runaudit.factors.marks import BEGINS, without_secrets
from runaudit.records.canonical import JSON
from runaudit.records.digest import digest_bytes

ROOT = "config.args"
RESERVED = frozenset({"script", "module", "command", "flags", "launcher", "positional"})
PYTHON = re.compile(r"(?:python|pypy|ipython)[\d.]*w?(?:\.exe)?")
SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh"})
RANKED = frozenset({"torchrun", "accelerate", "deepspeed", "mpirun", "mpiexec", "horovodrun", "srun"})
RANKED_MODULES = frozenset({"torch.distributed.run", "torch.distributed.launch", "accelerate.commands.launch"})
WRAPPERS = {"uv": ("run",), "poetry": ("run",), "pipenv": ("run",), "pdm": ("run",), "hatch": ("run",),
            "rye": ("run",), "nohup": (), "time": (), "exec": ()}  # fmt: skip
"""Programs that only start another one, with the words before its name."""
KERNELS = frozenset({"ipykernel_launcher", "ipykernel"})
SILENT_FLAGS = frozenset({"-u", "-B", "-q", "-v"})
"""Flags of the interpreter that say how it prints and caches, not what it computes."""
VALUED_FLAGS = frozenset({"-W", "-X"})
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
OVERRIDE = re.compile(r"([+~]{0,2}[A-Za-z_][\w.@/-]*)=(.*)", re.DOTALL)
"""A word that sets something by its name: `model.width=16`."""
SETTERS = frozenset({"set", "override", "overrides", "opt", "opts", "cfg_options", "cfg_override", "cfg_overrides",
                     "config_override", "config_overrides", "setting", "settings", "param", "params", "hparam",
                     "hparams", "define"})  # fmt: skip
"""Options that only introduce such words: `--set model.width=16`."""


@dataclass
class _Command:
    """The leaves while the words are read."""

    leaves: dict[str, Any] = field(default_factory=dict)

    def put(self, name: str, value: JSON) -> None:
        """A named leaf; an option that is given more than once is a list of its values. Secrets in names are one word,
        as in every other key."""
        name = str(without_secrets(name))
        if name in self.leaves:
            old = self.leaves[name]
            value = [*(old if isinstance(old, list) else [old]), value]
        self.leaves[name] = value


def arguments_of(argv: Sequence[str]) -> dict[str, Any]:
    """A command line as a tree of leaves."""
    return dict(_parsed(tuple(argv)))


@lru_cache(maxsize=4096)
def _parsed(argv: tuple[str, ...]) -> dict[str, Any]:
    command = _Command()
    _program(list(argv), command)
    return command.leaves


def _program(words: list[str], command: _Command) -> None:
    """The leaves of a command whose first word names the program."""
    if not words:
        return
    name, rest = PurePosixPath(words[0]).name, words[1:]
    if PYTHON.fullmatch(name):
        _python(rest, command)
    elif name == "env":
        _environment(rest, command)
    elif name in WRAPPERS and rest and tuple(rest[: len(WRAPPERS[name])]) == WRAPPERS[name]:
        _wrapped(name, rest[len(WRAPPERS[name]) :], command)
    elif name in RANKED:
        _ranks(name, rest, command)
    elif name in SHELLS:
        _shell(rest, command)
    else:
        command.leaves["script"] = words[0]
        _words(rest, command)


def _python(words: list[str], command: _Command) -> None:
    flags: list[str] = []
    while words:
        word = words.pop(0)
        if word == "-m" and words:
            return _module(words.pop(0), words, command, flags)
        if word == "-c" and words:
            command.leaves["command"] = str(digest_bytes(words.pop(0).encode("utf-8", "surrogatepass")))
            break
        if word == "-" or not word.startswith("-"):
            command.leaves["script"] = word
            break
        if word in VALUED_FLAGS and words:
            word = f"{word} {words.pop(0)}"
        flags.append(word)
    _flags(flags, command)
    return _words(words, command)


def _flags(flags: list[str], command: _Command) -> None:
    if kept := sorted({flag for flag in flags if flag not in SILENT_FLAGS}):
        command.leaves["flags"] = kept


def _module(name: str, words: list[str], command: _Command, flags: list[str]) -> None:
    _flags(flags, command)
    if name in RANKED_MODULES:
        return _ranks(name, words, command)
    command.leaves["module"] = name
    if name in KERNELS:
        return None  # The rest is where this session of a notebook listens.
    return _words(words, command)


def _environment(words: list[str], command: _Command) -> None:
    """`env NAME=value program …`: what it sets is a choice too."""
    while words and (words[0].startswith("-") or "=" in words[0]):
        command.put("env " + words[0].partition("=")[0], words.pop(0).partition("=")[2])
    _program(words, command)


def _wrapped(name: str, words: list[str], command: _Command) -> None:
    options: list[str] = []
    while words and words[0].startswith("-"):
        word = words.pop(0)
        if word == "--":
            break
        options.append(word)
        # An option of the wrapper may take the next word; a program's name ends them.
        if "=" not in word and words and not words[0].startswith("-") and not _starts_a_program(words[0]):
            options.append(words.pop(0))
    if options:
        command.leaves["launcher"] = {"program": name, **_named(options)}
    if words and words[0].endswith(".py"):
        return _python(words, command)
    return _program(words, command)


def _starts_a_program(word: str) -> bool:
    name = PurePosixPath(word).name
    return bool(PYTHON.fullmatch(name)) or name in RANKED or name in SHELLS or name.endswith((".py", ".sh"))


def _ranks(name: str, words: list[str], command: _Command) -> None:
    """A launcher of ranks: its options, then the script with its own words."""
    at = next((i for i, word in enumerate(words) if _begins_the_script(word)), None)
    if at is None:
        return _words([name, *words], command)
    options, rest = words[:at], words[at:]
    command.leaves["launcher"] = {"program": name, **_named(options)}
    if rest[0] in ("-m", "--module") and len(rest) > 1:
        command.leaves["module"] = rest[1]
        return _words(rest[2:], command)
    if PYTHON.fullmatch(PurePosixPath(rest[0]).name):
        return _python(rest[1:], command)
    command.leaves["script"] = rest[0]
    return _words(rest[1:], command)


def _begins_the_script(word: str) -> bool:
    return word in ("-m", "--module") or word.endswith(".py") or bool(PYTHON.fullmatch(PurePosixPath(word).name))


def _shell(words: list[str], command: _Command) -> None:
    """`sh script.sh words` and `sh -c TEXT`, whose words count as words of the command line."""
    while words and words[0].startswith("-"):
        flag = words.pop(0)
        if "c" in flag.lstrip("-") and not flag.startswith("--") and words:
            return _shell_text(words.pop(0), words, command)
        command.put("flags", flag)
    if words:
        command.leaves["script"] = words.pop(0)
    return _words(words, command)


def _shell_text(text: str, rest: list[str], command: _Command) -> None:
    try:
        words = shlex.split(text)
    except ValueError:
        words = [text]
    plain = not re.search(r"[;|&<>$`\n()]", text)
    if plain and words and _starts_a_program(words[0]):
        return _program(words + rest, command)
    for part in [*_commands(text, words), rest]:
        _words(part, command)
    return None


def _commands(text: str, words: list[str]) -> list[list[str]]:
    """The words of each command of a shell text, with what joins them as a part of its own."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    parts: list[list[str]] = [[]]
    try:
        for word in lexer:
            if set(word) <= set("();<>|&"):
                parts += [[word], []]
            else:
                parts[-1].append(word)
    except ValueError:
        return [words]
    return parts


def _words(words: Sequence[str], command: _Command) -> None:
    """The program's own words."""
    for name, value in _split(words):
        if name is None:
            loose = command.leaves.setdefault("positional", {})
            loose[str(len(loose) + 1)] = value
        else:
            command.put(name, value)


def _named(words: Sequence[str]) -> dict[str, Any]:
    command = _Command()
    _words(words, command)
    return command.leaves


def _split(words: Sequence[str]) -> Sequence[tuple[str | None, JSON]]:
    """(name, value) of every option; name None for a word that stands alone."""
    found: list[tuple[str | None, JSON]] = []
    rest = list(words)
    # `--lr 1 lr=2` is not `--lr 2 lr=1`: of two ways to say one name neither is a second value of the other.
    options = {plain_name(word.lstrip("-").partition("=")[0]) for word in words if is_option(word)}
    while rest:
        word = rest.pop(0)
        if word == "--":
            found += [(None, typed(loose)) for loose in rest]
            break
        name, equals, value = word.lstrip("-").partition("=")
        if not is_option(word):
            override = OVERRIDE.fullmatch(word)
            key = override and (f"{override[1]}=" if override[1] in options else _name(override[1]))
            found.append((key, typed(override[2])) if override else (None, typed(word)))
            continue
        if equals and plain_name(name) in SETTERS and OVERRIDE.fullmatch(value):
            equals, rest = "", [value, *rest]
        values = [value] if equals else []
        # A secret is one word: what stands behind it stands for itself.
        while not equals and rest and _is_value(rest[0]) and not (values and BEGINS in values[-1]):
            values.append(rest.pop(0))
        plain = [typed(text) for text in values]
        found.append((_name(name, word), plain[0] if len(plain) == 1 else plain or True))
    return found


def is_option(word: str) -> bool:
    """Whether a word names an option: no number below zero, and no dash alone."""
    return word.startswith("-") and bool(word.lstrip("-").partition("=")[0]) and not _NUMBER.fullmatch(word)


def _is_value(word: str) -> bool:
    return bool(_NUMBER.fullmatch(word)) or (not word.startswith("-") and not OVERRIDE.fullmatch(word))


def plain_name(name: str) -> str:
    """What an option is called in a program, without the dashes before it."""
    return name.replace("-", "_")


def _name(name: str, word: str = "") -> str:
    plain = plain_name(name)
    return (word.partition("=")[0] or f"={plain}") if plain in RESERVED else plain


def typed(text: str) -> JSON:
    """A word as the number it writes, else as it stands."""
    if not _NUMBER.fullmatch(text):
        return text
    if re.fullmatch(r"[-+]?\d{1,15}", text):
        return int(text)
    number = float(text)
    return number if abs(number) < 1e300 else text
