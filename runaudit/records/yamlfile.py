"""YAML read into plain JSON: strictly, in one way everywhere, and without letting a small file grow large.

PyYAML reads YAML 1.1, in which `1e-05` is text; here it is the number that YAML 1.2, JSON and whoever wrote it mean
(the guard says so at a launch: the program may read it as text). All else is as PyYAML's safe loader gives it. No key
may occur twice, where PyYAML keeps the last. Anchors are allowed, since writers use them for repeated lists; what they
unfold into is counted before it is built (`yamlevents`).
"""

import datetime
import json
import math
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from runaudit.errors import RecordError
from runaudit.records.canonical import JSON, MAX_DEPTH, MAX_DIGITS
from runaudit.records.yamlevents import EXPONENT, check_size, parser
from runaudit.records.yamltags import without_tags
from runaudit.text.words import kind_of

MAX_NODES = 100_000
_FLOAT, _TEXT, _MERGE = "tag:yaml.org,2002:float", "tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"
_INT = "tag:yaml.org,2002:int"


def parse_yaml(raw: bytes, *, where: str, most: int = MAX_NODES) -> JSON:
    """The one document in `raw`, of at most `most` values once its aliases are unfolded.

    Raises RecordError for what is not YAML, has a key twice, is no plain data, or would take long to read.
    """
    return _Plain(where, most).of(_read(raw, where, most, lambda loader: loader.get_single_data()), 0)


def parse_tagged(raw: bytes, *, where: str, most: int = MAX_NODES) -> JSON:
    """The same of a document in which a program wrote objects: each is read as the plain data that it is written as,
    and none is built (`yamltags`)."""
    return _Plain(where, most).of(_read(raw, where, most, _without_objects), 0)


def _without_objects(loader: Any) -> Any:
    from yaml.nodes import MappingNode, ScalarNode

    node = without_tags(loader.get_single_node(), ScalarNode, MappingNode)
    return None if node is None else loader.construct_document(node)


def composed(raw: bytes, *, where: str, most: int = MAX_NODES) -> tuple[Any, Any]:
    """A loader, and the document as PyYAML's nodes, in which each scalar stands as it was written; None if empty.

    Raises RecordError like `parse_yaml`.
    """
    found: tuple[Any, Any] = _read(raw, where, most, lambda loader: (loader, loader.get_single_node()))
    return found


def _read(raw: bytes, where: str, most: int, taken: Callable[[Any], Any]) -> Any:
    try:
        import yaml
    except ImportError:
        raise RecordError(
            f"{where} is YAML and PyYAML is not installed", remedy="pip install pyyaml, or use TOML"
        ) from None
    try:
        check_size(raw, where=where, most=most)
        return taken(_loader()(raw))  # a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        at = f" at line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise RecordError(f"{where} is not YAML{at}: {error.problem}", remedy="fix the file or leave it out") from error
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, ArithmeticError) as error:
        # The last four: a value that is not what its tag (`!!bool x`) says, in whatever way the loader trips over it.
        text = " ".join(str(error).split()) or type(error).__name__
        raise RecordError(f"{where} is not YAML: {text}", remedy="fix the file or leave it out") from error
    except RecursionError as error:
        raise RecordError(f"{where} is nested too deeply", remedy="leave it out") from error


@cache
def _loader() -> Any:
    """PyYAML's safe loader with the laws above, made on first use: the library is slow to load."""

    from yaml.composer import Composer
    from yaml.constructor import SafeConstructor
    from yaml.resolver import Resolver

    base: Any = parser()

    class StrictLoader(Composer, base, SafeConstructor, Resolver):  # type: ignore[misc]
        def __init__(self, stream: Any) -> None:
            base.__init__(self, stream)
            Composer.__init__(self)
            SafeConstructor.__init__(self)
            Resolver.__init__(self)

        def compose_mapping_node(self, anchor: Any) -> Any:
            # Here each mapping is seen once, as written; later a merge (`<<`) has added keys that may be written over.
            node = super().compose_mapping_node(anchor)
            _check_keys(node)
            return node

        def number(self, node: Any) -> Any:
            # An explicit tag makes a number of any text, which the count of events does not see.
            if len(getattr(node, "value", "")) > MAX_DIGITS:
                raise _fault("it holds a number of thousands of digits; give it as text", node.start_mark)
            return self.construct_yaml_int(node) if node.tag == _INT else self.construct_yaml_float(node)

    StrictLoader.add_implicit_resolver(_FLOAT, re.compile(f"(?:{EXPONENT.pattern})$"), list("-+.0123456789"))
    StrictLoader.add_constructor(_INT, StrictLoader.number)
    StrictLoader.add_constructor(_FLOAT, StrictLoader.number)
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
        raise RecordError(f"{self.where} holds {kind_of(value)}, which no config is made of", remedy="leave it out")

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
