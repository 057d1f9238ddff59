"""`runaudit show` and `verify`: what is kept, and whether it is what was sealed."""

from dataclasses import replace
from typing import Annotated, Any

import typer

from runaudit.cli import common
from runaudit.cli.common import (
    INTEGRITY,
    DebugOption,
    ExitZeroOption,
    Format,
    FormatOption,
    JsonOption,
    PolicyOption,
    QuietOption,
    StoreOption,
    VerboseOption,
)
from runaudit.cli.witness import AnchorOption, CheckAnchorOption, KeyOption, SignOption
from runaudit.errors import NothingToJudgeError, UsageError


def show(
    run: Annotated[str, typer.Argument(metavar="RUN", help="An id prefix, a label, @last or a record file.")],
    store: StoreOption = None,
    policy: PolicyOption = None,
    format: FormatOption = Format.text,  # noqa: A002  (the option's name)
    json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    debug: DebugOption = False,
) -> None:
    """Show one run, every section. With --json the answer holds the plain record under `record`."""
    from runaudit.cli.listing import show_json, show_lines
    from runaudit.cli.select import runs_named

    context = common.context(store, policy, format=format, json=json, quiet=quiet, verbose=verbose)
    found = runs_named(context, run)
    if len(found) != 1:
        names = ", ".join(member.short for member in found[:6])
        raise UsageError(f"{run!r} names {len(found)} runs: {names}", remedy="show takes one; name it by its id")
    if context.json:
        common.say_json(show_json(found[0], context.settings))
    else:
        common.say("\n".join(show_lines(found[0], context.settings, verbose=context.verbose)))
    if found[0].fault:
        common.hint(f"runaudit: this record is damaged: {common.printable(found[0].fault)}")
        common.finish(INTEGRITY)


def verify(
    runs: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN]...", help="Runs to check [all of the store].")
    ] = None,
    key: KeyOption = None,
    sign: SignOption = None,
    anchor: AnchorOption = False,
    check_anchor: CheckAnchorOption = False,
    store: StoreOption = None,
    policy: PolicyOption = None,
    format: FormatOption = Format.text,  # noqa: A002  (the option's name)
    json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    debug: DebugOption = False,
    exit_zero: ExitZeroOption = False,
) -> None:
    """Re-hash everything that is stored, and say which file of which run is wrong.

    What it proves: no stored byte changed, no launch was removed from or moved within the log. A cut at the end of the
    log, or a rewriting of the whole history, shows only against a signature (--key) or an anchor (--check-anchor).
    --sign and --anchor make them, after everything was found sound.
    """
    from runaudit.cli.select import ids_named
    from runaudit.cli.witness import witness, witnessed
    from runaudit.store.verify import verify as rehash

    context = common.context(store, policy, format=format, json=json, quiet=quiet, verbose=verbose)
    opened = context.open()
    ids = tuple(dict.fromkeys(i for word in runs for i in ids_named(context, word))) if runs else None
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
        if not quiet or result.problems:
            common.say(f"{word}: {result.runs} runs, {result.checked} files re-hashed")
        for note in (*(remarks if verbose or key or check_anchor else ()), *done):
            common.hint(common.printable(note))
    common.finish(INTEGRITY if result.problems else 0, exit_zero=exit_zero)
