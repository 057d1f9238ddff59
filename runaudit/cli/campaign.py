"""`runaudit campaign FILE`: arms x seeds by one command. `runaudit run --seeds` enters here too."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.text.verdicts import verdict_words
from runaudit.voice.failed import here

if TYPE_CHECKING:
    from runaudit.campaign.plan import Plan

JobsOption = Annotated[int, typer.Option("--jobs", metavar="N", help="So many jobs at once.", min=1)]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Run what is missing of a campaign that was begun.")]
RetryOption = Annotated[bool, typer.Option("--retry", help="With --resume: jobs that crashed, too.")]


@common.command()
def campaign(
    context: Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.toml", help="The arms, their seeds and their command.")],
    jobs: JobsOption = 1,
    resume: ResumeOption = False,
    retry: RetryOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Ask the guard, print the plan, and run nothing.")] = False,
    executor: Annotated[
        str, typer.Option("--executor", metavar="local|ray|submitit", help="Where the jobs run.")
    ] = "local",
    logs: Annotated[
        Path | None, typer.Option("--logs", metavar="DIR", help="Keep what each job prints, a file for each.")
    ] = None,
) -> None:
    """Run every arm with every seed: each job guarded, sealed and observed as `runaudit run` does.

    FILE: command = "python train.py --lr {lr} --seed {seed}", seeds = "0-4", [data] train = "data/train", and for each
    arm [[arms]] with label = "…" and values = {lr = 0.1}; set = {"optimizer.lr" = 0.1} for Hydra, args = ["--amp"] for
    any words. The guard is asked about all jobs before the first one starts. Exit 0: every job has a result. Exit 1:
    some have not, and each is named. Exit 5: the guard refused, nothing was run. Exit 130: stopped; --resume goes on.
    """
    from runaudit.campaign.file import read_campaign

    plan = read_campaign(file, shared=context.given)
    carried_out(context, plan, jobs=jobs, resume=resume, retry=retry, dry_run=dry_run, executor=executor, logs=logs)


def carried_out(context: Context, plan: "Plan", **how: Any) -> None:
    """Run a plan, tell what came of it, and end with its code."""
    from runaudit.campaign.running import How
    from runaudit.campaign.running import campaign as run_all

    answer = run_all(plan, context.store_root, context.settings, How(**how), manner=context, cwd=here())
    context.tell(answer)
    context.finish(verdict_words("campaign", answer.verdict).code)
