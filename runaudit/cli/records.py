"""`runaudit show` and `verify`: what is kept, and whether it is what was sealed."""

from dataclasses import replace
from typing import Annotated, Any

import typer

from runaudit.cli import common
from runaudit.cli.common import (
    INTEGRITY,
    Context,
)
from runaudit.cli.witness import AnchorOption, CheckAnchorOption, KeyOption, SignOption
from runaudit.errors import NothingToJudgeError, UsageError


@common.command()
def show(
    context: Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help="An id prefix, a label, @last or a record file.")],
) -> None:
    """Show one run, every section. With --json the answer holds the plain record under `record`."""
    from runaudit.runs.listing import show_json, show_lines
    from runaudit.runs.names import runs_named

    found = runs_named(context.store, context.settings, run)
    if len(found) != 1:
        names = ", ".join(member.short for member in found[:6])
        raise UsageError(f"{run!r} names {len(found)} runs: {names}", remedy="show takes one; name it by its id")
    if context.json:
        common.say_json(show_json(found[0], context.settings))
    else:
        common.say("\n".join(show_lines(found[0], context.settings, verbose=context.verbose)))
    if found[0].fault:
        common.hint(f"runaudit: this record is damaged: {common.printable(found[0].fault)}")
        context.finish(INTEGRITY)


@common.command(exit_zero=True)
def verify(
    context: Context,
    runs: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN]...", help="Runs to check [all of the store].")
    ] = None,
    key: KeyOption = None,
    sign: SignOption = None,
    anchor: AnchorOption = False,
    check_anchor: CheckAnchorOption = False,
) -> None:
    """Re-hash everything that is stored, and say which file of which run is wrong.

    What it proves: no stored byte changed, no launch was removed from or moved within the log. A cut at the end of the
    log, or a rewriting of the whole history, shows only against a signature (--key) or an anchor (--check-anchor).
    --sign and --anchor make them, after everything was found sound.
    """
    from runaudit.cli.witness import witness, witnessed
    from runaudit.runs.names import ids_named
    from runaudit.store.verify import verify as rehash

    opened = context.open()
    ids = (
        tuple(dict.fromkeys(i for word in runs for i in ids_named(context.store, context.settings, word)))
        if runs
        else None
    )
    result = rehash(opened, ids)
    witnesses, remarks = witnessed(opened, key=key, anchored=check_anchor)
    result = replace(result, problems=(*result.problems, *witnesses))
    done = () if result.problems else witness(opened, key=sign, anchored=anchor)
    answer: dict[str, Any] = {
        "schema": "runaudit.verify/1",
        "runs": result.runs,
        "checked": result.checked,
        "problems": [{"run": p.run, "file": p.file, "problem": p.problem} for p in result.problems],
        "notes": [*remarks, *done],
    }
    if not result.problems and not result.runs:
        raise NothingToJudgeError("the store holds no run, so nothing was checked", remedy="start a run first")
    if context.json:
        common.say_json(answer)
    else:
        for problem in result.problems:
            where = problem.run[:12] if problem.run else "store"
            common.say(common.printable(f"{where}  {problem.file}: {problem.problem}"))
        word = "sound" if not result.problems else f"{len(result.problems)} problems"
        if not context.quiet or result.problems:
            common.say(f"{word}: {result.runs} runs, {result.checked} files re-hashed")
        for note in (*(remarks if context.verbose or key or check_anchor else ()), *done):
            common.hint(common.printable(note))
    context.finish(INTEGRITY if result.problems else 0)
