"""The logs of other stores, as far as their runs came here by `pull`: kept as they are, so that each chain is provable.

    lanes/<id of the store>/<first>-<last>-<16 digits of the chain>.jsonl      lines of its log, byte for byte

Two machines that each count their launches have two chains, and no line of the one can be written into the other
without breaking it. So a run that was pulled is counted by a line of the own log, which names the line that counted it
first; that line lies here, with every line before it. A lane is told in pieces, one a push, that follow each other by
the digests they name, as the lines do. `verify` walks all of them.

A store that was copied, and gone on with in both places, has a lane that parts in two: both are kept, and it is told.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from runaudit.errors import IntegrityError, RunauditError
from runaudit.records.canonical import parse_canonical
from runaudit.records.run import SHORT
from runaudit.store.end import GENESIS, chains_of
from runaudit.store.kept import read_kept
from runaudit.store.kinds import ENDINGS, IMPORTED, MANIFEST
from runaudit.store.line import LogEntry, parsed_lines
from runaudit.store.store import Store
from runaudit.text.words import plural

FOLDER = "lanes"
NO_ID = "0" * 32
"""Stands for the id of a store from before stores had one."""
_PIECE = re.compile(r"(\d{8,18})-(\d{8,18})-([0-9a-f]{16})\.jsonl")
_STORE = re.compile(r"[0-9a-f]{32}")
AGAIN = "put back the bytes that were pulled (`runaudit pull` does, once the damaged file is moved away)"


@dataclass(frozen=True, slots=True, order=True)
class Piece:
    """Lines `first` to `last` of the log of a store; `chain` begins the digest of the last one."""

    store: str
    first: int
    last: int
    chain: str

    @property
    def name(self) -> str:
        """Where it lies, below the folder of all lanes."""
        return f"{self.store}/{self.first:08d}-{self.last:08d}-{self.chain}.jsonl"

    def lies_in(self, chains: Sequence[str]) -> bool:
        """Whether a log of these chains, line by line, goes through the end of this piece."""
        return self.last <= len(chains) and _begun(chains[self.last - 1]) == self.chain


def _begun(chain: str) -> str:
    """The beginning of a chain's digest, by which a piece is named."""
    return chain[7:23]


def piece_of(store: str, name: str) -> Piece | None:
    """The piece that a file of this name is; None where the name is that of none."""
    found = _PIECE.fullmatch(name)
    if found is None or not _STORE.fullmatch(store) or not 1 <= int(found[1]) <= int(found[2]):
        return None
    return Piece(store, int(found[1]), int(found[2]), found[3])


def own_lane(store: Store) -> str:
    """The name of the lane that a store's own log is."""
    return store.identity if _STORE.fullmatch(store.identity) else NO_ID


def piece_fault(piece: Piece, raw: bytes) -> str | None:
    """What is wrong with the bytes of a piece by themselves; None where they are lines that follow each other, and end
    as the name says."""
    try:
        entries = [entry for _, entry in parsed_lines(raw)]
    except IntegrityError as error:
        return f"holds a line that is none ({error.message})"
    if [entry.seq for entry in entries] != list(range(piece.first, piece.last + 1)) or not raw.endswith(b"\n"):
        return "does not hold the lines that its name says"
    if _broken(entries):
        return "has a line that does not follow the line before it"
    return None if _begun(entries[-1].chain) == piece.chain else "does not end as its name says"


def _broken(entries: Sequence[LogEntry]) -> bool:
    return any(later.prev != earlier.chain for earlier, later in pairwise(entries))


@dataclass(slots=True)
class Lanes:
    """What lies in the lanes of a store, read once. `lines`: (lane, number, chain) of each line that is whole; `facts`:
    what the lines say, as (kind, digest, subject, time)."""

    lines: dict[tuple[str, int, str], LogEntry] = field(default_factory=dict)
    facts: set[tuple[str, str, str, str]] = field(default_factory=set)
    problems: list[tuple[str, str]] = field(default_factory=list)
    tips: dict[str, set[tuple[int, str]]] = field(default_factory=dict)
    """Lane -> the ends of its pieces that no other piece goes on from."""


def pieces_in(root: Path) -> Iterator[tuple[Piece | None, Path]]:
    """Every file in the lanes of the store at `root`, and the piece that its name says it is."""
    for path in sorted((root / FOLDER).glob("*/*")) if (root / FOLDER).is_dir() else ():
        yield piece_of(path.parent.name, path.name), path


def read_lanes(store: Store) -> Lanes:
    """The lanes of a store, each held against its chain. Raises OSError."""
    found = Lanes()
    prevs: list[tuple[str, LogEntry, str]] = []
    for piece, path in pieces_in(store.root):
        file = str(path.relative_to(store.root))
        try:
            raw = read_kept(path)
            fault = "is not named as the log of a store is" if piece is None else piece_fault(piece, raw)
        except IntegrityError as error:
            fault = error.message.removeprefix(f"{path} ")
        if fault or piece is None:
            found.problems.append((file, f"{fault}: {AGAIN}"))
            continue
        entries = [entry for _, entry in parsed_lines(raw)]
        for entry in entries:
            found.lines[piece.store, entry.seq, entry.chain] = entry
            found.facts.add(fact_of(entry))
        found.tips.setdefault(piece.store, set()).add((entries[-1].seq, entries[-1].chain))
        prevs.append((piece.store, entries[0], file))
    _join(store, found, prevs)
    return found


def _join(store: Store, found: Lanes, firsts: Sequence[tuple[str, LogEntry, str]]) -> None:
    """Hold the first line of each piece against the piece before it, and find where lanes end. The own log is the
    beginning of a lane that a copy of this store went on with."""
    mine = own_lane(store)
    own = {(mine, number, chain) for number, chain in enumerate(chains_of(store.log_bytes()), 1)}
    for lane, entry, file in firsts:
        before = (lane, entry.seq - 1, entry.prev)
        is_start = entry.seq == 1 and entry.prev == GENESIS
        if not (is_start or before in found.lines or before in own):
            found.problems.append((file, f"follows a line {entry.seq - 1} of that log that is not here: {AGAIN}"))
    goes_on = {(lane, entry.seq - 1, entry.prev) for (lane, _, _), entry in found.lines.items()}
    for lane, ends in found.tips.items():
        found.tips[lane] = {end for end in ends if (lane, *end) not in goes_on and (lane, *end) not in own}
        if lane == mine and own:
            found.tips[lane].add(max((number, chain) for _, number, chain in own))


def fact_of(entry: LogEntry) -> tuple[str, str, str, str]:
    """What a line says, wherever it stands."""
    return entry.kind, str(entry.digest), entry.subject, entry.time


def lane_problems(store: Store, lanes: Lanes, entries: Sequence[LogEntry]) -> Iterator[tuple[str | None, str, str]]:
    """(run, file, sentence) of all that is wrong with lanes: pieces that are damaged or gone, and runs that were pulled
    and of which no lane tells what the own log does."""
    yield from ((None, file, text) for file, text in lanes.problems)
    ends: dict[str, list[LogEntry]] = {}
    for entry in entries:
        if entry.kind in ENDINGS:
            ends.setdefault(entry.subject[7:], []).append(entry)
    for run, lane, number, chain in _pulled(store, entries):
        launch = lanes.lines.get((lane, number, chain))
        told = f"run {run[:SHORT]} was pulled, and line {number} of the log of the store {lane[:SHORT]}"
        if launch is None:
            yield run, f"{FOLDER}/{lane}", f"{told}, which counted its launch, is not here: {AGAIN}"
        elif launch.kind != MANIFEST or launch.digest.hex != run:
            yield run, f"{FOLDER}/{lane}", f"{told} counts another launch"
        for end in ends.get(run, ()):
            if launch is not None and fact_of(end) not in lanes.facts:
                yield run, "log.jsonl", f"the end of run {run[:SHORT]} in line {end.seq} stands in no log it came from"


def _pulled(store: Store, entries: Sequence[LogEntry]) -> Iterator[tuple[str, str, int, str]]:
    """(run, lane, line, chain) of each run that came in by `pull`, as the own log says; one that was put to it twice
    counts as it came at last."""
    found: dict[str, tuple[str, int, str]] = {}
    for entry in entries:
        if entry.kind != IMPORTED:
            continue
        try:
            body: Any = parse_canonical(store.read(entry.digest), where="imported")
            lane = body["lane"]
            found[str(body["run"])] = (str(lane["store"]), int(lane["line"]), str(lane["chain"]))
        except (RunauditError, KeyError, TypeError, ValueError):
            continue  # It came in a bundle; or it is damaged, which is told by itself.
    yield from ((run, *place) for run, place in found.items())


def lane_remarks(store: Store, lanes: Lanes) -> Iterator[str]:
    """What is no fault and somebody should know: how many other logs there are, and which of them parted."""
    others = {lane for lane in lanes.tips if lane != own_lane(store)}
    if others:
        count = sum(1 for lane, _, _ in lanes.lines if lane in others)
        yield f"beside the own log {plural(len(others), 'log')} of other stores, {plural(count, 'line')}, each chained"
    for lane, ends in sorted(lanes.tips.items()):
        if len(ends) > 1:
            yield (
                f"the log of the store {lane[:SHORT]} goes on in {len(ends)} ways, to lines "
                f"{', '.join(str(number) for number, _ in sorted(ends))}: it was copied and gone on with in both "
                "places, or its history was rewritten; all are kept"
            )


def missing_pieces(
    lane: str, lines: Sequence[bytes], chains: Sequence[str], there: Iterable[Piece]
) -> list[tuple[Piece, bytes]]:
    """The lines of a log, each with its chain, that none of the pieces `there` holds, as pieces of its lane: mostly its
    end; a stretch between where one was lost."""
    gaps, first = [], 1
    for begin, end in sorted((one.first, one.last) for one in there):
        gaps.append((first, begin - 1))
        first = max(first, end + 1)
    gaps.append((first, len(lines)))
    return [
        (Piece(lane, first, last, _begun(chains[last - 1])), b"".join(lines[first - 1 : last]))
        for first, last in gaps
        if first <= last
    ]
