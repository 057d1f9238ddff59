"""Whether what a remote tells of a run is what a store may take in. Nothing is kept here; every fault is a sentence.

The rules are those of a bundle (`store.bundled`): each line names an object of its own kind, about this run, and what
a record names is known by its digest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runaudit.errors import IntegrityError
from runaudit.records.canonical import parse_canonical
from runaudit.records.digest import Digest
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.remote.layout import Told
from runaudit.store.bundle import files_of
from runaudit.store.bundled import BundleLine, form_fault, is_moment, said_fault
from runaudit.store.kinds import ENDINGS, MANIFEST, RECORDS, SUPERSEDED
from runaudit.store.rehash import stored_links, text_links
from runaudit.store.removed import Removed, removed_of
from runaudit.store.tombstone import RUN_ID, Forgotten, told_about


@dataclass(frozen=True, slots=True, kw_only=True)
class Arriving:
    """A run that was checked: the lines about it, its records by digest, the contents that these name (`spare`: those
    that need not be there), its files by path with their digests, and which of them made room where they were."""

    run: str
    lines: tuple[BundleLine, ...]
    records: Mapping[str, bytes]
    objects: tuple[str, ...]
    spare: tuple[str, ...]
    files: Mapping[str, str]
    removed: Mapping[str, Removed]


def refused(run: str, why: str) -> IntegrityError:
    """That what is told of a run is not taken in."""
    return IntegrityError(f"what is told of it {why}", remedy=f"ask whoever pushed {run[:12]}")


def lines_of(told: Told) -> tuple[BundleLine, ...]:
    """The lines about a run. Raises IntegrityError for one that no bundle has, and where they count another launch."""
    for line in told.log:
        if fault := form_fault(line):
            raise refused(told.run, fault)
        if not _are_digests(line["digest"], line["subject"]):
            raise refused(told.run, "holds a line of the log that names no object")
        if line["kind"] in RECORDS and line["subject"] != f"sha256:{told.run}":
            raise refused(told.run, "holds a record of another run")
        if line["kind"] == MANIFEST and line["digest"] != line["subject"]:
            raise refused(told.run, "holds a launch under the name of another")
    if sum(line["kind"] == MANIFEST for line in told.log) != 1:
        raise refused(told.run, "does not count its launch once")
    return tuple(told.log)


def _are_digests(*texts: str) -> bool:
    return all(text.startswith("sha256:") and RUN_ID.fullmatch(text[7:]) for text in texts)


def forgotten_row(row: Mapping[str, Any]) -> Forgotten:
    """What is told to have been forgotten. Raises IntegrityError where it says no such thing."""
    try:
        texts = [row["what"], row["reason"], row["time"]]
        is_told = all(isinstance(text, str) and text for text in texts) and is_moment(row["time"])
        is_told = is_told and type(row["size"]) is int and row["size"] >= 0 and _are_digests(str(row["digest"]))
        if is_told and (row["run"] is None or RUN_ID.fullmatch(row["run"])):
            return Forgotten(digest=row["digest"], size=row["size"], what=row["what"], run=row["run"],
                             reason=row["reason"], time=row["time"], about=told_about(row.get("about")))  # fmt: skip
    except (KeyError, TypeError):
        pass
    raise IntegrityError("says of something that it was forgotten, and not what", remedy="ask whoever pushed it")


def superseding(line: BundleLine, raw: bytes) -> str | None:
    """The run that a line puts in the place of another; None where it does no such thing."""
    if line["kind"] != SUPERSEDED:
        return None
    body = parse_canonical(raw, where="superseded")
    return str(body.get("by")) if isinstance(body, Mapping) else ""


def arriving(told: Told, lines: Sequence[BundleLine], records: Mapping[str, bytes], away: frozenset[str]) -> Arriving:
    """A run, checked. records: the bytes that the lines name, by digest, but for those that were forgotten (`away`),
    and the manifests of runs that count in its place. Raises IntegrityError."""
    places = {superseding(line, records[line["digest"]]) for line in lines if line["digest"] not in away}
    launched = {told.run} | {run for run in places if run}
    # Of what was forgotten nobody can say whose it was; only a record may be.
    if any(line["digest"] in away and line["kind"] not in RECORDS for line in lines):
        raise refused(told.run, "holds a line about none of its runs that was forgotten")
    if fault := said_fault(lines, records, launched):
        raise refused(told.run, fault)
    objects: dict[str, None] = {}
    spare: dict[str, None] = {}
    files: dict[str, str] = {}
    for line in lines:
        if line["kind"] not in RECORDS or line["digest"] in away:
            continue
        raw = records[line["digest"]]
        if line["kind"] in ENDINGS:
            outcome = Outcome.from_bytes(raw, where="outcome")
            if outcome.manifest.hex != told.run:
                raise refused(told.run, "holds an outcome of another run")
            files |= files_of(outcome)
            body = outcome.body
        else:
            body = Manifest.from_bytes(raw, where="manifest").body
        objects |= {str(one): None for _, one in stored_links(body) if str(one) not in away}
        spare |= {str(one): None for _, one in text_links(body) if str(one) not in away}
    return Arriving(run=told.run, lines=tuple(lines), records=records, objects=tuple(objects), files=files,
                    spare=tuple(spare), removed=_removed(told, files))  # fmt: skip


def _removed(told: Told, files: Mapping[str, str]) -> dict[str, Removed]:
    try:
        rows = [removed_of(row) for row in told.removed]
    except (ValueError, KeyError, TypeError) as error:
        raise refused(told.run, "says of something that it made room, and not what") from error
    return {row.path: row for row in rows if row.run == told.run and files.get(row.path) == row.digest}


def digest_of(text: str) -> Digest:
    """The digest that a checked text writes."""
    return Digest("sha256", text[-64:])
