"""`runaudit list`: the runs, grouped by cohort. Apart from other commands, so that it loads none of what they need."""

import shutil
import sys
from typing import Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import (
    Context,
    Format,
)

NUMBER = typer.Option("-n", "--number", metavar="N", help="The newest N runs; of a sorted list the first N.")
SORT = typer.Option(
    "--sort", metavar="METRIC|FIELD", help="Ascending; a leading - is descending. Runs without it come last."
)
COLUMNS = typer.Option("--columns", metavar="A,B.C", help="These columns: fields, config.x, env.x, metrics.")
WHERE = typer.Option("--where", metavar="EXPR", help="As 'config.lr > 1e-3 and status == \"completed\"'.")
CSV = typer.Option("--csv", help="As CSV: these columns, else every field and metric.")
ALL = typer.Option("--all", help="The archived runs, too.")


@common.command()
def list_runs(
    context: Context,
    filters: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILTER]...", help="Label text, status=…, seed=…, config.x=…, or a metric as m>30."),
    ] = None,
    number: Annotated[int | None, NUMBER] = None,
    sort: Annotated[str | None, SORT] = None,
    columns: Annotated[str | None, COLUMNS] = None,
    where: Annotated[str | None, WHERE] = None,
    csv: Annotated[bool, CSV] = False,
    everything: Annotated[bool, ALL] = False,
) -> None:
    """List the runs, grouped by cohort: the runs that differ only in their seed.

    Every filter must hold. Crashed and killed runs are listed like all others. Archived runs are hidden and stay
    counted. Mean and standard deviation are over the cohort's independent finished runs.
    """
    chosen = filters or where or sort or columns or csv or everything or (number is not None and number < 1)
    if not (chosen or context.quiet or context.verbose or context.format is Format.md):
        from runaudit.runs.index import listed

        lines = listed(context.open(), context.settings, json_answer=context.json, colour=common.use_colour(),
                       width=_width(), newest=number)  # fmt: skip
        if lines is not None:
            for line in lines:
                common.say_json_text(line) if context.json else common.say(line)
            return
    from runaudit.factors.cohort import cohorts
    from runaudit.runs.listing import ListAnswer, csv_lines, filtered, sections_of
    from runaudit.runs.names import all_runs
    from runaudit.runs.query import Query
    from runaudit.store.remarks import archived

    store = context.open()
    runs = all_runs(store)
    names = tuple(name for word in (columns or "").split(",") if (name := word.strip()))
    away = () if everything else archived(store)
    groups = filtered(cohorts(runs, settings=context.settings), filters or ())
    query = Query(where=where, sort=sort, newest=number, columns=names)
    sections = query.of(sections_of(groups, context.settings.factors, away), [run.id for run in runs])
    if csv:
        for line in csv_lines(sections, names):
            common.say(line)
    else:
        context.tell(ListAnswer(sections=sections, columns=names, width=_width()))
    if not sections:
        common.hint("no run matches" if runs else "the store holds no run yet")


def _width() -> int | None:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
