"""`runaudit export RUN… -o FILE`: runs in one file, which `import` takes back with every digest intact."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from runaudit.cli import common
from runaudit.cli.common import Context, SomeRuns
from runaudit.text.markdown import code
from runaudit.text.terminal import UNPAINTED, Paint, printable
from runaudit.text.words import plural


@common.command()
def export(
    context: Context,
    runs: SomeRuns,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The bundle to write.")],
) -> None:
    """Write runs into one file: records, trajectories, sources, checkpoints, artifacts and what the log says of them.

    `runaudit import FILE` takes them back under the same ids; a file whose bytes were altered is refused (exit 4).
    """
    from runaudit.runs.names import ids_named
    from runaudit.store.bundle import export as write

    ids = ids_named(context.store, context.settings, *runs)
    files = write(context.open(), ids, output)
    context.tell(ExportAnswer(ids=ids, output=output, files=files, size=output.stat().st_size))


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
        return f"{self.output}: {plural(len(self.ids), 'run')}, {plural(self.files, 'file')}, {self.size:,} bytes"

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal."""
        yield printable(self.headline)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        yield f"{code(self.output)}: {plural(len(self.ids), 'run')}, {plural(self.files, 'file')}, {self.size:,} bytes"
