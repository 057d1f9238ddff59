"""`runaudit import KIND PATH…`: bring foreign runs in, whole or not at all, with every gap marked unknown."""

from pathlib import Path
from typing import Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.errors import NothingToJudgeError, UsageError
from runaudit.importers.kinds import BUNDLE, KINDS
from runaudit.system.files import refuse_special


@common.command()
def imports(
    context: Context,
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help=f"What wrote the runs: {', '.join(KINDS)}; or the file of a bundle.")
    ],
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATH]...", help="Files or folders.", show_default=False)
    ] = None,
) -> None:
    """Bring in runs that another tracker recorded. What its record does not say stays unknown, and is listed.

    Nothing is imported halfway: where one of the runs is malformed, none is kept.
    """
    from runaudit.importers.answer import ImportAnswer
    from runaudit.runs.intake import take_bundles, take_in

    refuse_special(Path(kind), "the bundle")
    for path in paths or ():
        refuse_special(path, "the record")
    if kind not in (*KINDS, BUNDLE) and Path(kind).is_file():
        kind, paths = BUNDLE, [Path(kind), *(paths or ())]
    if kind not in (*KINDS, BUNDLE) and not paths:
        raise UsageError(
            f"there is no file {kind}, and no kind of run is called so",
            remedy=f"name the file of a bundle, or a kind and its files: {', '.join(KINDS)}",
        )
    if not paths:
        raise UsageError("no file is named", remedy=f"runaudit import {kind} PATH, or the file of a bundle alone")
    if kind == BUNDLE:
        rows, skipped = take_bundles(paths, context.create, context.settings)
    else:
        rows, skipped = take_in(kind, paths, context.create, context.settings)
    context.tell(ImportAnswer(rows=rows, skipped=tuple((entry.source, entry.reason) for entry in skipped)))
    if not rows and not any(entry.reason.startswith("already imported") for entry in skipped):
        raise NothingToJudgeError("no run was imported", remedy="see the reasons above, or name another path")
