"""`runaudit untangle A B`: run hybrids of two runs and say which of their differences moved the metric."""

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.cli.restore import TrustOption
from runaudit.errors import UsageError
from runaudit.text.verdicts import verdict_words

if TYPE_CHECKING:
    from runaudit.untangle.answer import UntangleAnswer


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
    trust: TrustOption = False,
) -> None:
    """Find out which of the factors between A and B moved a metric, by running hybrids of the two.

    A's code is restored and given B's level of some factors at a time: files, arguments, config, datasets, variables.
    Each hybrid is a guarded, sealed run with a seed of its own; what was run is found again and not run twice. Exit 0:
    the difference is attributed. Exit 1: A and B do not differ here, or not all could be told apart. Exit 3: no answer.
    """
    from runaudit.untangle.answer import UntangleAnswer
    from runaudit.untangle.planning import plan_of
    from runaudit.untangle.running import Campaign

    if len(runs) != 2:
        raise UsageError(f"untangle takes two runs or cohorts, {len(runs)} given", remedy="name A and B")
    if metric is None:
        raise UsageError("no metric is named", remedy="add --metric NAME; `runaudit show RUN` lists them")
    context.open()
    with tempfile.TemporaryDirectory(prefix="runaudit-untangle-") as folder:
        plan, trees = plan_of(context.bench, (runs[0], runs[1]), metric=metric, direction=direction,
                              folder=Path(folder), is_trusted=trust)  # fmt: skip
        plan = replace(plan, budget=_runs(budget, plan.hours(1)), anyway=anyway, seeds=seeds)
        plan.check()
        if dry_run:
            context.tell(UntangleAnswer(plan=plan))
            context.finish(0)
        if plan.budget is None:
            _ask(context, UntangleAnswer(plan=plan))
        work = Campaign(plan=plan, store=context.store, settings=context.settings, trees=trees, environ=os.environ,
                        progress=context.note)  # fmt: skip
        finding, history, ran = work.go()
    answer = UntangleAnswer(plan=plan, finding=finding, history=history, runs=tuple(one.run.id for one in ran))
    context.tell(answer)
    context.finish(verdict_words("untangle", answer.verdict).code)


def _runs(budget: str | None, hours: float | None) -> int | None:
    """The budget in runs. hours: of one run."""
    if budget is None:
        return None
    word = budget.strip().lower()
    try:
        if not word.endswith("h"):
            runs = int(word)
        elif not hours:
            raise UsageError("no run of A or B says how long it took", remedy="give --budget in runs")
        else:
            runs = int(float(word[:-1]) / hours)
    except ValueError:
        raise UsageError(f"{budget!r} is no budget", remedy="write a number of runs (40) or of hours (2h)") from None
    if runs < 1:
        raise UsageError(f"a budget of {budget} holds no run", remedy="give more")
    return runs


def _ask(context: Context, answer: "UntangleAnswer") -> None:
    """Show the plan and ask whether it may be run. Raises UsageError where there is nobody to ask."""
    average, p90 = answer.plan.cost
    if context.json or not sys.stdin.isatty():
        raise UsageError("no budget is given, and nobody is there to ask", remedy=f"add --budget {p90}, or --dry-run")
    context.tell_beside(answer)
    if not typer.confirm(f"Run it, about {average} runs?", err=True):
        context.finish(1)
