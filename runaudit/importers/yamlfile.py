"""YAML as trackers write it, read into plain JSON: strictly, and without letting a small file grow large.

PyYAML reads YAML 1.1, in which `1e-05` is text; W&B's newer writer leaves it unquoted as the number it was. Anchors are
allowed, since writers use them for repeated lists, but what they expand to is counted.
"""

import datetime
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from runaudit.errors import RecordError
from runaudit.records.canonical import JSON, MAX_DEPTH

MAX_NODES = 1_000_000
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*)(?:\.[0-9_]*)?[eE][-+]?[0-9]+$")


def parse_yaml(raw: bytes, *, where: str) -> JSON:
    """The one document in `raw`. Raises RecordError for what is not YAML, has a key twice or is no plain data."""
    import yaml

    try:
        value = yaml.load(raw, Loader=_loader())  # a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        at = f" at line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise RecordError(f"{where} is not YAML{at}: {error.problem}", remedy="fix the file or leave it out") from error
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        text = " ".join(str(error).split())
        raise RecordError(f"{where} is not YAML: {text}", remedy="fix the file or leave it out") from error
    except RecursionError as error:
        raise RecordError(f"{where} is nested too deeply", remedy="leave it out") from error
    return _plain(value, where, [MAX_NODES], 0)


@cache
def _loader() -> Any:
    """PyYAML's safe loader, with floats as JSON writes them, and no key twice."""
    import yaml

    loader: Any = type("StrictLoader", (yaml.SafeLoader,), {"construct_mapping": _different_keys})
    loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789"))
    return loader


def _different_keys(loader: Any, node: Any, deep: bool = False) -> dict[Any, Any]:
    """PyYAML's `construct_mapping`, which otherwise keeps the last of two values."""
    import yaml

    seen: set[str] = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} occurs twice", key.start_mark
                )
            seen.add(key.value)
    found: dict[Any, Any] = yaml.SafeLoader.construct_mapping(loader, node, deep)
    return found


def _plain(value: Any, where: str, budget: list[int], depth: int) -> JSON:
    budget[0] -= 1
    if budget[0] < 0 or depth > MAX_DEPTH:
        raise RecordError(f"{where} expands beyond what a config can be", remedy="leave it out")
    if isinstance(value, Mapping):
        return {str(key): _plain(item, where, budget, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item, where, budget, depth + 1) for item in value]
    if isinstance(value, datetime.date):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise RecordError(f"{where} holds a {type(value).__name__}, which no config is made of", remedy="leave it out")
