"""What every importer hands back: runs with where they came from, and what was left out with the reason."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from runaudit.records.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """One run that was read, and the file or folder it came from."""

    run: Run
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Something that was named and is not a run, and why."""

    source: str
    reason: str


class Importer(Protocol):
    """Reads foreign runs. Nothing is imported halfway: either every run of a file is read or an error says why not."""

    def __call__(self, path: Path) -> tuple[tuple[Imported, ...], tuple[Skipped, ...]]:
        """The runs under `path`. Raises RecordError where it is malformed."""
        ...
