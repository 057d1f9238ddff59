"""Marks of redacted secrets, and what another mark in the place of one means: nothing where it is proven, a choice
where it is not.

The recorder replaces what looks like a secret, and a name may look like one. Only a mark that says `proven` stands for
a secret beyond doubt: which key opened a door chose nothing behind it. Marks of older records do not say why they are
there; they are taken for secrets under names that mean nothing else.
"""

import re
from collections.abc import Mapping

from runaudit.records.canonical import JSON

BEGINS = "<redacted:"
SECRET = "<redacted>"
_MARK = re.compile(r"<redacted:(?P<code>[^<>\s:]{1,80})(?::(?P<kind>[a-z]{1,20})(?P<said>-[0-9a-f]{16})?)?>")
_ANY_MARK = re.compile(_MARK.pattern.encode())
_NAMED = re.compile(
    r"(?P<before>(?P<name>[A-Za-z_][\w.-]{0,80})\\*[\"']?\]?(?:[ \t]*[:=][ \t]*|[ \t]+)[rbuf]?\\*[\"']?)"
    r"<redacted:[^<>\s:]{1,80}>"
)
_ONLY = re.compile(
    r"(?:^|[^a-z])(?:pass(?:word|wd|phrase)|client_?secret|"
    r"(?:api|access|secret|private|encryption|hf|huggingface|wandb|github|openai|anthropic|aws|azure|kaggle|comet|neptune)_?key|"
    r"(?:auth|access|refresh|api|hf|huggingface|wandb|github|gitlab|slack|neptune)_?token)$"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def without_secrets(value: JSON, name: str = "") -> JSON:
    """`value` with every secret that is one beyond doubt replaced by one word. `name`: what it stands under."""
    if isinstance(value, str):
        return _opened(value, name) if BEGINS in value else value
    if isinstance(value, Mapping):
        return {str(without_secrets(key)): without_secrets(item, key) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(item, name) for item in value]
    return value


def without_marks(text: bytes) -> bytes:
    """A text in canonical form with every mark, whatever it says of its secret, as one word."""
    return _ANY_MARK.sub(SECRET.encode(), text) if BEGINS.encode() in text else text


def same_but_for_secrets(*texts: str) -> tuple[str, ...]:
    """Texts in which a secret is one word; what the mark of one of them proves is proven in the others, too, for one
    secret may have been told by another place in each."""
    proven = {mark["code"] for text in texts for mark in _MARK.finditer(text) if mark["kind"] == "proven"}

    def put(match: re.Match[str]) -> str:
        return SECRET if match["code"] in proven else f"{BEGINS}{match['code']}>"

    return tuple(_MARK.sub(put, str(without_secrets(text))) for text in texts)


def one_secret(before: JSON, after: JSON) -> bool:
    """Whether two values hold the same secrets at the same places, whatever their marks say of them."""
    return bool(before != after and coded(before) == coded(after))


def holds_marks(value: JSON) -> bool:
    """Whether a mark of a secret stands anywhere in a value, in a key or below it."""
    if isinstance(value, str):
        return BEGINS in value
    if isinstance(value, Mapping):
        return any(holds_marks(key) or holds_marks(item) for key, item in value.items())
    return isinstance(value, list | tuple) and any(map(holds_marks, value))


def coded(value: JSON) -> JSON:
    """`value` with each mark reduced to which secret it stands for, whatever else it says of it."""
    if isinstance(value, str):
        return _MARK.sub(lambda mark: f"{BEGINS}{mark['code']}>", value) if BEGINS in value else value
    if isinstance(value, Mapping):
        return {str(coded(key)): coded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [coded(item) for item in value]
    return value


def _opened_mark(mark: re.Match[str]) -> str:
    if mark["kind"] == "proven":
        return SECRET
    # A word in another writing: all that it says besides its secrets.
    return f"{BEGINS}{mark['kind']}{mark['said']}:masked>" if mark["kind"] == "around" and mark["said"] else mark[0]


def _opened(text: str, name: str) -> str:
    text = _MARK.sub(_opened_mark, text)
    if (old := _MARK.fullmatch(text)) is not None and old["kind"] is None and _tells(name):
        return SECRET
    return _NAMED.sub(lambda found: f"{found['before']}{SECRET}" if _tells(found["name"]) else found[0], text)


def _tells(name: str) -> bool:
    """Whether a name means a secret and nothing else."""
    return bool(_ONLY.search(_CAMEL.sub("_", name.replace("-", "_").rpartition(".")[2]).lower()))
