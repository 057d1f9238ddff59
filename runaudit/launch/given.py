"""What a launch is given in words: configurations, data sets, a start, facts of the evaluation; refused where it is not
there, before anything is captured.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runaudit.capture.config import config_file
from runaudit.capture.draft import ABSENT
from runaudit.errors import UsageError
from runaudit.system.files import refuse_special


def merged_config(files: tuple[Path, ...]) -> Any:
    """One file is the configuration; several stand in it under their names without the suffix; none is unknown."""
    if not files:
        return ABSENT
    if len(files) == 1:
        return config_file(files[0])
    tables: dict[str, Any] = {}
    for path in files:
        if path.stem in tables:
            raise UsageError(f"two configurations are named {path.stem!r}", remedy="rename one of the files")
        tables[path.stem] = config_file(path)
    return tables


def named_paths(words: tuple[str, ...], root: Path) -> dict[str, Path]:
    """`NAME=PATH` as a mapping; a path is relative to `root`. Raises UsageError where there is nothing."""
    found: dict[str, Path] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name.strip() or not text:
            raise UsageError(f"--data {word!r} is not NAME=PATH", remedy="write it as --data train=PATH")
        if name in found:
            raise UsageError(f"the dataset {name!r} is given twice", remedy="give each dataset its own name")
        path = root / Path(text).expanduser()
        refuse_special(path, f"the dataset {name} at")
        if not path.exists():
            raise UsageError(f"the dataset {name} at {path} does not exist", remedy="check the path given to --data")
        found[name] = path
    return found


def start_of(word: str | None) -> dict[str, Any] | None:
    """Where the weights start: `random`, or a checkpoint by the digest of its file; None where nothing is said. Raises
    UsageError where there is no such file."""
    from runaudit.records.digest import digest_file

    if word is None or word == "random":
        return None if word is None else {"kind": "random"}
    path = Path(word).expanduser()
    refuse_special(path, "the checkpoint")
    if not path.is_file():
        raise UsageError(f"the checkpoint {path} does not exist", remedy="give --init random, or a file")
    return {"kind": "checkpoint", "checkpoint": str(digest_file(path)), "path": word}


def facts_of(words: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """`KEY=VALUE` as pairs, each value as JSON where it is some. Raises UsageError for what is no such pair."""
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or not key:
            raise UsageError(f"--eval {word!r} is not KEY=VALUE", remedy="write it as --eval crop_border=4")
        try:
            yield key, json.loads(text)
        except ValueError:
            yield key, text
