"""`runaudit list`: the runs, grouped by cohort. Apart from other commands, so that it loads none of what they need."""

from typing import Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context, Format
from runaudit.errors import UsageError
from runaudit.text.terminal import line_width, use_colour

NUMBER = typer.Option("-n", "--number", metavar="N", help="The newest N runs; of a sorted list the first N.")
SORT = typer.Option(
    "--sort", metavar="METRIC|FIELD", help="Ascending; a leading - is descending. Runs without it come last."
)
COLUMNS = typer.Option("--columns", metavar="A,B.C", help="These columns: fields, config.x, env.x, metrics.")
WHERE = typer.Option("--where", metavar="EXPR", help="As 'config.lr > 1e-3 and status == \"completed\"'.")
CSV = typer.Option("--csv", help="As CSV: these columns, else every field and metric.")
ALL = typer.Option("--all", help="The archived runs, too.")
MOST = (1 << 63) - 1
"""As many runs as a store can hold: what is asked beyond it is all of them."""


@common.command(quiet="The ids alone, one a line.")
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
    counted. Mean and standard deviation are over the cohort's independent finished runs, those that are not shown
    included.
    """
    if csv and context.format is not Format.text:
        raise UsageError(f"--csv and {context.format.value} are two formats", remedy="ask for one of them")
    number = None if number is None else min(number, MOST)
    asked = any(word is not None for word in (where, sort, columns)) or filters or csv or everything
    if not (
        asked or context.quiet or context.verbose or context.format is Format.md or (number is not None and number < 1)
    ):
        from runaudit.runs.index import hidden_runs, listed

        lines = listed(context.open(), context.settings, json_answer=context.json, colour=use_colour(),
                       width=line_width(), newest=number)  # fmt: skip
        if lines is not None:
            shown = common.say_lines(lines, as_json=context.json)
            _hint(context, shown, hidden_runs(context.store), "")
            return
    from runaudit.runs.listing import ListAnswer, csv_lines
    from runaudit.runs.query import Query, listed_runs

    query = Query(filters=tuple(filters or ()), where=where, sort=sort, newest=number, columns=_names(columns))
    found = listed_runs(context.open(), context.settings, query, everything=everything)
    answer = ListAnswer(sections=found.sections, columns=found.columns, width=line_width())
    if csv:
        common.say_lines(csv_lines(found.sections, found.columns))
    elif context.json:
        common.say_lines(answer.json_lines(), as_json=True)
    else:
        context.tell(answer)
    _hint(context, bool(found.sections), found.hidden, found.nearest)


def _names(columns: str | None) -> tuple[str, ...]:
    names = tuple(name for word in (columns or "").split(",") if (name := word.strip()))
    if columns is not None and not names:
        raise UsageError("--columns names no column", remedy="write, for example, --columns id,label,config.lr")
    return names


def _hint(context: Context, shown: bool, hidden: int, nearest: str) -> None:
    """What is not seen in the answer, on stderr: that there is nothing, and what is hidden."""
    if context.quiet and shown:
        return
    parts = [] if shown or hidden or not nearest else [nearest]
    if hidden:
        parts = [f"{hidden} archived, --all shows {'it' if hidden == 1 else 'them'}"]
    elif not shown:
        parts = parts or ["the store holds no run yet"]
    for part in parts:
        common.hint(part)
