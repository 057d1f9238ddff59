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
    """The spread within each recorded cohort, pooled. Failed runs have no value and add nothing to it."""
    from runaudit.factors.cohort import cohorts
    from runaudit.judge.cohorts import declared_direction, require_metric, values_of
    from runaudit.runs.names import cohort_named
    from runaudit.stats.cohort import collapse
    from runaudit.stats.planning import pooled_spread

    if metric is None or not words:
        raise UsageError(
            "a plan needs a spread between seeds", remedy="give --sd S, or a recorded cohort: --metric M RUN…"
        )
    named = cohort_named(context.store, context.settings, *words, trajectory=False)
    arms = cohorts(named.runs, settings=context.settings)
    is_directed = declared_direction(context.settings, metric, None) is not None
    require_metric(arms, metric, is_directed=is_directed)
    return pooled_spread([collapse(arm).values for arm in values_of(arms, metric)])
