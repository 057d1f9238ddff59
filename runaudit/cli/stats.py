"""`runaudit stats`: two cohorts, or plain numbers: the difference, what it is worth, what these seeds can detect."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.errors import UsageError

if TYPE_CHECKING:
    from runaudit.stats.answer import StatsAnswer


@common.command(exit_zero=True)
def stats(
    context: Context,
    runs: Annotated[list[str] | None, typer.Argument(metavar="[RUN]…", help="The arm: a cohort, or its runs.")] = None,
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
    """Compare cohorts of seeds on one metric. Three seeds an arm are the floor, and the answer says what they can see.

    A claim needs both: a comparison in which one factor changed, and an interval that excludes no difference.
    """
    from runaudit.stats.answer import exit_code

    if values is not None:
        if runs or vs:
            raise UsageError("--values judges a file, and runs were named too", remedy="give one or the other")
        answer = of_file(context, values, metric=metric or "value", direction=direction, baseline=baseline)
    else:
        if baseline is not None:
            raise UsageError("--baseline goes with --values", remedy="name the baseline's runs with --vs")
        answer = of_runs(context, runs or [], vs or [], metric=metric, direction=direction)
    context.tell(answer)
    context.finish(exit_code(answer))


def of_file(context: Context, path: Path, *, metric: str, direction: str | None, baseline: str | None) -> "StatsAnswer":
    """The answer on a table of plain numbers, whose design nobody knows."""
    from runaudit.judge.cohorts import declared_direction, declared_plan
    from runaudit.stats.judge import judge
    from runaudit.stats.selection import best_of
    from runaudit.stats.table import read_values
    from runaudit.stats.values import UNKNOWN_DESIGN

    arms, plan = read_values(path), declared_plan(context.settings)
    return judge(
        arms,
        metric=metric,
        direction=declared_direction(context.settings, metric, direction),
        design=UNKNOWN_DESIGN,
        baseline=-1 if baseline is None else baseline,
        plan=replace(plan, best_of=max(plan.best_of, best_of(arm.label for arm in arms))),
    )


def of_runs(
    context: Context, words: Sequence[str], others: Sequence[str], *, metric: str | None, direction: str | None
) -> "StatsAnswer":
    """The answer on recorded runs: their design is judged first, then their numbers."""
    from runaudit.judge.cohorts import judge_cohorts
    from runaudit.runs.names import cohort_named

    if metric is None:
        raise UsageError("no metric is named", remedy="add --metric NAME; `runaudit show RUN` lists them")
    if not words or not others:
        raise UsageError("stats compares two cohorts", remedy="runaudit stats --metric M RUN… --vs RUN…")
    arms = [cohort_named(context.store, context.settings, *words, trajectory=False)]
    arms += [cohort_named(context.store, context.settings, word, trajectory=False) for word in others]
    return judge_cohorts(context.store, context.settings, arms, metric=metric, direction=direction, count=True)[0]
