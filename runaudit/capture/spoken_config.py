"""The config files that the command line names and whose content is the config that the program records.

`cfg = yaml.safe_load(open(args.config))`, then `record(config=cfg)`: nobody says which file the config came from. That
the file holds nothing but what is recorded is the evidence; one value that differs, and the word stays a choice.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from runaudit.capture.config import config_file
from runaudit.errors import RunauditError
from runaudit.records.canonical import JSON, canonical_bytes

SUFFIXES = (".json", ".toml", ".yaml", ".yml")
DEPTH = 3  # so deep a config keeps what a file said under a name of its own: {"model": {...}, "args": {...}}


def spoken_config(argv: Sequence[str], root: Path, config: Any) -> tuple[Path, ...]:
    """The files that words of `argv` name, relative to `root`, and that hold what stands in `config`."""
    if not isinstance(config, Mapping) or not config:
        return ()
    named = dict.fromkeys(word.rpartition("=")[2] for word in argv if word.lower().endswith(SUFFIXES))
    return tuple(Path(name) for name in named if _holds(config, _said(root / name)))


def _said(path: Path) -> dict[str, JSON]:
    """What a file says; nothing where it is no config that can be read."""
    try:
        return config_file(path) if path.is_file() else {}
    except (RunauditError, OSError):
        return {}


def _holds(config: Mapping[str, Any], said: Mapping[str, Any]) -> bool:
    return bool(said) and any(_within(said, table) for table in _tables(config, DEPTH))


def _tables(config: Mapping[str, Any], depth: int) -> Iterator[Mapping[str, Any]]:
    yield config
    for value in config.values() if depth else ():
        if isinstance(value, Mapping):
            yield from _tables(value, depth - 1)


def _within(said: Any, kept: Any) -> bool:
    """Whether everything that is said is kept, with the same value."""
    if isinstance(said, Mapping):
        return isinstance(kept, Mapping) and all(
            key in kept and _within(value, kept[key]) for key, value in said.items()
        )
    return canonical_bytes(said) == canonical_bytes(kept)
