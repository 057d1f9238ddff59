"""`runaudit seal`: a lost run becomes a sealed one, with what lies on disk.

A run is lost when the process that would have sealed it is gone: the machine went down, the wrapper was killed. What it
logged, announced and was seen to use is still there; only how it ended is not, unless the program had said so itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.records.outcome import Outcome
from runaudit.records.run import SHORT
from runaudit.text.markdown import bullets, escaped
from runaudit.text.terminal import BOLD, UNPAINTED, Paint, printable


@common.command()
def seal(
    around: Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help="A lost run: an id prefix, a label, @last.")],
) -> None:
    """Seal a lost run with what is on disk. A run that is running, or sealed already, is left as it is (exit 2)."""
    from runaudit.launch.lost import seal_lost
    from runaudit.runs.names import ids_named

    place = around.open()
    ids = ids_named(around.store, around.settings, run)
    around.tell(SealAnswer(outcome=seal_lost(place, ids, cwd=Path.cwd(), names=around.settings.series)))


@dataclass(frozen=True, slots=True, kw_only=True)
class SealAnswer:
    """What `seal` answers with: how the run ended, as far as is known, and what is not."""

    outcome: Outcome

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know of the outcome."""
        return tuple(self.outcome.body.get("notes", ()))

    def to_json(self) -> dict[str, Any]:
        """The answer for a program."""
        return {"schema": "runaudit.seal/1", "run": self.outcome.manifest.hex, "status": self.outcome.status,
                "error": self.outcome.body.get("error"), "notes": list(self.notes)}  # fmt: skip

    @property
    def headline(self) -> str:
        """Which run was sealed, and as what."""
        return f"run {self.outcome.manifest.hex[:SHORT]} sealed as {self.outcome.status}"

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal."""
        yield paint(printable(self.headline), BOLD)
        yield from (printable(f"  {note}") for note in self.notes)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        yield f"**{escaped(self.headline)}**"
        if self.notes:
            yield from ("", *bullets(self.notes))
