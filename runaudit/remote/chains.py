"""The logs that lie at a remote, fetched into the lanes of a store, and what they count.

A run is taken in only where a log there, whole from its first line on, counts it in the words that the push told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from runaudit.remote.layout import LANES, Told
from runaudit.remote.place import Place, reached
from runaudit.store.bundled import BundleLine
from runaudit.store.end import chains_of
from runaudit.store.foreign import Lane
from runaudit.store.kinds import MANIFEST
from runaudit.store.lanes import FOLDER, Piece, fact_of, own_lane, piece_fault, piece_of, read_lanes
from runaudit.store.store import Store


@dataclass(slots=True)
class Counted:
    """What the logs say. `launches`: run -> the lines that count it; `facts`: all that any line says; `lines`: how many
    lines were fetched; `problems`: (file, sentence)."""

    launches: dict[str, list[Lane]] = field(default_factory=dict)
    facts: set[tuple[str, str, str, str]] = field(default_factory=set)
    lines: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)

    def lane_of(self, told: Told) -> Lane | None:
        """The line that counted a launch first, as far as can be told: in the log of the store that told of it."""
        found = self.launches.get(told.run, [])
        return next((lane for lane in found if lane["store"] == told.store), found[0] if found else None)

    def lacks(self, lines: Sequence[BundleLine]) -> BundleLine | None:
        """A line that stands in no log; None where all do."""
        return next((line for line in lines if _fact(line) not in self.facts), None)


def _fact(line: Mapping[str, str]) -> tuple[str, str, str, str]:
    return line["kind"], line["digest"], line["subject"], line["time"]


def fetch_chains(store: Store, place: Place) -> Counted:
    """Fetch the pieces of every log that are not here, each held against its name, and read all. Raises StoreError."""
    found = Counted()
    mine, own = own_lane(store), chains_of(store.whole_log())
    with reached(place, "read"):
        for lane in place.names(LANES):
            for piece in [piece for name in place.names(f"{LANES}/{lane}") if (piece := piece_of(lane, name))]:
                is_own = lane == mine and piece.lies_in(own)
                if not is_own:
                    _fetch(store, place, piece, found)
    lanes = read_lanes(store)
    found.problems += [pair for pair in lanes.problems if pair not in found.problems]
    broken = {file.split("/")[1] for file, _ in lanes.problems}
    for (lane, number, chain), entry in lanes.lines.items():
        if lane not in broken:
            found.facts.add(fact_of(entry))
            if entry.kind == MANIFEST:
                named: Lane = {"store": lane, "line": number, "chain": chain}
                found.launches.setdefault(entry.digest.hex, []).append(named)
    found.facts |= {fact_of(entry) for entry in store.entries()}
    return found


def _fetch(store: Store, place: Place, piece: Piece, found: Counted) -> None:
    path = store.root / FOLDER / piece.name
    if path.exists():
        return
    raw = place.read(f"{LANES}/{piece.name}")
    if fault := piece_fault(piece, raw):
        found.problems.append((f"{LANES}/{piece.name}", f"{fault}, at the remote"))
        return
    with store.explained("write to"):
        store.write_once(path, raw)
    found.lines += piece.last - piece.first + 1
