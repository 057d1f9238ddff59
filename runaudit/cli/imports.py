"""`runaudit import KIND PATH…`: bring foreign runs in, each whole or not at all, with every gap marked unknown."""

from pathlib import Path
from typing import Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.cli.witness import JobsOption
from runaudit.errors import NothingToJudgeError
from runaudit.importers.kinds import AUTO, KINDS

_WRITERS = f"What wrote the runs: {', '.join((AUTO, *KINDS))}; or the file of a bundle."


@common.command(assume=True)
def imports(
    context: Context,
    kind: Annotated[str, typer.Argument(metavar="KIND", help=_WRITERS)],
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="Files, folders, or the address of an MLflow server or of a page of W&B's.",
            show_default=False,
        ),
    ] = None,
    jobs: JobsOption = None,
) -> None:
    """Bring in runs that another tracker recorded. What its record does not say stays unknown, and is listed.

    No run is imported halfway: a damaged one is left out with its reason, and the others come in. A bundle, or a file
    of records, comes in as a whole or not at all.
    """
    from runaudit.importers.answer import ImportAnswer
    from runaudit.runs.intake import take

    rows, skipped = take(kind, paths or (), context.create, context.settings, jobs=jobs)
    context.tell(ImportAnswer(rows=rows, skipped=tuple(skipped)))
    if rows and (words := context.settings.imports.typed):
        context.note(f"sealed with each of these runs: {', '.join(words)} assumed; every answer on them says so")
    if not rows and not any(entry.reason.startswith("already imported") for entry in skipped):
        raise NothingToJudgeError("no run was imported", remedy="see the reasons above, or name another path")
