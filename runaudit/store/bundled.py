"""What the lines of a bundle may say: each names an object of its own kind, about a run that the bundle brings.

Nothing leaves a log again. A line that names something else would be damage for ever in every store that took it in,
so a bundle with one is refused whole.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from runaudit.records.canonical import parse_canonical
from runaudit.records.digest import Digest
from runaudit.records.outcome import Outcome
from runaudit.records.sources import is_told_within, sources_of
from runaudit.store.bundle import looked_at
from runaudit.store.ends import ends_fault
from runaudit.store.kinds import CARRIED, ENDINGS, LOOK, REMARKS, SUPERSEDED
from runaudit.store.peeks import is_look
from runaudit.store.remarks import remark_of

BundleLine = Mapping[str, Any]
"""`kind`, `digest`, `subject`, `time`, as texts."""


class Ends:
    """The digests of the ends of runs, of each the first and its corrections."""

    def __init__(self, found: Mapping[str, tuple[str, ...]]) -> None:
        self._found = found

    def of(self, run: str) -> tuple[str, ...]:
        """Those of one run, by its id."""
        return self._found.get(f"sha256:{run}", ())


_FIELDS = {"kind", "digest", "subject", "time"}
_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")


def form_fault(line: BundleLine) -> str | None:
    """Why a line is none that a bundle has, whatever it names; None where it is one."""
    if set(line) != _FIELDS or not all(isinstance(value, str) for value in line.values()):
        return "holds a line of the log that is none"
    if line["kind"] not in CARRIED:
        return f"holds a line of the log that no bundle has: {line['kind']!r}"
    if not is_moment(line["time"]):
        return f"holds a line of the log of no time: {line['time']!r}"
    return None


def is_moment(text: object) -> bool:
    """Whether a text is a moment as the log writes it, in UTC."""
    try:
        return isinstance(text, str) and bool(_UTC.fullmatch(text) and datetime.fromisoformat(text))
    except ValueError:
        return False


def owner(line: BundleLine, raw: bytes) -> set[str]:
    """The runs that a line of the log is about, by what its object says; none where it is of another kind."""
    kind = line["kind"]
    if kind in REMARKS:
        body = remark_of(kind, raw) if line["digest"] == line["subject"] else None
        return {body["run"]} if body else set()
    if kind == LOOK:
        return looked_at(raw) if is_look(raw, line["subject"]) else set()
    return {line["subject"][7:]}


def said_fault(lines: Sequence[BundleLine], records: Mapping[str, bytes], launched: set[str]) -> str | None:
    """What is wrong with what the lines say of the runs; None where nothing is."""
    for line in lines:
        kind, raw = line["kind"], records.get(line["digest"], b"")
        if kind in (*REMARKS, LOOK) and not owner(line, raw) & launched:
            return f"holds a line about none of its runs, or of another kind than it says: {kind}"
        if kind == SUPERSEDED and not _is_one_launch(records, launched, remark_of(kind, raw) or {}):
            return "puts a run in the place of another one"
    about: dict[str, list[BundleLine]] = {}
    for line in lines:
        if line["kind"] in ENDINGS:
            about.setdefault(line["subject"], []).append(line)
    for run in launched:
        ends = about.get(f"sha256:{run}", [])
        # Of an end that was forgotten nobody can say any more what it was the correction of.
        if records.keys() >= {line["digest"] for line in ends} and (fault := ends_fault(_ends(ends, records))):
            return f"tells of run {run[:12]} an end that {fault}"
    return None


def _is_one_launch(records: Mapping[str, bytes], launched: set[str], body: Mapping[str, Any]) -> bool:
    if not {body.get("run"), body.get("by")} <= launched:
        return False
    runs = (parse_canonical(records[f"sha256:{body[key]}"], where="manifest") for key in ("run", "by"))
    old, new = map(sources_of, runs)
    return is_told_within(old, new)


def _ends(lines: Sequence[BundleLine], records: Mapping[str, bytes]) -> Iterator[tuple[str, Digest, Outcome]]:
    for line in lines:
        raw = records[line["digest"]]
        yield line["kind"], Digest.parse(line["digest"]), Outcome.from_bytes(raw, where="outcome")


def ends_of(lines: Iterable[tuple[str, str, str]]) -> Ends:
    """The ends of every run, of lines as (kind, subject, digest); one that is counted twice is one. In one pass: to ask
    all lines about each run took longer than the import of a few thousand."""
    found: dict[str, list[str]] = {}
    for kind, subject, digest in lines:
        if kind in ENDINGS and (ends := found.setdefault(subject, []))[-1:] != [digest]:
            ends.append(digest)
    return Ends({subject: tuple(ends) for subject, ends in found.items()})
