"""`runaudit export RUN… -o FILE`: runs in one file, which `import` takes back with every digest intact."""

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
    from runaudit.runs.names import ids_named
    from runaudit.store.bundle import export as write
    from runaudit.store.bundle import lacking
    from runaudit.store.bundle_answer import ExportAnswer

    ids = ids_named(context.store, context.settings, *runs)
    files = write(store := context.open(), ids, output, over=force)
    gone = lacking(store, ids)
    context.tell(ExportAnswer(ids=ids, output=output, files=files, size=output.stat().st_size, forgotten=gone))
