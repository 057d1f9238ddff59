"""What is said of a run after it was sealed: notes, and that it was put away. Beside the record, never in it.

A remark is a sealed object and one line of the log, chained like all others, so it can be neither changed nor taken
back unseen; a run's record and its id stay what they were. The subject of its line is the remark's own digest and not
the manifest: a reader that does not know of remarks takes every line about a manifest for an outcome.

    note        {"schema": "runaudit.note/1", "run": RUN, "text": TEXT}
    archive     {"schema": "runaudit.archive/1", "run": RUN}        hidden from lists, still counted as launched
    unarchive   the same object again
    superseded  {"schema": "runaudit.superseded/1", "run": RUN, "by": RUN}    one launch that was imported twice, the
                second time with more: both are kept, the second one counts
    launched    {"schema": "runaudit.launched/1", "run": RUN, "with": [RUN, …]}    of its design these were launched as
                well, and did not go along when it left a store: the best 3 of 5 stay 3 of 5 wherever they go
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runaudit.errors import IntegrityError, RunauditError
from runaudit.records.canonical import canonical_bytes, parse_canonical
from runaudit.records.digest import Digest
from runaudit.records.sources import is_told_within, sources_of
from runaudit.store.kinds import ARCHIVE, LAUNCHED, NOTE, REMARKS, SUPERSEDED, UNARCHIVE
from runaudit.store.line import LogEntry
from runaudit.store.store import Store
from runaudit.store.tombstone import ForgottenError

SCHEMAS = {NOTE: "runaudit.note/1", ARCHIVE: "runaudit.archive/1", UNARCHIVE: "runaudit.archive/1",
           SUPERSEDED: "runaudit.superseded/1", LAUNCHED: "runaudit.launched/1"}  # fmt: skip
MUST: Mapping[str, tuple[str, type]] = {NOTE: ("text", str), SUPERSEDED: ("by", str), LAUNCHED: ("with", list)}
"""What a remark says beside the run that it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A sentence about a run, and when it was written."""

    text: str
    time: str


def add_note(store: Store, run_id: str, text: str, *, time: str) -> Note:
    """Keep a note on a run. Raises StoreError where the store cannot be written to."""
    _append(store, NOTE, {"run": run_id, "text": text}, time)
    return Note(text=text, time=time)


def notes(store: Store, run_id: str) -> tuple[Note, ...]:
    """The notes on one run, oldest first. One that was changed is passed over: nobody can tell whose it was, and
    `verify` names it."""
    told = [entry for entry in store.newest_first(f'"{NOTE}"') if entry.kind == NOTE]
    found = ((entry, whole_remark(store, entry)) for entry in reversed(told))
    return tuple(Note(text=str(body["text"]), time=entry.time) for entry, body in found if body.get("run") == run_id)


def set_archived(store: Store, run_id: str, away: bool, *, time: str) -> bool:
    """Put a run away or take it back. False where that is what it was: then nothing is written."""
    if (run_id in archived(store)) is away:
        return False
    _append(store, ARCHIVE if away else UNARCHIVE, {"run": run_id}, time)
    return True


def archived(store: Store) -> frozenset[str]:
    """The runs that lists leave out. Where the word on one was changed it is not left out, and `verify` names it."""
    said = [entry for entry in store.newest_first(f'{ARCHIVE}"') if entry.kind in (ARCHIVE, UNARCHIVE)]
    last = {entry.subject: entry for entry in reversed(said)}
    found = (whole_remark(store, entry).get("run") for entry in last.values() if entry.kind == ARCHIVE)
    return frozenset(run for run in found if run)


def supersede(store: Store, old: str, new: str, *, time: str) -> None:
    """Say that a run is told again, and more of it, by another: from now on that one counts."""
    _append(store, SUPERSEDED, {"run": old, "by": new}, time)


def superseded(store: Store) -> Mapping[str, str]:
    """Runs that count no more, each with the one that counts in its place. Where the word on one was changed it counts,
    and `verify` names it."""
    said = [entry for entry in store.newest_first(f'"{SUPERSEDED}"') if entry.kind == SUPERSEDED]
    found = (whole_remark(store, entry) for entry in reversed(said))
    return {body["run"]: str(body["by"]) for body in found if body.get("by")}


def tell_launched(store: Store, run: str, others: Iterable[str], *, time: str) -> None:
    """Say which runs were launched with one that leaves its store without them; nothing where that is said already."""
    beside = sorted(set(others) - launched_with(store).get(run, frozenset()))
    if beside:
        _append(store, LAUNCHED, {"run": run, "with": beside}, time)


def launched_with(store: Store) -> Mapping[str, frozenset[str]]:
    """Which runs were launched with a run and did not go along with it, by the run. Where the word on one was changed,
    nothing is known of it, and `verify` names it."""
    found: dict[str, frozenset[str]] = {}
    for entry in store.newest_first(f'"{LAUNCHED}"'):
        if entry.kind == LAUNCHED and (body := whole_remark(store, entry)):
            beside = frozenset(one for one in body.get("with", ()) if isinstance(one, str))
            found[body["run"]] = found.get(body["run"], frozenset()) | beside
    return found


def whole_remark(store: Store, entry: LogEntry) -> dict[str, Any]:
    """As `read_remark`; empty where it is damaged."""
    try:
        return read_remark(store, entry)
    except IntegrityError:
        return {}


def read_remark(store: Store, entry: LogEntry) -> dict[str, Any]:
    """What a line of one of these kinds says, `run` the whole id. Raises IntegrityError where it is no such thing."""
    try:
        body = remark_of(entry.kind, store.read(entry.digest))
    except ForgottenError as error:
        return {"schema": SCHEMAS[entry.kind], "run": str(error.row.run), "text": error.row.said}
    if body is None:
        raise IntegrityError(
            f"line {entry.seq} of the log names something that is no {entry.kind}",
            remedy="restore the store from a backup",
        )
    return body


def remark_of(kind: str, raw: bytes) -> dict[str, Any] | None:
    """What a sealed remark of this kind says, `run` the whole id; None where it is no such thing."""
    body = parse_canonical(raw, where=kind)
    if not isinstance(body, dict) or body.get("schema") != SCHEMAS[kind]:
        return None
    words = (("run", str), MUST[kind]) if kind in MUST else (("run", str),)
    return dict(body) if all(isinstance(body.get(word), form) for word, form in words) else None


def remark_faults(
    store: Store, entries: tuple[LogEntry, ...], wanted: frozenset[str] | None
) -> Iterator[tuple[str | None, LogEntry, str]]:
    """Run, line and fault of each remark that cannot be read, or speaks of a run that was never launched.

    wanted: the runs that are asked about; None for all.
    """
    launched = {entry.digest.hex for entry in entries if entry.kind == "manifest"}
    for entry in (entry for entry in entries if entry.kind in REMARKS):
        try:
            run = str(read_remark(store, entry)["run"])
        except RunauditError as error:
            # Whose it was cannot be read, so it is told whichever run is asked about.
            yield None, entry, error.message
            continue
        if wanted is not None and run not in wanted:
            continue
        if run not in launched:
            yield run, entry, "speaks of a run that the log does not count"
        elif entry.subject != str(entry.digest):
            yield run, entry, "its line in the log is about something else"
        elif entry.kind == SUPERSEDED and (fault := _not_superseded(store, run, entry, launched)):
            yield run, entry, fault


def _not_superseded(store: Store, run: str, entry: LogEntry, launched: Container[str]) -> str:
    """Why one run does not stand in the place of another; empty where it does: both tell of one launch elsewhere."""
    by = str(read_remark(store, entry).get("by"))
    if by not in launched:
        return "puts a run that the log does not count in the place of another"
    try:
        old, new = (sources_of(parse_canonical(store.read(Digest("sha256", one)), where=one)) for one in (run, by))
    except RunauditError:
        return ""  # That the manifest is damaged or forgotten is told by itself.
    return "" if is_told_within(old, new) else "puts one run in the place of another one"


def _append(store: Store, kind: str, body: dict[str, Any], time: str) -> LogEntry:
    digest: Digest = store.put(canonical_bytes({"schema": SCHEMAS[kind], **body}))
    return store.append(kind, digest, subject=digest, time=time)
