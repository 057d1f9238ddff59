"""A sealed launch around any command: run it, gather what it left, seal the outcome.

The launch is in the log before the command starts. A wrapper that is killed therefore leaves a run that is lost, never
one that did not happen.
"""

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
from runaudit.errors import CaptureError
from runaudit.guard.leavings import announce_files, foreign_files, gather_series
from runaudit.guard.process import Ended, executable, signal_name, supervise
from runaudit.records.canonical import JSON
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.store import Store
from runaudit.store.catalogue import HEARTBEAT_S, process_start


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrapped:
    """How the command ended and what was sealed about it."""

    ended: Ended
    outcome: Outcome


def run_sealed(
    store: Store,
    manifest: Manifest,
    command: Sequence[str],
    *,
    cwd: Path,
    environ: Mapping[str, str] = os.environ,
    series_names: Mapping[str, str] | None = None,
) -> Wrapped:
    """Run `command` under a sealed manifest and seal its outcome, whatever becomes of it."""
    live = store.live_dir(manifest.id)
    live.mkdir(parents=True, exist_ok=True)
    store.run_dir(manifest.id).mkdir(parents=True, exist_ok=True)
    before = foreign_before(cwd)
    ended = supervise(
        command,
        cwd=cwd,
        environ={**environ, **child_environ(store, manifest)},
        beat=heart(live),
        every_s=HEARTBEAT_S,
    )
    for number in ended.forwarded:
        claim(live, "note", text=f"{signal_name(number)} was passed on to the command")
    gather_series(live, (store.run_dir(manifest.id), cwd), before=before, names=series_names or {})
    announce_files(live, store.run_dir(manifest.id))
    for note in _data_at_end(store, manifest):
        claim(live, "note", text=note)
    outcome = seal_outcome(
        store,
        manifest,
        exit_code=ended.returncode,
        error=ended.error if ended.killed_by else None,
        code=_code_at_end(store, manifest, live, cwd, environ),
        environ=environ,
    )
    return Wrapped(ended=ended, outcome=outcome)


def foreign_before(cwd: Path) -> frozenset[Path]:
    """The files of other trackers that were there before the command: not what this run wrote."""
    return frozenset(foreign_files(cwd, shallow=True))


def heart(live: Path) -> Callable[[], None]:
    """What is called to show that the run is alive: the first beat says who lives, each further one that it does."""
    beat = live / "heartbeat"

    def once() -> None:
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
    return {**said, "loaded": said.get("loaded", []),
            "changed": [*said.get("changed", ()), *(e for e in changed if e["path"] not in known)]}  # fmt: skip


__all__ = ["Wrapped", "executable", "run_sealed"]
