# ruff: noqa: E501  (a table of patterns reads best a row a line)
"""Secrets that a file's own format puts beside their names: elements of XML, blocks of YAML, columns of a table, variables
of a Dockerfile, the lines of a private key of PuTTY, the source lines of a notebook.
"""

import json
import re
from collections.abc import Callable
from functools import partial

from runaudit.capture.drawn import is_drawn, is_password, is_strong
from runaudit.capture.hinted import on_lines
from runaudit.capture.looks import is_mixed
from runaudit.capture.styles import Style
from runaudit.capture.telling import MARK, Replacement, is_secret, may_tell, points, tells
from runaudit.text.pattern import late

_ELEMENT = late(r"<(?:\w+:)?(?P<name>[A-Za-z][\w.-]*)(?:\s[^<>]*)?>(?P<space>\s*)(?P<value>[^<>\s][^<>]*?)(?=\s*</)")
_NAMED = late(
    r"<(?P<tag>key|name|id|property)(?:\s[^<>]*)?>\s*(?P<name>[A-Za-z][\w.-]*)\s*</(?P=tag)>\s*"
    r"<(?:string|value|data)>\s*(?P<value>[^<>\s][^<>]*?)(?=\s*</)"
)
_ATTRIBUTE = late(r"""<[^<>]*\b(?:name|key)=["'](?P<name>[\w.-]+)["'][^<>]*>\s*(?P<value>[^<>\s][^<>]*?)(?=\s*</)""")
_PUTTY = late(r"(?P<before>Private-Lines:[ ]*\d+\r?\n)(?P<value>(?:[+\- ]?[A-Za-z0-9+/=]{16,}\r?\n?)+)")
_KAGGLE = late(
    r"""(?P<before>["']user(?:name)?["']\s*:\s*["'][^"'\n]{1,80}["']\s*,\s*["']key["']\s*:\s*["'])(?P<value>[^"'\n]{16,})"""
)
_KAGGLE_KEY_FIRST = late(
    r"""(?P<before>["']key["']\s*:\s*["'])(?P<value>[^"'\n]{16,})(?=["']\s*,\s*["']user(?:name)?["']\s*:)"""
)
_HEAD = late(
    r"""(?mx) ^ [+\-\ ]? (?P<indent> [ ]* ) (?: -[ ]+ )? (?P<quote> ["']? ) (?P<name> [A-Za-z_][\w.\-]* ) (?P=quote) [ ]* : [ ]*
        (?: [&!]\S* [ ]+ )* (?P<sign> [|>][+\-\d]* )? [ ]* (?: [ ]\#[^\n]* )? \r? \n"""
)
"""A name of YAML whose value is on the lines below."""
_FLOW = late(
    r"(?P<before>[{,][ ]*[\"']?(?P<name>[A-Za-z_][\w.-]*)[\"']?[ ]*:[ ]+(?:[&!]\S+[ ]+)*)(?P<value>[^\s\"',{}\[\]&!|>-][^\s\"',{}\[\]]{3,})(?=[ ]*[,}])"
)
"""A member of a map of YAML on one line: `{user: bob, token: …}`."""
_SEVERAL = late(
    r"""(?mx) ^ [+\-\ ]? [ ]* (?: -[ ]+ )? ["']? (?P<name> [A-Za-z_][\w.-]* ) ["']? [ ]* : (?: [ ]+ [&!]\S+ )*
        (?P<items> [ ]* \[ [^\[\]{}\n]* \]
          | [ ]* \r? (?: \n [+\-\ ]? [ ]* -[ ]+ [^\s:\#]+ [ ]* \r? (?= \n | \Z ) ){1,100} )"""
)
"""A name of YAML with a list of plain values, on its line or below it."""
_ITEM = late(r"(?P<before>(?:[\[,]|-)[ ]*[\"']?)(?P<value>[^\s\"',\[\]]{4,})")
MOST = 400
"""Lines of such a value: below each of a thousand names that stand one below the other lie all the others."""
_COMPLEX = late(
    r"(?m)^(?P<before>[+\- ]?[ ]*\?[ ]+[\"']?(?P<name>[A-Za-z_][\w.-]*)[\"']?[ ]*\r?\n[+\- ]?[ ]*:[ ]+[\"']?)(?P<value>[^\n]*[^\s\"'])"
)
_SPACED = late(
    r"(?m)^(?P<before>[+\- ]?[ \t]*(?:ENV|ARG|setenv|setx|set[ ]+-\w+|export)[ \t]+(?P<name>[A-Za-z_]\w*)[ \t]+[\"']?)"
    r"(?P<value>[^\s=\"'][^\n]*?)(?=[\"']?[ \t]*\r?$)"
)
_PLAIN = late(
    r"(?m)^(?P<before>[+\- ]?[ \t]*(?P<name>[A-Za-z_][\w.-]*)[ \t]+[\"']?)(?P<value>[^\s=:\"'][^\s\"']{5,})(?=[\"']?;?[ \t]*\r?$)"
)
"""`password …`, a name and a word of a file of settings that has no sign of equality."""
_LISTED = late(
    r"(?P<before>(?<![\w-])--?(?P<name>[A-Za-z][\w-]*)[\"']?(?:,[ ]*|[ ]*\r?\n[+\- ]?[ ]*-[ ]+)[\"']?)(?P<value>[^\s\"',\]\[-][^\s\"',\]]*)"
)
"""An option in a list of YAML, and its value behind it."""
_PGPASS = late(r"(?m)^[+\- ]?[\w.*-]+:(?:\d+|\*):[^:\s]*:[^:\s]*:(?P<value>\S{3,})(?=\r?$)")
_NOTED = late(
    r"(?m)^(?P<before>[ \t>*+#|-]*[`*_]*(?P<name>[A-Za-z][\w .-]{0,40}?)[`*_]*[ \t]*(?::=|[:=])[ \t]*[`*_\"']*[ \t]*)"
    r"(?P<value>[^\s`*_\"'][^\n]*?)(?=[`*_\"']*[ \t]*\r?$)"
)
_CELL = late(r"^(?P<before>[\s`*_\"']*)(?P<value>.*?)(?P<after>[\s`*_\"']*)$", re.DOTALL)
_SOURCE = late(r'(?m)(?:^[+\- ]?[ \t]*"(?:[^"\\\n]|\\.)*",?[ \t]*\r?(?:\n|\Z)){2,}')
_STRING = late(r'"(?:[^"\\\n]|\\.)*"')
_ESCAPED_NAME = late(
    r'(?<!\\)"(?P<name>(?:[^"\\\n]|\\(?!u[0-9a-fA-F]{4}).)*+\\u[0-9a-fA-F]{4}(?:[^"\\\n]|\\.)*+)"\s*+:\s*+'
    r'"(?P<value>(?:[^"\\\n]|\\.)++)"'
)
RULES = "formats 3"
"""To be counted up with every change of what is found here."""
_NAMES = (
    "passw",
    "pass",
    "pwd",
    "pw",
    "secret",
    "cred",
    "token",
    "key",
    "auth",
    "jwt",
    "dsn",
    "conn",
    "cookie",
    "access",
)


def by_format(text: str, style: Style, replacement: Replacement) -> str:
    """`text` with every value replaced that its format gives to a telling name."""
    if "</" in text:
        for pattern in (_NAMED, _ATTRIBUTE, _ELEMENT):
            text = on_lines(text, _NAMES, partial(pattern.sub, partial(_given, replacement)), fold=True, below=2)
    if "Private-Lines:" in text:
        text = _PUTTY.sub(lambda match: _put(match, _each_line(match["value"], "private_key", replacement)), text)
    if '"key"' in text or "'key'" in text:
        for pattern in (_KAGGLE, _KAGGLE_KEY_FIRST):
            text = pattern.sub(lambda match: _put(match, _unmarked(match["value"], "api_key", replacement)), text)
    if style is Style.DATA:
        text = _data(text, replacement)
    elif style is Style.SHELL:
        text = on_lines(text, _NAMES, partial(_SPACED.sub, partial(_given, replacement)), fold=True)
    elif style is Style.NOTES:
        text = on_lines(text, _NAMES, partial(_NOTED.sub, partial(_noted, replacement)), fold=True)
        text = _notes_table(text, replacement) if "|" in text else text
    elif style is Style.TABLE:
        head = text[: text.find("\n") + 1 or len(text)]
        text = _table(text, max(",;\t", key=head.count), replacement)
    return text


def _data(text: str, replacement: Replacement) -> str:
    text = on_lines(text, _NAMES, partial(_blocks, replacement=replacement), fold=True, below=12)
    text = on_lines(text, _NAMES, partial(_COMPLEX.sub, partial(_given, replacement)), fold=True, below=1)
    text = on_lines(text, _NAMES, partial(_FLOW.sub, partial(_if_mixed, replacement)), fold=True)
    text = on_lines(text, _NAMES, partial(_SEVERAL.sub, partial(_several, replacement)), fold=True, below=12)
    text = on_lines(text, _NAMES, partial(_LISTED.sub, partial(_if_mixed, replacement)), fold=True, below=1)
    text = _PGPASS.sub(lambda row: _put(row, _unmarked(row["value"], "password", replacement)), text)
    text = on_lines(text, _NAMES, partial(_PLAIN.sub, partial(_if_mixed, replacement)), fold=True)
    return _ESCAPED_NAME.sub(partial(_escaped, replacement), text) if "\\u" in text else text


def _put(match: re.Match[str], clean: str) -> str:
    """What was matched, with this in the place of its value."""
    start = match.start()
    return match[0][: match.start("value") - start] + clean + match[0][match.end("value") - start :]


def _if_mixed(replacement: Replacement, match: re.Match[str]) -> str:
    return _given(replacement, match) if is_strong(match["value"]) or is_drawn(match["value"]) else match[0]


def _several(replacement: Replacement, match: re.Match[str]) -> str:
    """A list under a telling name: each of its values is one."""
    name, start = match["name"], match.start()
    if not may_tell(name):
        return match[0]

    def put(item: re.Match[str]) -> str:
        value = item["value"]
        if MARK.search(value) or not is_secret(name, value) or not (is_password(name) or is_drawn(value)):
            return item[0]
        return item["before"] + replacement(value, name)

    return match[0][: match.start("items") - start] + _ITEM.sub(put, match["items"])


def _blocks(text: str, replacement: Replacement) -> str:
    """Values of YAML below their names: a block of text, or a single line that is no name with a value of its own."""
    pieces: list[str] = []
    done = 0
    for head in _HEAD.finditer(text):
        if head.start() < done or not may_tell(head["name"]):
            continue
        deeper = re.compile(
            rf"(?:[+\- ]?[ ]{{{len(head['indent']) + 1},}}[^\n]*(?:\n|\Z)|[+\- ]?[ ]*\r?\n){{1,{MOST}}}"
        )
        below = deeper.match(text, head.end())
        if below and _is_block(head, below[0].strip().strip("+- \"'")):
            pieces += (text[done : head.end()], _each_line(below[0], head["name"], replacement))
            done = below.end()
    return "".join((*pieces, text[done:])) if pieces else text


def _is_block(head: re.Match[str], plain: str) -> bool:
    if not head["sign"] and ("\n" in plain or re.match(r"[^\"']*:(?:\s|$)|-\s|[{\[&*!]", plain)):
        return False
    return bool(plain) and is_secret(head["name"], plain) and (is_password(head["name"]) or is_drawn(plain))


def _unmarked(value: str, name: str, replacement: Replacement) -> str:
    return value if MARK.search(value) or points(value) else replacement(value, name)


def _given(replacement: Replacement, match: re.Match[str]) -> str:
    name, value = match["name"], match["value"]
    if MARK.search(value) or not is_secret(name, value) or re.fullmatch(r"[$@%].*|.*\$\{.*", value):
        return match[0]
    if not (is_drawn(value) if tells(name) and not is_password(name) else is_password(name) or is_strong(value)):
        return match[0]
    return _put(match, replacement(value, name))


def _each_line(value: str, name: str, replacement: Replacement) -> str:
    """Each line for itself, so that the lines of a file stay what they are."""
    return re.sub(r"(?m)(?<=^)([+\- ]?[ ]*[\"']?)(\S[^\n]*?)([\"']?[ \t\r]*)$",
                  lambda line: line[1] + _unmarked(line[2], name, replacement) + line[3], value)  # fmt: skip


def _escaped(replacement: Replacement, match: re.Match[str]) -> str:
    """A name of JSON with escapes in it says what it says."""
    try:
        name, value = json.loads(f'"{match["name"]}"'), json.loads(f'"{match["value"]}"')
    except ValueError:
        return match[0]
    if MARK.search(value) or not is_secret(name, value):
        return match[0]
    return _put(match, replacement(value, name))


def _noted(replacement: Replacement, match: re.Match[str]) -> str:
    """A line of notes that gives a value to a name. Prose after a colon is none: words with digits in them are."""
    name, value = match["name"].strip(), match["value"]
    told = name.rpartition(" ")[2] if not tells(name) else name
    if MARK.search(value) or not is_secret(told, value) or "://" in value:
        return match[0]
    words = value.split()
    if len(words) > 6 or not (any(map(is_mixed, words)) if is_password(told) else len(words) == 1 and is_drawn(value)):
        return match[0]
    if not is_password(told) and not tells(told) and not is_strong(value):
        return match[0]
    return _put(match, replacement(value, name))


# ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _table(text: str, sign: str, replacement: Replacement) -> str:
    """A table with what stands below a telling name replaced."""
    head, *rows = text.split("\n")
    if not (told := _columns(head, sign)):
        return text
    return "\n".join((head, *(_row(row, sign, told, _fills, replacement) for row in rows)))


def _notes_table(text: str, replacement: Replacement) -> str:
    """Tables of Markdown: what stands below a telling name, or beside one."""
    lines = text.split("\n")
    told: dict[int, str] = {}
    for at, line in enumerate(lines):
        if line.count("|") < 2:
            told = {}
        elif at + 1 < len(lines) and re.fullmatch(r"[+\- ]?[\s|:-]*-[\s|:-]*", lines[at + 1]):
            told = _columns(line, "|")
        else:
            cells = [cell.strip(" `*_") for cell in line.split("|")]
            beside = {i + 1: cell for i, cell in enumerate(cells[:-1]) if may_tell(cell)}
            lines[at] = _row(line, "|", told | beside, _is_no_word, replacement)
    return "\n".join(lines)


def _cells(line: str, sign: str) -> list[str]:
    """The cells of a line, a quoted one with the signs in it."""
    if sign == "|" or '"' not in line:
        return line.split(sign)
    return re.findall(rf'(?:^|(?<={re.escape(sign)}))(?:"(?:[^"]|"")*"|[^{re.escape(sign)}]*)', line)


def _columns(head: str, sign: str) -> dict[int, str]:
    names = [cell.strip("+ \t\r\"'`*_") for cell in _cells(head, sign)]
    return {at: name for at, name in enumerate(names) if may_tell(name)}


def _row(
    line: str, sign: str, told: dict[int, str], is_given: Callable[[str, str], bool], replacement: Replacement
) -> str:
    if not told:
        return line
    cells = _cells(line, sign)
    for at, name in told.items():
        match = _CELL.match(cells[at]) if at < len(cells) else None
        if match and is_given(name, match["value"]):
            cells[at] = match["before"] + _unmarked(match["value"], name, replacement) + match["after"]
    return sign.join(cells)


def _fills(name: str, value: str) -> bool:
    """Whether a cell of a column of secrets holds one."""
    return len(value) >= 3 and (is_password(name) or is_strong(value) or (tells(name) and is_drawn(value)))


def _is_no_word(name: str, value: str) -> bool:
    """Whether a cell beside a telling name holds a secret, and not what there is to say about it."""
    return is_strong(value) or (is_password(name) and is_mixed(value) and " " not in value)


# ── patches and notebooks ────────────────────────────────────────────────────────────────────────────────────────────────────


def of_sources(text: str, clean: Callable[[str], str]) -> str:
    """A notebook whose sources and outputs, each a list of lines as JSON, were read as the texts that they are."""

    def put(match: re.Match[str]) -> str:
        strings = _STRING.findall(match[0])
        try:
            lines = [json.loads(string) for string in strings]
        except ValueError:
            return match[0]
        joined = "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
        if joined.count("\n") != len(lines) or (cleaned := clean(joined)) == joined:
            return match[0]
        fresh = iter(zip(strings, lines, re.findall(r"[^\n]*\n", cleaned), strict=False))
        return _STRING.sub(lambda _: _as_json(*next(fresh)), match[0])

    return _SOURCE.sub(put, text)


def _as_json(string: str, line: str, cleaned: str) -> str:
    if not line.endswith("\n"):
        cleaned = cleaned.removesuffix("\n")
    return string if cleaned == line else json.dumps(cleaned, ensure_ascii=string.isascii())


_HUNK = re.compile(rb"(?m)(?:^[+\- ](?!-- |\+\+ )[^\n]*(?:\n|\Z))+")


def of_hunks(patch: bytes, clean: Callable[[bytes], bytes]) -> bytes:
    """A patch each of whose sides was read as the file that it is, without the signs before its lines."""

    def put(match: re.Match[bytes]) -> bytes:
        lines = re.findall(rb"[^\n]*\n|[^\n]+\Z", match[0])
        for side in (b"+ ", b"- "):
            places = [at for at, line in enumerate(lines) if line[:1] in (side[:1], side[1:])]
            before = b"".join(lines[at][1:] for at in places)
            after = re.findall(rb"[^\n]*\n|[^\n]+\Z", clean(before))
            if len(after) == len(places):
                for at, line in zip(places, after, strict=True):
                    lines[at] = lines[at][:1] + line
        return b"".join(lines)

    return _HUNK.sub(put, patch)
