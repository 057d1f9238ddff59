"""`runaudit plan`: before the runs, how many seeds an effect needs and what n seeds can detect."""

from typing import Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.text.verdicts import verdict_words


@common.command(exit_zero=True)
def plan(
    context: Context,
    runs: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN]…", help="Take the seed sd from these cohorts.")
    ] = None,
    sd: Annotated[float | None, typer.Option("--sd", metavar="S", help="The sd between seeds, if known.")] = None,
    effect: Annotated[
        float | None, typer.Option("--effect", metavar="E", help="The smallest true difference that matters.")
    ] = None,
    power: Annotated[float, typer.Option("--power", metavar="P", help="The probability of finding it.")] = 0.8,
    metric: Annotated[str | None, typer.Option("--metric", metavar="M", help="With RUN…: the metric.")] = None,
) -> None:
    """Seeds per arm for a true difference, and what 3 to 20 seeds can detect.

    The spread comes from --sd, or from recorded cohorts: runaudit plan --metric M RUN… --effect E.
    """
    from runaudit.judge.numbers import spread_for
    from runaudit.stats.planning import plan_seeds

    spread = spread_for(context.bench, runs or [], metric, sd=sd)
    found = plan_seeds(spread, effect, power=power, alpha=context.settings.stats.alpha, metric=metric)
    context.tell(found)
    context.finish(verdict_words("plan", found.verdict).code)
