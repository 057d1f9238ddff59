"""`runaudit list`: the runs, grouped by cohort. Apart from other commands, so that it loads none of what they need."""

from typing import Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import (
    Context,
    Format,
)


@common.command()
def list_runs(
    context: Context,
    filters: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILTER]...", help="Label text, status=…, seed=…, config.x=…, or a metric as m>30."),
    ] = None,
) -> None:
    """List the runs, grouped by cohort: the runs that differ only in their seed.

    Every filter must hold. Crashed and killed runs are listed like all others.
    """
    if not (filters or context.quiet or context.verbose or context.format is Format.md):
        from runaudit.runs.index import listed

        if (
            lines := listed(context.open(), context.settings, json_answer=context.json, colour=common.use_colour())
        ) is not None:
            for line in lines:
                common.say(line)
            return
    from runaudit.factors.cohort import cohorts
    from runaudit.runs.listing import ListAnswer, filtered
    from runaudit.runs.names import all_runs

    runs = all_runs(context.open())
    groups = filtered(cohorts(runs, settings=context.settings), filters or ())
    context.tell(ListAnswer(groups=groups))
    if not groups:
        common.hint("no run matches" if runs else "the store holds no run yet")
