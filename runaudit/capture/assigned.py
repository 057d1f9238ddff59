"""Secrets that a text assigns to a telling name: `api_key = "…"` in code, `password: horse` in a file of settings.

What the same words mean depends on the file: in code an unquoted value is a name, in settings it is the value itself,
and prose is full of words after `secret:`.
"""

import re
from functools import partial
from pathlib import PurePosixPath

from runaudit.capture.drawn import is_drawn, is_password
from runaudit.capture.formats import by_format
from runaudit.capture.hinted import on_lines, sub_at
from runaudit.capture.looks import is_mixed
from runaudit.capture.styles import Style
from runaudit.capture.telling import MARK, Replacement, is_secret, points, tells
from runaudit.text.pattern import late

_SECRETIVE = frozenset({".netrc", ".pgpass", ".npmrc", ".pypirc", "credentials", "kaggle.json", ".git-credentials"})
_HINTS = ("passw", "passphrase", "passcode", "_pass", "pass=", "pass:", "pwd", "secret", "credential", "token", "key",
          "connection", "dsn", "cookie", "auth", "pw", "jwt", "cred", "access")  # fmt: skip
_ASSIGNED = late(
    r"""(?x) (?P<word> (?i: pass(?:word|wd|phrase|code)? | pwd | secret | credential | token | connection_?string
        | (?:api|access|account|private|auth|signing|encryption)[_\ -]?key | [_-]key | (?<![a-z0-9])key
        | (?<![a-z])(?:dsn|cookie|auth|pw|jwt|creds?) )
        [A-Za-z0-9_]{0,200}+ )
        (?P<between> \\{0,3}["']?\]? (?: [ \t]* : [ \t]* (?: str | bytes | SecretStr | Optional\[str\] )
            (?: [ \t]* \| [ \t]* None )? (?= [ \t]* = ) )?
        [ \t]* (?: := | [=:] ) [ \t]*
            (?: (?: [rbuf] (?= ["'] ) )? \\{0,3} (?: ["']? [Bb]earer [ ]+ | (?P<quote> "{3} | '{3} | ["']) ) )? )
        (?P<value> [^\s"',;)}\]\\]{3,} )"""
)
_BEGINS = ("pass", "pwd", "secret", "credential", "token", "connection", "api", "access", "account", "private", "auth",
           "signing", "encryption", "_key", "-key", "key", "dsn", "cookie", "pw", "jwt", "cred")  # fmt: skip
"""With one of these begins what `_ASSIGNED` matches."""
_SETTING = late(
    r"""(?mx) (?P<before> ^ [+\-\ ]? [ \t]* (?: -[ ]+ | export[ ]+ | set[ ]+ | ENV[ ]+ | ARG[ ]+ )?
        (?: [&!][^\s"']+ [ ]+ )* ["']?
        (?P<name> [A-Za-z_][\w.\-]* ) ["']? [ \t]* (?: [:?]= | [:=] ) [ \t]* (?: [&!][^\s"']+ [ \t]+ )* )
        (?: (?P<quote> "{3} | '{3} | ["'] ) (?P<inner> (?: (?! (?P=quote) ) [^\n\\] | \\. )+ ) (?P=quote)
          | (?P<value> [^\s"'#,{}\[\]|>&*][^\n]*? ) )
        (?= [ \t]* ,? [ \t]* (?: (?<=[\s"',]) \#[^\n]* )? \r? $ )"""
)
"""A line of a file of settings: name and value, the whole value."""
RULES = "\n".join((_ASSIGNED.pattern, _SETTING.pattern))
_HEX = late(r"[0-9a-fA-F]+")
_NAME_BEFORE = late(r"[A-Za-z0-9_.-]*\Z")

_EXPANDED = late(r"`[^`]*`|\$\{[^}]*\}|\$\(.*\)|\$\w+|\$")
"""What a shell puts something else for."""


def is_settings(name: str) -> bool:
    """Whether a file of this name is kept for the variables and keys in it, though it is no configuration of a run."""
    path = PurePosixPath(name.lower())
    return path.name.startswith(".env") or path.name in _SECRETIVE or path.suffix in (".env", ".pem", ".key")


def assigned(text: str, style: Style, replacement: Replacement) -> str:
    """`text` with every value replaced that is given to a telling name."""
    if style in (Style.DATA, Style.SHELL):
        text = on_lines(text, _HINTS, partial(_SETTING.sub, lambda match: _set(match, style, replacement)), fold=True)
    text = by_format(text, style, replacement)
    given = partial(sub_at, _ASSIGNED, lambda match: _given(match, style, replacement), _BEGINS)
    return on_lines(text, _HINTS, given, fold=True)


def _set(match: re.Match[str], style: Style, replacement: Replacement) -> str:
    name, value = match["name"], match["inner"] or match["value"]
    if not is_secret(name, value) or MARK.search(value) or _continues(value, style):
        return match[0]
    if not tells(name) and not is_drawn(value):
        return match[0]
    quote = match["quote"] or ""
    return f"{match['before']}{quote}{replacement(value, name)}{quote}"


def _continues(value: str, style: Style) -> bool:
    """Whether a value is computed, or only opens a block."""
    if style is Style.SHELL:
        rest = _EXPANDED.sub("", value)
        return rest != value and not (is_drawn(rest) and is_mixed(rest, 10))
    return value.endswith((":", "\\")) or value in ("|", ">", "|-", ">-", "~")


def _given(match: re.Match[str], style: Style, replacement: Replacement) -> str:
    start = max(0, match.start() - 64)
    found = _NAME_BEFORE.search(match.string, start, match.start())
    before, value = found[0] if found else "", match["value"]
    name = before + match["word"]
    if MARK.search(value) or not is_secret(name, value):
        return match[0]
    if not (_is_literal(match) or _is_noted(match, style) or _is_member(match, style, len(before))):
        return match[0]
    if name.lower() == "key" and _HEX.fullmatch(value):
        return match[0]  # What a text calls so is a digest more often.
    # Prose and code are full of words after `secret:`; only what cannot be a word is replaced elsewhere too.
    return f"{match['word']}{match['between']}{replacement(value, name)}"


def _is_literal(match: re.Match[str]) -> bool:
    """Whether text gives a secret or only names one: `password = os.environ[...]`, `api_key: str` hold none."""
    value = match["value"]
    if re.fullmatch(r"[A-Z_]+|.*[(\[{<].*|\$.*", value) or points(value):
        return False
    if re.match(r"(?i)pass|pwd", match["word"]) and match["quote"]:
        return value.lower() not in match["word"].lower() and len(value) >= 4
    return is_drawn(value)


def _is_member(match: re.Match[str], style: Style, name: int) -> bool:
    """Whether a table on one line of a file of settings gives a password without quotes: `db: {password: horse}`. name:
    how much of its name stands before the match."""
    before = match.string[max(0, match.start() - name - 8) : match.start() - name].rstrip(" \t\"'")
    return style is Style.DATA and is_password(match["word"]) and before.endswith(("{", ","))


def _is_noted(match: re.Match[str], style: Style) -> bool:
    """Whether a sentence gives a password: in notes an unquoted word with a digit in it is no variable."""
    return (
        style is Style.NOTES
        and is_password(match["word"])
        and is_mixed(match["value"].rstrip(".!?"))
        and "(" not in match["value"]
    )
