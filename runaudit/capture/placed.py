# ruff: noqa: E501  (a table reads best a row a line)
"""Secrets that only their place gives away: a token behind `Bearer`, a signature in a URL, a key handed to a login.

What stands there looks like any digest, so its shape says nothing; hexadecimal anywhere else is left alone.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from runaudit.capture.hinted import on_lines, sub_in_names
from runaudit.capture.looks import is_key_material, is_mixed, is_number
from runaudit.capture.telling import may_tell, proves, tells
from runaudit.text.pattern import late

_BEARER = late(r"(?i)\b(?P<before>bearer(?:[ ]+|%20))(?P<value>[A-Za-z0-9._~+/=-]{8,})")
_HEADER = late(
    r"(?i)\b(?P<before>(?:proxy-)?authorization\\*[\"']?\]?[ \t]*[:=,][ \t]*\\*[\"']?(?:(?:bearer|token|basic|key|digest|aws4-hmac-sha256)[ ]+)?)"
    r"(?P<value>[A-Za-z0-9._~+/=-]{8,})"
)
_KEY_HEADER = late(
    r"(?i)\b(?P<before>x-(?:api-key|auth-token|access-token|goog-api-key|vault-token|amz-security-token)\\*[\"']?[ \t]*[:=,]"
    r"[ \t]*\\*[\"']?)(?P<value>[A-Za-z0-9._~+/=-]{8,})"
)
_HOOK = late(
    r"(?i)(?P<before>hooks\.slack\.com/[a-z]+/|discord(?:app)?\.com/api/webhooks/|api\.telegram\.org/bot"
    r"|\.webhook\.office\.com/webhookb2/)(?P<value>[A-Za-z0-9:@/_-]{8,})"
)
_URL = late(r"(?<![A-Za-z0-9+.-])[0-9+.-]*+[A-Za-z][A-Za-z0-9+.-]*+://[^\s\"'`<>]+")
_QUERY = late(
    r"(?i)(?P<before>[?&#;](?P<name>x-(?:amz|goog)-(?:signature|credential|security-token|date|expires)|awsaccesskeyid"
    r"|googleaccessid|sig|signature|[a-z_-]*(?:token|secret|passwd|password)|(?:[a-z]+[_-])?api[_-]?key"
    r"|authkey|access[_-]?key|key-pair-id)=)(?P<value>[^&#;\s\"'<>{}$]{4,})"
)
_SIGNED = late(r"(?i)[?&#;](?:x-(?:amz|goog)-[a-z-]+|awsaccesskeyid|googleaccessid|key-pair-id|sig|signature)=\Z")
"""Parts of a signed address: they open what the rest of it names."""
_GENERAL = late(r"(?i)(?P<before>[?&#;](?:key|code|auth|policy)=)(?P<value>[A-Za-z0-9_-]{20,})")
"""Names in a query that mean many things: only what is long and has digits is a secret."""
_LOGIN = late(
    r"(?P<before>\blogin\(\s*+(?:[^()]*?\b(?:key|token|api_key)\s*+=\s*+)?[rbuf]?[\"'])(?P<value>[A-Za-z0-9_.-]{16,})(?=[\"'])"
)
_SHELL_LOGIN = late(
    r"(?P<before>\b(?:wandb|comet|neptune|clearml|huggingface-cli|hf|mlflow)[ ]+(?:auth[ ]+)?login[ ]+"
    r"(?:--[a-z-]+(?:[ =]https?://\S+)?[ ]+)*)(?P<value>[A-Za-z0-9_.-]{16,})"
)
_NETRC = late(r"(?P<before>\bmachine\s+\S+\s+login\s+\S+\s+password\s+)(?P<value>[^\s\"']{3,})")
_CURL = late(
    r"(?P<before>\s(?:-u|--user|--proxy-user)[ =]?[\"']?[^\s:\"'/=]+:)(?P<value>(?!\$|\d+(?:\s|$))[^\s\"':/]{4,})(?=[\"']?(?:\s|$))"
)
_DEFAULT = late(
    r"(?P<before>[\"']--?(?P<name>(?:[a-z]+[_-])*(?:password|passwd|secret|api[_-]?key|access[_-]?key|secret[_-]?key|token))[\"']"
    r"[^()\n]{0,80}?\bdefault[ ]*=[ ]*[rbuf]?[\"'])(?P<value>[^\"'\s]{4,})(?=[\"'])"
)
_VARIABLE = late(
    r"(?P<before>\b(?P<name>[A-Z][A-Z0-9_]*(?:API_?KEY|TOKEN|SECRET|PASSWORD|PASS|PWD|ACCESS_KEY|_KEY))\\*[\"']?"
    r"(?:\][ \t]*=|[ \t]*[,=:])[ \t]*\\*[\"']?)"
    r"(?P<value>[A-Za-z0-9_.+/=-]{8,})"
)
_GIVEN = late(
    r"(?P<before>\b(?:environ\[|environ\.setdefault\(|putenv\(|setenv\()\s*\\*[\"']"
    r"(?P<name>[A-Z][A-Z0-9_]*(?:KEY|TOKEN|SECRET|PASSWORD|PASS|PWD|CREDENTIALS?))\\*[\"']\]?[ \t]*[=,][ \t]*[rbuf]?\\*[\"'])"
    r"(?P<value>[^\"'\\\n]{4,})(?=\\*[\"'])"
)
"""A variable set to a literal: whatever it looks like, it is what the variable's name says."""
_PAIR = late(
    r"(?i)(?P<before>\b(?:name|key)[\"']?[ \t]*:[ \t]*[\"']?(?P<name>[\w.-]*(?:password|passwd|secret|api_?key|token|access_?key))[\"']?,?"
    r"\s+[\"']?value[\"']?[ \t]*:[ \t]*[\"']?)(?P<value>[^\s\"',}]{4,})"
)
_NESTED = late(
    r"(?i)(?P<before>(?<![\w.-])[.-]*+(?P<name>[\w.-]*(?:password|passwd|secret|api_?key|[a-z]_token|access_?key))[\"']?[ \t]*+:"
    r"(?:[ \t]*+\{)?+(?:[ \t]*+\n)?+[ \t]++"
    r"(?:desc:[^\n]*\n[ \t]+)?[\"']?value[\"']?[ \t]*:[ \t]*[\"']?)(?P<value>[^\s\"',}]{4,})"
)
"""`api_key:` with its `value:` below, as a tracker writes a config down."""
_NAMED = ("password", "passwd", "secret", "api_key", "apikey", "_token", "access_key", "accesskey")
"""What stands in the name that `_NESTED` begins with: to try it at every place was half of all work on dense JSON."""
_SAID = late(
    r"(?i)(?P<before>(?:\d+m)?(?P<name>[a-z][\w.-]*)(?:\x1b\[[\d;]*m|[\"'“”‘’`*_\]\\])*"
    r"(?:[ \t\u3000]*(?:=>|->|→|:=|[=:＝：|])[ \t\u3000]*|[ ]is:?[ ]|\t+)(?:\x1b\[[\d;]*m|[\"'“”‘’`*_\\])*"
    r"(?:bearer[ ]+)?(?:[a-z][\w-]{0,31}[ ]+)?)(?P<value>[a-z0-9][a-z0-9._~+/=-]{15,})"
)
"""A name, and behind a sign, a word or a colour what is nobody's word: `api key is …`, `"token": "FlyV1 …"`. A scheme may
stand before it."""
_SAYS = ("token", "secret", "passw", "key", "credential", "authorization")
_OF_WORDS = frozenset({"api ", "ccess ", "ivate ", "ecret ", "cense "})
"""What stands before a `key` that is one of those words."""
PATTERNS = (
    _BEARER, _HEADER, _KEY_HEADER, _HOOK, _URL, _QUERY, _GENERAL, _LOGIN, _SHELL_LOGIN, _NETRC, _CURL, _DEFAULT, _VARIABLE,
    _GIVEN, _PAIR, _NESTED, _SAID,
)  # fmt: skip
_WORDS = {_NESTED: _NAMED, _SAID: _SAYS}
"""Patterns that begin where a name does which holds one of these words."""
_INNOCENT_KEY = late(r"(?:DIGEST|CACHE|SORT|PRIMARY|FOREIGN|PUBLIC|PARTITION|HASH|COMMIT|STATE|CONFIG|DATA\w*)_KEY$")
_NO_CREDENTIAL = late(r"(?:EOS|BOS|PAD|SEP|CLS|MASK|UNK|STOP|IMAGE|SPECIAL)_TOKEN$")

Lines = Mapping[str, Any]
_LINE: Lines = {"fold": True}
_EXACT: Lines = {"fold": False}
_BELOW: Lines = {"fold": True, "below": 4}
_ABOVE: Lines = {"fold": True, "above": 2}
"""How far the lines of a match reach from the word that gives it away."""

Replacement = Callable[[str, bool], str]
"""What stands for a value; whether its place and its looks prove that it is a secret."""


def replaced(text: str, replacement: Replacement) -> str:
    """`text` with every secret that stands in a telling place replaced."""

    def put(match: re.Match[str]) -> str:
        return match["before"] + replacement(match["value"], _proves(match))

    def put_if_mixed(match: re.Match[str]) -> str:
        return put(match) if _is_mixed(match["value"]) else match[0]

    def put_if_digits(match: re.Match[str]) -> str:
        value = match["value"]
        drawn = any(map(str.isdigit, value[:-1])) or (any(map(str.isdigit, value)) and len(value) >= 12)
        return put(match) if drawn and not _is_prose(value) else match[0]

    def put_general(match: re.Match[str]) -> str:
        # The key of an object is a choice, too.
        return match["before"] + replacement(match["value"], False) if _is_mixed(match["value"]) else match[0]

    def put_in_url(match: re.Match[str]) -> str:
        url = _QUERY.sub(lambda found: found[0] if found["value"].isdigit() else put(found), match[0])
        return _GENERAL.sub(put_general, url)

    def put_variable(match: re.Match[str]) -> str:
        if _INNOCENT_KEY.search(match["name"]) or _NO_CREDENTIAL.search(match["name"]):
            return match[0]
        # `API_KEY=word1234`, without a blank, is given in a shell or a message; with blanks it may be code.
        if match["before"].endswith("=") and tells(match["name"]) and any(map(str.isdigit, match["value"])):
            return put(match)
        return put_if_mixed(match)

    def put_if_literal(match: re.Match[str]) -> str:
        return match[0] if re.fullmatch(r"[A-Z_]+|\$.*|<.*>", match["value"]) else put(match)

    for hints, patterns, change, lines in (
        (("bearer", "authorization"), (_BEARER, _HEADER), put_if_digits, _LINE),
        (("x-api", "x-auth", "x-access", "x-goog", "x-vault", "x-amz"), (_KEY_HEADER,), put_if_mixed, _LINE),
        (("webhook", "hooks.slack", "telegram.org"), (_HOOK,), put, _LINE),
        (("://",), (_URL,), put_in_url, _LINE),
        (("login",), (_LOGIN, _SHELL_LOGIN), put_if_mixed, _BELOW),
        (("machine",), (_NETRC,), put, _BELOW),
        ((" -u", "--user", "--proxy-user"), (_CURL,), put, _LINE),
        (("KEY", "TOKEN", "SECRET", "PASS", "PWD"), (_VARIABLE,), put_variable, _EXACT),
        (("environ[", "environ.set", "putenv(", "setenv("), (_GIVEN,), put_if_literal, _LINE),
        (("default=", "default ="), (_DEFAULT,), put_if_mixed, _LINE),
        (_SAYS, (_SAID,), partial(_put_if_drawn, replacement), _LINE),
        (("value:", "value'", 'value"', "value ", "value\t"), (_PAIR, _NESTED), put_if_mixed, _ABOVE),
    ):
        for pattern in patterns:
            words = _WORDS.get(pattern)
            put_all = partial(sub_in_names, pattern, change, words) if words else partial(pattern.sub, change)
            text = on_lines(text, hints, put_all, **lines)
    return text


def _put_if_drawn(replacement: Replacement, match: re.Match[str]) -> str:
    name, value = match["name"].rstrip("."), match["value"]
    is_key = name.lower() == "key" and match.string[: match.start()][-6:].lower().endswith(tuple(_OF_WORDS))
    name = "api_key" if is_key else name
    if not may_tell(name) or not is_key_material(value) or (is_number(value) and not tells(name)):
        return match[0]
    return match["before"] + replacement(value, proves(name, value))


def _proves(match: re.Match[str]) -> bool:
    name, value = match.groupdict().get("name"), match["value"]
    if _SIGNED.search(match["before"]):
        return True
    return is_key_material(value) if name is None else proves(name, value)


def _is_prose(value: str) -> bool:
    """Whether a value is a word with a number behind it, of the length of words."""
    return bool(re.fullmatch(r"[A-Za-z]+\d?", value))


def _is_mixed(value: str) -> bool:
    """Whether a value has letters and digits, and is no word with a number behind it."""
    parts = [part for part in re.split(r"[._/-]", value) if part]
    return is_mixed(value) and not all(re.fullmatch(r"[A-Za-z]*\d*", part) for part in parts)
