"""The end of a run: its series, claims and code become one outcome, sealed once and linked to the manifest.

Everything it needs lies in the store, so that whoever is left can seal it: the program itself, the wrapper that saw it
die, or a later command that finds it lost.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from runaudit.capture.draft import redactor_of
from runaudit.capture.redact import Redactor
from runaudit.errors import RunauditError, StoreError, UsageError
from runaudit.record.ledger import claims
from runaudit.record.leftovers import open_files, open_series
from runaudit.record.sink import Mirror, remarks
from runaudit.record.telling import told_in
from runaudit.record.unwritten import drop, unwritten
from runaudit.records.canonical import JSON, thawed
from runaudit.records.columns import Sealable
from runaudit.records.digest import Digest, digest_file
from runaudit.records.filenames import all_whole, whole
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import FINISHED, Outcome, unwritten_words
from runaudit.store.catalogue import SERIES, outcome_entry
from runaudit.store.kept import open_kept
from runaudit.store.links import refuse_behind
from runaudit.store.store import Store
from runaudit.system.clock import utc_text
from runaudit.system.locks import lock

ERROR_LENGTH = 500


def seal_outcome(
    store: Store,
    manifest: Manifest,
    *,
    status: str | None = None,
    exit_code: int | None = None,
    error: str | None = None,
    metrics: Mapping[str, float] | None = None,
    code: Mapping[str, JSON] | None = None,
    sections: Mapping[str, JSON] = MappingProxyType({}),
    notes: Sequence[str] = (),
    environ: Mapping[str, str] = os.environ,
    now: float | None = None,
    took_s: float | None = None,
) -> Outcome:
    """Seal the outcome of a run; one that is already sealed is returned as it is.

    `status` is what the caller knows; None leaves it to what the program claimed and how it exited. Final metrics are
    the last value of every series, then what was claimed, then `metrics`. `sections` are further sections as they are
    (`observed`, `data`, `findings`). It ended `now`, else when this is called; took_s: how long it ran, where that is
    known better than since its launch. Raises StoreError.
    """
    ended = time.time() if now is None else now
    live = store.live_dir(manifest.id)
    with _alone(live):
        if (entry := outcome_entry(store, manifest.id)) is not None:
            return Outcome.from_bytes(store.read(entry.digest), where=f"outcome of {manifest.id[:12]}")
        redactor = redactor_of(store, environ=environ, manifest=manifest)
        clean = _clean(redactor)
        rows = open_files(store.run_dir(manifest.id), live, claims(live), clean)
        logged, lost = open_series(live / SERIES, clean), unwritten(live)
        ending: Mapping[str, Any] = next((row for row in reversed(rows) if row["k"] == "ending"), {})
        checkpoints, artifacts, remarks = _files(store, manifest, rows)
        settled, remark = settle(status, ending.get("status"), exit_code)
        remarks += [*_remarks(lost, rows), *([remark] if remark else []), *notes]
        body: dict[str, JSON] = {
            "manifest": str(manifest.digest),
            "status": settled,
            "error": _one_line(redactor.text(error or ending.get("error") or "")) or _default_error(settled, exit_code),
            "exit_code": exit_code,
            "ended": utc_text(ended),
            "duration_s": _since(manifest, ended) if took_s is None else round(took_s, 3),
            **_came_to(logged, lost, rows, metrics),
            "trajectory": _put(store, logged.raw),
            "checkpoints": checkpoints,
            "artifacts": artifacts,
            "seed_proof": {k: v for row in rows if row["k"] == "seed_proof" for k, v in row["proof"].items()},
            "notes": list(dict.fromkeys(remarks)),
            **({"told": told} if (told := told_in(rows)) else {}),
        }
        outcome = Outcome.of(all_whole(redactor.sealable(body | _told_at_the_end(ending, code) | thawed(sections))))
        store.seal_outcome(outcome, time=utc_text(ended))
        _end_live(live / SERIES, logged.size)
        drop(live)
        return outcome


def _clean(redactor: Redactor) -> Callable[[str], str]:
    """How a name is sealed that the program told."""
    return lambda text: whole(redactor.text(text))


def _end_live(path: Path, sealed: int) -> None:
    """The lines are in the store now, and would only lie here twice; a file that went on meanwhile stays as it is."""
    with contextlib.suppress(OSError):
        if path.stat().st_size == sealed:
            path.unlink()


def _told_at_the_end(ending: Mapping[str, Any], code: Mapping[str, JSON] | None) -> dict[str, JSON]:
    """What was loaded and what became of the config: as the caller knows it, else as the program said."""
    found = {"code": ending.get("code") if code is None else code}
    if (config := ending.get("config")) is not None:
        found["config"] = {"changed": config}
    return {name: value for name, value in found.items() if value is not None}


def end_mirrors(
    store: Store,
    mirrors: Sequence[Mirror],
    status: str,
    outcome: Outcome | None,
    *,
    note: Callable[[str], None],
    redactor: Redactor,
) -> Outcome | None:
    """End every mirror, and return the outcome as it stands then.

    A record is sealed before its copies are waited for. What a copy then lacks is told all the same: in the wrapper's
    outcome where there is none yet, else in a correction of ours.
    """
    for mirror in mirrors:
        mirror.finish(status, outcome)
    lacks = remarks(mirrors)
    if lacks and outcome is not None:
        return corrected(store, outcome, [redactor.text(text) for text in lacks])
    for remark in lacks:
        note(remark)
    return outcome


def corrected(store: Store, outcome: Outcome, notes: Sequence[str]) -> Outcome:
    """Seal `outcome` again with more notes, as a correction that names it. A store that is full keeps the first."""
    body = {**outcome.body, "notes": [*outcome.body.get("notes", ()), *notes], "supersedes": str(outcome.digest)}
    again = Outcome.of(body)
    try:
        store.seal_outcome(again, time=utc_text(time.time()))
    except StoreError:
        return outcome  # The mirror's fault was said on stderr.
    return again


def settle(given_status: str | None, claimed: str | None, exit_code: int | None) -> tuple[str, str | None]:
    """The status of a run and a remark where the signs disagree. How a process ended outweighs what it said of itself.

    `exit_code` is negative for a signal, as `subprocess` counts.
    """
    if given_status is not None:
        return given_status, None
    if exit_code is None:
        return claimed or "crashed", None
    if exit_code < 0 or exit_code in (130, 137, 143):
        if claimed in FINISHED:
            return claimed, f"the program was stopped by a signal (exit {exit_code}) after it had said {claimed}"
        return "killed", None
    if exit_code == 0:
        return claimed or "completed", None
    if claimed in FINISHED:
        return "crashed", f"the program said {claimed} and then exited with {exit_code}"
    return claimed or "crashed", None


def ending_of(error: BaseException | None, stopped_by: str | None) -> tuple[str, str | None]:
    """The status and the one line that an exception, or its absence, says about a run."""
    if stopped_by is not None:
        return "killed", stopped_by
    if error is None:
        return "completed", None
    if isinstance(error, KeyboardInterrupt):
        return "killed", "interrupted"
    if isinstance(error, SystemExit):
        if error.code in (None, 0):
            return "completed", None
        return "crashed", f"exit code {error.code}"
    return "crashed", f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")


def _default_error(status: str, exit_code: int | None) -> str | None:
    if status in FINISHED:
        return None
    return f"exit code {exit_code}" if exit_code else None


def _since(manifest: Manifest, ended: float) -> float | None:
    """Seconds since the launch; None where the clock ran backwards, since then nobody knows."""
    started = manifest.began
    return round(ended - started, 3) if started is not None and ended >= started else None


@contextlib.contextmanager
def _alone(live: Path) -> Iterator[None]:
    """One sealer at a time: the wrapper and its child may both arrive here."""
    refuse_behind(live / "seal.lock", live.parents[1])
    try:
        live.mkdir(parents=True, exist_ok=True)
        fd = open_kept(live / "seal.lock", os.O_RDWR)
    except OSError as error:
        raise StoreError(
            f"{live} cannot be written: {error.strerror}", remedy="free space or fix the permissions, then seal again"
        ) from error
    try:
        lock(fd, live / "seal.lock")
        yield
    finally:
        os.close(fd)


def _put(store: Store, raw: bytes) -> dict[str, JSON] | None:
    """The series in the store, without the half line a killed process may have left; None where nothing was logged."""
    return {"digest": str(store.put(raw)), "size": len(raw)} if raw else None


def _remarks(lost: Mapping[str, int], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is to be said of a run, by what its disk did not take and by what it said itself."""
    said = [str(row["text"]) for row in rows if row["k"] == "note"]
    return [unwritten_words(**lost), *said] if lost else said


def _came_to(
    logged: Sealable, lost: Mapping[str, int], rows: Sequence[Mapping[str, Any]], given: Mapping[str, float] | None
) -> dict[str, JSON]:
    """How far a run came. Where its disk did not take all that it logged, what is there last is of its middle, and only
    what was reported stands for the end."""
    if lost:
        return {"steps_done": None, "metrics": _metrics({}, rows, given), "unwritten": dict(lost)}
    return {"steps_done": logged.last_step, "metrics": _metrics(logged.last, rows, given)}


def _metrics(
    last: Mapping[str, float], rows: Sequence[Mapping[str, Any]], given: Mapping[str, float] | None
) -> dict[str, float]:
    found = dict(last)
    for row in rows:
        if row["k"] == "metrics":
            found |= {name: float(value) for name, value in row["values"].items()}
    return found | {name: float(value) for name, value in (given or {}).items()}


def _files(
    store: Store, manifest: Manifest, rows: tuple[Mapping[str, Any], ...]
) -> tuple[list[JSON], list[JSON], list[str]]:
    """Checkpoints and artifacts as they lie in the run's folder now. Of two claims about a path the later holds."""
    newest: dict[tuple[str, str], Mapping[str, Any]] = {}
    for row in rows:
        if row["k"] in ("checkpoint", "artifact"):
            newest.pop((row["k"], row["path"]), None)
            newest[row["k"], row["path"]] = row
    found: dict[str, list[JSON]] = {"checkpoint": [], "artifact": []}
    notes: list[str] = []
    for (group, path), row in newest.items():
        file = store.run_dir(manifest.id) / path
        try:
            facts = file.stat()
            digest = row["digest"]
            if [facts.st_size, facts.st_mtime_ns] != row.get("stamp"):
                digest = str(digest_file(file))
        except OSError:
            notes.append(f"{group} {path} was announced and is not there any more")
            continue
        if digest != row["digest"]:
            notes.append(f"{group} {path} was written again after it was announced")
        entry: dict[str, JSON] = {"path": path, "digest": digest, "size": facts.st_size, "kind": row["kind"]}
        kept = ("step", "score") if group == "checkpoint" else ("about",)
        more = {name: row[name] for name in kept if name in row}
        found[group].append(entry | more)
    return found["checkpoint"], found["artifact"], notes


def _one_line(text: str) -> str | None:
    line = " ".join(text.split())
    return line[:ERROR_LENGTH] or None


def run_of(environ: Mapping[str, str]) -> tuple[Store, Manifest] | None:
    """The launch that a wrapper sealed for this process, or None. Raises UsageError where the variables disagree."""
    folder = environ.get("RUNAUDIT_RUN")
    if not folder:
        return None
    path = Path(folder)
    try:
        store = Store.open(path.parent.parent)
        manifest = Manifest.from_bytes(store.read(Digest.parse(f"sha256:{path.name}")), where=folder)
    except (RunauditError, OSError) as error:
        raise UsageError(
            f"$RUNAUDIT_RUN={folder} is not the folder of a sealed run: {error}",
            remedy="start through `runaudit run`, or unset RUNAUDIT_RUN",
        ) from error
    expected = environ.get("RUNAUDIT_MANIFEST")
    if expected and expected != str(manifest.digest):
        raise UsageError(
            f"$RUNAUDIT_MANIFEST={expected[:19]}… is another run than $RUNAUDIT_RUN", remedy="unset both, or neither"
        )
    return store, manifest
