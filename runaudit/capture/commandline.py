"""Secrets of a command line: behind an option that names one, behind `-p` of a command that takes a password so."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath

from runaudit.capture.hinted import on_lines
from runaudit.capture.telling import MARK, is_secret, points, tells

_OPTION = re.compile(r"""(?<![\w-])(?P<option>--?[A-Za-z][\w.-]*)(?P<between>[ =]["']?)(?P<value>[^\s"'=-][^\s"']*)""")
"""An option of a command line within a text, with its value."""
_HINTS = (
    "-passw",
    "-pwd",
    "-secret",
    "-credential",
    "-token",
    "-key",
    "-auth",
    "_key",
    "_token",
    "_passw",
    "_secret",
    "-api",
    "-pat",
)
RULES = _OPTION.pattern


@dataclass(frozen=True, slots=True)
class _Way:
    """How a command takes a secret: by an option with the next word, by one that is glued to it, after a subcommand."""

    apart: str = ""
    glued: str = ""
    after: str = ""


_WAYS = {
    **dict.fromkeys(("mysql", "mysqldump", "mysqladmin", "mariadb", "7z"), _Way(glued="-p")),
    **dict.fromkeys(("docker", "podman", "az", "helm"), _Way(apart="-p", after="login")),
    **dict.fromkeys(("mongo", "mongosh", "mongodump"), _Way(apart="-p")),
    **dict.fromkeys(("unzip", "zip", "sqlcmd"), _Way(apart="-P")),
    **dict.fromkeys(("redis-cli", "http", "https"), _Way(apart="-a")),
    "sshpass": _Way(apart="-p", glued="-p"),
    "ldapsearch": _Way(apart="-w"),
    "curl": _Way(apart="-u"),
}
_LOGINS = ("wandb", "comet", "neptune", "clearml", "hf", "huggingface-cli")

Replacement = Callable[[str, str], str]
"""What stands for a value, given the name that it stands under."""


def options(text: str, replacement: Replacement) -> str:
    """`text` with the value replaced of every option that names a secret."""
    return on_lines(text, _HINTS, partial(_OPTION.sub, lambda match: _option(match, replacement)), fold=True)


def _option(match: re.Match[str], replacement: Replacement) -> str:
    name, value = match["option"].lstrip("-"), match["value"]
    if MARK.search(value) or not is_secret(name, value) or re.fullmatch(r"[A-Z_]+|.*[(\[{<$\\].*", value):
        return match[0]
    drawn = len(value) >= 8 and any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    # `--password is required` is prose, `--password=swordfish` is given.
    given = match["between"].startswith("=") and match["option"].startswith("--") and tells(name) and len(value) >= 4
    if not (drawn or given) or (given and not drawn and value[-1] in ".,;:)"):
        return match[0]
    return f"{match['option']}{match['between']}{replacement(value, name)}"


def redacted(argv: Sequence[str], replacement: Replacement, text: Callable[[str], str]) -> list[str]:
    """The words of a command line with their secrets replaced; `text` reads a word that stands for itself."""
    names = [PurePosixPath(word).name for word in argv]
    way = next((_WAYS[name] for name in names if name in _WAYS), _Way())
    if way.after and way.after not in argv:
        way = _Way()
    logged_in = any(one in _LOGINS and "login" in names[at + 1 : at + 3] for at, one in enumerate(names))
    # Behind `--backend http` an `-a` may be anything: there only what nobody would write is a password beyond doubt.
    name = "password" if names and names[0] in _WAYS else "pwd"
    clean = []
    for at, word in enumerate(argv):
        previous = argv[at - 1] if at else ""
        found = _named(word, previous, replacement) or _taken(
            word, previous, way, lambda value: replacement(value, name)
        )
        if found is None and logged_in and "login" in argv[:at] and _is_key(word):
            found = replacement(word, "api_key")
        clean.append(text(word) if found is None else found)
    return clean


def _named(word: str, previous: str, replacement: Replacement) -> str | None:
    """A word that an option or a name before it tells to be a secret."""
    option, equals, value = word.partition("=")
    if equals and is_secret(option.lstrip("-"), value):
        return f"{option}={replacement(value, option.lstrip('-'))}"
    is_value = previous.startswith("-") and "=" not in previous
    return replacement(word, previous.lstrip("-")) if is_value and is_secret(previous.lstrip("-"), word) else None


def _taken(word: str, previous: str, way: _Way, replacement: Callable[[str], str]) -> str | None:
    """A word that a command takes as a password, by its own short option."""
    if way.apart and previous == way.apart and not word.startswith("-") and not points(word):
        user, colon, password = word.partition(":")
        return f"{user}:{replacement(password)}" if colon and password else replacement(word)
    if way.glued and word.startswith(way.glued) and len(word) >= len(way.glued) + 4:
        return f"{way.glued}{replacement(word[len(way.glued) :])}"
    return None


def _is_key(word: str) -> bool:
    return len(word) >= 16 and not word.startswith("-") and any(map(str.isdigit, word)) and "/" not in word
