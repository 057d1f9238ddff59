"""A configuration, however it was written, as one plain JSON tree: what is sealed and what is compared.

Objects that have no canonical form are refused with their path. A function or an open file in a config could not be
told from another one later, and `str()` of it would record an address.
"""

import argparse
import dataclasses
import datetime
import enum
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from runaudit.errors import CanonicalError, ConfigError, RecordError
from runaudit.records.canonical import JSON, MAX_DEPTH, parse_strict
from runaudit.records.yamlfile import parse_yaml
from runaudit.system.files import read_ordinary, refuse_special
from runaudit.system.tomlfile import parse_toml
from runaudit.text.words import kind_of

MAX_BYTES = 8 << 20
MAX_LEAVES = 200_000
"""A config file of more is a data set; a YAML file of less can still unfold into one, and may hold MAX_NODES."""


def plain_config(source: Any) -> dict[str, JSON]:
    """`source` as a JSON object: a mapping, dataclass, namespace, file, or a sequence of those where later ones win.

    Raises ConfigError for a file that cannot be read, CanonicalError for a value that cannot be recorded.
    """
    if isinstance(source, str | PurePath):
        return config_file(Path(source))
    if isinstance(source, Sequence):
        merged: dict[str, JSON] = {}
        for part in source:
            merged = merge(merged, plain_config(part))
        return merged
    value = plain(source, where="config")
    if not isinstance(value, dict):
        raise ConfigError(
            f"the config is {kind_of(source)}, not a table of names", remedy="give a mapping or a dataclass"
        )
    return value


def merge(base: Mapping[str, JSON], over: Mapping[str, JSON]) -> dict[str, JSON]:
    """`base` with the leaves of `over` laid on top, table by table."""
    result = dict(base)
    for key, item in over.items():
        both = isinstance(item, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = merge(result[key], item) if both else item
    return result


def plain(value: Any, *, where: str, depth: int = 0) -> JSON:
    """`value` in JSON types. Keys become text, sets sorted lists, enums their values, paths posix text."""
    if depth > MAX_DEPTH:
        raise CanonicalError(f"{where[:120]}… is nested deeper than {MAX_DEPTH} levels", remedy="flatten it")
    # An enum first: a StrEnum or IntEnum is a str or int too, but is meant by its value all the same.
    if isinstance(value, enum.Enum):
        return plain(value.value, where=where, depth=depth + 1)
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, PurePath):
        return value.as_posix()
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return _composite(value, where, depth + 1)


def _composite(value: Any, where: str, depth: int) -> JSON:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return _table(fields, where, depth)
    if isinstance(value, argparse.Namespace):
        return _table(vars(value), where, depth)
    if isinstance(value, Mapping):
        return _table(value, where, depth)
    if isinstance(value, set | frozenset):
        items = [plain(item, where=f"{where}{{}}", depth=depth) for item in value]
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return [plain(item, where=f"{where}[{i}]", depth=depth) for i, item in enumerate(value)]
    return _foreign(value, where, depth)


def _foreign(value: Any, where: str, depth: int) -> JSON:
    """Scalars and models of libraries that need not be installed, known by what they can do."""
    home = type(value).__module__.partition(".")[0]
    if home == "torch" and type(value).__name__ in ("dtype", "device"):
        return str(value)
    if home == "numpy" and type(value).__name__.startswith("dtype"):
        return str(value)
    if home in ("numpy", "torch", "jax") and getattr(value, "ndim", None) == 0:
        return plain(value.item(), where=where, depth=depth)
    if callable(dump := getattr(value, "model_dump", None)) and not isinstance(value, type):
        return plain(dump(), where=where, depth=depth)
    raise CanonicalError(
        f"{where} is {kind_of(value)}, which has no canonical form",
        remedy="record its name and its arguments instead, or leave it out of the config",
    )


def _table(table: Mapping[Any, Any], where: str, depth: int) -> dict[str, JSON]:
    result: dict[str, JSON] = {}
    for key, item in table.items():
        name = _key(key, where)
        if name in result:
            raise CanonicalError(f"{where} has the key {name!r} twice, as text and as {type(key).__name__}",
                                 remedy="keep one of them")  # fmt: skip
        result[name] = plain(item, where=f"{where}.{name}", depth=depth)
    return result


def _key(key: Any, where: str) -> str:
    """YAML writes `0: cat` and `1e-3: slow`: numbers become the text a reader would type. True and null do not."""
    if isinstance(key, enum.Enum):
        key = key.value
    if isinstance(key, str):
        return str(key)
    if isinstance(key, int) and not isinstance(key, bool):
        return str(int(key))
    if isinstance(key, float) and math.isfinite(key):
        return repr(float(key))
    raise CanonicalError(f"{where} has the key {key!r}, which is not text", remedy="quote it in the config")


def config_file(path: Path) -> dict[str, JSON]:
    """A TOML, JSON or YAML file as a JSON object. Raises ConfigError with the place of the fault."""
    readers = {".toml": _toml, ".json": _json, ".yaml": _yaml, ".yml": _yaml}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        refuse_special(path, "the config")
        raise ConfigError(f"{path} is no kind of config that is known", remedy="give a .toml, .json or .yaml file")
    try:
        raw = read_ordinary(path, most=MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}", remedy="check the path that is given as config"
        ) from error
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{path} is larger than {MAX_BYTES >> 20} MiB", remedy="keep data out of the config")
    read = reader(raw, path)
    if _has_more_than(MAX_LEAVES, read):
        raise ConfigError(f"{path} holds more than {MAX_LEAVES} values", remedy="keep data out of the config")
    value = plain(read, where="config")
    if not isinstance(value, dict):
        raise ConfigError(f"{path} holds {kind_of(value)}, not a table of names", remedy="give it keys")
    return value


def _toml(raw: bytes, path: Path) -> Any:
    try:
        return parse_toml(raw, where=str(path))
    except RecordError as error:
        raise ConfigError(error.message, remedy=error.remedy) from error


def _json(raw: bytes, path: Path) -> Any:
    return parse_strict(raw, where=str(path))


def _yaml(raw: bytes, path: Path) -> Any:
    try:
        value = parse_yaml(raw, where=str(path))
    except RecordError as error:
        raise ConfigError(error.message, remedy=error.remedy) from error
    return {} if value is None else value


def _has_more_than(most: int, value: JSON) -> bool:
    """Whether a tree of any depth holds more than `most` values; the tree is looked at no further than that."""
    count, waiting = 1, [value]
    while waiting and count <= most:
        one = waiting.pop()
        if isinstance(one, Mapping | list):
            count += len(one)
            waiting += one.values() if isinstance(one, Mapping) else one if len(one) <= most else ()
    return count > most
