"""A sealed launch around any command: run it observed, gather what it left, seal the outcome.

The launch is in the log before the command starts. A wrapper that is killed therefore leaves a run that is lost, never
one that did not happen.
"""

import contextlib
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from runaudit.capture.draft import child_environ
from runaudit.capture.outputs import OBSERVER
from runaudit.capture.ranks import with_other_ranks
from runaudit.errors import RunauditError
from runaudit.launch.ending import End, close_run, write_down
from runaudit.launch.evidence import tracker_files
from runaudit.launch.journal import drop_end, prepare
from runaudit.launch.lastwords import listen
from runaudit.launch.process import Ended, signal_name, signals_held, supervise
from runaudit.observe.lay import lay
from runaudit.observe.log import read_trace
from runaudit.observe.sampler import Sampler
from runaudit.observe.trace import Trace
from runaudit.record.heartbeat import beat
from runaudit.record.heartbeat import end as nobody_lives
from runaudit.record.outcome import seal_outcome
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.records.run import SHORT
from runaudit.runs.follow import bring_index_along
from runaudit.store import Store, StoreError
from runaudit.store.catalogue import HEARTBEAT_S, SERIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrapped:
    """How the command ended and what was sealed about it; where sealing failed, `fault` says why. logged: whether it
    logged to us while it ran, and not to another tracker alone, whose files are read at the end."""

    ended: Ended
    outcome: Outcome | None
    fault: RunauditError | None = None
    logged: bool = False

    @property
    def exit_code(self) -> int:
        """The command's own; that of the fault where the command was content and its outcome could not be kept."""
        return self.ended.exit_code or (self.fault.exit_code if self.fault else 0)


def run_sealed(
    store: Store,
    manifest: Manifest,
    command: Sequence[str],
    *,
    cwd: Path,
    environ: Mapping[str, str] = os.environ,
    series_names: Mapping[str, str] | None = None,
    stdout: int | None = None,
) -> Wrapped:
    """Run `command` under a sealed manifest and seal its outcome, whatever becomes of it."""
    live = store.live_dir(manifest.id)
    before = foreign_before(cwd)
    watch = Watch.over(live / OBSERVER, environ, command)
    ear = listen(stdout)

    def started(pid: int) -> None:
        ear.begun()
        watch.start(pid)

    prepare(live)
    with signals_held() as mask:
        try:
            ended = supervise(
                command,
                cwd=cwd,
                environ={**environ, **child_environ(store, manifest), **watch.environ},
                mask=mask,
                beat=partial(sign_of_life, live),
                every_s=HEARTBEAT_S,
                stdout=stdout,
                stderr=ear.fd,
                started=started,
            )
        except RunauditError as fault:
            _never_started(store, manifest, fault)
            raise
        logged, how = _has_logged(live), _how(ended)
        end = End(
            **how,
            trace=with_other_ranks(watch.stop(), environ),
            cwd=cwd,
            stderr=ear.heard(),
            before=before,
            names=series_names or {},
        )
        try:
            write_down(store, manifest, end, environ=environ)
            outcome = close_run(store, manifest, end, environ=environ)
        except (RunauditError, OSError) as error:
            return _left_to_seal(ended, live, _unsealed(manifest, error))
    _sealed(store, live, watch)
    return Wrapped(ended=ended, outcome=outcome, logged=logged)


def _how(ended: Ended) -> dict[str, Any]:
    """What of an end is known the moment the command is over. What comes after is no part of how long it ran."""
    return {
        "ended": time.time(),
        "took_s": ended.duration_s,
        "exit_code": ended.returncode,
        "error": ended.error if ended.killed_by else None,
        "notes": tuple(f"{signal_name(number)} was passed on to the command" for number in ended.forwarded),
    }


def _has_logged(live: Path) -> bool:
    try:
        return (live / SERIES).stat().st_size > 0
    except OSError:
        return False


def _sealed(store: Store, live: Path, watch: "Watch") -> None:
    """What is done once the outcome is kept."""
    watch.tidy()
    drop_end(live)
    bring_index_along(store)


def _left_to_seal(ended: Ended, live: Path, fault: RunauditError) -> Wrapped:
    """The command is over and its outcome is not kept: the run no longer lives, and what was written down stays."""
    nobody_lives(live)
    return Wrapped(ended=ended, outcome=None, fault=fault)


def _unsealed(manifest: Manifest, error: RunauditError | OSError) -> RunauditError:
    """Why the outcome is not kept, and that it can be kept later: what it is made of lies in the store."""
    later = f"then: runaudit seal {manifest.id[:SHORT]}"
    if isinstance(error, RunauditError):
        return type(error)(f"the outcome is not sealed yet: {error.message}", remedy=f"{error.remedy}; {later}")
    return StoreError(f"the outcome is not sealed yet: {error}", remedy=f"free space on the store's disk, {later}")


def _never_started(store: Store, manifest: Manifest, fault: RunauditError) -> None:
    """A command that the system would not start was counted as a launch, so its record says what became of it."""
    with contextlib.suppress(RunauditError, OSError):
        seal_outcome(store, manifest, status="crashed", error=f"never started: {fault.message}")
        drop_end(store.live_dir(manifest.id))


@dataclass(slots=True, kw_only=True)
class Watch:
    """The observer around one command. Where it cannot be laid, the command runs all the same, and that is told."""

    folder: Path
    command: tuple[str, ...]
    environ: dict[str, str] = field(default_factory=dict)
    fault: str | None = None
    pid: int | None = None
    sampler: Sampler | None = None

    @classmethod
    def over(cls, folder: Path, environ: Mapping[str, str], command: Sequence[str]) -> "Watch":
        """Lay the hook into `folder`."""
        words = tuple(command)
        try:
            return cls(folder=folder, command=words, environ=lay(folder, environ))
        except OSError as error:
            return cls(folder=folder, command=words, fault=f"the observer could not be laid: {error.strerror or error}")

    def start(self, pid: int) -> None:
        """Watch the processes below `pid`, the command's own."""
        self.pid = pid
        if self.fault is None:
            self.sampler = Sampler(pid, self.folder)
            self.sampler.start()

    def stop(self) -> Trace:
        """What was seen."""
        if self.sampler is not None:
            self.sampler.stop()
        if self.fault is not None:
            return Trace(partial=(self.fault,))
        return traced(self.folder, root_pid=self.pid, command=self.command)

    def tidy(self) -> None:
        """Take away the hook and its logs: what they said is sealed."""
        with contextlib.suppress(OSError):
            remove_folder(self.folder)


def traced(folder: Path, *, root_pid: int | None = None, command: Sequence[str] | None = None) -> Trace:
    """The trace that lies in a folder; one that cannot be read is a trace of nothing, which says so."""
    if not folder.is_dir():
        return Trace()
    try:
        return read_trace(folder, root_pid=root_pid, command=command)
    except (OSError, ValueError) as error:
        return Trace(partial=(f"what was observed could not be read: {error}",))


def remove_folder(folder: Path) -> None:
    """A folder and what lies in it."""
    import shutil

    shutil.rmtree(folder)


def foreign_before(cwd: Path) -> frozenset[Path]:
    """The files of other trackers that were there before the command: not what this run wrote."""
    return frozenset(tracker_files(cwd))


def sign_of_life(live: Path) -> None:
    """One beat. A full disk must not end a training that goes on well; the run looks lost until it is sealed."""
    with contextlib.suppress(OSError):
        beat(live)


__all__ = ["Watch", "Wrapped", "foreign_before", "run_sealed", "traced"]
