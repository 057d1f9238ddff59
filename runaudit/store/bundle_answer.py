"""What `export` answers with, for terminal, Markdown and programs."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runaudit.records.run import SHORT
from runaudit.text.markdown import code
from runaudit.text.terminal import UNPAINTED, Paint, printable
from runaudit.text.words import listed, plural


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportAnswer:
    """What `export` answers with: which runs are in the file, how large it is, and of which it says no more than
    that they count, because a record of theirs was forgotten."""

    ids: tuple[str, ...]
    output: Path
    files: int
    size: int
    forgotten: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The answer for a program."""
        return {"schema": "runaudit.export/1", "runs": list(self.ids), "output": str(self.output),
                "files": self.files, "bytes": self.size, "forgotten": list(self.forgotten)}  # fmt: skip

    @property
    def headline(self) -> str:
        """What was written."""
        return f"{self.output}: {self._amount}"

    @property
    def _amount(self) -> str:
        return f"{plural(len(self.ids), 'run')}, {plural(self.files, 'file')}, {self.size:,} bytes{self._lacking}"

    @property
    def _lacking(self) -> str:
        short = listed([run[:SHORT] for run in self.forgotten])
        verb = "was" if len(self.forgotten) == 1 else "were"
        return f"; of {short}, which {verb} forgotten, it holds that the launch counts" if self.forgotten else ""

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal."""
        yield printable(self.headline)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        yield f"{code(self.output)}: {self._amount}"
