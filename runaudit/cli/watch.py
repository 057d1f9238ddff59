"""`runaudit watch RUN`: follow a running run: loss, scale, pace, and findings as they come."""

from typing import Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.text.markdown import escaped


@common.command(quiet="Findings and the end only.")
def watch(
    context: Context,
    run: common.OneRun,
    every: Annotated[str, typer.Option("--every", metavar="SECONDS", help="Seconds between two looks.")] = "2",
    once: Annotated[bool, typer.Option("--once", help="One look, all of it judged, and the end.")] = False,
) -> None:
    """Follow a running run: loss, loss scale, steps a second, findings as they come, seconds since the last step.

    In a terminal one line is renewed, in a file each look has its own; with --json each is one object on a line. Ends
    when the run does, with the exit code of its command; Ctrl-C ends watching, never the run.
    """
    from runaudit.guard.rulebook import understood
    from runaudit.judge.watch import exit_code, looks, seconds
    from runaudit.voice.renewed import Renewed

    understood(context.settings.rules)
    voice, code = Renewed(), 0
    try:
        for look in looks(context.bench, run, every_s=seconds(every), once=once):
            code = exit_code(look)
            if context.json:
                voice.record(look.to_json())
                continue
            for line in look.finding_lines(as_markdown=context.format == "md"):
                voice.stay(line)
            if not context.quiet:
                voice.renew(look.line) if context.format == "text" else voice.stay(escaped(look.line))
            if look.is_last and not once:
                voice.stay(look.closing(as_markdown=context.format == "md"))
    finally:
        voice.wipe()
    context.finish(code)
