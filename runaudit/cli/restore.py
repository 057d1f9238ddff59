"""`runaudit restore`: the code of a run in a new folder. `runaudit rerun`: the same, run again and compared."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context, OneRun
from runaudit.launch.rerun import repositories_of, same_content
from runaudit.launch.rerun import rerun as repeat
from runaudit.launch.restore import restore as rebuild
from runaudit.launch.text import RerunAnswer, RestoreAnswer
from runaudit.runs.names import one_named
from runaudit.store.catalogue import load
from runaudit.store.foreign import came_from
from runaudit.text.verdicts import verdict_words

TrustOption = Annotated[
    bool, typer.Option("--trust", help="A run that was imported: take its command and its file names as they are.")
]


@common.command()
def restore(
    around: Context,
    run: OneRun,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder to make; must not exist or be empty.")],
    trust: TrustOption = False,
) -> None:
    """Rebuild the exact code of RUN in a new folder: commit, patch and untracked files. Your own tree is only read.

    Nothing of it is run. Exit 0: every file is as it was, byte for byte. Exit 3: some could not be restored, and each
    is named.
    """
    place = around.open()
    wanted = load(place, one_named(place, around.settings, run))
    restored = rebuild(wanted, to, repositories=repositories_of(wanted, place), same=same_content(place),
                       is_trusted=trust or came_from(place, wanted) is None)  # fmt: skip
    answer = RestoreAnswer(run=wanted, restored=restored)
    around.tell(answer)
    around.finish(verdict_words("restore", answer.verdict).code)


@common.command(exit_zero=True)
def rerun(
    around: Context,
    run: OneRun,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="Where to restore [a temporary folder, removed after].")
    ] = None,
    trust: TrustOption = False,
) -> None:
    """Restore RUN, run its command again, and compare the inputs, then the results.

    The command of a run that was imported is shown and not run (exit 5), unless you say --trust. Exit 0: equal to the
    last bit, or within the noise of at least three replicates. Exit 1: not reproduced, or not the same inputs (each is
    named). Exit 3: it differs and too few replicates say how much is noise, or its code cannot be restored exactly.
    """
    place = around.open()
    wanted = load(place, one_named(place, around.settings, run))
    if to is not None:
        done = repeat(place, wanted, to, settings=around.settings, is_trusted=trust)
    else:
        with tempfile.TemporaryDirectory(prefix="runaudit-rerun-") as folder:
            done = repeat(place, wanted, Path(folder) / "tree", settings=around.settings, is_trusted=trust)
    around.tell(RerunAnswer(run=wanted, done=done))
    around.finish(verdict_words("rerun", done.repetition.verdict).code)
