"""Runs from elsewhere, sealed like our own: what they hold, then the manifest that names it, then the outcome.

A run that does not say how it ended has no outcome to name its series; its manifest names them, under `origin`.

A run that comes back from a bundle has the id and the record that it had; that it came is one line of the log:

    imported    {"schema": "runaudit.imported/1", "run": RUN, "from": the name of the file}

Of one that was pulled, `from` is the remote, and `lane` says which line of which store's log counted it first
(`store.lanes`): {"store": its id, "line": its number, "chain": its digest}.

Whatever this user did not launch holds a command that somebody else wrote: `came_from` tells it apart. A store itself
may come from elsewhere, cloned or unpacked, and then its launches are somebody else's, too (`store.mine`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from runaudit.records.canonical import canonical_bytes, parse_canonical
from runaudit.records.digest import digest_bytes
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.records.run import Run
from runaudit.records.trajectory import write_lines
from runaudit.store.held import put_all
from runaudit.store.kinds import ENDINGS, IMPORTED, MANIFEST
from runaudit.store.line import Line
from runaudit.store.mine import is_mine, mark
from runaudit.store.store import Store

IMPORTED_SCHEMA = "runaudit.imported/1"
Lane = Mapping[str, str | int]
"""`store`, `line` and `chain` of the line that counted a launch first."""


@dataclass(frozen=True, slots=True)
class ForeignRecord:
    """A foreign run, the manifest under which it is kept, and its series as they are written."""

    run: Run
    manifest: Manifest
    series: bytes


def foreign_record(run: Run) -> ForeignRecord:
    """A run as it is kept."""
    raw = write_lines(run.trajectory)
    return ForeignRecord(run, _manifest(run, raw), raw)


def _manifest(run: Run, raw: bytes) -> Manifest:
    """The manifest under which a foreign run is kept: its id in the store. Two launches with equal inputs are two runs,
    so how a launch ended, and what it logged, is part of what it is."""
    if run.outcome is None and not raw:
        return run.manifest
    body = run.manifest.to_json()
    origin: dict[str, Any] = dict(body.get("origin", {}))
    if run.outcome is None:
        origin["trajectory"] = _entry(raw)
    else:
        ended = {key: value for key, value in run.outcome.to_json().items() if key != "manifest"}
        origin["ending"] = str(digest_bytes(canonical_bytes([ended, _entry(raw) if raw else None])))
    return Manifest.of({**body, "origin": origin})


def seal_foreign(store: Store, records: Iterable[tuple[ForeignRecord, bool]], *, time: str) -> None:
    """Keep foreign runs; of one that the log names already, as it says beside, what an import that was cut short did
    not get to: its end. All contents come first, many written side by side, then all lines, in one write. Raises
    StoreError; what was written until then is finished by importing the runs again."""
    contents: dict[bytes, None] = {}
    manifests: list[bytes] = []
    lines: list[Line] = []
    for record, is_logged in records:
        run, manifest, raw = record.run, record.manifest, record.series
        contents |= dict.fromkeys([*run.blobs.values(), *([raw] if raw else [])])
        if not is_logged:
            manifests.append(manifest.raw)
            lines.append(Line(kind=MANIFEST, digest=manifest.digest, subject=manifest.digest, time=time))
        if run.outcome is not None:
            ended = run.outcome.to_json() | {"manifest": str(manifest.digest)}
            outcome = Outcome.of(ended | ({"trajectory": _entry(raw)} if raw else {}))
            contents[outcome.raw] = None
            lines.append(Line(kind=ENDINGS[0], digest=digest_bytes(outcome.raw), subject=manifest.digest, time=time))
    put_all(store.put, contents.keys())
    put_all(store.put, manifests)
    store.append_all(lines)
    for raw in manifests:
        store.put(raw)  # `doctor --repair` may have moved it aside while no line named it.


def imported_line(body: bytes, *, time: str) -> Line:
    """The line that says that a run came from a file, or out of a lane, by what the store holds of that (`body`). It
    goes before those of the run: at no moment does that look like one of our own."""
    digest = digest_bytes(body)
    return Line(kind=IMPORTED, digest=digest, subject=digest, time=time)


def imported_body(run_id: str, source: str, lane: Lane | None) -> bytes:
    """What such a line names: of many runs it is put side by side before they are counted."""
    told = {} if lane is None else {"lane": dict(lane)}
    return canonical_bytes({"schema": IMPORTED_SCHEMA, "run": run_id, "from": source, **told})


def came_from(store: Store, run: Run) -> str | None:
    """Where a run came from, in words; None for one that this user launched in this store."""
    if not run.manifest.is_captured:
        return f"an import ({run.manifest.section('origin').get('kind')})"
    for entry in store.entries():
        if entry.kind == IMPORTED:
            body = parse_canonical(store.read(entry.digest), where=f"line {entry.seq} of the log")
            if body.get("run") == run.id:
                return f"the {'remote' if 'lane' in body else 'bundle'} {body.get('from')}"
    # Bundles that older versions took in left no line; a launch makes this folder before its command starts.
    if not store.live_dir(run.id).is_dir():
        return "elsewhere: the store holds no trace of its launch"
    return None if is_mine(store, run.id) else UNSHOWN


UNSHOWN = "a store that was cloned, unpacked or copied, as far as can be seen: nothing shows that you launched it"


def trusted(store: Store, run: Run) -> None:
    """Remember that this user trusts a run, where only the evidence of its launch is missing: an owner whose home is
    new is asked once. An imported run is asked about each time."""
    if came_from(store, run) == UNSHOWN:
        mark(store, run.id)


def _entry(raw: bytes) -> dict[str, Any]:
    return {"digest": str(digest_bytes(raw)), "size": len(raw)}
