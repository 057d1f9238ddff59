"""`runaudit restore`: the code of a run in a new folder. `runaudit rerun`: the same, run again and compared."""

import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.errors import UsageError
from runaudit.launch.reproduction import Repetition
from runaudit.launch.rerun import Rerun, redacting, repositories_of
from runaudit.launch.rerun import rerun as repeat
from runaudit.launch.restore import Restored
from runaudit.launch.restore import restore as rebuild
from runaudit.records.run import SHORT, Run
from runaudit.runs.names import ids_named
from runaudit.store.catalogue import load

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="An id prefix, a label, @last.")]


@common.command()
def restore(
    around: Context,
    run: RunArgument,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder to make; must not exist or be empty.")],
) -> None:
    """Rebuild the exact code of RUN in a new folder: commit, patch and untracked files. Your own tree is only read.

    Exit 0: every file is as it was, byte for byte. Exit 3: some could not be had, and each is named.
    """
    place = around.open()
    wanted = one_run(around, run)
    restored = rebuild(wanted, to, repositories=repositories_of(wanted, place), redact=redacting(place))
    if around.json:
        common.say_json(restored_json(wanted, restored))
    else:
        common.say(common.printable(restored_text(wanted, restored)))
    around.finish(0 if restored.exact else common.CANNOT_JUDGE)


@common.command(exit_zero=True)
def rerun(
    around: Context,
    run: RunArgument,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="Where to restore [a temporary folder, removed after].")
    ] = None,
) -> None:
    """Restore RUN, run its command again, and compare the inputs, then the results.

    Exit 0: equal to the last bit, or within the noise of at least three replicates. Exit 1: not reproduced, or not the
    same inputs (each is named). Exit 3: it differs and too few replicates say how much is noise, or its code cannot be
    had exactly.
    """
    place = around.open()
    wanted = one_run(around, run)
    if to is not None:
        done = repeat(place, wanted, to, settings=around.settings)
    else:
        with tempfile.TemporaryDirectory(prefix="runaudit-rerun-") as folder:
            done = repeat(place, wanted, Path(folder) / "tree", settings=around.settings)
    if around.json:
        common.say_json(rerun_json(wanted, done))
    else:
        common.say(common.printable(rerun_text(wanted, done)))
    around.finish(done.repetition.exit_code)


def one_run(context: Context, word: str) -> Run:
    """The one run that `word` names. Raises UsageError where it names several."""
    ids = ids_named(context.store, context.settings, word)
    if len(ids) != 1:
        shown = ", ".join(run[:SHORT] for run in ids[:6])
        raise UsageError(f"{word!r} names {len(ids)} runs: {shown}", remedy="name one by its id")
    return load(context.open(), ids[0])


def restored_json(run: Run, restored: Restored) -> dict[str, Any]:
    """The answer of `restore` for a program."""
    return {
        "schema": "runaudit.restore/1",
        "run": run.id,
        "to": str(restored.to.absolute()),
        "commit": restored.commit,
        "files": restored.files,
        "exact": restored.exact,
        "missing": [{"file": path, "reason": why} for path, why in restored.missing.items()],
        "notes": list(restored.notes),
    }


def restored_text(run: Run, restored: Restored) -> str:
    """The answer of `restore` in words."""
    if restored.exact:
        head = f"The code of run {run.short} is in {restored.to}: {restored.files} files, each as it was sealed."
    else:
        count = len(restored.missing)
        head = f"The code of run {run.short} is in {restored.to}, but {count} of {restored.files} files not as sealed:"
    lines = [head, *(f"  {path}: {why}" for path, why in restored.missing.items())]
    return "\n".join([*lines, *(f"Note: {note}." for note in restored.notes)])


_HEADLINES = {
    "bit_equal": "reproduced to the last bit",
    "within_replicate_noise": "reproduced within the noise of its replicates",
    "not_reproduced": "not reproduced",
    "cannot_say": "cannot be determined",
    "other_inputs": "not repeated",
}


def rerun_json(run: Run, done: Rerun) -> dict[str, Any]:
    """The answer of `rerun` for a program."""
    return done.repetition.to_json() | {
        "run": run.id,
        "rerun": done.again.id,
        "restored": restored_json(run, done.restored),
        "linked": list(done.linked),
    }


def rerun_text(run: Run, done: Rerun) -> str:
    """The answer of `rerun` in words."""
    found: Repetition = done.repetition
    lines = [f"Run {run.short} ({run.label}): {_HEADLINES[found.verdict]}. {found.reason.capitalize()}."]
    lines += [f"  {factor.summary}" for factor in found.inputs]
    for item in found.differences:
        where = "" if item.low is None else f" (a replicate is expected in {item.low:.6g} to {item.high:.6g})"
        lines.append(f"  {item.metric}: {item.before} then, {item.after} now{where}")
    lines += [f"  {path}: other bytes" for path in found.files]
    lines.append(f"The repetition is run {done.again.short}.")
    return "\n".join(lines)
