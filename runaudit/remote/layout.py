"""How stores lie at a remote, and what one push told there.

    remote.json                         {"schema": "runaudit.remote/1"}
    objects/sha256/ab/ab12…             contents by their digest: records, sources, trajectories, files of runs
    lanes/<id of a store>/…             the log of each store that pushed, in pieces (`store.lanes`)
    pushes/<time>-<16 digits>.jsonl     what a push told, written last: a run is there from this moment on
    index/<16 digits>-<16 digits>.json  the newest runs, made of all pushes, made again where it is gone (`listing`)
    tmp/                                half-written files

Nothing is written over, and every name but the marker's begins or ends with the digest of what it names: two pushes at
once cannot disturb each other, and a torn one leaves contents that nothing names. A run may be told again, with a note
or a correction more; all that was told of it counts.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runaudit.errors import IntegrityError, UsageError
from runaudit.records.digest import digest_bytes
from runaudit.remote.index import PUSH, PUSHES, push_names
from runaudit.remote.place import TMP, Place, reached, side_by_side
from runaudit.text.typed import typed_word

MARKER, SCHEMA, PUSH_SCHEMA = "remote.json", "runaudit.remote/1", "runaudit.pushed/1"
LANES = "lanes"
_RUN = re.compile(r"[0-9a-f]{64}")
BATCH = 256
"""Runs that one push tells in one file: one that is cut short has told those before, and goes on there."""


def object_name(digest: str) -> str:
    """Where contents of this digest lie (64 digits, with or without `sha256:`)."""
    name = digest[-64:]
    return f"objects/sha256/{name[:2]}/{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one push tells of a run: the lines of the log about it, what of it was forgotten and what made room, and
    what `list --remote` shows."""

    run: str
    log: Sequence[Mapping[str, Any]]
    forgotten: Sequence[Mapping[str, Any]] = ()
    removed: Sequence[Mapping[str, Any]] = ()
    row: Mapping[str, Any] = field(default_factory=dict)
    store: str = ""
    """The lane of the store that told it."""

    @property
    def ends(self) -> tuple[str, ...]:
        """The digests of the ends of the run, the first and its corrections."""
        found = (str(line["digest"]) for line in self.log if line["kind"] in ("outcome", "correction"))
        return tuple(dict.fromkeys(found))

    def says_all_of(self, other: "Told") -> bool:
        """Whether there is nothing in `other` that is not told here."""
        return (
            not _counts(other.log) - _counts(self.log)
            and {row["digest"] for row in other.forgotten} <= {row["digest"] for row in self.forgotten}
            and {_place(row) for row in other.removed} <= {_place(row) for row in self.removed}
        )

    def joined(self, other: "Told") -> "Told":
        """All that both tell, what is told here first; the newer word on how it is listed is the other's."""
        missing = _counts(other.log) - _counts(self.log)
        more = []
        for line in other.log:
            if missing[_fact(line)] > 0:
                missing[_fact(line)] -= 1
                more.append(line)
        known = {row["digest"] for row in self.forgotten}
        gone = [row for row in other.forgotten if row["digest"] not in known]
        away = {_place(row) for row in self.removed}
        made_room = [row for row in other.removed if _place(row) not in away]
        return Told(run=self.run, log=(*self.log, *more), forgotten=(*self.forgotten, *gone), store=self.store,
                    removed=(*self.removed, *made_room), row=other.row)  # fmt: skip


def _fact(line: Mapping[str, Any]) -> tuple[str, str]:
    return str(line["kind"]), str(line["digest"])


def _place(row: Mapping[str, Any]) -> tuple[str, str]:
    return str(row["run"]), str(row["path"])


def _counts(lines: Iterable[Mapping[str, Any]]) -> Counter[tuple[str, str]]:
    return Counter(map(_fact, lines))


# ── the remote itself ────────────────────────────────────────────────────────────────────────────────────────────


def is_remote(place: Place) -> bool:
    """Whether stores were pushed to this place; False where nothing lies there. Raises UsageError where something else
    does, StoreError where it cannot be reached."""
    with reached(place, "read"):
        try:
            raw = place.read(MARKER)
        except FileNotFoundError:
            found = [name for name in place.names("") if name != TMP]
            if "store.json" in found:
                raise UsageError(
                    f"{place.shown} is a store, and not a remote between stores",
                    remedy=f"push it to a new folder: runaudit push FOLDER --store {typed_word(place.shown)}",
                ) from None
            if found:
                raise UsageError(
                    f"{place.shown} holds other things, and no {MARKER} that says it is a remote of runaudit's",
                    remedy="name an empty folder, or one that is to be made",
                ) from None
            return False
    try:
        is_ours = json.loads(raw)["schema"] == SCHEMA
    except (ValueError, KeyError, TypeError):
        is_ours = False
    if not is_ours:
        raise UsageError(f"{place.shown} is a remote of another version, or its {MARKER} is damaged",
                         remedy="use the runaudit that wrote it, or name another folder")  # fmt: skip
    return True


def require_remote(place: Place) -> None:
    """Raises UsageError where stores were not pushed to this place, as `is_remote` does where something else lies."""
    if not is_remote(place):
        raise UsageError(f"there is no remote at {place.shown}", remedy="check the address, or push to it first")


def marker() -> bytes:
    """What says that a place is a remote. It is the same everywhere, so that two who make one at once agree."""
    return json.dumps({"schema": SCHEMA}).encode()


# ── what pushes told ─────────────────────────────────────────────────────────────────────────────────────────────


def push_file(store: str, told: Sequence[Told], *, time: str) -> tuple[str, bytes]:
    """(name, bytes) of the file by which runs are told. time: UTC, ISO 8601."""
    lines: list[Mapping[str, Any]] = [{"schema": PUSH_SCHEMA, "store": store, "time": time}]
    for one in told:
        line: dict[str, Any] = {"run": one.run, "log": list(one.log), "row": one.row}
        line |= {"forgotten": list(one.forgotten)} if one.forgotten else {}
        lines.append(line | ({"removed": list(one.removed)} if one.removed else {}))
    raw = b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines)
    moment = re.sub(r"[-:]|\.\d+", "", time)
    return f"{PUSHES}/{moment}-{digest_bytes(raw).hex[:16]}.jsonl", raw


@dataclass(slots=True)
class Pushed:
    """All that was told at a remote. `runs`: in the order in which they were told first; `files`: the names of what was
    read; `problems`: (file, what is wrong with it)."""

    runs: dict[str, Told] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    problems: list[tuple[str, str]] = field(default_factory=list)


def read_pushes(place: Place) -> Pushed:
    """All that was told. A damaged file is a problem, and hides no other. Raises StoreError."""
    with reached(place, "read"):
        names = push_names(place)
    found = Pushed(files=names)
    raws = side_by_side(place, "read", lambda name: place.read(f"{PUSHES}/{name}"), names)
    for name, raw in zip(names, raws, strict=True):
        try:
            for told in _told_in(name, raw):
                before = found.runs.get(told.run)
                found.runs[told.run] = told if before is None else before.joined(told)
        except IntegrityError as error:
            found.problems.append((f"{PUSHES}/{name}", error.message))
    return found


def _told_in(name: str, raw: bytes) -> Iterator[Told]:
    """What a file told. Raises IntegrityError where its bytes are not those that its name says, before any of it."""
    if digest_bytes(raw).hex[:16] != PUSH.fullmatch(name)[1]:  # type: ignore[index]
        raise IntegrityError(f"{name} does not match its digest")
    try:
        first, *rest = (json.loads(line) for line in raw.splitlines())
        if first["schema"] != PUSH_SCHEMA:
            raise IntegrityError(f"{name} is of another version")
        told = [Told(run=row["run"], log=row["log"], forgotten=row.get("forgotten", ()), store=str(first["store"]),
                     removed=row.get("removed", ()), row=dict(row["row"])) for row in rest]  # fmt: skip
        if not all(_is_told(one) for one in told):
            raise IntegrityError(f"{name} tells of something that is no run")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityError(f"{name} is not as a push writes it") from error
    yield from told


def _is_told(told: Told) -> bool:
    lines = [*told.log, *told.forgotten, *told.removed]
    return (
        isinstance(told.run, str)
        and bool(_RUN.fullmatch(told.run))
        and all(isinstance(line, dict) for line in lines)
        and all({"kind", "digest"} <= line.keys() for line in told.log)
        and all("digest" in row for row in told.forgotten)
        and all({"run", "path", "digest"} <= row.keys() for row in told.removed)
    )
