"""Aim's repositories: named, counted, and not read.

Aim keeps its runs in RocksDB, which its own package alone reads. That package writes into the folder that it opens, and
gives back a run without settings and series as long as its index has not caught up (3.29 did so of every finished run
of a repository that `aim up` had never seen): a config that looks empty and is not would be a wrong answer. So a
repository is told with the number of its runs and the way to bring them in, and nothing of it is made up.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from runaudit.importers.base import Skipped
from runaudit.importers.draft import Draft

WHOLE = True
_NAME = ".aim"
_CHUNKS = Path("meta") / "chunks"
"""A folder for each run."""


def places(here: Path, folders: Sequence[str], _files: Sequence[str]) -> Sequence[Path]:
    """The repository in a folder, or that the folder is."""
    if _NAME in folders and (here / _NAME / _CHUNKS).is_dir():
        return (here / _NAME,)
    return (here,) if here.name == _NAME and (here / _CHUNKS).is_dir() else ()


def read(place: Path, _within: Path) -> Iterator[Draft | Skipped]:
    """Why the runs of a repository are left out."""
    with os.scandir(place / _CHUNKS) as entries:
        count = sum(entry.is_dir(follow_symlinks=False) for entry in entries)
    runs = "1 run" if count == 1 else f"{count} runs"
    yield Skipped(
        source=str(place),
        reason=f"{runs} of Aim in RocksDB, which only Aim's own package reads: write their settings and numbers to a "
        "file with its Python API, and bring that in with `runaudit import record FILE`",
    )
