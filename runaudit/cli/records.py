"""`runaudit show` and `verify`: what is kept, and whether it is what was sealed."""

from typing import Annotated

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
from runaudit.errors import UsageError
from runaudit.text.verdicts import INTEGRITY, verdict_words
from runaudit.voice.saying import hint, printable


@common.command()
def show(
    context: Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help="An id prefix, a label, @last or a record file.")],
    series: Annotated[bool, typer.Option("--series", help="With --json: every point of long series, too.")] = False,
    lineage: Annotated[bool, typer.Option("--lineage", help="What it came from, and what began with it.")] = False,
) -> None:
    """Show one run on one screen; -v shows every section. With --json the plain record stands under `record`."""
    from runaudit.runs.lineage import shown

    answer = shown(context.store, context.settings, run, with_series=series, lineage=lineage)
    context.tell(answer)
    if answer.run.fault:
        hint(f"runaudit: this record is damaged: {printable(answer.run.fault)}")
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
    jobs: JobsOption = None,
) -> None:
    """Re-hash everything that is stored, and say which file of which run is wrong.

    What it proves: no stored byte changed, no launch was removed from, moved within or cut off the log. A rewriting of
    the whole history on purpose, its sealed end with it, shows only against a signature (--key) or an anchor
    (--check-anchor). --sign and --anchor make them, after everything in the store was found sound.
    """
    from runaudit.runs.names import ids_named
    from runaudit.store.attest import attest
    from runaudit.store.witness import or_a_file

    opened = context.store.existing(as_it_is=not (sign or anchor))
    try:
        ids = ids_named(context.store, context.settings, *runs) if runs else None
    except UsageError as error:
        raise or_a_file(
            error, {"--anchor": (anchor,), "--check-anchor": check_anchor or (), "--since": (since,)}
        ) from None
    found = attest(opened, ids, key=key, check=check_anchor or (), since=since, places=place_of, sign=sign,
                   anchor=place_of(anchor) if anchor else None, jobs=jobs)  # fmt: skip
    if not context.quiet or found.answer.found.problems:
        context.tell(found.answer)
    if not context.json:
        for note in (*(found.said if context.verbose or key or check_anchor or since else ()), *found.done):
            hint(printable(note))
    context.finish(verdict_words("verify", found.answer.verdict).code)
