"""What a YAML file says to a reader of YAML 1.1 and to one of YAML 1.2, where that is not the same.

Records are read as PyYAML reads (`yamlfile`), and a program may read its config by itself, with a library of YAML 1.2
(ruamel.yaml, yaml-cpp) or by hand. To it `010` is ten and not eight, `yes` a text and no truth value, `1_000` and
`1:30` are texts and no numbers, and no date is one; `1e-3` is a text to YAML 1.1, which wants a point in it. So two
files that are equal to one of the two may not be to the other, and then nobody can say that nothing changed. Nor can
anybody where one of two equal numbers is whole and the other real: a program may take a part of `1.0`, and one of `1`.
"""

import datetime
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from runaudit.records.canonical import JSON, MAX_DIGITS
from runaudit.records.yamlevents import is_text
from runaudit.records.yamlfile import composed

Meanings = tuple[JSON, JSON]
"""What a scalar is to us, who read YAML 1.1, and what else it may be: to the core schema of YAML 1.2, `exact`, or a
text."""
DATE, REAL, TEXT = "a date", "a real number", "a text to YAML 1.1"
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_WHOLE = re.compile(r"[-+]?[0-9]+")
_BASED = {"0o": (re.compile(r"0o[0-7]+"), 8), "0x": (re.compile(r"0x[0-9a-fA-F]+"), 16)}
_REAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_BEYOND = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


def core(plain: str) -> JSON:
    """What a scalar without quotes is to the core schema of YAML 1.2 (section 10.3.2 of the specification)."""
    if plain in _NULL:
        return None
    if plain in _TRUTH:
        return _TRUTH[plain]
    if len(plain) > MAX_DIGITS:
        return plain
    pattern, base = _BASED.get(plain[:2], (None, 10))
    if pattern is not None and pattern.fullmatch(plain):
        return int(plain[2:], base)
    if _WHOLE.fullmatch(plain):
        return int(plain)
    if _BEYOND.fullmatch(plain):
        return float(plain.replace(".", "", 1))
    return float(plain) if _REAL.fullmatch(plain) else plain


@lru_cache(maxsize=256)
def meanings(text: str) -> Mapping[str, tuple[str, Meanings]]:
    """Leaf -> how it is written, and its meanings, of a file. A leaf is named as YAML 1.1 has it; the meaning to YAML
    1.2 holds the other name where there is one. Raises RecordError like `parse_yaml`."""
    loader, root = composed(text.encode(), where="the file")
    return {} if root is None else dict(_leaves(loader, root, "", ""))


def _leaves(loader: Any, node: Any, name: str, other: str) -> Iterator[tuple[str, tuple[str, Meanings]]]:
    if node.id == "mapping":
        for key, value in node.value:
            one, two = (f".{part}" for part in _scalar(loader, key)) if key.id == "scalar" else ("", "")
            yield from _leaves(loader, value, f"{name}{one}", f"{other}{two}")
    elif node.id == "sequence":
        for at, value in enumerate(node.value):
            yield from _leaves(loader, value, f"{name}[{at}]", f"{other}[{at}]")
    else:
        one, two = _scalar(loader, node)
        yield name.removeprefix("."), (node.value, (one, two if name == other else [other, two]))


def _scalar(loader: Any, node: Any) -> Meanings:
    """The meanings of one scalar. In quotes, or with a tag of its own, it has one."""
    value = loader.construct_object(node)
    as_date = [DATE, value.isoformat()] if isinstance(value, datetime.date) else value
    if node.style or node.tag != loader.resolve(type(node), node.value, (True, False)):
        return as_date, exact(as_date)
    if is_text(node.value):
        return as_date, [TEXT, node.value]
    return as_date, exact(core(node.value))


def exact(value: JSON) -> JSON:
    """A value that is equal to no whole number where it is a real one, which JSON writes alike."""
    return [REAL, value] if isinstance(value, float) else value
