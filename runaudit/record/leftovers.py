"""What a run left in the store's folders under names of its program's own, before it is sealed: no name keeps a secret.

A program names its metrics and its files as it likes (`train/ghp_…`, `glpat-….ckpt`), other trackers keep the names
they were given, and what lies under `runs/` and `live/` is as much a part of the store as its objects are.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from runaudit.record.ledger import rewrite
from runaudit.records.columns import Sealable, read_series, sealable
from runaudit.records.trajectory import write_lines
from runaudit.system.files import read_ordinary, replace_file

Clean = Callable[[str], str]
"""A text without its secrets."""
Rows = tuple[Mapping[str, Any], ...]


def open_series(path: Path, clean: Clean) -> Sealable:
    """The series at `path` as they are sealed: written anew where one of their names holds a secret. Raises OSError."""
    logged = sealable(path)
    if all(clean(name) == name for name in logged.last):
        return logged
    found = read_series(read_ordinary(path))
    named = MappingProxyType({clean(name): points for name, points in found.series.items()})
    replace_file(path, write_lines(replace(found, series=named)))
    return sealable(path)


def open_files(folder: Path, live: Path, rows: Rows, clean: Clean) -> Rows:
    """The claims of a run (`ledger`) with its files under names without secrets, on disk as well. Raises OSError."""
    for path in _secretive(folder, clean):
        path.rename(path.with_name(clean(path.name)))
    opened = tuple(
        {**row, "path": "/".join(map(clean, row["path"].split("/")))} if isinstance(row.get("path"), str) else row
        for row in rows
    )
    if opened != rows:
        rewrite(live, opened)
    return opened


def _secretive(folder: Path, clean: Clean) -> Iterable[Path]:
    """Files and folders whose name holds a secret, those within before what they lie in."""
    for here, folders, files in os.walk(folder, topdown=False):
        for name in (*files, *folders):
            if clean(name) != name:
                yield Path(here) / name
