"""`runaudit seal`: a lost run becomes a sealed one, with what lies on disk.

A run is lost when the process that would have sealed it is gone: the machine went down, the wrapper was killed. What it
logged, announced and was seen to use is still there; only how it ended is not, unless the program had said so itself.
"""

from pathlib import Path
from typing import Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.records.run import SHORT


@common.command()
def seal(
    around: Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help="A lost run: an id prefix, a label, @last.")],
) -> None:
    """Seal a lost run with what is on disk. A run that is running, or sealed already, is left as it is (exit 2)."""
    from runaudit.launch.lost import seal_lost
    from runaudit.runs.names import ids_named

    place = around.open()
    outcome = seal_lost(
        place, ids_named(around.store, around.settings, run), cwd=Path.cwd(), names=around.settings.series
    )
    if around.json:
        answer = {"schema": "runaudit.seal/1", "run": outcome.manifest.hex, "status": outcome.status,
                  "error": outcome.body.get("error"), "notes": list(outcome.body.get("notes", ()))}  # fmt: skip
        common.say_json(answer)
        return
    common.say(f"run {outcome.manifest.hex[:SHORT]} sealed as {outcome.status}")
    for note in outcome.body.get("notes", ()):
        common.say(common.printable(f"  {note}"))
