"""A manifest is shared, so no secret may be in it; yet two runs with different keys must be seen to differ.

Each secret is replaced by a keyed hash, `<redacted:hmac-…:proven>`. The key never leaves the store's folder, so that a
short password cannot be guessed from a shared record, while equal secrets of one store stay equal.

A mark says what is known of its secret. `proven`: a provider's shape, or a name that tells and a value that nobody
would choose; another one in its place is no other design. `masked`: what only looks like a secret, or is a word under
a telling name; it may as well be a choice, and is compared as one. `around-…`: a word of base64 that holds secrets, by
what else it says. Marks of older stores say nothing.

What counts as a secret: a value under a telling name (`telling`), a shape that providers publish or a literal drawn at
random (`shapes`), what stands in a telling place (`placed`), and each of these in another writing (`encoded`). A secret
found in one place is then replaced in every other: a token given in the environment is not kept because a patch quotes
it bare. What a sealed record has replaced is known again by its mark, though nobody keeps the secret itself (`recall`).

Everything that is to be sealed passes here last, whoever made it: `sealable` is the gate of a finished record.
"""

import contextlib
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from runaudit.capture import commandline, encoded, placed
from runaudit.capture.address import without_user
from runaudit.capture.assigned import RULES as ASSIGNED
from runaudit.capture.assigned import assigned
from runaudit.capture.formats import RULES as FORMATS
from runaudit.capture.formats import of_hunks, of_sources
from runaudit.capture.governed import RULES as GOVERNED
from runaudit.capture.governed import governed
from runaudit.capture.handed import HINT as HANDED
from runaudit.capture.handed import PATTERNS as HANDED_OVER
from runaudit.capture.handed import handed, said_without, without_taken
from runaudit.capture.key import redaction_key
from runaudit.capture.looks import is_credible, is_key_material, is_random
from runaudit.capture.memory import clean_contents
from runaudit.capture.shapes import RULES as SHAPES
from runaudit.capture.shapes import is_published, literals, shaped
from runaudit.capture.styles import Style, style_of
from runaudit.capture.telling import MARK, MIN_SECRET, is_plain, is_secret, is_table, points, proves, tells
from runaudit.errors import IntegrityError
from runaudit.factors.marks import without_secrets
from runaudit.records.canonical import JSON
from runaudit.store.kept import add_to

PROVEN, MASKED = "proven", "masked"
MIN_LEARNED = 8
"""Shorter values are replaced where they stand, but not everywhere else: `test` is a word before it is a password."""

_URL_USER = re.compile(r"://([^\s/@:'\"]*+):?+([^\s/'\"]*)@")
_COMMAND = re.compile(
    r"(?i)(?:^|[^a-z])(?:args|argv|arguments|cmd|cmdline|command|command_line|cli"
    r"|label|notes?|reason|error|stderr_tail|comment|description)$"
)
"""Names under which a whole command line stands, or what a person or a program said, which quotes one."""
_WORDS = re.compile(r"[^\s\"'`,;()<>\[\]{}]{8,}")
_EDGES = re.compile(r"[=:@/?&]")
SHORT = 200
"""A record is full of short texts: digests, paths, names. Most of them hold no sign that any pattern could match."""
_PLAIN = re.compile(r"(?:sha256:)?[0-9a-f]{40,64}|[a-z_./ -]{1,18}")
_SUSPECT = re.compile(
    r"(?i)key|token|secret|pass|pwd|auth|bearer|login|credential|cookie|dsn|connection|webhook|slack|telegram|machine|value"
    r"|default|sas|pat\b|pw\b|jwt|cred|access|identified|private|mysql|mariadb|docker|podman|redis|:\d{2,5}:|://"
    r"|%[0-9a-f]{2}|-u |user"
)
_RUN = re.compile(r"[A-Za-z0-9+/_.~:-]{16}")
_DONE = re.compile(r"<redacted:hmac-([0-9a-f]{16})(?::(proven|masked|around-[0-9a-f]{16}))?>")
_BLOCK = re.compile(rb"(?m)^(GIT binary patch\n(?:(?:literal|delta) \d+\n(?:[A-Za-z][!-~]+\n)+\n?)+)")
_ITEM_NAMES = ("name", "key", "variable")
_VALUE_KEYS = frozenset({"value", "default"})


class Redactor:
    """Replaces secrets by keyed hashes. Learns those it finds, so prime it with everything before storing anything."""

    def __init__(self, key: bytes, *, memory: Path | None = None) -> None:
        self._key = key
        self._memory = None if memory is None else memory / f"clean-{_RULES}"
        self._clean = clean_contents(self._memory)
        self._newly_clean: list[bytes] = []
        self._known: dict[str, tuple[str, ...]] = {}
        self._order: list[str] = []
        self._kinds: dict[str, str] = {}
        self._marks: dict[str, str] = {}

    @property
    def learned(self) -> int:
        """How many secrets are known by now: what was looked at before may hold the last."""
        return len(self._known)

    def overlooked(self, contents: Iterable[bytes], known: int) -> bool:
        """Whether a secret that was learned after the first `known` of them stands in contents read before."""
        words = [encoded.octets(word) for s in self._order[known:] for word in self._known[s]]
        return any(word in data for data in contents for word in words)

    def mark(self, secret: str) -> str:
        """The replacement of one secret."""
        return f"<redacted:hmac-{self._code(secret)}:{self._kinds.get(secret, MASKED)}>"

    def _code(self, secret: str) -> str:
        return hmac.new(self._key, encoded.octets(secret), hashlib.sha256).hexdigest()[:16]

    def identity(self, data: bytes) -> str:
        """What a content with secrets in it is known by: equal for equal bytes of one store, and nothing to guess from.

        The plain digest of a file that is known but for its password would give the password away.
        """
        return f"hmac-sha256:{hmac.new(self._key, data, hashlib.sha256).hexdigest()}"

    # ── what is known ────────────────────────────────────────────────────────────────────────────────────────────

    def learn(self, secrets: Iterable[str]) -> None:
        """Replace these wherever they turn up from now on, in whichever writing."""
        fresh = {s for s in secrets if len(s) >= MIN_LEARNED and not is_plain(s) and not MARK.search(s)}
        if fresh := fresh - self._known.keys():
            known = self._known | {secret: encoded.writings(secret) for secret in fresh}
            self._order += sorted(fresh)
            self._known = {secret: known[secret] for secret in sorted(known, key=len, reverse=True)}

    def prime(self, environ: Mapping[str, str], argv: Sequence[str], *trees: JSON) -> None:
        """Learn the secrets of the environment, the command line and some trees, before any of them is stored."""
        # A shell keeps its folder in PWD and OLDPWD: no passwords, and every path below would be redacted with them.
        given = ((name, value) for name, value in environ.items() if name not in ("PWD", "OLDPWD"))
        for name, value in given:
            if is_secret(name, value):
                self._found(value, name)
        self.argv(argv)
        for tree in trees:
            self.tree(tree)

    def recall(self, *sealed: bytes) -> None:
        """Know again, by their marks, the secrets that were replaced in these sealed bytes."""
        for raw in sealed:
            for code, kind in _DONE.findall(raw.decode("utf-8", "replace")):
                if self._marks.get(code) != PROVEN:
                    self._marks[code] = kind or MASKED

    # ── texts ────────────────────────────────────────────────────────────────────────────────────────────────────

    def text(self, text: str, style: Style = Style.PROSE) -> str:
        """`text` with every secret replaced: known values, published shapes, URL users, assignments, entropy."""
        return self._text(text, style, 0)

    def plainly(self, text: str) -> str:
        """`text` without known secrets and published shapes, whatever stands before a value."""
        return shaped(self._known_replaced(text), self._shaped)

    def _text(self, text: str, style: Style, depth: int) -> str:
        text = self._known_replaced(text)
        if len(text) <= SHORT and _PLAIN.fullmatch(text):
            return text
        if len(text) <= SHORT and not (_SUSPECT.search(text) or HANDED.search(text)):
            return self._by_looks(shaped(text, self._shaped), depth) if _RUN.search(text) else text
        if style is Style.NOTEBOOK:
            text = of_sources(text, lambda source: self._text(source, Style.NOTES, depth))
        text = shaped(text, self._shaped)
        if "://" in text:
            text = _URL_USER.sub(self._user, text)
        text = governed(text, self._credibly)
        text = placed.replaced(text, self._placed)
        text = commandline.options(assigned(text, style, self._credibly), self._found)
        return self._by_looks(handed(text, style, self._credibly), depth)

    def _by_looks(self, text: str, depth: int) -> str:
        """`text` without runs that hold a secret once decoded, and without literals that were drawn at random."""
        said = ""

        def holds(plain: str, depth: int) -> bool:
            nonlocal said
            said = self._within(plain, depth)
            return said != plain

        text = encoded.replaced(text, holds, lambda word: self._marked(word, self._around(said)), depth)
        if (found := literals(text)) is not None:
            text = found.sub(lambda match: self._marked(match[0], MASKED) if is_random(match[0]) else match[0], text)
        return text

    def _within(self, text: str, depth: int) -> str:
        """A decoded text without its secrets. What is found is not learned: its whole word is."""
        if _DONE.search(text):
            return text
        inner = Redactor(self._key)
        inner._known, inner._marks, inner._kinds = self._known, self._marks, dict(self._kinds)
        return inner._text(text, Style.DATA, depth)

    def _around(self, clean: str) -> str:
        """The kind of a word that holds secrets in another writing: what it says besides them counts."""
        return f"around-{self._code(str(without_secrets(clean)))}"

    def _known_replaced(self, text: str) -> str:
        for secret, writings in self._known.items():
            for word in writings:
                if word in text:
                    text = text.replace(word, self.mark(secret))
        return _WORDS.sub(self._recalled, text) if self._marks else text

    def _recalled(self, match: re.Match[str]) -> str:
        """A word, or the part of one behind a sign, whose mark a sealed record holds."""
        word = match[0]
        starts = [0, *(edge.end() for edge in _EDGES.finditer(word))]
        ends = [len(word), *(edge.start() for edge in _EDGES.finditer(word)), len(word.rstrip(".:!?"))]
        for start in starts[:8]:
            for end in ends[:9]:
                part = word[start:end]
                if len(part) >= MIN_LEARNED and (kind := self._marks.get(self._code(part))):
                    return f"{word[:start]}{self._marked(part, kind)}{word[end:]}"
        return word

    # ── bytes ────────────────────────────────────────────────────────────────────────────────────────────────────

    def data(self, data: bytes, name: str = "") -> tuple[bytes, bool]:
        """Text bytes with every secret replaced, and whether any was. Bytes that are no UTF-8 keep what is not text.

        `name`: the file's, by which `password: horse` is a setting and no annotation. Contents that the patterns have
        found clean once are only searched for the known secrets.
        """
        style = style_of(name)
        seen = hmac.digest(self._key, hashlib.sha256(data + style.value.encode()).digest(), "sha256")
        if seen in self._clean and not self._marks and not self._knows(data):
            return data, False
        codec, text = encoded.decoded(data)
        clean = self.text(text, style)
        if clean != text:
            return clean.encode(codec, "surrogatepass") if codec else encoded.octets(clean), True
        if self._memory is not None and seen not in self._clean:
            self._clean.add(seen)
            self._newly_clean.append(seen)
        return data, False

    def rest(self, data: bytes, name: str) -> bytes | None:
        """What a content says besides its secrets, the same whichever they are; None where it holds none. What is not
        proven to be one counts."""
        clean, redacted = self.data(data, name)
        text = clean.decode("utf-8", "surrogateescape")
        return str(without_secrets(text)).encode("utf-8", "surrogateescape") if redacted else None

    def _knows(self, data: bytes) -> bool:
        words = (word for writings in self._known.values() for word in writings)
        return any(encoded.octets(word) in data for word in words) or (
            b"\0" in data and any(secret.encode("utf-16-le", "surrogatepass") in data for secret in self._known)
        )

    def remember(self) -> None:
        """Keep which contents were clean, for the next launch. A memory that cannot be written costs time alone."""
        if self._memory is not None and self._newly_clean:
            with contextlib.suppress(OSError, IntegrityError):
                self._memory.parent.mkdir(parents=True, exist_ok=True)
                add_to(self._memory, b"".join(self._newly_clean))
            self._newly_clean.clear()

    def patch(self, data: bytes) -> tuple[bytes, bool]:
        """A git patch with its secrets replaced, file by file. A binary block that holds one is taken out whole: it
        would not apply any more, and the patch says that it was redacted."""
        pieces: list[bytes] = []
        changed = False
        for part in re.split(rb"(?m)^(?=diff --git )", data):
            name = part.partition(b"\n")[0].rpartition(b" b/")[2].strip(b'"').decode("utf-8", "replace")
            for block in _BLOCK.split(part):
                is_block = block.startswith(b"GIT binary patch\n")
                clean, found = self._binary(block) if is_block else self._hunks(block, name)
                pieces.append(clean)
                changed |= found
        return b"".join(pieces), changed

    def _hunks(self, block: bytes, name: str) -> tuple[bytes, bool]:
        """A part of a patch: read side by side, as the files that they are, and then as it stands."""
        clean, _ = self.data(of_hunks(block, lambda side: self.data(side, name)[0]), name)
        return clean, clean != block

    def _binary(self, block: bytes) -> tuple[bytes, bool]:
        held = encoded.unpacked(block)
        # Text of two bytes a character is binary to git, and a file of settings like any.
        clean, found = self.data(held, ".env" if encoded.wide(held) or b"\0" not in held else "")
        if not held or not found:
            return block, False
        # Of what was not unpacked nobody knows what it says.
        kind = self._around(clean.decode("latin-1")) if len(held) < encoded.MAX_UNPACKED else MASKED
        mark = self._marked(block.decode("ascii", "replace"), kind, everywhere=False)
        return f"# {mark} a binary patch with a secret in it\n".encode(), True

    # ── trees ────────────────────────────────────────────────────────────────────────────────────────────────────

    def sealable(self, body: JSON) -> JSON:
        """A finished record as it may be sealed, read until nothing more is found: it may stand before."""
        for _ in range(4):
            before = self.learned
            body = self.tree(body)
            if self.learned == before:
                break
        return body

    def tree(self, value: JSON, *, name: str = "") -> JSON:
        """A JSON tree with secret values replaced, by the names they stand under and by what they look like."""
        if isinstance(value, Mapping):
            each = self._table if is_table(name) else self.tree
            said = next((value[key] for key in _ITEM_NAMES if isinstance(value.get(key), str)), name)
            return {
                self.text(key): each(item, name=said if key.lower() in _VALUE_KEYS else key)
                for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            is_line = not tells(name) and name != "notes"
            if is_line and any(isinstance(word, str) and _is_option(word) for word in value):
                return self._words(value)
            return [self.tree(item, name=name) for item in value]
        if isinstance(value, str):
            if is_secret(name, value):
                return self._found(value, name)
            return self.said(value) if _COMMAND.search(name) else said_without(self.text(value), self._credibly)
        if isinstance(value, int) and not isinstance(value, bool) and re.search(r"(?i)passw|secret", name):
            return self.mark(str(value)) if tells(name) else value
        return value

    def _table(self, value: JSON, *, name: str = "") -> JSON:
        """What stands in a table of secrets: every text is one, whatever it is called."""
        if isinstance(value, Mapping):
            return {self.text(key): self._table(item, name=key) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._table(item, name=name) for item in value]
        is_value = isinstance(value, str) and len(value) >= MIN_SECRET
        return self._placed(value, proves(f"secrets.{name}", value)) if is_value else self.tree(value, name=name)

    def argv(self, argv: Sequence[str]) -> list[str]:
        """A command line: `--token X`, `--token=X`, `-p X` of a command that takes a password so, `key=X`, and whatever
        looks like a secret."""
        return without_taken(commandline.redacted(argv, self._found, self.text), self._credibly)

    def said(self, text: str) -> str:
        """A command line within one text, or a sentence that quotes one; in code the same words would be names."""
        parts = re.split(r"(\s+)", text)
        parts[::2] = self.argv(parts[::2])
        return said_without(self.text("".join(parts)), self._credibly)

    def _words(self, values: Sequence[JSON]) -> list[JSON]:
        """A list that is a command line, in which numbers may stand as numbers."""
        clean = iter(self.argv([str(word) for word in values if isinstance(word, str)]))
        return [next(clean) if isinstance(word, str) else self.tree(word) for word in values]

    def leaks(self, value: JSON, where: str = "") -> list[str]:
        """The paths of a finished record that still hold a known secret or a published shape: the last look."""
        if isinstance(value, Mapping):
            keys = [f"a name in {where or 'the record'}"] if any(self.plainly(key) != key for key in value) else []
            return keys + [
                leak for key, item in value.items() for leak in self.leaks(item, f"{where}.{key}".lstrip("."))
            ]
        if isinstance(value, list | tuple):
            return [leak for i, item in enumerate(value) for leak in self.leaks(item, f"{where}[{i}]")]
        if not isinstance(value, str):
            return []
        return [where] if self.plainly(value) != value else []

    # ── one secret ───────────────────────────────────────────────────────────────────────────────────────────────

    def _placed(self, secret: str, proven: bool) -> str:
        """The replacement of what only its place makes a secret; elsewhere it is one if it cannot be a word."""
        if MARK.search(secret):
            return secret
        return self._marked(secret, PROVEN if proven else MASKED, everywhere=is_credible(secret))

    def _credibly(self, secret: str, name: str) -> str:
        """What a text gives to a name; elsewhere it is one, too, if it cannot be a word."""
        return self._found(secret, name, everywhere=is_credible(secret))

    def _found(self, secret: str, name: str, *, everywhere: bool = True) -> str:
        """The replacement of what stands under a telling name."""
        proven = proves(name, secret) or is_published(secret)
        return self._marked(secret, PROVEN if proven else MASKED, everywhere=everywhere)

    def _shaped(self, secret: str, proven: bool) -> str:
        return self._marked(secret, PROVEN if proven else MASKED)

    def _marked(self, secret: str, kind: str, *, everywhere: bool = True) -> str:
        if kind != MASKED and self._kinds.get(secret) != PROVEN:
            self._kinds[secret] = kind
        if everywhere:
            self.learn([secret])
        return self.mark(secret)

    def _user(self, match: re.Match[str]) -> str:
        user, password = match[1], match[2]
        if MARK.search(match[0]) or not (password or len(user) >= 20) or points(password or user):
            return match[0]
        if password:
            return f"://{user}:{self._found(password, 'password')}@"
        return f"://{self._marked(user, PROVEN if is_key_material(user) else MASKED)}@"


_PATTERNS = (_URL_USER.pattern, *(p.pattern for p in (*placed.PATTERNS, *HANDED_OVER)), commandline.RULES)
_RULES = hashlib.sha256("\n".join(("keyed", SHAPES, ASSIGNED, GOVERNED, FORMATS, *_PATTERNS)).encode()).hexdigest()[:16]
"""Which patterns a memory of clean contents was made with: other patterns, another memory."""


def _is_option(word: str) -> bool:
    return word.startswith("-") or "=" in word


__all__ = ["MARK", "Redactor", "is_random", "is_secret", "redaction_key", "without_user"]
