"""Runs of a remote taken into a store: fetched, held against their digests, and only then counted.

Contents go to their places at once, since nothing names them yet; files of runs wait in `tmp/pull` under their digests,
so that a pull that was cut short fetches none of them again; the folder of a run and its lines come last (`take_back`).
"""

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from runaudit.capture.redact import Redactor, redaction_key
from runaudit.errors import IntegrityError, RunauditError, StoppedError
from runaudit.records.digest import Digest
from runaudit.remote.answer import LeftOut, PullAnswer
from runaudit.remote.chains import fetch_chains
from runaudit.remote.checking import Arriving, arriving, digest_of, forgotten_row, lines_of, superseding
from runaudit.remote.fetching import Fetcher
from runaudit.remote.layout import BATCH, Told
from runaudit.remote.place import Place
from runaudit.store.bundled import BundleLine, Ends, owner
from runaudit.store.catalogue import run_ids
from runaudit.store.foreign import Lane
from runaudit.store.forget import know_forgotten, lies_here
from runaudit.store.held import put_all
from runaudit.store.kinds import LOOK, RECORDS, SUPERSEDED
from runaudit.store.line import Line
from runaudit.store.store import Store
from runaudit.store.tombstone import RUN_ID, Forgotten
from runaudit.store.unbundle import Bundle, Owners, ends_disagree, ends_here, left_out_of, take_back
from runaudit.system.progress import work
from runaudit.text.words import plural


class Taking:
    """One pull into a store: what came in so far, and what was left out. time: the moment that its own lines get."""

    def __init__(self, store: Store, place: Place, time: str) -> None:
        self._store, self._place, self._time = store, place, time
        self._clean = Redactor(redaction_key(store.root)).text
        self._fetcher = Fetcher(store, place)
        self._counted = fetch_chains(store, place)
        self._pulled: list[str] = []
        self._renewed: list[str] = []
        self._left_out: list[LeftOut] = []
        self._notes: list[str] = []
        self._same = 0
        self._lanes: dict[str, Lane] = {}
        self._ready: dict[str, bytes | str] = {}
        """What the lines of the batch name, or what is wrong with it."""
        self._ends, self._near = Ends({}), frozenset[str]()
        """The ends of the runs that are here, and the runs that are, or come with the batch."""

    def answer(self, problems: Sequence[tuple[str, str]]) -> PullAnswer:
        """What came of it. problems: what is damaged of what was told at the remote."""
        return PullAnswer(
            remote=self._place.shown, pulled=tuple(self._pulled), renewed=tuple(self._renewed), same=self._same,
            files=self._fetcher.files, size=self._fetcher.size, lines=self._counted.lines, notes=tuple(self._notes),
            left_out=tuple(self._left_out), problems=(*problems, *self._counted.problems),
        )  # fmt: skip

    def take(self, told: Sequence[Told]) -> None:
        """Take in what is new of these, in batches. Raises StoreError, StoppedError."""
        try:
            with work("fetching", len(told), "runs") as advance:
                for at in range(0, len(told), BATCH):
                    self._take(told[at : at + BATCH])
                    advance(len(told[at : at + BATCH]))
        except KeyboardInterrupt as error:
            raise StoppedError(
                f"stopped when {plural(len(self._pulled), 'run')} had come in, which are kept",
                remedy="the same command again fetches the rest",
            ) from error
        if not any(one.damaged for one in self._left_out):
            self._fetcher.clear()

    def _take(self, batch: Sequence[Told]) -> None:
        here = Counter((entry.kind, str(entry.digest)) for entry in self._store.entries())
        self._look(one.run for one in batch)
        new, known = [], []
        for one in batch:
            missing = _missing(one, here)
            is_known = ("manifest", f"sha256:{one.run}") in here and not any(kind in RECORDS for kind, _ in missing)
            if not is_known or self._is_back(one):
                new.append(one)
            elif missing:
                known.append(one)
            else:
                self._same += 1
        gone = self._forgotten([*new, *known])
        know_forgotten(self._store, gone)
        away = frozenset(row.digest for row in gone) | self._store.forgotten().keys()
        refused = {one.run for one in self._left_out}
        self._ready = self._fetcher.contents(
            digest for one in (*new, *known) for line in one.log if _is_content(digest := str(line["digest"]), away)
        )
        sound = [run for one in new if one.run not in refused and (run := self._checked(one, away))]
        self._keep(self._fetched(sound), gone)
        self._look()
        for one in known:
            if one.run not in refused:
                self._renew(one, away, here)

    def _look(self, coming: Iterable[str] = ()) -> None:
        """See what is here, once for many runs."""
        self._ends, self._near = ends_here(self._store), frozenset((*run_ids(self._store), *coming))

    # ── what is told ─────────────────────────────────────────────────────────────────────────────────────────────

    def _is_back(self, told: Told) -> bool:
        """Whether the remote has a record again that another store forgot."""
        gone, there = self._store.forgotten(), {row["digest"] for row in told.forgotten}
        records = (line["digest"] for line in told.log if line["kind"] in RECORDS)
        return any(one in gone and gone[one].elsewhere and one not in there for one in records)

    def _forgotten(self, batch: Iterable[Told]) -> tuple[Forgotten, ...]:
        """What is told to have been forgotten elsewhere, without a secret in its reason."""
        found: dict[str, Forgotten] = {}
        for one in batch:
            try:
                found |= {row.digest: row for row in map(forgotten_row, one.forgotten)}
            except IntegrityError as error:
                self._leave(one.run, error.message)
        rows = [replace(row, what=self._clean(row.what), reason=self._clean(row.reason)) for row in found.values()]
        for row in lies_here(self._store, rows):
            self._notes.append(f"the {row.subject} was {row.said} where it comes from, and lies here: "
                               f'runaudit forget {row.digest} --reason "{row.reason}"')  # fmt: skip
        return tuple(rows)

    def _checked(self, told: Told, away: frozenset[str]) -> Arriving | None:
        """A run whose records and lines were held against all they must be; None where it is left out."""
        store = self._store
        try:
            ours, is_own = self._ends.of(told.run), store.live_dir(told.run).exists()
            if ends_disagree(ours, told.ends, is_own=is_own):
                raise IntegrityError(f"the remote says that its end is {told.ends[-1:]}, and known here is {ours[-1:]}")
            lines = lines_of(told)
            lane = self._counted.lane_of(told)
            if (line := self._counted.lacks(lines)) is not None:
                raise IntegrityError(f"no log at the remote has the line that tells of its {line['kind']}")
            self._lanes |= {} if lane is None else {told.run: lane}
            # What was forgotten here of what was said of it stays out.
            lines = tuple(line for line in lines if line["kind"] in RECORDS or line["digest"] not in away)
            records = self._records([line for line in lines if line["digest"] not in away])
            lines = tuple(line for line in lines if not _is_apart(line, records, self._near))
            places = [run for line in lines if (run := superseding(line, records.get(line["digest"], b"{}")))]
            records |= self._records([{"digest": f"sha256:{run}"} for run in places])
            return arriving(told, lines, records, away)
        except RunauditError as error:
            self._leave(told.run, error.message)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self._leave(told.run, f"what is told of it is not as a push writes it ({type(error).__name__})")
        return None

    def _records(self, lines: Sequence[Mapping[str, str]]) -> dict[str, bytes]:
        wanted = dict.fromkeys(line["digest"] for line in lines)
        found = {digest: self._ready[digest] for digest in wanted if digest in self._ready}
        found |= self._fetcher.contents(digest for digest in wanted if digest not in found)
        if fault := next((fault for fault in found.values() if isinstance(fault, str)), None):
            raise IntegrityError(fault)
        return {digest: raw for digest, raw in found.items() if isinstance(raw, bytes)}

    def _leave(self, run: str, reason: str, *, damaged: bool = True) -> None:
        if all(one.run != run for one in self._left_out):
            self._left_out.append(LeftOut(run=run, reason=reason, damaged=damaged))

    # ── what is kept ─────────────────────────────────────────────────────────────────────────────────────────────

    def _fetched(self, runs: Sequence[Arriving]) -> list[Arriving]:
        """Those of these runs of which all that they name is here now."""
        spare = {digest for run in runs for digest in run.spare if self._fetcher.is_there(digest)}
        faults = self._fetcher.keep([*(digest for run in runs for digest in run.objects), *spare])
        found = []
        for run in runs:
            try:
                if fault := next((faults[one] for one in (*run.objects, *run.spare) if faults.get(one)), None):
                    raise IntegrityError(fault)
                for _, digest in self._present(run):
                    self._fetcher.staged(digest)
                found.append(run)
            except IntegrityError as error:
                self._leave(run.run, error.message)
        return found

    def _keep(self, sound: Sequence[Arriving], gone: Sequence[Forgotten]) -> None:
        if not sound:
            return
        runs = {one.run: one for one in sound}
        files = {f"runs/{run}/{path}": digest for run, one in runs.items() for path, digest in self._present(one)}
        removed = [row for one in sound for path, row in one.removed.items() if f"runs/{one.run}/{path}" not in files]
        bundle = Bundle(path=Path(self._place.shown), runs=tuple(runs), lines=_once(sound), files=files,
                        forgotten=tuple(gone), removed=tuple(removed))  # fmt: skip

        def keep(fresh: frozenset[str], folder: Path) -> Owners:
            return self._kept([runs[run] for run in runs if run in fresh], fresh, folder)

        fresh = take_back(self._store, bundle, called=self._clean(self._place.shown), keep=keep, lanes=self._lanes)
        self._pulled += fresh
        for run in runs.keys() - set(fresh):
            self._leave(run, left_out_of(self._store, bundle, run), damaged=False)

    def _present(self, run: Arriving) -> list[tuple[str, str]]:
        return [(path, digest) for path, digest in run.files.items()
                if path not in run.removed or self._fetcher.is_there(digest)]  # fmt: skip

    def _kept(self, runs: Sequence[Arriving], fresh: frozenset[str], folder: Path) -> Owners:
        """Put the records into the store and the files below `folder`."""
        about: dict[str, frozenset[str]] = {}
        uses = Counter(digest for one in runs for _, digest in self._present(one))
        put_all(self._store.put, {raw for one in runs for raw in one.records.values()})
        for one in runs:
            for line in one.lines:
                raw = one.records.get(line["digest"])
                about[line["digest"]] = about.get(line["digest"], frozenset()) | (fresh & owner(line, raw or b""))
            for path, digest in self._present(one):
                place = folder / one.run / path
                place.parent.mkdir(parents=True, exist_ok=True)
                uses[digest] -= 1
                staged = self._fetcher.staged(digest)
                if uses[digest]:
                    shutil.copyfile(staged, place)
                else:
                    staged.replace(place)
                with place.open("rb+") as file:
                    os.fsync(file.fileno())
        return about

    def _renew(self, told: Told, away: frozenset[str], here: Counter[tuple[str, str]]) -> None:
        """Take in what was said of a run that is here: notes, looks, that it was put away."""
        missing = _missing(told, here)
        run = self._checked(told, away)
        lines = []
        for line in run.lines if run else ():
            fact = (line["kind"], line["digest"])
            if missing[fact] > 0 and line["digest"] not in away:
                missing[fact] -= 1
                here[fact] += 1
                lines.append(line)
        if run is None or not lines:
            self._same += run is not None
            return
        for line in lines:
            self._store.put(run.records[line["digest"]])
        self._store.append_all([_line(line) for line in lines])
        self._renewed.append(told.run)


def _is_content(text: str, away: frozenset[str]) -> bool:
    return RUN_ID.fullmatch(text.removeprefix("sha256:")) is not None and text not in away


def _missing(told: Told, here: Counter[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """The lines about a run that this store's log has not, or not so often."""
    return Counter((str(line["kind"]), str(line["digest"])) for line in told.log) - here


def _is_apart(line: BundleLine, records: Mapping[str, bytes], near: frozenset[str]) -> bool:
    """Whether a line puts a run in the place of another that is not here: until it is, that other one counts."""
    return line["kind"] == SUPERSEDED and superseding(line, records.get(line["digest"], b"{}")) not in near


def _once(runs: Sequence[Arriving]) -> tuple[BundleLine, ...]:
    """The lines about these runs, each look once: it is about several."""
    seen: set[str] = set()
    lines = []
    for line in (line for run in runs for line in run.lines):
        if line["kind"] == LOOK and line["digest"] + line["subject"] in seen:
            continue
        seen.add(line["digest"] + line["subject"])
        lines.append(line)
    return tuple(lines)


def _line(line: BundleLine) -> Line:
    subject: Digest = digest_of(line["subject"])
    return Line(kind=line["kind"], digest=digest_of(line["digest"]), subject=subject, time=line["time"])
