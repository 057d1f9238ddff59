"""A bundle read and taken back (`store.bundle` writes it): every byte is checked before anything is kept.

A bundle is a stranger's file. What it holds is known by digests alone, and where a file lies is said by the outcome
whose digest was checked. The lines of the log come last, so that a store holds a run whole or not at all.
"""

import os
import tarfile
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from runaudit.errors import IntegrityError, RunauditError, UsageError
from runaudit.records.digest import Digest, digest_file
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.records.run import SHORT
from runaudit.store.bundle import HEAD_BYTES, SCHEMA, files_of
from runaudit.store.bundled import Ends, ends_of, form_fault, is_moment, owner, said_fault
from runaudit.store.bundlefile import MISREAD, Held, Watched, digest_of, entries, read_whole, refused
from runaudit.store.catalogue import run_ids
from runaudit.store.foreign import Lane, imported_body, imported_line
from runaudit.store.forget import know_forgotten
from runaudit.store.held import put_all
from runaudit.store.kinds import ENDINGS, MANIFEST, RECORDS
from runaudit.store.line import Line
from runaudit.store.rehash import stored_links
from runaudit.store.removed import Removed, removed_files, removed_of, tell_removed
from runaudit.store.store import Store
from runaudit.store.tombstone import RUN_ID, Forgotten, told_about
from runaudit.system.clock import utc_text
from runaudit.system.copying import Steady
from runaudit.system.files import fsync_folder, open_ordinary
from runaudit.system.progress import work

_NO_LANES: Mapping[str, Lane] = MappingProxyType({})


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A bundle that was checked: its runs, the lines about them, and where its bytes lie."""

    path: Path
    runs: tuple[str, ...]
    lines: tuple[Mapping[str, Any], ...]
    files: Mapping[str, str]
    """`runs/<id>/<path>` -> digest, as the outcomes name them."""
    forgotten: tuple[Forgotten, ...] = ()
    """What its runs name and the store that it comes from forgot."""
    removed: tuple[Removed, ...] = ()
    """What its runs name and made room there."""

    def ends(self, run: str) -> tuple[str, ...]:
        """The digests of the ends of one run, the first and its corrections."""
        return self._ends.of(run)

    @cached_property
    def _ends(self) -> Ends:
        return ends_of((line["kind"], line["subject"], line["digest"]) for line in self.lines)


def read_bundle(path: Path) -> Bundle:
    """Check every byte of a bundle and what its records say. Keeps nothing. Raises IntegrityError, UsageError."""
    try:
        return _checked(path, read_whole(path))
    except (tarfile.TarError, *MISREAD) as error:
        raise refused(path, f"is no whole bundle ({error})") from error
    except RunauditError as error:
        if isinstance(error, IntegrityError | UsageError) and str(path) in error.message:
            raise
        raise refused(path, f"is not what was exported: {error.message}") from error


def _checked(path: Path, held: Held) -> Bundle:
    """What a bundle says: records by their digests, and files by the digests that the records name."""
    index = held.index
    if index is None or index.get("schema") != SCHEMA:
        raise refused(path, "is of another version")
    runs = tuple(Digest.parse(str(run)).hex for run in index["runs"])
    lines = tuple(_line(path, line) for line in index["log"])
    gone = tuple(_gone(path, row) for row in index.get("forgotten", []))
    away = tuple(removed_of(row) for row in index.get("removed", []))
    files = _named_files(path, runs, lines, held.records, held.digests, gone, away)
    return Bundle(path=path, runs=runs, lines=lines, files=files, forgotten=gone, removed=away)


def _gone(path: Path, row: Mapping[str, Any]) -> Forgotten:
    """What a bundle says was forgotten. Raises IntegrityError where it says no such thing."""
    texts = [row["digest"], row["what"], row["run"] or "", row["reason"], row["time"]]
    is_told = all(isinstance(text, str) for text in texts) and all((row["what"], row["reason"], is_moment(row["time"])))
    if not is_told or type(row["size"]) is not int or row["size"] < 0 or "elsewhere" in row:
        raise refused(path, "says of something that it was forgotten, and not what")
    if row["run"] is not None and not RUN_ID.fullmatch(row["run"]):  # Of what many runs name it is the first.
        raise refused(path, "says of what is no run that something of it was forgotten")
    Digest.parse(row["digest"])
    return Forgotten(**{**row, "about": told_about(row.get("about"))})


def _line(path: Path, line: Mapping[str, Any]) -> Mapping[str, Any]:
    if fault := form_fault(line):
        raise refused(path, fault)
    Digest.parse(line["subject"])
    return line


def _named_files(
    path: Path,
    runs: Sequence[str],
    lines: Sequence[Mapping[str, Any]],
    records: Mapping[str, bytes],
    found: Mapping[str, str],
    gone: Sequence[Forgotten],
    removed: Sequence[Removed],
) -> dict[str, str]:
    """The files of the runs as their outcomes name them. Raises IntegrityError where the bundle holds more or less."""
    away = {row.digest: row for row in gone}
    counted = [line["digest"][7:] for line in lines if line["kind"] == MANIFEST]
    launched = set(counted)
    if sorted(counted) != sorted(runs):
        raise refused(path, "names other runs than its lines of the log")
    if fault := said_fault(lines, records, launched):
        raise refused(path, fault)
    objects: set[str] = set()
    files: dict[str, str] = {}
    for line in lines:
        digest, kind = str(line["digest"]), line["kind"]
        objects.add(digest)
        if kind == "manifest" and digest != line["subject"]:
            raise refused(path, "holds a launch under the name of another")
        if digest in away:
            if kind not in RECORDS or line["subject"][7:] not in launched:
                raise refused(path, "holds a line about none of its runs that was forgotten")
        elif kind == "manifest":
            objects |= {
                str(one) for _, one in stored_links(Manifest.from_bytes(records[digest], where="manifest").body)
            }
        elif kind in ENDINGS:
            outcome = Outcome.from_bytes(records[digest], where="outcome")
            if outcome.manifest.hex not in launched or str(outcome.manifest) != str(line["subject"]):
                raise refused(path, "holds an outcome of another run")
            objects |= {str(one) for _, one in stored_links(outcome.body)}
            files |= {f"runs/{outcome.manifest.hex}/{name}": want for name, want in files_of(outcome).items()}
    held = {name: digest for name, digest in found.items() if name.startswith("runs/")}
    for row in removed:
        if files.pop(f"runs/{row.run}/{row.path}", None) != row.digest:
            raise refused(path, "says of what no record names that it made room")
    # What was forgotten with a record is named by that alone, and by nothing that can be read.
    lost = {line["subject"][7:] for line in lines if line["digest"] in away}
    objects |= {row.digest for row in gone if row.run in lost}
    if held != files or {f"sha256:{n[-64:]}" for n in found if n.startswith("objects/")} | set(away) != objects:
        raise refused(path, "holds other files than its records name")
    return files


# ── taking back ──────────────────────────────────────────────────────────────────────────────────────────────────


Owners = Mapping[str, frozenset[str]]
"""Digest of a record -> the runs that are taken in and that it is about."""
Keep = Callable[[frozenset[str], Path], Owners]
"""Puts the objects of these runs into the store and their files below a folder; says whose each record is."""


def take_back(
    store: Store, bundle: Bundle, *, called: str, keep: Keep | None = None, lanes: Mapping[str, Lane] = _NO_LANES
) -> tuple[str, ...]:
    """Keep the runs of a checked bundle, of a file so `called`, that are not whole here; returns their ids. Log last.

    keep: what keeps their bytes, where these come from elsewhere than the file; lanes: which line of the log of another
    store counted them first. What an import left that was killed in between is made use of: its folders, and a run
    without its end. Raises UsageError where something else lies in the place of a run's folder, StoreError where
    nothing can be written.
    """
    known = set(run_ids(store))
    # Before anything is kept: what nobody may read any more is not to be read here for a moment.
    know_forgotten(store, bundle.forgotten)
    here = ends_here(store)
    fresh = tuple(run for run in bundle.runs if run not in known or _brings_an_end(store, bundle, run, here)
                  or _brings_back(store, bundle, run))  # fmt: skip
    for run in fresh:
        if store.run_dir(run).exists() and not _is_ours(store, bundle, run):
            raise UsageError(f"{store.run_dir(run)} exists already", remedy="move it away; nothing was imported")
    told = removed_files(store)
    if away := [row for row in bundle.removed if row.run in fresh and (row.run, row.path) not in told]:
        tell_removed(store, away, (), time=utc_text(time.time()))
    if fresh:
        with store.explained("import into"):
            (store.root / "tmp").mkdir(exist_ok=True)
            with tempfile.TemporaryDirectory(dir=store.root / "tmp") as folder:
                about = (keep or partial(_keep, store, bundle))(frozenset(fresh), Path(folder))
                _move_in(store, fresh, Path(folder))
        _log(store, bundle, fresh, about, called, lanes)
    return fresh


def check_agrees(store: Store, bundles: Sequence[Bundle]) -> None:
    """Raise IntegrityError where a bundle tells of a run another end than this store does, or than another of them. A
    run that was started here has a folder under live/: what was wrong about its end is nobody else's to say."""
    known, here = set(run_ids(store)), ends_here(store)
    told: dict[str, tuple[str, ...]] = {}
    for bundle, run in ((one, run) for one in bundles for run in one.runs):
        ends = bundle.ends(run)
        is_own = run in known and store.live_dir(run).exists()
        for ours in (told.get(run, ()), here.of(run) if run in known else ()):
            if ends_disagree(ours, ends, is_own=is_own):
                raise IntegrityError(
                    f"{bundle.path} says of run {run[:SHORT]} that its end is {ends[-1]}, and known is {ours[-1]}",
                    remedy="ask which is true (`runaudit verify` checks this store); nothing was imported",
                )
        told[run] = max(told.get(run, ()), ends, key=len)


def ends_disagree(ours: Sequence[str], theirs: Sequence[str], *, is_own: bool) -> bool:
    """Whether two accounts of the ends of a run contradict each other: neither begins as the other does, or of a run
    that was started here somebody else corrects the end."""
    both = min(len(ours), len(theirs))
    return tuple(ours[:both]) != tuple(theirs[:both]) or (is_own and 0 < len(ours) < len(theirs))


def ends_here(store: Store) -> Ends:
    """The ends of the runs of this store."""
    return ends_of((entry.kind, entry.subject, str(entry.digest)) for entry in store.entries())


def _brings_an_end(store: Store, bundle: Bundle, run: str, here: Ends) -> bool:
    """Whether the bundle has an end, or a correction of it, of a run that came in from elsewhere without."""
    return len(bundle.ends(run)) > len(here.of(run)) and not store.live_dir(run).exists()


def _brings_back(store: Store, bundle: Bundle, run: str) -> bool:
    """Whether the bundle holds a record of a run that another store forgot, as a bundle from there said."""
    gone, here = store.forgotten(), {row.digest for row in bundle.forgotten}
    records = (f"sha256:{run}", *bundle.ends(run))
    return any(one in gone and gone[one].elsewhere and one not in here for one in records)


def left_out_of(store: Store, bundle: Bundle, run: str) -> str:
    """Why a run of a bundle was not taken in."""
    if (gone := store.forgotten().get(f"sha256:{run}")) is not None:
        return f"the {gone.subject} was {gone.said} here, and stays out"
    said = f"already imported as {run[:SHORT]}"
    if bundle.ends(run) and f"sha256:{run}" not in store.endings():
        return f"{said}: it was started here, so its end is not taken from a bundle: runaudit seal {run[:SHORT]}"
    return said


def _is_ours(store: Store, bundle: Bundle, run: str) -> bool:
    """Whether the folder of a run holds exactly the files that the bundle would put there."""
    folder = store.run_dir(run)
    files = {path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()}
    wanted = {store.root / name: digest for name, digest in bundle.files.items() if name.startswith(f"runs/{run}/")}
    return files == set(wanted) and all(str(digest_file(path)) == digest for path, digest in wanted.items())


def _log(
    store: Store, bundle: Bundle, fresh: Sequence[str], about: Owners, called: str, lanes: Mapping[str, Lane]
) -> None:
    """Count what was kept, in the order in which it was counted where it comes from."""
    here = {(entry.kind, str(entry.digest)) for entry in store.entries()}
    now = utc_text(time.time())
    bodies = [imported_body(run, called, lanes.get(run)) for run in fresh]
    put_all(store.put, bodies)
    lines = [imported_line(body, time=now) for body in bodies]
    for line in bundle.lines:
        kind, digest = str(line["kind"]), str(line["digest"])
        # What this store has counted already is the same look, launch, end or remark.
        if about.get(digest, fresh) and (kind, digest) not in here:
            subject = Digest.parse(str(line["subject"]))
            lines.append(Line(kind=kind, digest=Digest.parse(digest), subject=subject, time=line["time"]))
    store.append_all(lines)


def _keep(store: Store, bundle: Bundle, fresh: frozenset[str], folder: Path) -> dict[str, frozenset[str]]:
    """Put the objects into the store and the runs' files below `folder`. Returns whose each record is."""
    owners = {str(line["digest"]): line for line in bundle.lines}
    about = {row.digest: fresh & owner(owners[row.digest], b"") for row in bundle.forgotten if row.digest in owners}
    with open_ordinary(bundle.path) as whole, work("taking in", os.fstat(whole.fileno()).st_size) as advance:
        whole.seek(HEAD_BYTES)
        for name, body in entries(bundle.path, Watched(whole, lambda data: advance(len(data)))):
            kind, _, rest = name.partition("/")
            if kind == "objects":
                raw = body.read()
                digest = str(store.put(raw))
                if digest in owners:
                    about[digest] = fresh & owner(owners[digest], raw)
            elif kind == "runs" and rest[:64] in fresh:
                place = folder / rest
                place.parent.mkdir(parents=True, exist_ok=True)
                with place.open("wb") as file:
                    digest = digest_of(body, Steady(file).write)
                    file.flush()
                    os.fsync(file.fileno())
                if digest != bundle.files[name]:
                    raise refused(bundle.path, f"changed while it was read: {name}")
    return about


def _move_in(store: Store, fresh: Sequence[str], folder: Path) -> None:
    """Put the folders of runs into their places, each as a whole."""
    for run in sorted(fresh):
        if (folder / run).is_dir() and not store.run_dir(run).exists():
            store.run_dir(run).parent.mkdir(exist_ok=True)
            (folder / run).replace(store.run_dir(run))
            fsync_folder(store.run_dir(run).parent)
