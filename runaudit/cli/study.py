"""`runaudit study RUN…`: over many runs, what varies, what is inseparable, what can be estimated, what to run next."""

from typing import Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.text.verdicts import verdict_words


@common.command(exit_zero=True, assume=True)
def study(
    context: Context,
    runs: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN]...", help="Runs, cohorts, lists or record files [all].")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every pair, gap and note.")] = False,
) -> None:
    """Say which factors vary over many runs, which cannot be told apart, and which runs would separate them.

    Exit code 1 where factors are aliased, 3 where the records or the runs are too few to say.
    """
    from runaudit.judge.many import study_runs
    from runaudit.study.text import StudyAnswer

    found = context.bench.named(*runs, trajectory=False) if runs else context.bench.runs()
    answer = StudyAnswer(study=study_runs(found, context.settings))
    context.tell(answer, verbose=everything)
    context.finish(verdict_words("study", answer.judgement.standing).code)
