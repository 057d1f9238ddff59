"""`runaudit show` and `verify`: what is kept, and whether it is what was sealed."""

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.cli.witness import (
    AnchorOption,
    CheckAnchorOption,
    JobsOption,
    KeyOption,
    SignOption,
    SinceOption,
    place_of,
)
from runaudit.errors import NothingToJudgeError, UsageError
from runaudit.text.verdicts import INTEGRITY, verdict_words

if TYPE_CHECKING:
    pass


@common.command()
def show(
    context: Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help="An id prefix, a label, @last or a record file.")],
    series: Annotated[bool, typer.Option("--series", help="With --json: every point of long series, too.")] = False,
) -> None:
    """Show one run on one screen; -v shows every section. With --json the plain record stands under `record`."""
    from dataclasses import replace

    from runaudit.runs.showing import show_answer

    answer = replace(show_answer(context.store, context.settings, run), with_series=series)
    context.tell(answer)
    if answer.run.fault:
        common.hint(f"runaudit: this record is damaged: {common.printable(answer.run.fault)}")
        context.finish(INTEGRITY)


@common.command(exit_zero=True)
def verify(
    context: Context,
    runs: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN]...", help="Runs to check [all of the store].")
    ] = None,
    key: KeyOption = None,
    sign: SignOption = None,
    anchor: AnchorOption = None,
    check_anchor: CheckAnchorOption = None,
    since: SinceOption = None,
    jobs: JobsOption = 1,
) -> None:
    """Re-hash everything that is stored, and say which file of which run is wrong.

    What it proves: no stored byte changed, no launch was removed from, moved within or cut off the log. A rewriting of
    the whole history on purpose, its sealed end with it, shows only against a signature (--key) or an anchor
    (--check-anchor). --sign and --anchor make them, after everything in the store was found sound.
    """
    from runaudit.runs.names import ids_named
    from runaudit.store.answer import VerifyAnswer
    from runaudit.store.verify import verify as rehash
    from runaudit.store.witness import by_line, witness, witnessed

    opened = context.open()
    ids = ids_named(context.store, context.settings, *runs) if runs else None
    if (sign or anchor) and since and by_line(since) is not None:
        raise UsageError("a signature and an anchor take a store that is verified whole", remedy="leave --since out")
    said = witnessed(opened, key=key, check=check_anchor, since=since, places=place_of)
    # A signature or an anchor speaks of the whole log, so it takes a whole store that is sound.
    result = rehash(opened, None if sign or anchor else ids, jobs=jobs or os.cpu_count() or 1, unread_until=said.until)
    result = replace(result, problems=(*result.problems, *said.problems))
    done = () if result.problems else witness(opened, key=sign, place=place_of(anchor) if anchor else None)
    if not (result.problems or result.runs or said.until):
        raise NothingToJudgeError("the store holds no run, so nothing was checked", remedy="start a run first")
    answer = VerifyAnswer(found=result, notes=(*said.remarks, *done))
    if not context.quiet or result.problems:
        context.tell(answer)
    if not context.json:
        for note in (*(said.remarks if context.verbose or key or check_anchor or since else ()), *done):
            common.hint(common.printable(note))
    context.finish(verdict_words("verify", answer.verdict).code)
