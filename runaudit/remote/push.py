"""`runaudit push`: runs of this store, and its log, at a remote. Contents first, the log, and last the file that tells
of the runs: what is cut short leaves what nobody names, and doing it again sends what is missing.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from runaudit.errors import IntegrityError, RunauditError, StoppedError, UsageError
from runaudit.records.digest import Digest
from runaudit.records.run import SHORT
from runaudit.remote.answer import LeftOut, PushAnswer
from runaudit.remote.index import write_index
from runaudit.remote.layout import (
    BATCH,
    LANES,
    MARKER,
    Pushed,
    Told,
    is_remote,
    marker,
    object_name,
    push_file,
    read_pushes,
)
from runaudit.remote.place import Place, reached, side_by_side
from runaudit.remote.telling import Needs, Teller, open_runs, sealed_file
from runaudit.runs.names import ids_named
from runaudit.settings import Settings
from runaudit.store.catalogue import run_ids
from runaudit.store.end import chains_of
from runaudit.store.kept import read_kept
from runaudit.store.lanes import own_lane, own_piece, piece_fault, piece_of, pieces_in
from runaudit.store.store import Store
from runaudit.system.progress import work
from runaudit.text.words import head, plural

_WHY_PARTED = (
    "this store is a copy that was gone on with, or older than what was pushed, or was rewritten; both are kept, and "
    "`verify` tells of it wherever they are pulled"
)


def push(store: Store, settings: Settings, place: Place, words: Sequence[str], *, time: str) -> PushAnswer:
    """Send what the words name, or every run that has its end, to a remote, which is made where nothing lies.

    Raises UsageError for a run that is not there or still runs, StoreError where the remote takes nothing.
    """
    ids = ids_named(store, settings, *words) if words else run_ids(store)
    running = frozenset(open_runs(store, ids))
    if words and running:
        raise UsageError(
            f"{head([run[:SHORT] for run in running])} has no sealed end yet",
            remedy="wait for it, or `runaudit seal` a lost one",
        )
    teller = Teller(store, settings)
    plain = [teller.plain(run) for run in dict.fromkeys(ids) if run not in running]
    known = read_pushes(place) if is_remote(place) else None
    before = known or Pushed()
    fresh, left_out = _fresh(plain, before)
    if known is None and not fresh:
        return PushAnswer(remote=place.shown, left_out=left_out, notes=_running_note(running))
    with reached(place, "write to"):
        if known is None:
            place.put(MARKER, marker())
        lines, notes = _send_lanes(store, place)
    sending = _Sending(store, place, teller)
    sending.send(fresh, time)
    if sending.told:
        write_index(place, before, sending.told, sending.names)
    return PushAnswer(
        remote=place.shown,
        pushed=tuple(one.run for one in sending.told),
        same=len(plain) - len(fresh) - len(left_out),
        files=sending.files,
        size=sending.size,
        lines=lines,
        left_out=(*left_out, *sending.left_out),
        problems=tuple(before.problems),
        notes=(*_running_note(running), *notes, *_lying_there(store, place)),
    )


def _fresh(plain: Iterable[Told], known: Pushed) -> tuple[list[Told], tuple[LeftOut, ...]]:
    """The runs of which something is new to the remote, and those whose end it knows otherwise."""
    fresh, left_out = [], []
    for one in plain:
        there = known.runs.get(one.run)
        both = 0 if there is None else min(len(there.ends), len(one.ends))
        if there is not None and there.ends[:both] != one.ends[:both]:
            left_out.append(LeftOut(run=one.run, damaged=True, reason=f"the remote says that its end is "
                                    f"{there.ends[-1][:19]}…, and here it is {one.ends[-1][:19]}…"))  # fmt: skip
        elif there is None or not there.says_all_of(one):
            fresh.append(one)
    return fresh, tuple(left_out)


def _running_note(running: Iterable[str]) -> tuple[str, ...]:
    if not (names := sorted(run[:SHORT] for run in running)):
        return ()
    return (f"left out, without a sealed end yet: {head(names)}",)


def _lying_there(store: Store, place: Place) -> tuple[str, ...]:
    """What was forgotten here, and still lies at the remote: nothing is taken away there by itself."""
    names = [(row, object_name(row.digest)) for row in store.forgotten().values()]
    sizes = side_by_side(place, "read", lambda pair: place.size(pair[1]), names)
    return tuple(
        f"the {row.subject} was forgotten here and still lies at the remote: delete {name} there"
        for (row, name), size in zip(names, sizes, strict=True)
        if size is not None
    )


def _send_lanes(store: Store, place: Place) -> tuple[int, tuple[str, ...]]:
    """Send what the remote lacks of the own log, and of those that came with pulled runs. Returns how many lines of the
    own, and what is to be known of it. Raises OSError, IntegrityError."""
    mine, chains = own_lane(store), chains_of(store.whole_log())
    there = [piece for name in place.names(f"{LANES}/{mine}") if (piece := piece_of(mine, name))]
    ours = [one.last for one in there if one.lies_in(chains)]
    notes: tuple[str, ...] = ()
    if len(ours) < len(there):
        parted = f"the log of this store at the remote goes another way after line {max(ours, default=0)}"
        notes = (f"{parted}: {_WHY_PARTED}",)
    sent = 0
    if (found := own_piece(store, max(ours, default=0) + 1)) is not None:
        piece, raw = found
        place.put(f"{LANES}/{piece.name}", raw)
        sent = piece.last - piece.first + 1
    for lane in sorted({piece.store for piece, _ in pieces_in(store.root) if piece}):
        known = frozenset(place.names(f"{LANES}/{lane}"))
        for piece, path in pieces_in(store.root):
            if piece is not None and piece.store == lane and path.name not in known:
                raw = read_kept(path)
                if fault := piece_fault(piece, raw):
                    raise IntegrityError(f"{path} {fault}", remedy="see `runaudit verify`; no run was pushed")
                place.put(f"{LANES}/{piece.name}", raw)
    return sent, notes


@dataclass(slots=True)
class _Sending:
    """One push: what was told by it so far, and what was sent for that."""

    store: Store
    place: Place
    teller: Teller
    told: list[Told] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    files: int = 0
    size: int = 0
    names: list[str] = field(default_factory=list)
    """The files by which they were told, in the folder of all."""
    _sent: dict[str, str] = field(default_factory=dict)
    """Name at the remote -> what is wrong with what was to be sent, empty where nothing is."""

    def send(self, fresh: Sequence[Told], time: str) -> None:
        """Send the runs in batches, each told at its end. Raises StoreError, StoppedError."""
        try:
            with work("sending", len(fresh), "runs") as advance:
                for at in range(0, len(fresh), BATCH):
                    batch = fresh[at : at + BATCH]
                    self._send(batch, time)
                    advance(len(batch))
        except KeyboardInterrupt as error:
            raise StoppedError(
                f"stopped when {len(self.told)} of {plural(len(fresh), 'run')} were sent",
                remedy="the same command again sends the rest",
            ) from error

    def _send(self, batch: Sequence[Told], time: str) -> None:
        whole: list[tuple[Told, Needs]] = []
        for one in batch:
            try:
                whole.append((self.teller.whole(one), self.teller.needs(one.run)))
            except RunauditError as error:
                self.left_out.append(LeftOut(run=one.run, reason=error.message, damaged=True))
        jobs = {name: job for one, needs in whole for name, job in self._jobs(one.run, needs) if name not in self._sent}
        self._sent |= zip(jobs, side_by_side(self.place, "write to", _judged, jobs.values()), strict=True)
        sound = []
        for one, needs in whole:
            faults = [fault for name, _ in self._jobs(one.run, needs) if (fault := self._sent[name])]
            if faults:
                self.left_out.append(LeftOut(run=one.run, reason=faults[0], damaged=True))
            else:
                sound.append(one)
        if sound:
            name, raw = push_file(sound[0].store, sound, time=time)
            with reached(self.place, "write to"):
                self.place.put(name, raw)
            self.told += sound
            self.names.append(name.rpartition("/")[2])

    def _jobs(self, run: str, needs: Needs) -> list[tuple[str, Callable[[], None]]]:
        objects = [(object_name(digest.hex), partial(self._object, digest)) for digest in needs.objects]
        files = [(object_name(digest), partial(self._file, run, path, digest)) for path, digest in needs.files.items()]
        return [*objects, *files]

    def _object(self, digest: Digest) -> None:
        raw = self.store.read(digest)
        if not self._lies_there(object_name(digest.hex), len(raw)):
            self.place.put(object_name(digest.hex), raw)

    def _file(self, run: str, path: str, digest: str) -> None:
        found = sealed_file(self.store, run, path, digest)
        if not self._lies_there(object_name(digest), found.stat().st_size):
            self.place.send(object_name(digest), found)

    def _lies_there(self, name: str, size: int) -> bool:
        """Whether the remote has it. Raises IntegrityError where something else of this name lies there."""
        there = self.place.size(name)
        if there is not None and there != size:
            raise IntegrityError(
                f"{name} at the remote is damaged ({there} bytes, not {size}): delete it there, and push again"
            )
        if there is None:
            self.files += 1
            self.size += size
        return there is not None


def _judged(job: Callable[[], None]) -> str:
    """What is wrong with what was to be sent. What the remote does not take is an OSError, and ends all."""
    try:
        job()
    except RunauditError as error:
        return error.message
    return ""
