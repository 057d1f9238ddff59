"""Where a remote lies: the word that was typed, as an address that can be opened, and as one that can be shown.

The word is a name from `[remotes]` of the policy, an address with a protocol (`s3://bucket/runs`), or a path. Keys and
passwords are the environment's, as the package of the protocol reads them; one within an address is neither shown nor
kept, and refused in a policy, which lies in git.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runaudit.errors import ConfigError, UsageError
from runaudit.text.words import closest, quoted

_PROTOCOL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_SCP = re.compile(r"[\w.-]+@[\w.-]+:.+|[\w-]+(?:\.[\w-]+)+:[^\\].*")
_WORD = re.compile(r"[\w.-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One remote. `local`: its folder, where it lies on this machine; else `url`. `shown`: without user, password and
    query, for whatever is printed or kept."""

    shown: str
    url: str = ""
    local: Path | None = None

    @property
    def protocol(self) -> str:
        """The word before `://`; empty for a folder."""
        return self.url.partition("://")[0].lower()


def address_of(word: str, remotes: Mapping[str, str]) -> Address:
    """The remote that a word names. remotes: those of the policy, by name. Raises UsageError for what names none."""
    if word in remotes:
        if holds_password(remotes[word]):
            raise ConfigError(
                f"the remote {word} of the policy holds a password in its address",
                remedy="take it out and change it; the environment or the protocol's own file of keys may hold it",
            )
        return _of_text(remotes[word])
    if not word.strip() or "\0" in word:
        raise UsageError("the remote has no name", remedy="runaudit push REMOTE: a folder, or s3://bucket/folder")
    if _PROTOCOL.match(word):
        return _of_text(word)
    if _SCP.fullmatch(word) and not os.path.lexists(word):
        host, _, path = word.partition(":")
        raise UsageError(
            f"{quoted(shown_text(word))} names a host as scp does",
            remedy=f"write ssh://{host.rpartition('@')[2]}/{path.lstrip('/')}, from the root of its disk on",
        )
    # A mistyped name must not become a folder that nobody looks into.
    if _WORD.fullmatch(word) and word not in (".", "..") and not os.path.lexists(word):
        raise UsageError(
            f"no remote is called {quoted(word)}{closest(word, remotes)}",
            remedy=f"write ./{word} for a folder, or name it in runaudit.toml under [remotes]",
        )
    return _of_text(word)


def _of_text(text: str) -> Address:
    found = _PROTOCOL.match(text)
    if found and found[1].lower() not in ("file", "local"):
        if not found[2].strip("/"):
            raise UsageError(f"{shown_text(text)} names no place", remedy=f"write {found[1]}://HOST-OR-BUCKET/FOLDER")
        return Address(shown=shown_text(text), url=text.rstrip("/"))
    if found:
        from urllib.parse import unquote  # A folder that is named as one needs none of it.

        text = unquote(found[2])
    path = Path(text).expanduser()
    return Address(shown=str(path), local=path.absolute())


def shown_text(text: str) -> str:
    """An address without who opens it: no user, no password, no query, whatever letters they are of."""
    found = _PROTOCOL.match(text)
    if found is None:
        return text.rpartition("@")[2] if "@" in text and ":" in text else text
    place = re.split(r"[?#]", found[2], maxsplit=1)[0]
    host, slash, path = place.partition("/")
    # A password may hold a slash; a bucket or a host holds no @.
    if "@" in path and ":" in host and "@" not in host:
        host, slash, path = path.rpartition("@")[2].partition("/")
    return f"{found[1]}://{host.rpartition('@')[2]}{slash}{path}".rstrip("/")


def holds_password(text: str) -> bool:
    """Whether an address says more than where: a password, or a key in its query."""
    found = _PROTOCOL.match(text)
    if found is None:
        return False
    host = found[2].partition("/")[0]
    return (
        ":" in host.rpartition("@")[0] or bool(re.search(r"[?&][^=&]*=", found[2])) or shown_text(text).count("@") > 0
    )
