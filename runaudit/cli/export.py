"""`runaudit export RUN… -o FILE`: runs in one file, which `import` takes back with every digest intact."""

import time
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context, SomeRuns


@common.command()
def export(
    context: Context,
    runs: SomeRuns,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The bundle to write: a new file.")],
    force: Annotated[bool, typer.Option("--force", help="Write over an older bundle.")] = False,
) -> None:
    """Write runs into one file: records, trajectories, sources, checkpoints, artifacts and what the log says of them.

    `runaudit import FILE` takes them back under the same ids; a file whose bytes were altered is refused (exit 4).
    """
    from runaudit.runs.leaving import tell_who_stays
    from runaudit.runs.names import ids_named
    from runaudit.store.bundle import export as write
    from runaudit.store.bundle import lacking
    from runaudit.store.bundle_answer import ExportAnswer
    from runaudit.system.clock import utc_text

    ids = ids_named(context.store, context.settings, *runs)
    said = partial(tell_who_stays, store := context.open(), context.settings, ids, time=utc_text(time.time()))
    files = write(store, ids, output, over=force, tell=said)
    gone = lacking(store, ids)
    context.tell(ExportAnswer(ids=ids, output=output, files=files, size=output.stat().st_size, forgotten=gone))
