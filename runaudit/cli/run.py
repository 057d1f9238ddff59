"""`runaudit run`: ask the guard, seal the launch, run the command in its place, seal the outcome; or a run a seed."""

from typing import Annotated

import typer

from runaudit.cli.campaign import JobsOption, ResumeOption, RetryOption, carried_out
from runaudit.cli.common import Context
from runaudit.cli.launching import describes_launch
from runaudit.launch.asked import Asked
from runaudit.launch.launching import launch
from runaudit.voice.failed import here


@describes_launch
def run(
    around: Context,
    asked: Asked,
    seeds: Annotated[
        str | None, typer.Option("--seeds", metavar="0-4", help="A run for each seed; {seed} in CMD is replaced by it.")
    ] = None,
    jobs: JobsOption = 1,
    resume: ResumeOption = False,
    retry: RetryOption = False,
) -> None:
    """Guard, seal the manifest, run CMD with the run's folder in $RUNAUDIT_RUN, seal the outcome.

    CMD's exit code is passed on, and 128 + N where signal N ended it; signals sent to this process reach CMD. Exit 5:
    the guard refused and nothing was started. With --seeds the exit codes are those of `runaudit campaign`.
    """
    from runaudit.campaign.seeds import cohort_plan

    if plan := cohort_plan(asked, seeds, jobs=jobs, resume=resume, retry=retry):
        carried_out(around, plan, jobs=jobs, resume=resume, retry=retry)
    around.finish(launch(asked, around.store_root, around.settings, manner=around, cwd=here()))
