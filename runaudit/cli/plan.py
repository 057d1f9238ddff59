"""`runaudit plan`: before the runs, how many seeds an effect needs and what n seeds can detect."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.errors import UsageError
from runaudit.text.verdicts import verdict_words

if TYPE_CHECKING:
    from runaudit.stats.planning import Spread


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
    from runaudit.stats.planning import plan_seeds

    spread = _given(sd, runs or [], metric) if sd is not None else _measured(context, runs or [], metric)
    found = plan_seeds(spread, effect, power=power, alpha=context.settings.stats.alpha, metric=metric)
    context.tell(found)
    context.finish(verdict_words("plan", found.verdict).code)


def _given(sd: float, runs: Sequence[str], metric: str | None) -> "Spread":
    from runaudit.stats.planning import Spread

    if runs or metric:
        raise UsageError("--sd gives the spread, and runs were named too", remedy="give one or the other")
    return Spread(sd=sd, source="--sd")


def _measured(context: Context, words: Sequence[str], metric: str | None) -> "Spread":
    from runaudit.judge.numbers import recorded_spread

    if metric is None or not words:
        raise UsageError(
            "a plan needs a spread between seeds", remedy="give --sd S, or a recorded cohort: --metric M RUN…"
        )
    return recorded_spread(context.bench, words, metric)
