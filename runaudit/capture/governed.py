"""Quoted texts that a telling name governs, in any language that quotes: the whole of each, and nothing beside it.

`password = "a b c"`, `TOKEN = (⏎ "…"⏎)`, `setattr(c, "password", "…")`, `["--password", "…"]`, `auth=("bob", "…")`,
`environ.get("DB_PASSWORD") or "…"`, `add_argument("--token", default="…")`: what they have in common is no pattern but
a name and how far it reaches. So the lines around a telling name are read word by word, brackets counted; names, signs
and quotes mean nearly the same in Python, JavaScript, JSON, TOML, Terraform, Java and R. A text in a text (code in a
notebook, a command in a YAML) is read like the one around it.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from runaudit.capture.brackets import Bracket, Value
from runaudit.capture.drawn import is_drawn, is_password, is_strong
from runaudit.capture.looks import is_mixed
from runaudit.capture.passed import LONG, Passed
from runaudit.capture.telling import MARK, Replacement, is_secret, may_tell, tells
from runaudit.text.pattern import late

RULES = "governed 2"
"""To be counted up with every change of what is found here."""
_HINTS = (
    "passw", "passphrase", "passcode", "_pass", "pass_", 'pass"', "pass'", "pass =", "pass=", "pass:", "pwd", "pw",
    "secret", "cred", "token", "key", "connection", "conn_str", "connstr", "dsn", "cookie", "auth", "bearer", "jwt",
    "access", "identified", "login", "signature", "webhook",
)  # fmt: skip
_HINT = late("(?i)" + "|".join(map(re.escape, _HINTS)))
_COULD_TELL = (*_HINTS, "pass", "conn", "pat", "sas", "<redacted")
"""What stands in every name that tells, and where a text was replaced."""
_INNER = late(r"[A-Za-z0-9_-]*")
_WORD = late(
    r"""(?x) (?P<quote> (?: (?<!\w) [rRbBuUfF]{1,2} | (?<!\\) ) \\*+ (?: "{3} | '{3} | ["'`] ) )
    | (?P<goes_on> \\\r?\n ) | (?P<line> \r?\n | (?<!\\) \\++[nrt] )
    | (?P<comment> (?: (?<=\s) | ^ ) (?: \# | // ) )
    | (?P<name> -{0,2} [A-Za-z_$@] [\w.$-]* ) | (?P<number> \d[\w.]* )
    | (?P<sign> ===|!==|==|!=|:=|\?=|\+=|=>|<-|\|\||\?\? | [^\s\w] )"""
)
_GIVES = frozenset({"=", ":", ":=", "?=", "=>", "<-", "+="})
_COMPARES = frozenset({"==", "!=", "===", "!=="})
_ELSE = frozenset({"or", "||", "??", "else"})
_OPENS, _CLOSES = frozenset("([{"), frozenset(")]}")
_EMPTY = frozenset(
    {"default", "value", "const", "fallback", "content", "text", "initial", "default_value", "string", "help", "key"}
)
"""Names that say nothing by themselves: what a value is, the bracket around it says."""
_TAKES = late(
    r"(?i)^(?:(?:http)?(?:basic|digest|proxy)_?auth|httpbasicauth|httpdigestauth|secretstr|secretbytes|getconnection|login|credentials)$"
)
_NUMBERED = late(r"[a-z]+[-_]?\d+")
"""`latin1`, `sha256`: what a password is encoded with."""
_SETTER = late(r"\.(?:set|setText|fill|send_keys|put|update)$")
_SETS = late(r"(?i)(?:set|with|use|change|update|reset)(?:_|[A-Z]|$)")
_ASKS = late(
    r"(?i)^(?:get|load|read|fetch|find|has|check|need|make|create|generate|input|print|validate|is)(?:_|[A-Z]|$)"
)
"""Calls whose name tells of what they answer, and not of what they are given."""
_SCHEME = late(r"(?i)(?:bearer|token|basic|key)[ ]+(?=\S{8})")
_COMPUTED = late(r"[A-Z_]+|[\w.]+\(.*\)|.*(?:\$\{|\{\{|\$\(|%\(\w+\)s|<%).*|\{[\w.]*\}|[$%]\w+%?|\.\.\.|…")
_GOES_ON = late(r"[ \t]*(?:=(?!=)|:=)")
"""How a line begins that gives a value to the name at the end of the one before."""
BELOW = 5
"""Lines below a telling name that it can reach."""
MAX_DEPTH = 3
MAX_NAME = 80
_IN_NAMES = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
Place = tuple[int, int, str]


@lru_cache(maxsize=20_000)
def _tells(name: str) -> bool:
    return may_tell(name.lstrip("-$@").removesuffix(":"))


def governed(text: str, replacement: Replacement) -> str:
    """`text` with every quoted text replaced that a telling name governs."""
    pieces: list[str] = []
    done = 0
    for start, end in _regions(text):
        for left, right, name in sorted(set(_found(text, start, end))):
            if left >= done:
                pieces += (text[done:left], replacement(text[left:right], name))
                done = right
    return "".join((*pieces, text[done:])) if pieces else text


def _regions(text: str) -> Iterator[tuple[int, int]]:
    """Where the lines around telling names begin and end."""
    small = text.lower()
    if len(small) != len(text):
        small = "".join(char if len(char.lower()) > 1 else char.lower() for char in text)
    first = last = line = -1
    for at in sorted(_spots(small, text)):
        if at < line:
            continue  # the line of the name before
        start, line = text.rfind("\n", 0, at) + 1, _line_end(text, at)
        end = line
        for _ in range(BELOW):
            end = _line_end(text, min(end + 1, len(text)))
        if start <= last:
            last = max(last, end)
            continue
        if first >= 0:
            yield first, last
        first, last = start, end
    if first >= 0:
        yield first, last


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _spots(small: str, text: str) -> Iterator[int]:
    """Where the names stand that may tell of a secret. To search for words is far faster than for a pattern."""
    for hint in _HINTS:
        at = small.find(hint)
        while at >= 0:
            word = _INNER.match(text, at)
            end = max(word.end() if word else at, at + 1)
            start = at
            while start and (text[start - 1] in _IN_NAMES):
                start -= 1
            name = text[start:end].lstrip("-")
            if start and text[start - 1] == "\\" and name[:1] in ("n", "t", "r"):
                name = name[1:]
            if end - start <= MAX_NAME and _tells_here(name):
                yield start
            at = small.find(hint, end)


@lru_cache(maxsize=50_000)
def _tells_here(name: str) -> bool:
    return _tells(name) or bool(_TAKES.match(name)) or name.lower() == "identified"


def _found(text: str, start: int, end: int, depth: int = 0) -> Iterator[Place]:
    """The places of the texts that are secrets, between two places of a text, and the names that govern them."""
    for value in _Reader(text, start, end, depth).values():
        if isinstance(value, tuple):
            yield value
        elif _is_given(value):
            for left, right in value.spans:
                yield from _lines(text, left, right, value.name.strip("-$@ "))


def _lines(text: str, left: int, right: int, name: str) -> Iterator[Place]:
    """A text of several lines line by line, blanks at the edges left out: the lines of a file stay what they are."""
    for match in re.finditer(r"[^\s](?:[^\n]*[^\s])?", text[left:right]):
        if len(match[0].strip("\\n")) > 1 and not MARK.fullmatch(match[0]):
            scheme = _SCHEME.match(match[0])
            yield left + match.start() + (scheme.end() if scheme else 0), left + match.end(), name


class _Reader:
    """Words of a text, one after the other, and the brackets that are open."""

    def __init__(self, text: str, start: int, end: int, depth: int) -> None:
        self.text, self.at, self.end, self.depth = text, start, end, depth
        self.open = [Bracket()]
        self.value: Value | None = None
        self.compared: Value | None = None
        self.joins = self.broken = False
        self.passed: Passed | None = None

    def values(self) -> Iterator[Value | Place]:
        """Values with the names that govern them, and places that were found in a text within the text."""
        while match := _WORD.search(self.text, self.at, self.end):
            self.at = match.end()
            kind = match.lastgroup
            if kind == "quote":
                yield from self._quoted(match)
            elif kind == "line":
                self._line()
            elif kind in ("name", "number", "sign"):
                if match[0] == "+" and self.value is not None:
                    self.joins = True
                    continue
                compared = self.value if match[0] in _COMPARES else None
                yield from self._ended()
                if self.compared is not None and kind == "name" and _tells(match[0]):
                    yield replace(self.compared, name=match[0], loose=True)
                self.compared = compared
                self._name(match[0]) if kind != "sign" else self._sign(match[0])
                if match[0] in ",[{" and self.end - self.at > LONG:
                    self._pass_by(self.open[-1])
        yield from self._ended()

    def _pass_by(self, here: Bracket) -> None:
        """Go on behind the members in which no secret can stand."""
        if here.is_between:
            self.passed = self.passed or Passed(
                self.text, self.at, self.end, hints=_COULD_TELL, tells=_tells_here, empty=_EMPTY
            )
            self.at = self.passed.after(self.at, is_said=bool(here.said or here.owner))

    def _ended(self) -> Iterator[Value]:
        if self.value is not None:
            yield self.value
        if self.broken:
            self.open[-1].anew()
        self.value, self.joins, self.broken = None, False, False

    def _quoted(self, match: re.Match[str]) -> Iterator[Value | Place]:
        quote = match[0].lstrip("rRbBuUfF")
        close = _closing(self.text, match.end(), self.end, quote)
        if close < 0:
            return
        left, right = match.end(), close
        body = self.text[left:right]
        self.at = close + len(quote)
        here = self.open[-1]
        name, loose = self._governor(here, self.text[max(match.start() - 1, 0) : match.start()])
        joined = self.value is not None and (self.joins or not self.broken)
        if not joined:
            yield from self._ended()
            here = self.open[-1]
            if self.broken:
                name, loose = "", False
        if self.depth < MAX_DEPTH and len(body) > 8 and _HINT.search(body) and re.search(r"[\"'`\\]", body):
            yield from _found(self.text, left, right, self.depth + 1)
        if "f" not in match[0][:2].lower() or "{" not in body:
            if joined and self.value is not None:
                self.value.spans.append((left, right))
                self.value.whole += body.strip()
                self.joins = False
            else:
                self.value = Value(name, loose, [(left, right)], body.strip())
        here.last, here.is_text, here.full = body if len(body) <= 80 else "", True, True
        if here.last and _tells(here.last):
            here.said = here.last

    @staticmethod
    def _governor(here: Bracket, before: str) -> tuple[str, bool]:
        """The name that governs a text at this place, and whether only in a loose way: then the text must look so."""
        target = here.target
        if target:
            bare = target.lower().lstrip("-")
            if bare in _EMPTY:
                return here.said or here.owner, not is_password(here.said or here.owner)
            of_many = here.opened == "{" and here.above[-1:] in ("s", "S") and not _tells(target)
            return (here.above, True) if of_many else (target, here.loose)
        if here.last and not here.is_text and before in (" ", "\t"):
            return here.last, not here.last.startswith("--")
        return here.paired or here.above, bool(here.paired) or not here.sure

    def _line(self) -> None:
        here = self.open[-1]
        if here.opened in ("(", "["):
            return
        if self.value is not None:
            self.broken = True
        elif _GOES_ON.match(self.text, self.at, self.end):
            return
        elif here.full or not here.target or here.opens_block:
            here.anew()
        if not here.opened:
            here.said = "" if self.value is None else here.said

    def _name(self, word: str) -> None:
        here = self.open[-1]
        if word in _ELSE:
            self._or_else(here)
            return
        if word in ("in", "is") and _tells(here.last):
            here.target, here.loose, here.last = here.last, True, ""
            return
        here.full = bool(here.target)
        if word.upper() == "BY" and here.last.upper() == "IDENTIFIED":
            word = "password"
        here.last, here.is_text = word, False

    @staticmethod
    def _or_else(here: Bracket) -> None:
        if here.last and not _tells(here.target) and _tells(here.last):
            here.target, here.loose = here.last, True

    def _sign(self, sign: str) -> None:
        here = self.open[-1]
        if sign in _GIVES or sign in _COMPARES:
            annotated = sign in ("=", ":=") and here.target and _tells(here.target) and not (here.is_text and here.last)
            if not annotated:
                here.target, here.loose = here.last, sign in _COMPARES
                here.opens_block = sign == ":" and not here.is_text
            here.full, here.last = False, ""
        elif sign in _ELSE:
            self._or_else(here)
        elif sign in _OPENS:
            self._open(sign, here)
        elif sign in _CLOSES:
            self._close()
        elif sign in ",;":
            paired = here.last if here.is_text and _tells(here.last) and not here.target else ""
            here.anew()
            here.paired = paired if sign == "," else ""
        elif sign not in ".[]<>?!|&*":
            here.last = "" if sign != "\\" else here.last

    def _open(self, sign: str, here: Bracket) -> None:
        owner = here.target if _tells(here.target) else ""
        if here.target.lower() in _EMPTY:
            owner = here.said or here.owner
        call = "" if here.is_text or sign != "(" else _SETTER.sub("", here.last).rpartition(".")[2]
        above = owner if not call or tells(owner) else ""
        if call and (_TAKES.match(call) or (_tells(call) and not _ASKS.search(call))):
            owner = above = "password" if _TAKES.match(call) else call
        elif not owner and sign != "{" and not here.target and not call:
            above = here.above
        sure = bool(_SETS.match(call)) and above == call != ""
        said = here.last if sign == "{" and here.is_text and not here.target and _tells(here.last) else ""
        self.open.append(Bracket(opened=sign, above=above, owner=owner, said=said, sure=sure))

    def _close(self) -> None:
        if len(self.open) > 1:
            inner = self.open.pop()
            here = self.open[-1]
            told = inner.last if inner.is_text and _tells(inner.last) else inner.said
            here.last, here.is_text, here.full = told, True, True
        else:
            self.open[-1].full = True


def _closing(text: str, at: int, end: int, quote: str) -> int:
    """Where a text that began with `quote` ends; -1 where it does not, on this line or at all."""
    if len(quote) >= 3 and quote[-3:] in ('"""', "'''"):
        return text.find(quote, at, end)
    escapes = len(quote) - 1
    while (found := text.find(quote[-1], at, end)) >= 0:
        line = text.find("\n", at, found)
        if line >= 0:
            return -1
        before = found
        while before > at and text[before - 1] == "\\":
            before -= 1
        slashes = found - before
        if slashes == escapes or (not escapes and slashes % 2 == 0):
            return found - escapes
        if slashes < escapes:
            return -1
        at = found + 1
    return -1


def _is_given(value: Value) -> bool:
    """Whether a value is a secret, and not a word, a name or a place where one is found."""
    name, whole = value.name.strip("-$@ "), value.whole
    if MARK.search(whole):
        # The rest of a pass phrase, of which another pattern knew a part.
        return is_password(name) and not value.loose and len(MARK.sub("", whole).strip()) >= 3 and "://" not in whole
    if (
        len(whole) < 3
        or not any(map(str.isalnum, whole))
        or not name
        or _COMPUTED.fullmatch(whole)
        or not is_secret(name, whole)
    ):
        return False
    if any(mark in whole for mark in ("://", "\\n\\", "<redacted")) and " " not in whole and is_password(name) is False:
        return False
    if is_password(name):
        of_itself = "passw" in whole.lower() or whole.lower() in name.lower()
        if not value.loose:
            return len(whole) >= 4 and not of_itself
        return is_mixed(whole, 6) and " " not in whole and not _NUMBERED.fullmatch(whole)
    if value.loose or not tells(name):
        return is_strong(whole)
    return is_drawn(whole)
