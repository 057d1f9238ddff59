"""`runaudit untangle A B`: run hybrids of two runs and say which of their differences moved the metric."""

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from runaudit.cli import common
from runaudit.cli.campaign import JobsOption
from runaudit.cli.common import Context
from runaudit.cli.restore import TrustOption
from runaudit.text.verdicts import verdict_words
from runaudit.voice.saying import agreed


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
        bool, typer.Option("--afresh", help="Count no earlier run of this question: what made them fail is mended.")
    ] = False,
    trust: TrustOption = False,
) -> None:
    """Find out which of the factors between A and B moved a metric, by running hybrids of the two.

    A's code is restored and given B's level of some factors at a time: files, arguments, config, datasets, variables.
    Each hybrid is a guarded, sealed run with a seed of its own; what was run is found again and not run twice. Exit 0:
    the difference is attributed. Exit 1: A and B do not differ here, or not all could be told apart. Exit 3: no answer.
    """
    from runaudit.untangle.answer import UntangleAnswer
    from runaudit.untangle.planning import budget_in_runs, plan_of
    from runaudit.untangle.ran import marks_of, rounds_of
    from runaudit.untangle.running import answered

    context.open()
    with tempfile.TemporaryDirectory(prefix="runaudit-untangle-") as folder:
        plan, trees = plan_of(context.bench, runs, metric=metric, direction=direction,
                              folder=Path(folder), is_trusted=trust)  # fmt: skip
        marks = marks_of(context.bench)
        plan = replace(plan, round=rounds_of(plan, marks) + afresh, jobs=jobs, anyway=anyway, seeds=seeds)
        plan = replace(plan, budget=budget_in_runs(budget, plan.hours(1)))
        plan.check()
        answer = UntangleAnswer(plan=plan)
        if not dry_run:
            if plan.budget is not None:
                context.tell_plan(answer)
            elif not agreed(context, answer, f"Run it, about {plan.cost[0]} runs?", unasked=plan.unasked):
                context.finish(1)
            answer = answered(plan, trees, context.bench, marks, environ=os.environ, progress=context.note)
    context.tell(answer)
    context.finish(verdict_words("untangle", answer.verdict).code)
