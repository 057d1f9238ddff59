"""What is wrong with a store, each thing with what to do about it: `runaudit doctor`.

Two kinds are told apart. *Damage* is a sealed byte, a line or a file that is not what it was or is gone. *Leavings* are
what a process leaves that died between two steps: half-written files, a record that no line of the log counts, an
import that was cut short. The next command works past leavings, so a store that holds nothing else is whole.
"""

import contextlib
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from runaudit.errors import IntegrityError, RunauditError
from runaudit.records.digest import Digest
from runaudit.records.outcome import Outcome
from runaudit.records.run import SHORT
from runaudit.store.catalogue import liveness, manifest_of
from runaudit.store.copies import good_copy
from runaudit.store.end import lacks_newline, read_ends
from runaudit.store.forget import is_buried
from runaudit.store.incidents import incidents
from runaudit.store.leftovers import kind_of
from runaudit.store.links import links_out, remedy_of
from runaudit.store.rehash import relative
from runaudit.store.store import Store
from runaudit.store.verify import verify
from runaudit.system.files import is_below

LEFT_S = 3600.0
"""What no line of the log names and is this old has no process any more that is about to name it."""
DAMAGE, LEAVING, SECRET, INCIDENT = "damage", "leaving", "secret", "incident"
BACKUP = "restore it from a backup, or import the run again from a bundle"
REPAIR_IT = "runaudit doctor --repair"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ailment:
    """One thing that is not as it should be. `kind`: damage, leaving, secret or incident; `run` None: the store
    itself."""

    kind: str
    name: str
    run: str | None
    file: str
    problem: str
    remedy: str


def examine(store: Store, *, now: float | None = None) -> tuple[Ailment, ...]:
    """Everything that is wrong with a store, damage first. Writes nothing. `now`: seconds since the epoch."""
    now = time.time() if now is None else now
    try:
        left = tuple(_unburied(store))
        left += tuple(_leavings(store, now))
        left += tuple(_incidents(store))
    except IntegrityError:
        left = ()  # The log is damaged, which is told; what it should name cannot be told apart.
    return (*_damage(store), *left, *_half_written(store, now))


def _damage(store: Store) -> Iterator[Ailment]:
    links = dict(links_out(store.root, everywhere=True))
    for problem in verify(store).problems:
        digest = object_of(problem.file)
        is_mendable = digest is not None and good_copy(store, digest) is not None
        yield Ailment(
            kind=DAMAGE, name="damaged", run=problem.run, file=problem.file, problem=problem.problem,
            remedy=f"a good copy is at hand: {REPAIR_IT}" if is_mendable
            else f"the line is whole: {REPAIR_IT}" if problem.file == "log.jsonl" and _lacks_newline(store)
            else remedy_of(store.root, problem.file, links[problem.file]) if problem.file in links else BACKUP,
        )  # fmt: skip


def _lacks_newline(store: Store) -> bool:
    return lacks_newline(store.log_bytes(), read_ends(store.root).newest)


def _unburied(store: Store) -> Iterator[Ailment]:
    """What the log says was forgotten, and can still be read: whoever forgot it died before it was done."""
    for row in store.forgotten().values():
        if not is_buried(store, row):
            digest = Digest.parse(row.digest)
            yield Ailment(
                kind=SECRET, name="forgotten_and_there", run=row.run, file=relative(store, digest),
                problem=f"the {row.subject} was {row.said}, and its bytes still lie there", remedy=REPAIR_IT,
            )  # fmt: skip


def _incidents(store: Store) -> Iterator[Ailment]:
    for text in incidents(store, store.entries()):
        yield Ailment(kind=INCIDENT, name="end_lost", run=None, file="log.end", problem=text,
                      remedy="hold the log against one: runaudit verify --check-anchor git")  # fmt: skip


def object_of(file: str) -> Digest | None:
    """The digest of the object that a problem is about; None where it is about another file."""
    match = re.fullmatch(r"objects/sha256/[0-9a-f]{2}/([0-9a-f]{64})", file)
    return Digest("sha256", match[1]) if match else None


def _leavings(store: Store, now: float) -> Iterator[Ailment]:
    left = uncounted(store, now)
    for run, digest in left.endings.items():
        yield Ailment(
            kind=LEAVING, name="unlogged_outcome", run=run, file=relative(store, digest),
            problem="outcome that was sealed whole by a process that died before the log named it", remedy=REPAIR_IT,
        )  # fmt: skip
    for digest in left.launches:
        yield Ailment(
            kind=LEAVING, name="unlogged_launch", run=digest.hex, file=relative(store, digest),
            problem="launch that died before it was counted: nothing of it ran", remedy=REPAIR_IT,
        )  # fmt: skip
    for run in left.lost:
        is_ours = store.live_dir(run).is_dir()
        yield Ailment(
            kind=LEAVING, name="lost_run" if is_ours else "import_cut_short", run=run, file=f"live/{run}" if is_ours
            else relative(store, Digest("sha256", run)),
            problem="run whose process is gone, and whose outcome nobody sealed" if is_ours
            else "imported run whose record says that it ended, and not how",
            remedy=f"runaudit seal {run[:SHORT]}" if is_ours else "import the same file again",
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncounted:
    """What dead processes left between an object and its line. `endings`: run -> its one whole outcome; `launches`:
    manifests that were never counted; `lost`: counted runs with neither a process nor an outcome."""

    endings: Mapping[str, Digest]
    launches: tuple[Digest, ...]
    lost: tuple[str, ...]


def uncounted(store: Store, now: float) -> Uncounted:
    """What no line of the log names, as far as no living process can be about to name it. Raises IntegrityError."""
    entries = store.entries()
    named = {entry.digest.hex for entry in entries}
    open_runs = [e.digest.hex for e in entries if e.kind == "manifest" and str(e.digest) not in store.endings()]
    gone = [run for run in open_runs if liveness(store.live_dir(run), now=lambda: now) == "lost"]
    outcomes: dict[str, list[Digest]] = {}
    launches = []
    for path in sorted((store.root / "objects" / "sha256").glob("??/*")):
        digest = object_of(str(path.relative_to(store.root)))
        if digest is None or digest.hex in named or not store.holds(digest):
            continue
        kind = kind_of(path)
        if kind == "manifest" and now - path.stat().st_mtime > LEFT_S and not _has_folder(store, digest.hex):
            launches.append(digest)
        elif kind == "outcome":
            with contextlib.suppress(RunauditError):
                run = Outcome.from_bytes(store.read(digest), where="outcome").manifest.hex
                outcomes.setdefault(run, []).append(digest)
    # Of two outcomes nobody can say which was meant: `runaudit seal` makes a third from what lies on disk.
    endings = {run: found[0] for run, found in outcomes.items() if run in gone and len(found) == 1}
    lost = tuple(run for run in gone if run not in endings and _should_have_ended(store, run))
    return Uncounted(endings=endings, launches=tuple(launches), lost=lost)


def _has_folder(store: Store, run: str) -> bool:
    """A folder of a launch that the log does not name is damage, which `verify` tells of."""
    return store.live_dir(run).exists() or store.run_dir(run).exists()


def _should_have_ended(store: Store, run: str) -> bool:
    """Whether a run without an outcome was started here, or comes from a record that says how it ended."""
    if store.live_dir(run).is_dir():
        return True
    try:
        return bool(manifest_of(store, run).section("origin").get("ending"))
    except RunauditError:
        return False  # Damaged, and told as such.


def _half_written(store: Store, now: float) -> Iterator[Ailment]:
    for path in half_written(store, now):
        yield Ailment(
            kind=LEAVING, name="half_written", run=None, file=str(path.relative_to(store.root)),
            problem="was being written by a process that died", remedy=REPAIR_IT,
        )  # fmt: skip


def half_written(store: Store, now: float) -> tuple[Path, ...]:
    """The temporary files and folders that nobody is writing any more."""
    patterns = ("tmp/*", ".*.tmp", "live/*/.*.tmp", "cache/.*.tmp")
    found = (path for pattern in patterns for path in sorted(store.root.glob(pattern)))
    # What lies behind a link out of the store is not the store's, and is never deleted.
    return tuple(path for path in found if now - _changed(path) > LEFT_S and is_below(path, store.root))


def _changed(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return float("inf")  # Gone meanwhile: its writer lives.
