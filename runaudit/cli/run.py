"""`runaudit run`: ask the guard, seal the launch, run the command in its place, seal the outcome."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from runaudit.capture.draft import open_store
from runaudit.cli import common
from runaudit.cli.common import Context, Format
from runaudit.cli.launching import Options, describes_launch
from runaudit.guard.admission import prepare
from runaudit.guard.answer import GuardAnswer
from runaudit.launch.process import executable
from runaudit.launch.wrapper import run_sealed
from runaudit.record.recorder import rank_of
from runaudit.records.outcome import FINISHED, Outcome
from runaudit.records.run import SHORT
from runaudit.text.verdicts import REFUSED


@describes_launch
def run(around: Context, options: Options) -> None:
    """Guard, seal the manifest, run CMD with the run's folder in $RUNAUDIT_RUN, seal the outcome.

    CMD's exit code is passed on, and 128 + N where signal N ended it; signals sent to this process reach CMD. Exit 5:
    the guard refused and nothing was started.
    """
    around.finish(launch(around, options, cwd=common.here()))


def launch(around: Context, options: Options, *, cwd: Path, extra: dict[str, object] | None = None) -> int:
    """Guard, seal and run in `cwd`; returns the exit code. `extra` are further sections of the manifest."""
    executable(options.command, cwd=cwd, environ=os.environ)
    if rank_of(os.environ) != 0:
        # One launch has one record, and rank 0 writes it; the other ranks only run.
        return _pass_through(options.command)
    request = options.request(cwd, extra=extra)
    store = open_store(around.store_root)
    prepared = prepare(
        request, store, settings=around.settings, baseline=options.baseline, waive=options.waive,
        call=options.call("run"),
    )  # fmt: skip
    if not prepared.answer.allowed:
        _refuse(around, prepared.answer)
        return REFUSED
    manifest = prepared.sealed()
    _tell(around, f"run {manifest.id[:SHORT]} sealed: {manifest.label}")
    for note in (*prepared.answer.told, *prepared.answer.notes):
        _tell(around, note)
    done = run_sealed(store, manifest, options.command, cwd=cwd, series_names=around.settings.series)
    if done.fault is not None:
        common.report_error(done.fault, as_json=False)
    if done.outcome is not None:
        remarks = "".join(f"; {note}" for note in done.outcome.body.get("notes", ()))
        _tell(around, f"run {manifest.id[:SHORT]} {done.outcome.status} after {done.ended.duration_s:.1f} s{remarks}")
        if logged_nothing(done.outcome):
            _tell(around, f"run {manifest.id[:SHORT]} logged nothing to judge; add to the program: {LOG_LINE}")
    return done.exit_code


LOG_LINE = 'import runaudit; runaudit.log(step, {"train/loss": loss})'


def logged_nothing(outcome: Outcome) -> bool:
    """Whether a run that went well left neither a number nor a checkpoint."""
    return outcome.status in FINISHED and not (
        outcome.body.get("metrics") or outcome.body.get("trajectory") or outcome.checkpoints
    )


def _refuse(around: Context, answer: GuardAnswer) -> None:
    """Why nothing was started: a result where a format was asked for, else a message, for stdout is the program's."""
    if around.format is not Format.text:
        around.tell(answer)
        return
    lines = [answer.headline] if around.quiet else answer.text_lines(verbose=around.verbose)
    for line in lines:
        common.hint(common.printable(line))


def _tell(around: Context, text: str) -> None:
    if not around.quiet:
        common.hint(f"runaudit: {common.printable(text)}")


def _pass_through(command: Sequence[str]) -> int:
    code = subprocess.run(list(command), check=False).returncode
    return 128 - code if code < 0 else code
