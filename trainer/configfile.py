"""TOML -> TrainConfig. An unknown key, a wrong type or an impossible value is one line, before anything runs."""

import difflib
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, get_args, get_origin, get_type_hints

from runaudit.errors import ConfigError
from trainer.config import TrainConfig

T = TypeVar("T")
INHERIT = "inherit"
EXTENDS = "extends"  # a file may start from another one, named relative to itself


def load_config(path: Path, overrides: Sequence[str] = ()) -> TrainConfig:
    """Read a config file, then apply `key.path=value` overrides. Raises ConfigError with the place and the remedy."""
    tree = read_tree(path)
    for override in overrides:
        key, value = parse_override(override)
        put(tree, key, value, place=f"--set {override}")
    return build(tree, str(path))


def build(tree: Mapping[str, Any], where: str) -> TrainConfig:
    """A checked TrainConfig from a plain tree; `where` names its origin in errors."""
    return _build(TrainConfig, tree, "", where)


def read_tree(path: Path, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The plain tree of a file and of those it extends, the nearer file winning leaf by leaf."""
    if path.resolve() in seen:
        raise ConfigError(f"{path} extends itself", remedy=f"remove `{EXTENDS}` from one of the files")
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot read the config: {error}", remedy="name an existing TOML file") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}", remedy="correct that line") from error
    base = tree.pop(EXTENDS, None)
    if base is None:
        return tree
    if not isinstance(base, str):
        raise ConfigError(f"{path}: {EXTENDS} is {base!r}", remedy="give the name of one config file")
    return _merged(read_tree(path.parent / base, (*seen, path.resolve())), tree)


def config_files(path: Path) -> tuple[Path, ...]:
    """The file and those it extends, nearest first. Raises as `read_tree` does."""
    read_tree(path)  # a circle or an unreadable file is told before it is followed
    base = tomllib.loads(path.read_text(encoding="utf-8")).get(EXTENDS)
    return (path,) if base is None else (path, *config_files(path.parent / base))


def parse_override(text: str) -> tuple[str, Any]:
    """`a.b=value` -> ("a.b", value), the value read as TOML, or as a bare string where it is none."""
    key, sign, raw = text.partition("=")
    if not sign or not key.strip():
        raise ConfigError(f"--set {text}: no key and value", remedy="write --set section.key=value")
    try:
        return key.strip(), tomllib.loads(f"value = {raw.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        pass
    try:
        return key.strip(), float(raw)  # .05 is a number to everyone but TOML
    except ValueError:
        return key.strip(), raw.strip()


def put(tree: dict[str, Any], key: str, value: Any, *, place: str) -> None:
    """Set a dotted key in a plain tree."""
    *parents, last = key.split(".")
    for parent in parents:
        node = tree.setdefault(parent, {})
        if not isinstance(node, dict):
            raise ConfigError(f"{place}: {parent} is a value, not a section", remedy="name a key inside a section")
        tree = node
    tree[last] = value


def known_keys(kind: type, prefix: str = "") -> Iterator[str]:
    """Dotted names of every leaf of a config class."""
    for name, hint in get_type_hints(kind).items():
        if is_dataclass(hint):
            yield from known_keys(cast(type, hint), f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(out.get(key), Mapping)
        out[key] = _merged(out[key], value) if both else value
    return out


def _build(kind: type[T], tree: Mapping[str, Any], prefix: str, where: str, base: Any = None) -> T:
    """`base` holds the defaults of this very section, where they differ from those of its class."""
    hints, ranges = get_type_hints(kind), {f.name: f.metadata for f in fields(kind)}  # type: ignore[arg-type]
    for key in tree:
        if key not in hints:
            raise _unknown(f"{prefix}{key}", where)
    base = kind() if base is None else base
    values: dict[str, Any] = {}
    for name, hint in hints.items():
        path = f"{prefix}{name}"
        if name not in tree:
            values[name] = getattr(base, name)
        elif is_dataclass(hint):
            if not isinstance(tree[name], Mapping):
                raise ConfigError(f"{where}: {path} is {tree[name]!r}, not a section", remedy=f"write [{path}]")
            values[name] = _build(cast(type, hint), tree[name], f"{path}.", where, getattr(base, name))
        else:
            values[name] = _checked(tree[name], hint, path, where)
            _in_range(values[name], ranges[name], path, where)
    try:
        return kind(**values)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error.message}", remedy=error.remedy) from error


def _unknown(path: str, where: str) -> ConfigError:
    keys = list(known_keys(TrainConfig))
    near = difflib.get_close_matches(path, keys, n=1, cutoff=0.5)
    tail = path.rpartition(".")[2]
    near = near or [key for key in keys if key.rpartition(".")[2] == tail][:1]
    return ConfigError(
        f"{where}: unknown key {path}",
        remedy=f"the nearest known key is {near[0]}" if near else "remove it",
    )


def _checked(value: Any, hint: Any, path: str, where: str) -> Any:
    origin, choices = get_origin(hint), get_args(hint)
    if type(None) in choices:  # what is left out is that of all stages
        inner = next(choice for choice in choices if choice is not type(None))
        return None if value == INHERIT else _checked(value, inner, path, where)
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise ConfigError(f"{where}: {path} is {value!r}", remedy="give a list in square brackets")
        return tuple(_checked(item, choices[0], path, where) for item in value)
    if origin is Literal:
        if value not in choices or not isinstance(value, str):
            near = difflib.get_close_matches(str(value), choices, n=1)
            words = f"did you mean {near[0]!r}? " if near else ""
            raise ConfigError(f"{where}: {path} is {value!r}", remedy=f"{words}choose one of: {', '.join(choices)}")
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        name = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "a text"}
        raise ConfigError(f"{where}: {path} is {value!r}", remedy=f"give {name[hint.__name__]}")
    return value


def _in_range(value: Any, limits: Mapping[str, Any], path: str, where: str) -> None:
    if not limits or not isinstance(value, (int, float)):
        return
    low, high, above = limits["low"], limits["high"], limits["above"]
    fits = math.isfinite(value) and (low < value if above else low <= value) and value <= high
    if not fits:
        bound = f"{'above' if above else 'at least'} {low:g}" if math.isfinite(low) else "finite"
        top = f" and at most {high:g}" if math.isfinite(high) else ""
        raise ConfigError(f"{where}: {path} is {value!r}", remedy=f"give a number {bound}{top}")
