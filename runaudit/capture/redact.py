"""A manifest is shared, so no secret may be in it; yet two runs with different keys must be seen to differ.

Each secret is replaced by a keyed hash, `<redacted:hmac-…>`. The key never leaves the store's folder, so the hash of a
short password cannot be guessed from a shared record, while equal secrets of one store stay equal.

What counts as a secret: a value under a telling name (`api_key`, `--password`), a shape that providers publish
(`ghp_…`, `AKIA…`, a private key block, the user part of a URL), a long literal of high entropy. A secret found in one
place is then replaced in every other: a token given in the environment is not kept because a patch quotes it bare.
Hexadecimal is never judged by entropy alone: a training record is full of digests.
"""

import contextlib
import hashlib
import hmac
import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

from runaudit.capture.placed import PATTERNS, is_table, lies_in_table, replaced
from runaudit.errors import CaptureError
from runaudit.records.canonical import JSON

KEY_FILE = "redaction.key"
MIN_LEARNED = 8
"""Shorter values are replaced where they stand, but not everywhere else: `test` is a word before it is a password."""

_ALWAYS = re.compile(
    r"(?i)(?:^|[^a-z])(?:pass(?:word|wd|phrase)|pwd|secret|credentials?|private_?key|api_?key|access_?key|secret_?key|"
    r"account_?key|signing_?key|encryption_?key|client_?secret|bearer|"
    r"(?:auth|access|refresh|hf|hub|huggingface|wandb|github|gitlab|slack|discord|telegram|bot|api|session)_?token)s?"
    r"(?:_?id|_?value|_?text)?$"
)
_TOKEN = re.compile(r"(?i)(?:^|[^a-z])(?:token|auth|authorization|cookie|dsn|pat)$")
"""Names that are ordinary words of the field too (`pooling.token = "cls"`): only a value that looks random counts."""

_SHAPES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[A-Za-z0-9+/=\s:,\\-]{64,}?-----END [A-Z ]*PRIVATE KEY-----"
    r"|(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{40,}|glpat-[A-Za-z0-9_-]{20,}"
    r"|hf_[A-Za-z0-9]{30,}|sk-(?:[a-z]+-)*[A-Za-z0-9_-]{20,}|xox[abeoprs]-[A-Za-z0-9-]{10,}"
    r"|AIza[0-9A-Za-z_-]{35}|npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,}|dop_v1_[0-9a-f]{64}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"
    r"|wandb_v1_[A-Za-z0-9_]{20,}"
)
_SHAPE_HINTS = (
    "PRIVATE KEY", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "hf_", "sk-", "xox",
    "AIza", "npm_", "pypi-", "dop_v1_", "eyJ", "wandb_v1_",
)  # fmt: skip
"""What each shape begins with. A substring search is a hundred times as fast as the pattern; most files have none."""
_URL_USER = re.compile(r"://([^\s/@:'\"]*):?([^\s/@'\"]*)@")
_NAME_HINTS = ("passw", "passphrase", "secret", "credential", "token", "_key", "-key", "apikey", "sskey", "untkey")
_ASSIGNED = re.compile(
    r"""(?x) (?P<word> (?i: pass(?:word|wd|phrase) | secret | credential | token
        | (?:api|access|account|private)[_-]?key ) [A-Za-z0-9_]* )
        (?P<between> ["']? [ \t]* [=:] [ \t]* (?: ["']? [Bb]earer [ ]+ | (?P<quote> ["']) )? )
        (?P<value> [^\s"',;)}\]]{4,} )"""
)
_OPTION = re.compile(r"""(?<![\w-])(?P<option>--?[A-Za-z][\w.-]*)(?P<between>[ =]["']?)(?P<value>[^\s"'=-][^\s"']*)""")
"""An option of a command line within a text, with its value."""
_COMMAND = re.compile(r"(?i)(?:^|[^a-z])(?:args|argv|arguments|cmd|cmdline|command|command_line|cli)$")
"""Names under which a whole command line stands."""
_NAME_BEFORE = re.compile(r"[A-Za-z0-9_.-]*\Z")
_LITERAL = re.compile(r"['\"]([A-Za-z0-9+/_-]{32,200}={0,2})(?=['\"])")
_BARE = re.compile(r"[A-Za-z0-9+/_-]{32,200}={0,2}")
_HEX = re.compile(r"[0-9a-fA-F-]+")
_WORD = re.compile(r"[a-z]*(?:[A-Z][a-z]+)*\d*|[A-Z]*\d*")
_DONE = re.compile(r"<redacted:hmac-[0-9a-f]{16}>")


def redaction_key(store_root: Path) -> bytes:
    """The store's key, made on first use: 32 random bytes, readable by the owner alone.

    Raises CaptureError where it can be neither read nor made: without it nothing may be recorded.
    """
    path = store_root / KEY_FILE
    try:
        with contextlib.suppress(FileNotFoundError):
            return _checked(path.read_bytes(), path)
        temporary = store_root / "tmp" / f"key-{os.getpid()}-{os.urandom(4).hex()}"
        fd = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            os.write(fd, os.urandom(32))
            os.fsync(fd)
            # Two runs may start at once; whoever links first has made the key, both then read that one.
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(temporary)
        finally:
            os.close(fd)
            temporary.unlink()
        return _checked(path.read_bytes(), path)
    except OSError as error:
        raise CaptureError(
            f"the redaction key {path} cannot be used: {error.strerror}", remedy="fix the store's permissions"
        ) from error


def _checked(key: bytes, path: Path) -> bytes:
    if len(key) != 32:
        raise CaptureError(f"{path} is not a key of 32 bytes", remedy="restore it from a backup, or delete it")
    return key


class Redactor:
    """Replaces secrets by keyed hashes. Learns those it finds, so prime it with everything before storing anything."""

    def __init__(self, key: bytes, *, memory: Path | None = None) -> None:
        self._key = key
        self._memory = None if memory is None else memory / f"clean-{_RULES}"
        self._clean = _read_clean(self._memory)
        self._newly_clean: list[bytes] = []
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def mark(self, secret: str) -> str:
        """The replacement of one secret."""
        code = hmac.new(self._key, secret.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()
        return f"<redacted:hmac-{code[:16]}>"

    def learn(self, secrets: Iterable[str]) -> None:
        """Replace these wherever they turn up from now on."""
        fresh = {s for s in secrets if len(s) >= MIN_LEARNED and not _plain(s) and not _DONE.search(s)} - self._known
        if fresh:
            self._known |= fresh
            longest_first = sorted(self._known, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def prime(self, environ: Mapping[str, str], argv: Sequence[str], *trees: JSON) -> None:
        """Learn the secrets of the environment, the command line and some trees, before any of them is stored."""
        # A shell keeps its folder in PWD and OLDPWD: no passwords, and every path below would be redacted with them.
        given = ((name, value) for name, value in environ.items() if name not in ("PWD", "OLDPWD"))
        self.learn(value for name, value in given if is_secret(name, value))
        self.argv(argv)
        for tree in trees:
            self.tree(tree)

    def text(self, text: str) -> str:
        """`text` with every secret replaced: known values, published shapes, URL users, assignments, entropy."""
        if self._pattern is not None:
            text = self._pattern.sub(lambda match: self.mark(match[0]), text)
        if any(hint in text for hint in _SHAPE_HINTS):
            text = _SHAPES.sub(lambda match: self._found(match[0]), text)
        if "://" in text:
            text = _URL_USER.sub(self._user, text)
        text = replaced(text, self._placed)
        lower = text.lower()
        if any(hint in lower for hint in _NAME_HINTS):
            text = _ASSIGNED.sub(self._assigned, text)
            text = _OPTION.sub(self._option, text)
        if _BARE.fullmatch(text) and is_random(text):
            return self._found(text)
        return _LITERAL.sub(self._literal, text)

    def data(self, data: bytes) -> tuple[bytes, bool]:
        """Text bytes with every secret replaced, and whether any was. Bytes that are no UTF-8 keep what is not text.

        Contents that the patterns have found clean once are only searched for the known secrets.
        """
        name = hashlib.sha256(data).digest()
        if name in self._clean and not any(secret.encode("utf-8", "surrogateescape") in data for secret in self._known):
            return data, False
        text = data.decode("utf-8", "surrogateescape")
        clean = self.text(text)
        if clean != text:
            return clean.encode("utf-8", "surrogateescape"), True
        if self._memory is not None and name not in self._clean:
            self._clean.add(name)
            self._newly_clean.append(name)
        return data, False

    def remember(self) -> None:
        """Keep which contents were clean, for the next launch. A memory that cannot be written costs time alone."""
        if self._memory is not None and self._newly_clean:
            with contextlib.suppress(OSError):
                self._memory.parent.mkdir(parents=True, exist_ok=True)
                with self._memory.open("ab") as file:
                    file.write(b"".join(self._newly_clean))
            self._newly_clean.clear()

    def patch(self, data: bytes) -> tuple[bytes, bool]:
        """A git patch with its text hunks redacted. Blocks of base85 are left alone: to them nothing is legible."""
        parts = re.split(rb"(?m)^(GIT binary patch\n(?:(?:literal|delta) \d+\n(?:[A-Za-z][!-~]+\n)+\n?)+)", data)
        pairs = [(part, False) if part.startswith(b"GIT binary patch\n") else self.data(part) for part in parts]
        return b"".join(part for part, _ in pairs), any(changed for _, changed in pairs)

    def tree(self, value: JSON, *, name: str = "") -> JSON:
        """A JSON tree with secret values replaced, by the names they stand under and by what they look like."""
        if isinstance(value, Mapping):
            each = self._table if is_table(name) else self.tree
            return {self.text(key): each(item, name=key) for key, item in value.items()}
        if isinstance(value, list | tuple):
            if not is_secret(name, "x1234567") and any(isinstance(word, str) and _is_option(word) for word in value):
                return self._words(value)
            return [self.tree(item, name=name) for item in value]
        if isinstance(value, str):
            if is_secret(name, value):
                return self._found(value)
            return self._command(value) if _COMMAND.search(name) else self.text(value)
        if isinstance(value, int) and not isinstance(value, bool) and re.search(r"(?i)passw|secret", name):
            return self.mark(str(value))
        return value

    def _table(self, value: JSON, *, name: str = "") -> JSON:
        """What stands in a table of secrets: every text is one, whatever it is called."""
        if isinstance(value, Mapping):
            return {self.text(key): self._table(item, name=key) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._table(item, name=name) for item in value]
        return self._placed(value) if isinstance(value, str) and value else self.tree(value, name=name)

    def argv(self, argv: Sequence[str]) -> list[str]:
        """A command line: `--token X`, `--token=X`, `key=X`, and whatever looks like a secret."""
        clean: list[str] = []
        previous = ""
        for word in argv:
            option, equals, value = word.partition("=")
            if equals and is_secret(option.lstrip("-"), value):
                clean.append(f"{option}={self._found(value)}")
            elif previous.startswith("-") and "=" not in previous and is_secret(previous.lstrip("-"), word):
                clean.append(self._found(word))
            else:
                clean.append(self.text(word))
            previous = word
        return clean

    def _command(self, text: str) -> str:
        """A command line within one text, its blanks as they are."""
        parts = re.split(r"(\s+)", text)
        parts[::2] = self.argv(parts[::2])
        return self.text("".join(parts))

    def _words(self, values: Sequence[JSON]) -> list[JSON]:
        """A list that is a command line, in which numbers may stand as numbers."""
        clean = iter(self.argv([str(word) for word in values if isinstance(word, str)]))
        return [next(clean) if isinstance(word, str) else self.tree(word) for word in values]

    def url(self, url: str) -> str:
        """A remote's address without its credentials."""
        return self.text(without_user(url))

    def leaks(self, value: JSON, where: str = "") -> list[str]:
        """The paths of a finished record that still hold a known secret or a published shape: the last look."""
        if isinstance(value, Mapping):
            return [leak for key, item in value.items() for leak in self.leaks(item, f"{where}.{key}".lstrip("."))]
        if isinstance(value, list | tuple):
            return [leak for i, item in enumerate(value) for leak in self.leaks(item, f"{where}[{i}]")]
        if not isinstance(value, str):
            return []
        return [where] if (self._pattern is not None and self._pattern.search(value)) or _SHAPES.search(value) else []

    def _option(self, match: re.Match[str]) -> str:
        name, value = match["option"].lstrip("-"), match["value"]
        if _DONE.search(value) or not is_secret(name, value) or re.fullmatch(r"[A-Z_]+|.*[(\[{<$\\].*", value):
            return match[0]
        if len(value) < MIN_LEARNED or not (any(map(str.isdigit, value)) and any(map(str.isalpha, value))):
            return match[0]
        return f"{match['option']}{match['between']}{self._found(value)}"

    def _placed(self, secret: str) -> str:
        """The replacement of what only its place makes a secret; elsewhere it is one if it cannot be a word."""
        if _DONE.search(secret):
            return secret
        return self._found(secret) if _credible(secret) else self.mark(secret)

    def _found(self, secret: str) -> str:
        self.learn([secret])
        return self.mark(secret)

    def _user(self, match: re.Match[str]) -> str:
        user, password = match[1], match[2]
        if _DONE.search(match[0]) or not (password or len(user) >= 20):
            return match[0]
        self.learn([password or user])
        return f"://{self.mark(f'{user}:{password}')}@"

    def _literal(self, match: re.Match[str]) -> str:
        return f"{match[0][0]}{self._found(match[1])}" if is_random(match[1]) else match[0]

    def _assigned(self, match: re.Match[str]) -> str:
        start = max(0, match.start() - 64)
        before = _NAME_BEFORE.search(match.string, start, match.start())
        name, value = (before[0] if before else "") + match["word"], match["value"]
        if _DONE.search(value) or not is_secret(name, value) or not _is_given(match):
            return match[0]
        # Prose and code are full of words after `secret:`; only what cannot be a word is replaced elsewhere too.
        if _credible(value):
            self.learn([value])
        return f"{match['word']}{match['between']}{self.mark(value)}"


_RULES = hashlib.sha256(
    "\n".join(
        p.pattern for p in (_ALWAYS, _TOKEN, _SHAPES, _URL_USER, _ASSIGNED, _OPTION, _LITERAL, _BARE, _WORD, *PATTERNS)
    ).encode()
).hexdigest()[:16]
"""Which patterns a memory of clean contents was made with: other patterns, another memory."""


def _read_clean(memory: Path | None) -> set[bytes]:
    """The SHA-256 of contents that were clean, 32 bytes each; a torn end is left out."""
    try:
        raw = memory.read_bytes() if memory is not None else b""
    except OSError:
        return set()
    return {raw[i : i + 32] for i in range(0, len(raw) // 32 * 32, 32)}


def is_secret(name: str, value: str) -> bool:
    """Whether `value` under `name` must not be recorded."""
    if not value or _DONE.fullmatch(value):
        return False
    word = name.replace("-", "_").rpartition(".")[2]
    if _ALWAYS.search(word) or lies_in_table(name):
        return True
    return bool(_TOKEN.search(word)) and len(value) >= 8 and any(c.isdigit() for c in value)


def _is_option(word: str) -> bool:
    return word.startswith("-") or "=" in word


def _is_given(match: re.Match[str]) -> bool:
    """Whether text gives a secret or only names one: `password = os.environ[...]`, `api_key: str` hold none."""
    value = match["value"]
    if re.fullmatch(r"[A-Z_]+|.*[(\[{<$\\].*", value):
        return False
    if re.match(r"(?i)pass(?:word|wd|phrase)", match["word"]) and match["quote"]:
        return value.lower() not in match["word"].lower()
    return _credible(value)


def _credible(text: str) -> bool:
    """Whether a value cannot be a word, an identifier or a path: 8 characters or more, letters and digits mixed."""
    mixed = any(map(str.isdigit, text)) and any(map(str.isalpha, text))
    return len(text) >= MIN_LEARNED and mixed and not _words(text)


def is_random(text: str) -> bool:
    """Whether a literal looks like key material: mixed case and digits, no hexadecimal, 4.2 bits a character.

    For 40 characters of base64 the expected sample entropy is about 4.8 bits. Identifiers in camel case come near it,
    but change between lower case, upper case and digits at a third of their places; base64 does at 64 % (1 - Σp²).
    """
    if _HEX.fullmatch(text) or text.count("/") > 3 or _words(text):
        return False
    kinds = "".join("a" if c.islower() else "A" if c.isupper() else "0" if c.isdigit() else "-" for c in text)
    if not {"a", "A", "0"} <= set(kinds):
        return False
    turns = sum(x != y for x, y in pairwise(kinds)) / len(text)
    counts = Counter(text).values()
    return turns >= 0.45 and -sum(n / len(text) * math.log2(n / len(text)) for n in counts) >= 4.2


def _words(text: str) -> bool:
    """Whether every part between dots, dashes, slashes and underscores is a word, perhaps with a number at its end."""
    return all(_WORD.fullmatch(part) for part in re.split(r"[_./-]", text))


def _plain(text: str) -> bool:
    """A value that is a word, a path or a number in its own right, and so stands in many places innocently.

    `GOOGLE_APPLICATION_CREDENTIALS` names the file that holds the secret; the file's place is none.
    """
    if text.startswith("/") and os.path.lexists(text):
        return True
    return bool(re.fullmatch(r"[a-z_.\-/ ]+|[\d.]+|(?i:true|false|none)", text))


def without_user(url: str) -> str:
    """A URL without user, password and query; an scp-like address (`git@host:path`) without its user."""
    if "://" in url:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        return parts._replace(netloc=host, query="", fragment="").geturl()
    return re.sub(r"^[^@/\s:]+(?::[^@/\s]*)?@(?=[^/\s]+:)", "", url)
