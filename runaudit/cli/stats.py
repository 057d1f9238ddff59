"""`runaudit stats`: two cohorts, or plain numbers: the difference, what it is worth, what these seeds can detect."""

from pathlib import Path
from typing import Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context


@common.command(exit_zero=True, assume=True)
def stats(
    context: Context,
    runs: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN]…", help="The arms: cohorts, or runs joined by commas.")
    ] = None,
    vs: Annotated[
        list[str] | None,
        typer.Option("--vs", metavar="RUN", help="Another arm; may be repeated, the last one is the baseline."),
    ] = None,
    metric: Annotated[str | None, typer.Option("--metric", metavar="M", help="The metric that is judged.")] = None,
    values: Annotated[
        Path | None, typer.Option("--values", metavar="FILE", help="Plain numbers instead: columns arm, seed, value.")
    ] = None,
    direction: Annotated[
        str | None, typer.Option("--direction", metavar="higher|lower", help="Which way the metric improves.")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option("--baseline", metavar="ARM", help="With --values: the baseline [the last arm].")
    ] = None,
) -> None:
    """Compare cohorts of seeds on one metric. It takes three seeds per arm; the answer says what they can detect.

    Every RUN is an arm of its own; a comma joins runs into one: stats --metric M A1,A2,A3 B --vs C. A claim needs both:
    a comparison in which one factor changed, and an interval that excludes no difference.
    """
    from runaudit.judge.asked import check_asked
    from runaudit.stats.answer import exit_code

    check_asked(runs or [], vs or [], metric=metric, direction=direction, values=values, baseline=baseline)
    if values is not None:
        from runaudit.judge.numbers import judge_table

        name = metric or "value"
        answer = judge_table(context.settings, values, metric=name, direction=direction, baseline=baseline)
    else:
        from runaudit.judge.cohorts import judge_cohorts

        arms = [context.bench.cohort(word, trajectory=False) for word in (*(runs or []), *(vs or []))]
        answer = judge_cohorts(context.bench, arms, metric=metric or "", direction=direction, count=True)
    context.tell(answer)
    context.finish(exit_code(answer))
