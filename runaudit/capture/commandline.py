"""Secrets of a command line: behind an option that names one, behind `-p` of a command that takes a password so."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath

from runaudit.capture.drawn import is_drawn, is_strong
from runaudit.capture.hinted import on_lines
from runaudit.capture.looks import is_mixed
from runaudit.capture.telling import MARK, Replacement, is_secret, may_tell, points, tells

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
    "-pw",
    "-jwt",
    "-cred",
)
_WHO = frozenset({"u", "U", "user", "username", "userpwd", "login", "auth", "basic-auth", "proxy-user", "account"})
"""Options that name a user, and with them a password: `-u bob:…`, `--login bob/…`."""
_USER = re.compile(r"(?P<user>[^\s:/@=]+[:/])(?P<password>[^/\s][^\s]*)")
_PARTS = re.compile(r"""(?:[^\s"']|'[^'\n]*'|"[^"\n]*"|["'])+|\s+""")
"""The words of a command line within one word, and the blanks between them."""
_COMMANDS = (
    "sshpass",
    "mysql",
    "mariadb",
    "docker",
    "podman",
    "az login",
    "helm",
    "configure set",
    "redis-cli",
    "curl",
)
_LINE = re.compile(r"[^\n]+")
_ARGUMENT = re.compile(r"[^\s\"'`,()\[\]{}\\]+")
RULES = "\n".join((_OPTION.pattern, _USER.pattern, *_COMMANDS, "3"))


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
MAX_WITHIN = 20_000
_ENDS = re.compile(r"[;&|]+|(?:python|torchrun|accelerate|bash|sh|make)[\d.]*")
"""Words behind which another command stands."""
_LOGINS = ("wandb", "comet", "neptune", "clearml", "hf", "huggingface-cli")
DOUBTED = "pwd"
"""The name of what may be a password: only what nobody would write is one beyond doubt."""


def options(text: str, replacement: Replacement) -> str:
    """`text` with the value replaced of every option that names a secret."""
    text = on_lines(text, _COMMANDS, partial(_LINE.sub, lambda line: _spoken(line[0], replacement)))
    return on_lines(text, _HINTS, partial(_OPTION.sub, lambda match: _option(match, replacement)), fold=True)


def _spoken(line: str, replacement: Replacement) -> str:
    """A line that runs a command which takes a password: as a shell, a list of code or a recipe writes it."""
    places = list(_ARGUMENT.finditer(line))
    words = [place[0] for place in places]
    pieces, done = [], 0
    for place, word, clean in zip(places, words, redacted(words, replacement, str), strict=True):
        if clean != word:
            pieces += [line[done : place.start()], clean]
            done = place.end()
    return "".join([*pieces, line[done:]])


def _option(match: re.Match[str], replacement: Replacement) -> str:
    name, value = match["option"].lstrip("-"), match["value"]
    if MARK.search(value) or not is_secret(name, value) or re.fullmatch(r"[A-Z_]+|.*[(\[{<$\\].*", value):
        return match[0]
    drawn = is_mixed(value, 8)
    # `--password is required` is prose, `--password=swordfish` is given.
    given = match["between"].startswith("=") and match["option"].startswith("--") and tells(name) and len(value) >= 4
    if not (drawn or given) or (given and not drawn and value[-1] in ".,;:)"):
        return match[0]
    return f"{match['option']}{match['between']}{replacement(value, name)}"


def redacted(argv: Sequence[str], replacement: Replacement, text: Callable[[str], str]) -> list[str]:
    """The words of a command line with their secrets replaced; `text` reads a word that stands for itself."""
    # A recipe of make has `@` or `-` before its command.
    names = [PurePosixPath(word).name.lstrip("@") for word in argv]
    way = next((_WAYS[name] for name in names if name in _WAYS), _Way())
    if way.after and way.after not in argv:
        way = _Way()
    keys = _behind_login(names)
    # Behind `--backend http` an `-a` may be anything: there only what nobody would write is a password beyond doubt.
    name = "password" if names and names[0] in _WAYS else DOUBTED
    clean = []
    for at, word in enumerate(argv):
        previous = argv[at - 1] if at else ""
        found = _named(word, previous, replacement) or _taken(
            word, previous, way, lambda value: replacement(value, name)
        )
        if found is None and at in keys and _is_key(word):
            found = replacement(word, "api_key")
        if found is None and previous == "-c" and any(blank in word for blank in " \t\n"):
            found = text(_within(word, replacement))
        clean.append(text(word) if found is None else found)
    return clean


def _within(word: str, replacement: Replacement) -> str:
    """A command line that is one word of another: `sh -c "…"`."""
    if len(word) > MAX_WITHIN:
        return word
    parts = _PARTS.findall(word)
    words = [part for part in parts if not part.isspace()]
    bare = [part[1:-1] if len(part) > 1 and part[0] == part[-1] in "\"'" else part for part in words]
    read = redacted(bare, replacement, str)
    clean = iter(word.replace(one, done) if one else word for word, one, done in zip(words, bare, read, strict=True))
    return "".join(part if part.isspace() else next(clean) for part in parts)


def _named(word: str, previous: str, replacement: Replacement) -> str | None:
    """A word that an option or a name before it tells to be a secret."""
    option, equals, value = word.partition("=")
    if equals and is_secret(option.lstrip("-"), value):
        return f"{option}={replacement(value, option.lstrip('-'))}"
    if equals and option.lstrip("-") in _WHO and (found := _password(value, replacement)):
        return f"{option}={found}"
    if previous.startswith("-") and "=" not in previous:
        name = previous.lstrip("-")
        if is_secret(name, word):
            return replacement(word, name)
        return _password(word, replacement) if name in _WHO else None
    # `aws configure set aws_secret_access_key …`: a name before a word that can be nothing else.
    is_given = tells(previous) and may_tell(previous) and is_strong(word) and not points(word) and not MARK.search(word)
    return replacement(word, previous) if is_given and "=" not in word else None


def _password(value: str, replacement: Replacement) -> str | None:
    """`bob:…` without its password; None where behind the sign stands what may be a place or a role."""
    match = _USER.fullmatch(value)
    if not match or points(match["password"]) or MARK.search(value):
        return None
    password = match["password"]
    given = is_strong(password) if match["user"].endswith("/") else is_drawn(password)
    return f"{match['user']}{replacement(password, DOUBTED)}" if given else None


def _taken(word: str, previous: str, way: _Way, replacement: Callable[[str], str]) -> str | None:
    """A word that a command takes as a password, by its own short option."""
    if way.apart and previous == way.apart and not word.startswith("-") and not MARK.search(word):
        user, colon, password = word.partition(":")
        if _leads(password if colon and password else word):
            return None
        return f"{user}:{replacement(password)}" if colon and password else replacement(word)
    if word.startswith("-p") and is_strong(word[2:]) and not MARK.search(word):
        return f"-p{replacement(word[2:])}"
    if way.glued and word.startswith(way.glued) and len(word) >= len(way.glued) + 4 and not MARK.search(word):
        return f"{way.glued}{replacement(word[len(way.glued) :])}"
    return None


def _leads(word: str) -> bool:
    """Whether a word, perhaps still in its quotes, only says where a secret comes from."""
    bare = word.strip("\"'")
    return points(bare) or bare.startswith("$")


def _behind_login(names: Sequence[str]) -> frozenset[int]:
    """The places of what a login of a tracker takes as its key: the next few of its command."""
    found: set[int] = set()
    for at, one in enumerate(names):
        if one not in _LOGINS or "login" not in names[at + 1 : at + 3]:
            continue
        for place in range(names.index("login", at) + 1, min(at + 8, len(names))):
            if _ENDS.fullmatch(names[place]):
                break
            found.add(place)
    return frozenset(found)


def _is_key(word: str) -> bool:
    is_long = len(word) >= 16 and not word.startswith("-") and any(map(str.isdigit, word)) and "/" not in word
    return is_long and not MARK.search(word)
