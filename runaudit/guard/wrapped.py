"""A sealed launch around any command: run it, gather what it left, seal the outcome.

The launch is in the log before the command starts. A wrapper that is killed therefore leaves a run that is lost, never
one that did not happen.
"""

import contextlib
import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runaudit.capture.closing import seal_outcome
from runaudit.capture.dataset import capture_dataset
from runaudit.capture.gitprocess import work_tree
from runaudit.capture.launch import child_environ, redactor_of
from runaudit.capture.ledger import claim, claims
from runaudit.capture.loaded import changed_files
from runaudit.errors import CaptureError, RunauditError
from runaudit.guard.leavings import announce_files, foreign_files, gather_series
from runaudit.guard.process import Ended, signal_name, signals_held, supervise
from runaudit.records.canonical import JSON
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.store import Store, StoreError
from runaudit.store.catalogue import HEARTBEAT_S, process_start


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrapped:
    """How the command ended and what was sealed about it; where sealing failed, `fault` says why."""

    ended: Ended
    outcome: Outcome | None
    fault: RunauditError | None = None

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
    with signals_held() as mask:
        ended = supervise(
            command,
            cwd=cwd,
            environ={**environ, **child_environ(store, manifest)},
            mask=mask,
            beat=heart(live),
            every_s=HEARTBEAT_S,
            stdout=stdout,
        )
        try:
            _gather(store, manifest, ended, cwd, before=before, names=series_names or {})
            outcome = seal_outcome(
                store,
                manifest,
                exit_code=ended.returncode,
                error=ended.error if ended.killed_by else None,
                code=_code_at_end(store, manifest, live, cwd, environ),
                environ=environ,
            )
        except RunauditError as fault:
            return Wrapped(ended=ended, outcome=None, fault=fault)
        except OSError as error:
            unsealed = StoreError(f"the outcome could not be sealed: {error}", remedy="free space on the store's disk")
            return Wrapped(ended=ended, outcome=None, fault=unsealed)
    return Wrapped(ended=ended, outcome=outcome)


def _gather(
    store: Store, manifest: Manifest, ended: Ended, cwd: Path, *, before: frozenset[Path], names: Mapping[str, str]
) -> None:
    """Claim for the run what the command left and what became of it."""
    live, folder = store.live_dir(manifest.id), store.run_dir(manifest.id)
    for number in ended.forwarded:
        claim(live, "note", text=f"{signal_name(number)} was passed on to the command")
    gather_series(live, (folder, cwd), before=before, names=names)
    announce_files(live, folder)
    for note in _data_at_end(store, manifest):
        claim(live, "note", text=note)


def foreign_before(cwd: Path) -> frozenset[Path]:
    """The files of other trackers that were there before the command: not what this run wrote."""
    return frozenset(foreign_files(cwd, shallow=True))


def heart(live: Path) -> Callable[[], None]:
    """What is called to show that the run is alive: the first beat says who lives, each further one that it does."""
    beat = live / "heartbeat"

    def once() -> None:
        # A full disk must not end a training that goes on well; the run then looks lost until it is sealed.
        with contextlib.suppress(OSError):
            if not beat.exists():
                facts = {"pid": os.getpid(), "host": socket.gethostname(), "pid_start": process_start(os.getpid())}
                temporary = beat.with_name(f"heartbeat.{os.getpid()}")
                temporary.write_text(json.dumps(facts))
                temporary.replace(beat)
            os.utime(beat)

    return once


def _data_at_end(store: Store, manifest: Manifest) -> Iterator[str]:
    """A remark for each dataset that is not what it was when the run started. Unchanged files are not read again."""
    for name, entry in manifest.section("data").items():
        path = entry.get("path") if isinstance(entry, Mapping) else None
        if not path or not entry.get("digest") or not Path(str(path)).is_absolute():
            continue
        try:
            now = capture_dataset(Path(str(path)), cache=store.root / "cache")["digest"]
        except CaptureError as error:
            yield f"the dataset {name} could not be read again at the end: {error.message}"
            continue
        if now != entry["digest"]:
            yield f"the dataset {name} changed while the run ran: {path}"


def _code_at_end(
    store: Store, manifest: Manifest, live: Path, cwd: Path, environ: Mapping[str, str]
) -> dict[str, JSON]:
    """What the command said it loaded, and every sealed source that is another one now."""
    endings = (row["code"] for row in reversed(claims(live)) if row["k"] == "ending" and row.get("code"))
    said: dict[str, JSON] = next(endings, {})
    code = manifest.section("code")
    changed = changed_files(code, work_tree(cwd) or cwd, redactor_of(store, environ=environ))
    known = {entry["path"] for entry in said.get("changed", ())}
    if changed:
        paths = ", ".join(str(entry["path"]) for entry in changed[:5])
        claim(live, "note", text=f"the code changed while the run ran: {paths}")
    # What a command loaded is unknown unless it said so itself; an empty list would say that nothing ran.
    return {**said, "changed": [*said.get("changed", ()), *(e for e in changed if e["path"] not in known)]}
