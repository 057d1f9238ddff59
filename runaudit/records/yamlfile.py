"""YAML read into plain JSON: strictly, in one way everywhere, and without letting a small file grow large.

PyYAML reads YAML 1.1, in which `1e-05` is text; here it is the number that YAML 1.2, JSON and whoever wrote it mean.
No key may occur twice, where PyYAML keeps the last. Anchors are allowed, since writers use them for repeated lists, but
an alias is a reference in memory and a copy in a record: what they unfold into is counted before it is built.
"""

import datetime
import json
import math
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from runaudit.errors import RecordError
from runaudit.records.canonical import JSON, MAX_DEPTH

MAX_NODES = 1_000_000
MAX_ALIASES = 1000
EXPONENT = re.compile(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)[eE][-+]?[0-9]+")
"""A number with an exponent. Records of older versions hold as text what of it YAML 1.1 does not read."""
_FLOAT, _TEXT, _MERGE = "tag:yaml.org,2002:float", "tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"


def parse_yaml(raw: bytes, *, where: str, most: int = MAX_NODES) -> JSON:
    """The one document in `raw`, of at most `most` values once its aliases are unfolded.

    Raises RecordError for what is not YAML, has a key twice or is no plain data.
    """
    try:
        import yaml
    except ImportError:
        raise RecordError(
            f"{where} is YAML and PyYAML is not installed", remedy="pip install pyyaml, or use TOML"
        ) from None
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
    return _Plain(where, most).of(value, 0)


@cache
def _loader() -> Any:
    """PyYAML's safe loader with the laws above, made on first use: the library is slow to load."""
    import yaml

    class StrictLoader(yaml.SafeLoader):  # type: ignore[misc]
        aliases = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                self.aliases += 1
                if self.aliases > MAX_ALIASES:
                    raise _fault(f"there are more than {MAX_ALIASES} aliases", self.peek_event().start_mark)
            return super().compose_node(parent, index)

        def compose_mapping_node(self, anchor: Any) -> Any:
            # Here each mapping is seen once, as written; later a merge (`<<`) has added keys that may be written over.
            node = super().compose_mapping_node(anchor)
            _check_keys(node)
            return node

        def flatten_mapping(self, node: Any) -> None:
            super().flatten_mapping(node)
            if len(node.value) > MAX_NODES:
                raise _fault("its merges unfold beyond what a config can be", node.start_mark)

    StrictLoader.add_implicit_resolver(_FLOAT, re.compile(f"(?:{EXPONENT.pattern})$"), list("-+.0123456789"))
    return StrictLoader


def _check_keys(node: Any) -> None:
    seen: set[str] = set()
    for key, _ in node.value:
        if not isinstance(key.value, str) or key.tag == _MERGE:
            continue
        if key.value in seen:
            raise _fault(f"the key {key.value!r} occurs twice", key.start_mark)
        seen.add(key.value)
        if key.tag == _FLOAT and EXPONENT.fullmatch(key.value) and not re.search(r"\..*[eE][-+]", key.value):
            # A name stays as it is written, as YAML 1.1 kept it: records are compared by names.
            key.tag = _TEXT


def _fault(problem: str, mark: Any) -> Exception:
    import yaml

    fault: Exception = yaml.constructor.ConstructorError(None, None, problem, mark)
    return fault


class _Plain:
    """Turns what PyYAML built into JSON types, counting as it goes."""

    def __init__(self, where: str, most: int) -> None:
        self.where, self.most, self.left = where, most, most

    def of(self, value: Any, depth: int) -> JSON:
        """`value` in JSON types."""
        self.left -= 1
        if self.left < 0:
            raise RecordError(f"{self.where} unfolds into more than {self.most} values", remedy="write fewer aliases")
        if depth > MAX_DEPTH:
            raise RecordError(f"{self.where} is nested too deeply: more than {MAX_DEPTH} levels", remedy="flatten it")
        match value:
            case None | bool() | int() | float() | str():
                return value
            case Mapping():
                return self._table(value, depth + 1)
            case list() | tuple():
                return [self.of(item, depth + 1) for item in value]
            case set():
                return sorted((self.of(item, depth + 1) for item in value), key=json.dumps)
            case datetime.date():
                return value.isoformat()
        raise RecordError(
            f"{self.where} holds a {type(value).__name__}, which no config is made of", remedy="leave it out"
        )

    def _table(self, value: Mapping[Any, Any], depth: int) -> dict[str, JSON]:
        table: dict[str, JSON] = {}
        for key, item in value.items():
            name = self._name(key)
            if name in table:
                raise RecordError(
                    f"{self.where} has the key {name!r} twice, as text and as {type(key).__name__}",
                    remedy="keep one of them",
                )
            table[name] = self.of(item, depth)
        return table

    def _name(self, key: Any) -> str:
        """`0: cat` becomes the text a reader would type. True and null do not: nobody could tell what was written."""
        match key:
            case str():
                return key
            case bool() | None:
                pass
            case int() | float() if math.isfinite(key):
                return repr(key)
        raise RecordError(f"{self.where} has the key {key!r}, which is not text", remedy="quote it in the file")
