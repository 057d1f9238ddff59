"""`runaudit push`: runs of this store, and its log, at a remote. Contents first, the log, and last the file that tells
of the runs: what is cut short leaves what nobody names, and doing it again sends what is missing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from runaudit.errors import IntegrityError, RunauditError, StoppedError, UsageError
from runaudit.records.digest import Digest
from runaudit.records.run import SHORT
from runaudit.remote.answer import LeftOut, PushAnswer
from runaudit.remote.index import write_index
from runaudit.remote.layout import (
    BATCH,
    MARKER,
    Pushed,
    Told,
    is_remote,
    marker,
    object_name,
    push_file,
    read_pushes,
)
from runaudit.remote.logs import DELETE, send_logs
from runaudit.remote.place import Folder, Place, reached, side_by_side
from runaudit.remote.telling import Needs, Teller, open_runs, sealed_file
from runaudit.runs.leaving import tell_who_stays
from runaudit.runs.names import ids_named
from runaudit.settings import Settings
from runaudit.store.catalogue import run_ids
from runaudit.store.store import Store
from runaudit.system.progress import work
from runaudit.text.words import head, plural


def push(store: Store, settings: Settings, place: Place, words: Sequence[str], *, time: str) -> PushAnswer:
    """Send what the words name, or every run that has its end, to a remote, which is made where nothing lies.

    Raises UsageError for a run that is not there or still runs, StoreError where the remote takes nothing.
    """
    if isinstance(place, Folder) and place.root.resolve().is_relative_to(store.root.resolve()):
        raise UsageError(f"{place.shown} lies in the store itself", remedy="name a folder outside of it")
    ids = ids_named(store, settings, *words) if words else run_ids(store)
    running = frozenset(open_runs(store, ids))
    if words and running:
        raise UsageError(
            f"{head([run[:SHORT] for run in running])} has no sealed end yet",
            remedy="wait for it, or `runaudit seal` a lost one",
        )
    known = read_pushes(place) if is_remote(place) else None
    before = known or Pushed()
    going = [run for run in dict.fromkeys(ids) if run not in running]
    tell_who_stays(store, settings, going, there=before.runs, time=time)
    teller = Teller(store, settings)
    plain = [teller.plain(run) for run in going]
    fresh, left_out = _fresh(plain, before)
    if known is None and not fresh:
        return PushAnswer(remote=place.shown, left_out=left_out, notes=_running_note(running))
    with reached(place, "write to"):
        if known is None:
            place.put(MARKER, marker())
        logs = send_logs(store, place)
    sending = _Sending(store, place, teller)
    sending.send(fresh, time)
    new = {one.run for one in fresh} | {one.run for one in left_out}
    sending.send_again([one.run for one in plain if one.run not in new])
    if sending.told:
        write_index(place, before, sending.told, sending.names)
    return PushAnswer(
        remote=place.shown,
        pushed=tuple(one.run for one in sending.told),
        again=tuple(sending.again),
        same=len(plain) - len(fresh) - len(left_out) - len(sending.lost),
        files=sending.files,
        size=sending.size,
        lines=logs.lines,
        left_out=(*left_out, *sending.left_out, *sending.lost),
        problems=(*before.problems, *logs.problems),
        notes=(*_running_note(running), *logs.notes, *_lying_there(store, place)),
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


@dataclass(slots=True)
class _Sending:
    """One push: what was told by it so far, and what was sent for that."""

    store: Store
    place: Place
    teller: Teller
    told: list[Told] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    """Runs that the remote knew, and of which something was not there any more."""
    lost: list[LeftOut] = field(default_factory=list)
    """Runs that the remote knows and cannot give whole, and why nothing is sent in the place of what is damaged."""
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
        self._carry_out({name: job for one, needs in whole for name, job in self._jobs(one.run, needs)})
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

    def send_again(self, runs: Sequence[str]) -> None:
        """Send what the remote was told of these runs and has no more: somebody may have tidied there, or lost a disk.
        What lies there is known by its size; `pull` holds every byte against its digest. Raises StoreError."""
        needs: dict[str, Needs] = {}
        wanted: dict[str, dict[str, int]] = {}
        with work("looking again", len(runs), "runs") as advance:
            for run in runs:
                if (found := self._needed(run)) is not None:
                    needs[run], wanted[run] = found, self._sizes(run, found)
                advance(1)
        folders = sorted({name.rpartition("/")[0] for sizes in wanted.values() for name in sizes})
        listed = side_by_side(self.place, "read", self.place.sizes, folders)
        there = {f"{folder}/{name}": size for folder, sizes in zip(folders, listed, strict=True)
                 for name, size in sizes.items()}  # fmt: skip
        for run, sizes in wanted.items():
            if all(there.get(name) == size for name, size in sizes.items()):
                continue
            jobs = {name: job for name, job in self._jobs(run, needs[run]) if there.get(name) != sizes.get(name)}
            self._carry_out(jobs)
            if faults := [fault for name in jobs if (fault := self._sent[name])]:
                self.lost.append(LeftOut(run=run, reason=faults[0], damaged=True))
            else:
                self.again.append(run)

    def _carry_out(self, jobs: Mapping[str, Callable[[], None]]) -> None:
        """Do what was not done yet, side by side, and keep what was wrong with it."""
        fresh = {name: job for name, job in jobs.items() if name not in self._sent}
        self._sent |= zip(fresh, side_by_side(self.place, "write to", _judged, fresh.values()), strict=True)

    def _needed(self, run: str) -> Needs | None:
        try:
            return self.teller.needs(run)
        except RunauditError as error:
            self.lost.append(LeftOut(run=run, reason=error.message, damaged=True))
            return None

    def _sizes(self, run: str, needs: Needs) -> dict[str, int]:
        """Name at the remote -> bytes, of all that lies here."""
        places = [(object_name(one.hex), self.store.object_path(one)) for one in needs.objects]
        places += [(object_name(one), self.store.run_dir(run) / path) for path, one in needs.files.items()]
        return {name: path.stat().st_size for name, path in places if path.is_file()}

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
            raise IntegrityError(f"{name} at the remote is damaged ({there} bytes, not {size}): {DELETE}")
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
