"""`runaudit seal`: a lost run becomes a sealed one, with what lies on disk.

A run is lost when the process that would have sealed it is gone: the machine went down, the wrapper was killed. What it
logged, announced and was seen to use is still there; only how it ended is not, unless the program had said so itself.
"""

from typing import Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.voice.failed import here


@common.command()
def seal(
    around: Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help="A lost run: an id prefix, a label, @last.")],
) -> None:
    """Seal a lost run with what is on disk. A run that is running, or sealed already, is left as it is (exit 2)."""
    from runaudit.launch.lost import seal_lost
    from runaudit.launch.text import SealAnswer
    from runaudit.runs.names import one_named

    place = around.open()
    lost = one_named(around.store, around.settings, run)
    around.tell(SealAnswer(outcome=seal_lost(place, lost, cwd=here(), names=around.settings.series)))
