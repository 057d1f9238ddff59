"""`runaudit stats`: two cohorts, or plain numbers: the difference, what it is worth, what these seeds can detect."""

from collections.abc import Sequence
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
    from runaudit.stats.answer import exit_code

    answer = (
        _of_file(
            context, values, runs=[*(runs or []), *(vs or [])], metric=metric, direction=direction, baseline=baseline
        )
        if values is not None
        else _of_runs(context, runs or [], vs or [], metric=metric, direction=direction, baseline=baseline)
    )
    context.tell(answer)
    context.finish(exit_code(answer))


def _of_file(
    context: Context,
    path: Path,
    *,
    runs: Sequence[str],
    metric: str | None,
    direction: str | None,
    baseline: str | None,
) -> "StatsAnswer":
    from runaudit.judge.numbers import judge_table

    if runs:
        raise UsageError("--values judges a file, and runs were named too", remedy="give one or the other")
    return judge_table(context.settings, path, metric=metric or "value", direction=direction, baseline=baseline)


def _of_runs(
    context: Context,
    words: Sequence[str],
    others: Sequence[str],
    *,
    metric: str | None,
    direction: str | None,
    baseline: str | None,
) -> "StatsAnswer":
    """The answer on recorded runs, every word an arm: their design is judged first, then their numbers."""
    from runaudit.judge.cohorts import judge_cohorts

    if baseline is not None:
        raise UsageError("--baseline goes with --values", remedy="name the baseline's runs with --vs")
    if metric is None:
        raise UsageError("no metric is named", remedy="add --metric NAME; `runaudit show RUN` lists them")
    if not words or not others:
        raise UsageError("stats compares two cohorts", remedy="runaudit stats --metric M RUN… --vs RUN…")
    arms = [context.bench.cohort(word, trajectory=False) for word in (*words, *others)]
    return judge_cohorts(context.bench, arms, metric=metric, direction=direction, count=True)
