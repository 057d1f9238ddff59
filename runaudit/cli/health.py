"""`runaudit health RUN…`: what the curves of a run, or of a cohort, show to be wrong."""

from typing import Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context


@common.command(exit_zero=True)
def health(
    context: Context,
    runs: common.SomeRuns,
    fail_on: Annotated[
        str,
        typer.Option("--fail-on", metavar="info|warning|error|critical|never", help="Exit 1 from this severity on."),
    ] = "error",
) -> None:
    """What went wrong in training: scaler collapse, divergence, numbers that are none, overfitting, below bicubic.

    Each finding says what, where, by which numbers, and what to try. Of several runs: which seeds share a finding.
    `runaudit rules RA402` says what a rule asks. Exit 1 at or above --fail-on, 3 where there is no curve to judge.
    """
    from runaudit.guard.rulebook import understood
    from runaudit.judge.health import exit_code, judge_health

    understood(context.settings.rules)
    answer = judge_health(context.bench, runs, fail_on=fail_on)
    context.tell(answer)
    context.finish(exit_code(answer))
