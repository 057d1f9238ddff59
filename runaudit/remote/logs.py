"""The logs of stores at a remote, as `push` leaves them: every line that is known here lies there.

A remote is a disk that somebody may tidy. A piece that is gone is sent again, whichever it is; one that is shorter than
its lines is named, as nothing there is written over.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from runaudit.errors import IntegrityError
from runaudit.remote.layout import LANES
from runaudit.remote.place import Place
from runaudit.store.end import chains_of
from runaudit.store.kept import read_kept
from runaudit.store.lanes import missing_pieces, own_lane, piece_fault, piece_of, pieces_in
from runaudit.store.store import Store

DELETE = "delete it there, and push again"
_WHY_PARTED = (
    "this store is a copy that was gone on with, or older than what was pushed, or was rewritten; both are kept, and "
    "`verify` tells of it wherever they are pulled"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentLogs:
    """lines: how many of the own log were sent; notes: what is to be known of it; problems: (file, what is wrong)."""

    lines: int = 0
    notes: tuple[str, ...] = ()
    problems: tuple[tuple[str, str], ...] = ()


def send_logs(store: Store, place: Place) -> SentLogs:
    """Send what the remote lacks of the own log, and of those that came with pulled runs.

    Raises OSError; IntegrityError where a log is damaged here.
    """
    own = _send_own(store, place)
    return SentLogs(lines=own.lines, notes=own.notes, problems=(*own.problems, *_send_others(store, place)))


def _send_own(store: Store, place: Place) -> SentLogs:
    mine, raw = own_lane(store), store.whole_log()
    chains, lines = chains_of(raw), raw.splitlines(keepends=True)
    sizes = place.sizes(f"{LANES}/{mine}")
    there = [piece for name in sizes if (piece := piece_of(mine, name))]
    ours = [one for one in there if one.lies_in(chains)]
    last = max((one.last for one in ours), default=0)
    parted = f"the log of this store at the remote goes another way after line {last}: {_WHY_PARTED}"
    wanted = {one.name: sum(map(len, lines[one.first - 1 : one.last])) for one in ours}
    missing = missing_pieces(mine, lines, chains, ours)
    for piece, body in missing:
        place.put(f"{LANES}/{piece.name}", body)
    return SentLogs(
        lines=sum(piece.last - piece.first + 1 for piece, _ in missing),
        notes=(parted,) if len(ours) < len(there) else (),
        problems=_cut(wanted, {f"{mine}/{name}": size for name, size in sizes.items()}),
    )


def _send_others(store: Store, place: Place) -> tuple[tuple[str, str], ...]:
    """Send the logs that came with pulled runs. Returns what is wrong with them at the remote."""
    found = [(piece, path) for piece, path in pieces_in(store.root) if piece is not None]
    sizes = {
        f"{lane}/{name}": size
        for lane in sorted({piece.store for piece, _ in found})
        for name, size in place.sizes(f"{LANES}/{lane}").items()
    }
    for piece, path in found:
        if piece.name not in sizes:
            raw = read_kept(path)
            if fault := piece_fault(piece, raw):
                raise IntegrityError(f"{path} {fault}", remedy="see `runaudit verify`; no run was pushed")
            place.put(f"{LANES}/{piece.name}", raw)
    return _cut({piece.name: path.stat().st_size for piece, path in found}, sizes)


def _cut(wanted: Mapping[str, int], sizes: Mapping[str, int]) -> tuple[tuple[str, str], ...]:
    """The pieces that lie at the remote in another size than that of their lines."""
    return tuple(
        (f"{LANES}/{name}", f"is damaged at the remote ({sizes[name]} bytes, not {size}): {DELETE}")
        for name, size in wanted.items()
        if sizes.get(name, size) != size
    )
