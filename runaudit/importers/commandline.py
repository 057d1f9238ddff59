"""A recorded command line as settings: what was typed and perhaps never logged as a config."""

import re
from collections.abc import Sequence
from typing import Any

from runaudit.records.canonical import JSON


def arguments(argv: Sequence[str]) -> dict[str, Any]:
    """A command line as settings: `--lr 1e-3` is lr 0.001, a bare flag is true, the rest is `positional` by place."""
    found: dict[str, Any] = {}
    loose: list[Any] = []
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.lstrip("-").partition("=")
        if not word.startswith("-") or _number_text(word) or not name:
            loose.append(_typed(word))
            continue
        values = [value] if equals else []
        while not equals and rest and (not rest[0].startswith("-") or _number_text(rest[0])):
            values.append(rest.pop(0))
        typed = [_typed(text) for text in values]
        found[name.replace("-", "_").lower()] = typed[0] if len(typed) == 1 else typed or True
    places = {str(place): word for place, word in enumerate(loose, start=1)}
    return {**found, **({"positional": places} if places else {})}


def _number_text(text: str) -> bool:
    return re.fullmatch(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", text) is not None


def _typed(text: str) -> JSON:
    """A word of the command line as the number it writes, else as it stands."""
    if not _number_text(text):
        return text
    return int(text) if re.fullmatch(r"[-+]?\d+", text) else float(text)
