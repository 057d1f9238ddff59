"""Where a run ran and what it wrote, by absolute paths: its record names both relative to the tree of its code."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from runaudit.records.run import Run


def started_in(run: Run) -> Path:
    """The folder that the run's command was started in."""
    return Path(str(run.manifest.section("launch").get("cwd") or "."))


def top_of(run: Run) -> Path:
    """The folder that the run's code was the tree of."""
    prefix = Path(str(run.manifest.section("launch").get("prefix", ".")))
    return Path(os.path.normpath(started_in(run) / Path(*[".."] * len(prefix.parts))))


def written_by(run: Run) -> frozenset[Path]:
    """The files that a run was seen to write, by absolute paths."""
    return _named(run, run.observed.get("written") or ())


def read_back_by(run: Run) -> frozenset[Path]:
    """Those of them that the program read again after it had written them."""
    return _named(run, [row for row in run.observed.get("written") or () if row.get("read_back") is True])


def _named(run: Run, rows: Iterable[Mapping[str, Any]]) -> frozenset[Path]:
    return frozenset(Path(os.path.normpath(top_of(run) / str(row["path"]))) for row in rows if row.get("path"))
