"""`runaudit diff A B`: changed factors and the verdict."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.errors import UsageError
from runaudit.text.verdicts import NEGATIVE, verdict_words

if TYPE_CHECKING:
    # Imported where they are used: what a command does not need, it does not pay for.
    from runaudit.diff import Comparison
    from runaudit.records.run import Run


@common.command(exit_zero=True)
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

    result, pair = (
        _with_tree(context, runs or ["@last"], intent or ())
        if working
        else _with_each_other(context, runs or ["@last~1", "@last"], intent or ())
    )
    context.tell(DiffAnswer(comparison=result, pair=pair), verbose=everything)
    code = verdict_words("diff", result.verdict).code
    context.finish(NEGATIVE if code == 0 and result.intent.met is False else code)


def _with_each_other(
    context: Context, words: Sequence[str], intent: Sequence[str]
) -> "tuple[Comparison, tuple[Run, Run]]":
    from runaudit.diff import compare, compare_cohorts
    from runaudit.diff.arms import typical
    from runaudit.factors.cohort import cohort_of, cohorts
    from runaudit.runs.names import runs_named

    if len(words) != 2:
        raise UsageError(f"diff takes two runs, {len(words)} given", remedy="name A and B, or none for the last two")
    left, right = (runs_named(context.store, context.settings, word) for word in words)
    if len(left) == len(right) == 1:
        return compare(left[0], right[0], settings=context.settings, intent=intent), (left[0], right[0])
    arms = []
    for members in (left, right):
        whole = cohorts(members, settings=context.settings)
        arms.append(whole[0] if len(whole) == 1 else cohort_of(members))
    result = compare_cohorts(arms[0], arms[1], settings=context.settings, intent=intent)
    return result, (typical(arms[0]), typical(arms[1]))


def _with_tree(context: Context, words: Sequence[str], intent: Sequence[str]) -> "tuple[Comparison, tuple[Run, Run]]":
    """One run against the tree that lies here now. How the run ended is no part of what was changed since."""
    from runaudit.capture.working import working_run
    from runaudit.diff import Side, compare
    from runaudit.runs.names import runs_named

    found = runs_named(context.store, context.settings, words[0]) if len(words) == 1 else ()
    if len(found) != 1:
        count = len(found) or len(words)
        raise UsageError(f"diff --working takes one run, {count} given", remedy="name one run, or none for the last")
    tree = working_run(found[0], context.open(), Path.cwd())
    result = compare(found[0], tree, settings=context.settings, intent=intent, design_only=True)
    return replace(result, b=Side(id="working", label="the present tree")), (found[0], tree)
