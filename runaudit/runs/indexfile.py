"""The file in which the index of a store lies, and whether it may be believed.

It is derived, lies in the store's `cache/`, and may be deleted, spoilt, copied or locked at any time: then it is made
again, or the records are read. What was written is sealed beside it: the place, size and times of the file as it was
left, so that a byte that anybody else changed is not believed; and those of the log that it was made of. The seal is
made with a key that does not lie in `cache/`, the store's, or where it has none the user's: who can write there alone
can make none. Where the log is no longer that file, its beginning must have the digest that the index names: a log that
was rewritten makes the index anew, one that has only grown is read from there on.

    cache/list.sqlite   state: of what log and policy it was made; cohorts; runs, by their place in the log, `again` the
                        run that `rerun` repeated, `theirs` what the trackers that recorded it call it
    cache/list.seal     the files as they were left, and what the key makes of that
"""

import contextlib
import fcntl
import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runaudit.runs.indexlog import NOTHING, TAIL_BYTES, News, log_digest
from runaudit.store.kept import KEY_FILE
from runaudit.store.userkey import KEY_BYTES, user_key
from runaudit.system.files import misplaced, open_ordinary, read_ordinary

if TYPE_CHECKING:
    from runaudit.settings import Settings
    from runaudit.store.store import Store

SCHEMA = "runaudit.list-index/22"
FILE = "list.sqlite"
SEAL = "list.seal"
WAIT_S = 0.5
"""How long another process that writes the index is waited for before the records are read."""
TICK_S = 0.01
"""File times are no finer than the kernel's tick (4 ms at 250 Hz): a change within the same one could not be told."""
CELLS = '{"head": '
"""How the cells of a cohort begin: no line of a cohort does, which begins with its id."""
VIEWS = ("whole", "shown", "answer")
"""What is kept of a cohort: its lines as a pipe gets them, empty where a status must be asked; the cells of its lines;
its object in the JSON answer. All are empty where all of its runs are put away."""
FEW_RUNS = 64
"""Runs that a launch may read to bring the index along: a cohort of many is described by who lists it."""
TABLES = (
    "CREATE TABLE state (made TEXT NOT NULL)",
    f"CREATE TABLE cohorts (number INTEGER PRIMARY KEY, key, id, founder, label TEXT, {' TEXT, '.join(VIEWS)} TEXT)",
    (
        "CREATE TABLE runs (number INTEGER PRIMARY KEY, id TEXT, label TEXT, again TEXT, cohort INTEGER,"
        " hidden INTEGER, theirs TEXT)"
    ),
    "CREATE INDEX cohorts_key ON cohorts (key)",
    "CREATE INDEX runs_cohort ON runs (cohort)",
)
FOUND_BY = (
    "CREATE INDEX cohorts_id ON cohorts (id)",
    "CREATE INDEX cohorts_label ON cohorts (label)",
    "CREATE UNIQUE INDEX runs_id ON runs (id)",
    "CREATE INDEX runs_label ON runs (label)",
    "CREATE INDEX runs_hidden ON runs (hidden) WHERE hidden = 1",
    "CREATE INDEX runs_again ON runs (again) WHERE again IS NOT NULL",
    "CREATE INDEX runs_theirs ON runs (theirs) WHERE theirs IS NOT NULL",
)
"""What only questions need, made once all is written: to keep it sorted from the first run on took a tenth longer."""


def held(root: Path, settings: "Settings") -> sqlite3.Connection | None:
    """The index of the store at `root` where it is up to date, within a transaction: what others write meanwhile is not
    seen. Else None."""
    index = None
    try:
        index = _connected(root)
        index.execute("BEGIN")
        made = _made_of(index)
        # What lies in the place of the log's end and is no file is damage, which the records tell and the index hides.
        if (
            made is not None
            and not misplaced(root / "log.end")
            and _is_as_left(root)
            and _is_of(made, settings)
            and _is_of_log(made, root)
        ):
            return index
    except (sqlite3.Error, OSError, ValueError, TypeError, KeyError):
        pass
    if index is not None:
        index.close()
    return None


def current(store: "Store", settings: "Settings") -> sqlite3.Connection | None:
    """The index, brought to the log where it is behind. None where it cannot be, or a record is damaged: the records
    are then to be read."""
    return held(store.root, settings) or _made(store, settings)


def _made(store: "Store", settings: "Settings") -> sqlite3.Connection | None:
    """The index brought to the log by this process, or by another that this one waited for."""
    try:
        with alone(store) as ours:
            if not ours:
                return None
            # Another process may have done it while this one waited.
            return held(store.root, settings) or (held(store.root, settings) if _written(store, settings) else None)
    except (sqlite3.Error, OSError):
        return None


def caught_up(root: Path, settings: "Settings") -> sqlite3.Connection | None:
    """The index of the store at `root`, brought to the log where no more than a few lines are missing from it."""
    if not _lacks_little(root):
        return None
    from runaudit.store.store import Store

    return _made(Store.open(root), settings)


def _lacks_little(root: Path, wait_s: float | None = None) -> bool:
    """Whether the index of the store at `root` lacks some lines of the log, and no more than a few."""
    try:
        with contextlib.closing(_connected(root, wait_s)) as index:
            made = _made_of(index)
        lacking = (root / "log.jsonl").stat().st_size - made["size"] if made is not None else 0
    except (sqlite3.Error, OSError, ValueError, TypeError, KeyError):
        return False
    return bool(0 < lacking <= TAIL_BYTES)


def follow(store: "Store", settings: "Settings") -> bool:
    """Bring an index that was left as it is along with the log; whether it was. Nothing is waited for or made anew, and
    no more than a few runs are read: False leaves the work to who lists. Raises OSError, ValueError and sqlite3.Error
    where the files are not what they should be."""
    if not (_is_as_left(store.root) and _lacks_little(store.root, 0.0)):
        return False
    with alone(store, wait_s=0.0) as ours:
        if not ours:
            return False
        with contextlib.closing(_connected(store.root, 0.0)) as index:
            log = _facts(store.log_path)
            if not _brought_up(index, store, settings, most=FEW_RUNS):
                return False
        _seal(store, log)
    return True


def in_memory(store: "Store", settings: "Settings") -> tuple[sqlite3.Connection, tuple[str, ...]]:
    """The same tables made of the records alone, without what `list` shows; and the runs whose records are not as they
    were sealed, so that neither their label nor their cohort can be believed."""
    from runaudit.runs.grouping import Grouping

    index = sqlite3.connect(":memory:", isolation_level=None)
    _emptied(index)
    grouping = Grouping(store, settings, index)
    grouping.take(store.entries(), 0)
    grouping.describe()
    _asked_for(index)
    return index, tuple(dict.fromkeys(grouping.nameless))


def _connected(root: Path, wait_s: float | None = None) -> sqlite3.Connection:
    wait_s = WAIT_S if wait_s is None else wait_s
    return sqlite3.connect(root / "cache" / FILE, timeout=wait_s, isolation_level=None)


def _emptied(index: sqlite3.Connection) -> None:
    for statement in (*(f"DROP TABLE IF EXISTS {name}" for name in ("state", "cohorts", "runs")), *TABLES):
        index.execute(statement)


def _asked_for(index: sqlite3.Connection) -> None:
    for statement in FOUND_BY:
        index.execute(statement)


def _made_of(index: sqlite3.Connection) -> dict[str, Any] | None:
    """The state that the index was made of; None where there is none yet."""
    if index.execute("SELECT 1 FROM sqlite_master WHERE name = 'state'").fetchone() is None:
        return None
    row = index.execute("SELECT made FROM state").fetchone()
    found = json.loads(row[0]) if row else None
    return found if isinstance(found, dict) else None


def _kind(settings: "Settings") -> dict[str, Any]:
    """What an index must have been made with to hold, whatever the log."""
    from runaudit import __version__

    return {"schema": SCHEMA, "version": __version__, "policy": repr(settings.factors)}


def _is_of(made: Mapping[str, Any], settings: "Settings") -> bool:
    kind = _kind(settings)
    return {key: made.get(key) for key in kind} == kind


# ── whether the files are the ones that were left ────────────────────────────────────────────────────────────────


def _facts(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def _sealed(root: Path) -> Mapping[str, Any]:
    found = json.loads(read_ordinary(root / "cache" / SEAL))
    if not isinstance(found, dict):
        return {}
    mac = found.pop("mac", None)
    # A store that had no key when its index was sealed may have one by now: its first launch makes it.
    return found if any(mac == _mac(key, found) for key in _keys(root, make=False)) else {}


def _keys(root: Path, *, make: bool) -> Iterator[bytes]:
    """The keys by which an index may be sealed, the best one first. Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        yield read_ordinary(root / KEY_FILE, most=KEY_BYTES)
    if key := user_key(make=make):
        yield key


def _mac(key: bytes, facts: Mapping[str, Any]) -> str:
    """What only the key makes of these facts."""
    try:
        from _blake2 import blake2s  # `hashlib` loads OpenSSL as well: 7 ms, where a listing may take 100.
    except ImportError:
        from hashlib import blake2s
    return blake2s(json.dumps(facts, sort_keys=True).encode(), key=key[:KEY_BYTES]).hexdigest()


def _is_as_left(root: Path) -> bool:
    sealed = _sealed(root)
    return bool(
        sealed.get("index") == _facts(root / "cache" / FILE) and sealed.get("store") == _facts(root / "store.json")
    )


def _is_of_log(made: Mapping[str, Any], root: Path) -> bool:
    """Whether the log is the one that the index was made of: the same file untouched, or one of the same bytes."""
    path = root / "log.jsonl"
    if _sealed(root).get("log") == _facts(path):
        return True
    with open_ordinary(path) as log:
        log.seek(made["size"])
        if b"\n" in log.read():
            return False  # It has grown, whatever stands before.
    raw = read_ordinary(path)
    return bool(made["size"] == raw.rfind(b"\n") + 1) and log_digest(raw, made["size"])[0] == made["log"]


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────


@contextlib.contextmanager
def alone(store: "Store", wait_s: float | None = None) -> Iterator[bool]:
    """Whether this process may write the index; the others wait, or read the records."""
    (store.root / "cache").mkdir(exist_ok=True)  # Whoever deletes what may be deleted takes the folder with it.
    for name in (FILE, SEAL):
        _made_free(store.root / "cache" / name)
    with (store.root / "cache" / SEAL).open("a+b") as file:
        until = time.monotonic() + (WAIT_S if wait_s is None else wait_s)
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    yield False
                    return
                time.sleep(TICK_S)
                continue
            yield True
            return


def _made_free(path: Path) -> None:
    """Take away what lies in the place of a file of the index and is none: all of this can be made again."""
    if misplaced(path):
        with contextlib.suppress(OSError):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


def _written(store: "Store", settings: "Settings") -> bool:
    """Bring the index to the log and seal it. False where a record is damaged, or another's lock is on it."""
    for _ in range(2):
        try:
            with contextlib.closing(_connected(store.root)) as index:
                log = _facts(store.log_path)
                if not _brought_up(index, store, settings):
                    return False
            _seal(store, log)
        except sqlite3.OperationalError:
            return False
        except (sqlite3.DatabaseError, ValueError, TypeError, KeyError):
            # A spoilt file is thrown away and made again, once.
            _throw_away(store)
            continue
        return True
    return False


def _throw_away(store: "Store") -> None:
    with contextlib.suppress(OSError):
        (store.root / "cache" / FILE).unlink()


def _seal(store: "Store", log: list[int]) -> None:
    path = store.root / "cache"
    time.sleep(TICK_S)
    facts = {"index": _facts(path / FILE), "store": _facts(store.root / "store.json"), "log": log}
    if key := next(_keys(store.root, make=True), None):
        (path / SEAL).write_text(json.dumps({**facts, "mac": _mac(key, facts)}))


def _brought_up(index: sqlite3.Connection, store: "Store", settings: "Settings", *, most: int | None = None) -> bool:
    """Write what the log says more than the index, or all of it. False where a record is damaged, and where that is not
    to be done: with `most` given, the index is gone on with, and of no cohort more runs are read."""
    from runaudit.runs.grouping import Grouping
    from runaudit.store.remarks import archived

    # What a crash leaves half-written is not sealed and so not believed: waiting for the disk would gain nothing.
    index.execute("PRAGMA journal_mode = MEMORY")
    index.execute("PRAGMA synchronous = OFF")
    index.execute("BEGIN IMMEDIATE")
    try:
        news = News(store, _state_left(index, store, settings))
        is_new = news.old == NOTHING
        if is_new and (most is not None or not news.size):
            index.execute("ROLLBACK")
            return False
        if is_new:
            _emptied(index)
        grouping = Grouping(store, settings, index, away=archived(store), most=most)
        grouping.take(news.entries, news.old["entries"])
        if not grouping.describe():
            index.execute("ROLLBACK")
            return False
        if is_new:
            _asked_for(index)
        made = {**_kind(settings), "size": news.size, "log": news.digest,
                "entries": news.old["entries"] + len(news.entries)}  # fmt: skip
        index.execute("DELETE FROM state")
        index.execute("INSERT INTO state VALUES (?)", (json.dumps(made),))
        index.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            index.execute("ROLLBACK")
        raise
    return True


def _state_left(index: sqlite3.Connection, store: "Store", settings: "Settings") -> Mapping[str, Any]:
    """The state of an older index that was left as it is, else NOTHING. What log it was made of, its digest tells."""
    try:
        old = _made_of(index) if _is_as_left(store.root) else None
    except (OSError, ValueError):
        return NOTHING
    return old if old is not None and _is_of(old, settings) else NOTHING
