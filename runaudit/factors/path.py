"""Dotted paths: how a leaf is written, found and matched.

A key that holds anything a path gives meaning to is quoted, `config['a.b'].c`, so that no two leaves share a path.
Tables that carry a `name` are keyed by it, `config.stages[alignment].lr`: inserting one renames no other.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from runaudit.factors.factor import ABSENT, Absent
from runaudit.factors.namewords import words
from runaudit.factors.tables import NAMES
from runaudit.records.canonical import JSON, MAPPINGS

_PLAIN = re.compile(r"[^\s.\[\]'\"]+")
_NAME = re.compile(r"[^\[\]'\"]+")
_STEP = re.compile(
    r"\.?([^\s.\[\]'\"]+)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]|\[([^\[\]'\"]+)\]|\[\"((?:[^\"\\]|\\.)*)\"\]", re.DOTALL
)


@lru_cache(maxsize=65536)
def joined(prefix: str, key: str) -> str:
    """`prefix` extended by one key of a mapping. Keys that begin with a NUL are those of `keyed` tables."""
    if key == NAMES:
        return prefix
    if key.startswith("\0"):
        name = key[1:]
        return f"{prefix}[{name}]" if _NAME.fullmatch(name) else f'{prefix}["{_escaped(name, chr(34))}"]'
    if _PLAIN.fullmatch(key):
        return f"{prefix}.{key}"
    return f"{prefix}['{_escaped(key, chr(39))}']"


def _escaped(text: str, quote: str) -> str:
    return text.replace("\\", "\\\\").replace(quote, "\\" + quote)


@lru_cache(maxsize=65536)
def steps(path: str) -> tuple[str | int, ...]:
    """The keys of a dotted path; integers index lists. Empty where it is not a path."""
    return tuple(_steps(path))


def words_along(path: str) -> list[str]:
    """The words of every key of a path below its section: `config.eval.best_ckpt` has eval, best and ckpt."""
    return [word for key in steps(path)[1:] for word in words(str(key))]


def _steps(path: str) -> Iterator[str | int]:
    at = 0
    found: list[str | int] = []
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            return
        plain, index, quoted, name, odd = match.groups()
        if plain is not None:
            found.append(plain)
        elif index is not None:
            found.append(int(index))
        elif quoted is not None:
            found.append(_unescaped(quoted))
        else:
            found.append("\0" + (name if name is not None else _unescaped(odd)))
        at = match.end()
    yield from found


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def lookup(tree: JSON, path: str) -> JSON | Absent:
    """The value at a dotted path of a tree of mappings, or ABSENT."""
    value = tree
    for step in steps(path) or ("",):
        value = _child(value, step)
        if isinstance(value, Absent):
            break
    return value


def _child(value: JSON, step: str | int) -> JSON | Absent:
    if isinstance(value, MAPPINGS):
        return value.get(step if isinstance(step, str) else f"\0{step}", ABSENT)
    if isinstance(value, list | tuple) and isinstance(step, int) and step < len(value):
        return value[step]
    return ABSENT


@lru_cache(maxsize=4096)
def _pattern(pattern: str) -> re.Pattern[str]:
    body = "".join(".*" if char == "*" else re.escape(char) for char in pattern)
    return re.compile(rf"{body}(?:[.\[/].*)?", re.DOTALL)


def matches(path: str, pattern: str) -> bool:
    """Whether a declared path covers a leaf: itself, what lies below it, or by `*`, which matches any text."""
    return _pattern(pattern).fullmatch(path) is not None


@lru_cache(maxsize=65536)
def last_key(path: str) -> str:
    """The last key of a path, as written in the config."""
    keys = steps(path)
    return str(keys[-1]).lstrip("\0") if keys else path
