"""`runaudit diff A B`: changed factors and the verdict."""

from typing import Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.text.verdicts import NEGATIVE, verdict_words
from runaudit.voice.failed import here


@common.command(exit_zero=True, assume=True)
def diff(
    context: Context,
    runs: Annotated[
        list[str] | None, typer.Argument(metavar="[A B]", help="Two runs or cohorts [the last two].")
    ] = None,
    intent: Annotated[
        list[str] | None, typer.Option("--intent", metavar="FACTOR", help="What was meant to change; may be repeated.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also changes that cannot affect results.")] = False,
    working: Annotated[
        bool, typer.Option("--working", help="Compare one run [@last] with the present tree: what changed since?")
    ] = False,
) -> None:
    """Say exactly what changed between two runs or two cohorts, and whether a conclusion is allowed.

    A run is an id prefix, a label, @last, @last~1, a cohort's id, a comma-separated list, or a record file.
    """
    from runaudit.diff.text import DiffAnswer
    from runaudit.judge.designs import compare_named, compare_with_tree

    if working:
        result, pair = compare_with_tree(context.bench, runs or ["@last"], here(), intent=intent or ())
    else:
        result, pair = compare_named(context.bench, runs or ["@last~1", "@last"], intent=intent or ())
    context.tell(DiffAnswer(comparison=result, pair=pair), verbose=everything)
    code = verdict_words("diff", result.standing).code
    context.finish(NEGATIVE if code == 0 and result.intent.met is False else code)
