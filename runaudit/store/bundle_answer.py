"""What `export` answers with, for terminal, Markdown and programs."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runaudit.text.markdown import code
from runaudit.text.terminal import UNPAINTED, Paint, printable
from runaudit.text.words import plural


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportAnswer:
    """What `export` answers with: which runs are in the file, and how large it is."""

    ids: tuple[str, ...]
    output: Path
    files: int
    size: int

    def to_json(self) -> dict[str, Any]:
        """The answer for a program."""
        return {"schema": "runaudit.export/1", "runs": list(self.ids), "output": str(self.output),
                "files": self.files, "bytes": self.size}  # fmt: skip

    @property
    def headline(self) -> str:
        """What was written."""
        return f"{self.output}: {self._amount}"

    @property
    def _amount(self) -> str:
        return f"{plural(len(self.ids), 'run')}, {plural(self.files, 'file')}, {self.size:,} bytes"

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal."""
        yield printable(self.headline)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        yield f"{code(self.output)}: {self._amount}"
