"""`runaudit study RUN…`: over many runs, what varies, what is inseparable, what can be estimated, what to run next."""

from typing import Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.errors import UsageError
from runaudit.text.verdicts import verdict_words


@common.command(exit_zero=True, assume=True)
def study(
    context: Context,
    runs: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN]...", help="Runs, cohorts, lists or record files [all].")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every pair, gap and note.")] = False,
    part: Annotated[
        int | None, typer.Option("--part", metavar="N", help="Of runs of several projects, the N-th by size [1].")
    ] = None,
) -> None:
    """Say which factors vary over many runs, which cannot be told apart, and which runs would separate them.

    Where no run is named, and the runs are of unrelated programs, it is the largest project among them.
    Exit code 1 where factors are aliased, 3 where the records or the runs are too few to say.
    """
    from runaudit.judge.many import study_runs, study_store
    from runaudit.study.text import StudyAnswer

    if runs and part is not None:
        raise UsageError("--part is a part of all runs, and some are named", remedy="name runs, or a part")
    found = (
        study_runs(context.bench.named(*runs, trajectory=False), context.settings)
        if runs
        else study_store(context.bench.runs(), context.settings, part)
    )
    answer = StudyAnswer(study=found)
    context.tell(answer, verbose=everything)
    context.finish(verdict_words("study", answer.judgement.standing).code)
