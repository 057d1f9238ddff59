"""Secrets that only their place gives away: a token behind `Bearer`, a signature in a URL, a key handed to a login.

What stands there looks like any digest, so its shape says nothing; hexadecimal anywhere else is left alone.
"""

import re
from collections.abc import Callable

_BEARER = re.compile(r"(?i)\b(?P<before>bearer[ ]+)(?P<value>[A-Za-z0-9._~+/=-]{8,})")
_HEADER = re.compile(
    r"(?i)\b(?P<before>authorization[\"']?\]?[ \t]*[:=,][ \t]*[\"']?(?:(?:bearer|token|basic|key)[ ]+)?)"
    r"(?P<value>[A-Za-z0-9._~+/=-]{16,})"
)
_HOOK = re.compile(
    r"(?i)(?P<before>hooks\.slack\.com/[a-z]+/|discord(?:app)?\.com/api/webhooks/|api\.telegram\.org/bot"
    r"|\.webhook\.office\.com/webhookb2/)(?P<value>[A-Za-z0-9:@/_-]{8,})"
)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\"'`<>]+")
_QUERY = re.compile(
    r"(?i)(?P<before>[?&#;](?:x-(?:amz|goog)-(?:signature|credential|security-token|date|expires)|awsaccesskeyid"
    r"|googleaccessid|sig|signature|[a-z_-]*(?:token|secret|passwd|password)|(?:[a-z]+[_-])?api[_-]?key"
    r"|authkey|access[_-]?key|key-pair-id)=)(?P<value>[^&#;\s\"'<>{}$]{4,})"
)
_GENERAL = re.compile(r"(?i)(?P<before>[?&#;](?:key|code|auth|policy)=)(?P<value>[A-Za-z0-9_-]{20,})")
"""Names in a query that mean many things: only what is long and has digits is a secret."""
_LOGIN = re.compile(
    r"(?P<before>\blogin\(\s*(?:[^()]*?\b(?:key|token|api_key)\s*=\s*)?[rbuf]?[\"'])(?P<value>[A-Za-z0-9_.-]{16,})(?=[\"'])"
)
_VARIABLE = re.compile(
    r"(?P<before>\b[A-Z][A-Z0-9_]*(?:API_?KEY|TOKEN|SECRET|PASSWORD|ACCESS_KEY)[\"']?"
    r"(?:\][ \t]*=|[ \t]*[,=:])[ \t]*[\"']?)"
    r"(?P<value>[A-Za-z0-9_.+/=-]{8,})"
)
PATTERNS = (_BEARER, _HEADER, _HOOK, _URL, _QUERY, _GENERAL, _LOGIN, _VARIABLE)
_TABLE = re.compile(r"(?i)(?:^|[_-])(?:credentials?|secrets?)$")


def is_table(name: str) -> bool:
    """Whether a table of this name holds secrets alone, whatever each of them is called."""
    return bool(_TABLE.search(name))


def lies_in_table(name: str) -> bool:
    """Whether a dotted name leads through such a table."""
    return any(map(is_table, name.split(".")[:-1]))


def replaced(text: str, replacement: Callable[[str], str]) -> str:
    """`text` with every secret that stands in a telling place replaced."""

    def put(match: re.Match[str]) -> str:
        return match["before"] + replacement(match["value"])

    def put_if_mixed(match: re.Match[str]) -> str:
        return put(match) if _is_mixed(match["value"]) else match[0]

    def put_in_url(match: re.Match[str]) -> str:
        url = _QUERY.sub(lambda found: found[0] if found["value"].isdigit() else put(found), match[0])
        return _GENERAL.sub(put_if_mixed, url)

    lower = text.lower()
    if "bearer" in lower or "authorization" in lower:
        text = _HEADER.sub(put_if_mixed, _BEARER.sub(put_if_mixed, text))
    if "webhook" in lower or "hooks.slack" in lower or "telegram.org" in lower:
        text = _HOOK.sub(put, text)
    if "://" in text and "=" in text:
        text = _URL.sub(put_in_url, text)
    if "login(" in text:
        text = _LOGIN.sub(put_if_mixed, text)
    if any(hint in text for hint in ("KEY", "TOKEN", "SECRET", "PASSWORD")):
        text = _VARIABLE.sub(put_if_mixed, text)
    return text


def _is_mixed(value: str) -> bool:
    """Whether a value has letters and digits, and is no word with a number behind it."""
    parts = [part for part in re.split(r"[._/-]", value) if part]
    return (
        any(map(str.isdigit, value))
        and any(map(str.isalpha, value))
        and not all(re.fullmatch(r"[A-Za-z]*\d*", part) for part in parts)
    )
