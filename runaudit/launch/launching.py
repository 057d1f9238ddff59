"""One launch from the user's words to the sealed outcome: ask the guard, seal, run the command in its place, seal."""

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from runaudit.capture.draft import open_store
from runaudit.guard.admission import Prepared
from runaudit.launch.asked import Asked
from runaudit.launch.process import executable
from runaudit.launch.wrapper import run_sealed
from runaudit.record.recording import rank_of
from runaudit.records.finding import Severity
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import FINISHED, Outcome, shell_code
from runaudit.records.run import SHORT
from runaudit.settings import Settings
from runaudit.store.catalogue import load
from runaudit.store.store import Store
from runaudit.text.terminal import printable
from runaudit.text.verdicts import REFUSED
from runaudit.voice.saying import Manner, report_error

LOG_LINE = 'import runaudit; runaudit.log(step, {"train/loss": loss})'


def launch(
    asked: Asked,
    root: Path,
    settings: Settings,
    *,
    manner: Manner,
    cwd: Path,
    check: Callable[[Prepared], None] = lambda prepared: None,
    sealed: Callable[[Manifest], None] = lambda manifest: None,
) -> int:
    """Guard, seal and run in `cwd`, the record in the store at `root`; returns the exit code, REFUSED where the guard
    said no. How far it is goes to stderr, for stdout is the command's.

    check: sees what the guard said before anything is sealed, and raises where it must not be. sealed: told of the
    launch once it counts.
    """
    executable(asked.command, cwd=cwd, environ=os.environ)
    if rank_of(os.environ) != 0:
        # One launch has one record, and rank 0 writes it; the other ranks only run.
        return _pass_through(asked.command)
    request = asked.request(cwd)
    store = open_store(root)
    prepared = asked.prepared(request, store, settings, command="run")
    check(prepared)
    if not prepared.answer.allowed:
        manner.tell_beside(prepared.answer)
        return REFUSED
    manifest = prepared.sealed()
    sealed(manifest)
    manner.note(f"run {manifest.id[:SHORT]} sealed: {printable(manifest.label or '')}")
    for note in (*prepared.answer.told(verbose=manner.verbose), *prepared.answer.notes):
        manner.note(note)
    done = run_sealed(store, manifest, asked.command, cwd=cwd, series_names=settings.series)
    if done.fault is not None:
        report_error(done.fault, as_json=False)
    if done.outcome is not None:
        remarks = "".join(f"; {note}" for note in done.outcome.body.get("notes", ()))
        manner.note(f"run {manifest.id[:SHORT]} {done.outcome.status} after {done.ended.duration_s:.1f} s{remarks}")
        if manifest.section("launch").get("health") and not done.logged:
            for note in _after_all(store, manifest, settings):
                manner.note(note)
        if logged_nothing(done.outcome):
            manner.note(f"run {manifest.id[:SHORT]} logged nothing to judge; add to the program: {LOG_LINE}")
    return done.exit_code


def _after_all(store: Store, manifest: Manifest, settings: Settings) -> Iterator[str]:
    """What the curves of a run show that was to be looked at while it went on, and could not be: its program told
    another tracker, whose files are read when it ends. What the program's own recorder looked at, it has said."""
    from runaudit.health.answer import judged, trajectory_rules

    yield f"run {manifest.id[:SHORT]} logged nothing to runaudit while it ran: --health had nothing to judge before"
    run = load(store, manifest.id)
    for finding in judged(run, trajectory_rules(settings.rules), settings.stats.directions).findings:
        if finding.severity >= Severity.WARNING:
            yield printable(f"{finding.head}: {finding.message}")


def logged_nothing(outcome: Outcome) -> bool:
    """Whether a run that went well left neither a number nor a checkpoint."""
    return outcome.status in FINISHED and not (
        outcome.body.get("metrics") or outcome.body.get("trajectory") or outcome.checkpoints
    )


def _pass_through(command: Sequence[str]) -> int:
    return shell_code(subprocess.run(list(command), check=False).returncode)
