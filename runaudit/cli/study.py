"""`runaudit study RUN…`: over many runs, what varies, what is inseparable, what can be estimated, what to run next."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.text.verdicts import verdict_words

if TYPE_CHECKING:
    from runaudit.records.run import Run
    from runaudit.study.pairs import Judge


def _compared_by(context: Context) -> "Judge":
    """The comparison of two cells, as `diff` makes it."""
    from runaudit.diff import compare_cohorts
    from runaudit.factors.cohort import cohort_of
    from runaudit.study.pairs import Judged

    def judge(a: Sequence["Run"], b: Sequence["Run"]) -> Judged:
        found = compare_cohorts(cohort_of(a), cohort_of(b), settings=context.settings)
        conditional = None if found.conditional is None else str(found.conditional)
        return Judged(factors=tuple(f.factor for f in found.treatments), verdict=str(found.verdict),
                      conditional=conditional, idle=found.idle)  # fmt: skip

    return judge


@common.command(exit_zero=True)
def study(
    context: Context,
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Runs, cohorts, lists or record files.")],
    everything: Annotated[bool, typer.Option("--all", help="Every pair, gap and note.")] = False,
) -> None:
    """Say which factors vary over many runs, which cannot be told apart, and which runs would separate them.

    Exit code 1 where factors are aliased, 3 where the records or the runs are too few to say.
    """
    from runaudit.runs.names import runs_named
    from runaudit.study.study import study as judge
    from runaudit.study.text import StudyAnswer

    answer = StudyAnswer(
        study=judge(
            runs_named(context.store, context.settings, *runs, trajectory=False),
            settings=context.settings,
            judge=_compared_by(context),
        )
    )
    context.tell(answer, verbose=everything)
    context.finish(verdict_words("study", answer.judgement.verdict).code)
