"""`runaudit list`: the runs, grouped by cohort. Apart from other commands, so that it loads none of what they need."""

from collections.abc import Iterable
from typing import Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.errors import RunauditError, UsageError
from runaudit.runs.replying import Wish, reply
from runaudit.voice.saying import Format, hint, printable, say_lines

NUMBER = typer.Option("-n", "--number", metavar="N", help="The newest N runs; of a sorted list the first N.")
SORT = typer.Option(
    "--sort", metavar="METRIC|FIELD", help="Ascending; a leading - is descending. Runs without it come last."
)
COLUMNS = typer.Option("--columns", metavar="A,B.C", help="These columns: fields, config.x, env.x, metrics.")
WHERE = typer.Option(
    "--where",
    metavar="EXPR",
    help="As 'config.lr > 1e-3 and status == \"completed\"'; missing(config.lr) keeps the runs without it.",
)
CSV = typer.Option(
    "--csv",
    help="As CSV: these columns, else every field and metric; a ' before text that a spreadsheet would compute.",
)
ALL = typer.Option("--all", help="The archived runs, too.")
REMOTE = typer.Option(
    "--remote", metavar="REMOTE", help="The newest runs of a remote instead (-n, --all) [50 of them]."
)


@common.command(quiet="The ids alone, one a line.")
def list_runs(
    context: Context,
    filters: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILTER]...", help='Label text, seed=1, config.x=8 (config.x="8": the text 8), m>30.'),
    ] = None,
    *,
    number: Annotated[int | None, NUMBER] = None,
    sort: Annotated[str | None, SORT] = None,
    columns: Annotated[str | None, COLUMNS] = None,
    where: Annotated[str | None, WHERE] = None,
    csv: Annotated[bool, CSV] = False,
    everything: Annotated[bool, ALL] = False,
    remote: Annotated[str | None, REMOTE] = None,
) -> None:
    """List the runs, grouped by cohort: the runs that differ only in their seed.

    Every filter must hold: config.x=8 is the number, 'config.x="8"' the text. Crashed and killed runs are listed like
    all others. Archived runs are hidden and stay counted. Mean and standard deviation are over the cohort's
    independent finished runs, those that are not shown included.
    """
    if csv and context.format is not Format.text:
        raise UsageError(f"--csv and {context.format.value} are two formats", remedy="ask for one of them")
    if remote is not None:
        if csv or filters or not (where is sort is columns is None):
            raise UsageError("of a remote the newest runs are listed, and nothing else is asked",
                             remedy="pull the runs, then ask: runaudit pull REMOTE, runaudit list …")  # fmt: skip
        _of_remote(context, remote, number, everything)
        return
    wish = Wish(filters=tuple(filters or ()), where=where, sort=sort, columns=columns, newest=number, csv=csv,
                everything=everything)  # fmt: skip
    found = reply(context.store, context.settings, wish, context)
    say_lines(found.lines, as_json=context.json)
    _ended(context, () if context.quiet and found.shows else found.notes, found.fault)


def _of_remote(context: Context, remote: str, number: int | None, everything: bool) -> None:
    from runaudit.remote.listing import here_in, remote_list
    from runaudit.remote.place import place_named

    place = place_named(remote, context.settings.remotes)
    found = remote_list(place, here_in(context.store_root), newest=number, everything=everything)
    context.tell(found)
    _ended(context, () if context.quiet or context.json else found.notes, found.fault)


def _ended(context: Context, notes: Iterable[str], fault: RunauditError | None) -> None:
    """What is said beside a list, and what damage in the store means for it."""
    for note in notes:
        hint(note)
    if fault is not None:
        hint(f"runaudit: this may not be all: {printable(str(fault))}")
        context.finish(fault.exit_code)
