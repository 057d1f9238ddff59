"""`runaudit untangle A B`: run hybrids of two runs and say which of their differences moved the metric."""

from typing import Annotated

import typer

from runaudit.cli import common
from runaudit.cli.campaign import JobsOption
from runaudit.cli.common import Context
from runaudit.cli.restore import TrustOption
from runaudit.text.verdicts import NEGATIVE, verdict_words


@common.command(exit_zero=True)
def untangle(  # noqa: PLR0917  (typer reads options from it)
    context: Context,
    runs: Annotated[
        list[str], typer.Argument(metavar="A B", help="Two runs or cohorts that differ in several factors.")
    ],
    metric: Annotated[str | None, typer.Option("--metric", metavar="M", help="The metric that moved.")] = None,
    direction: Annotated[
        str | None, typer.Option("--direction", metavar="higher|lower", help="Which way the metric improves.")
    ] = None,
    budget: Annotated[
        str | None, typer.Option("--budget", metavar="RUNS|HOURSh", help="At most so many runs, or hours: 40, 2h.")
    ] = None,
    seeds: Annotated[
        int, typer.Option("--seeds", metavar="N", help="Runs of A and of B, to see first that they differ here.", min=3)
    ] = 3,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan, and run nothing.")] = False,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Go on where A and B do not differ here: effects may cancel.")
    ] = False,
    jobs: JobsOption = 1,
    afresh: Annotated[
        bool, typer.Option("--afresh", help="Count no earlier run of this question: what made them fail is fixed.")
    ] = False,
    trust: TrustOption = False,
) -> None:
    """Find out which of the factors between A and B moved a metric, by running hybrids of the two.

    A's code is restored and given B's level of some factors at a time: files, arguments, config, datasets, variables.
    Each hybrid is a guarded, sealed run with a seed of its own; what was run is found again and not run twice. Exit 0:
    the difference is attributed. Exit 1: A and B do not differ here, or not all could be told apart. Exit 3: no answer.
    """
    from runaudit.untangle.asking import Wish, untangled

    wish = Wish(metric=metric, direction=direction, budget=budget, seeds=seeds, dry_run=dry_run, anyway=anyway,
                jobs=jobs, afresh=afresh, trust=trust)  # fmt: skip
    context.open()
    answer = untangled(context.bench, runs, wish, context)
    if answer is None:
        context.finish(NEGATIVE)
    context.tell(answer)
    context.finish(verdict_words("untangle", answer.verdict).code)
