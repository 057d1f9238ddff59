"""`runaudit path`, `annotate` and `archive`: a run's files, a note beside its record, and lists without it."""

import time
from typing import Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context, OneRun, SomeRuns


@common.command()
def path(
    context: Context,
    run: OneRun,
    file: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="A file of it, by its path or an end of it [the folder].")
    ] = None,
) -> None:
    """Print the folder of RUN alone, or a file of it, for use in a shell: cd "$(runaudit path RUN)"."""
    from runaudit.runs.remarks import place_of

    context.tell(place_of(context.open(), context.settings, run, file))


@common.command()
def annotate(
    context: Context,
    run: OneRun,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The note.")],
) -> None:
    """Append a note to RUN. It stands in the log, chained like all else, and changes neither the record nor the id."""
    from runaudit.runs.remarks import annotate as note
    from runaudit.system.clock import utc_text

    context.tell(note(context.open(), context.settings, run, text, time=utc_text(time.time())))


@common.command()
def archive(
    context: Context,
    runs: SomeRuns,
    undo: Annotated[bool, typer.Option("--undo", help="Show them in lists again.")] = False,
) -> None:
    """Hide runs from lists. Nothing is deleted, and every count of launches still counts them."""
    from runaudit.runs.remarks import archive as put_away
    from runaudit.system.clock import utc_text

    context.tell(put_away(context.open(), context.settings, runs, away=not undo, time=utc_text(time.time())))
