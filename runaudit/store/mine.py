"""Whether a run was launched by this user: shown by what does not travel with the store.

A store is a folder, and a folder can be cloned, unpacked or copied from a stranger with everything in it: nothing that
lies in it alone can show whose launches it holds. So a launch leaves a mark beside its live files,

    live/<run id>/mine     two lines: HMAC-SHA-256 in hex, of the run's id with the store's inode, and with its path

under a key that lies *outside* of every store, `runaudit/key` in `$XDG_STATE_HOME` or `~/.local/state`: 32 random
bytes, made at the first launch. The id of a run is the digest of its manifest, so that the mark holds for this command
and this code alone; and one of the two lines that it holds for this store alone, not for a clone of it, into which
others may have written. It stays valid where the owner moves the store or restores it to its place, and on every host
that has the key and sees the store.

A run without any mark, of an older runaudit or where no key could be made, is shown by the file of its manifest: it
belongs to this user, git does not track it, and the system says that it was made when the log says so. No clone,
archive or copy can bring that time along (it is the inode's, not the file's own).
"""

import contextlib
import hashlib
import hmac
import os
import stat
from datetime import datetime
from pathlib import Path

from runaudit.store.store import Store
from runaudit.store.userkey import user_key
from runaudit.system.files import is_below, read_ordinary
from runaudit.system.git import GitError, ask

MARK = "mine"
_APART_S = 30.0
"""How long after it was written a manifest is counted, on a slow disk."""


def mark(store: Store, run_id: str) -> None:
    """Leave the mark of this user beside the live files of a run; where that cannot be, the run is one without."""
    place = store.live_dir(run_id) / MARK
    with contextlib.suppress(OSError):
        if (key := user_key(make=True)) is not None and is_below(place, store.root):
            place.unlink(missing_ok=True)
            file = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(file, "wb") as opened:
                opened.write("".join(f"{line}\n" for line in _mark(key, run_id, store.root)).encode())


def is_mine(store: Store, run_id: str) -> bool:
    """Whether this user launched the run. Raises IntegrityError where the log is damaged."""
    try:
        found = read_ordinary(store.live_dir(run_id) / MARK, most=1024)
    except OSError:
        return _was_made_here(store, run_id)
    # Where there is a mark, it alone counts: another key's, or another place's, says that this came from elsewhere.
    with contextlib.suppress(OSError):
        if (key := user_key(make=False)) is not None:
            pairs = zip(found.splitlines(), _mark(key, run_id, store.root), strict=False)
            return any(hmac.compare_digest(theirs, ours.encode()) for theirs, ours in pairs)
    return False


def _mark(key: bytes, run_id: str, root: Path) -> tuple[str, str]:
    """What shows a launch in the store at `root`: there once it was moved, and there once it was restored. OSError."""
    places = f"inode {root.stat().st_ino}", f"path {os.path.realpath(root)}"
    told = (os.fsencode(f"{run_id} {place}") for place in places)
    inode, path = (hmac.new(key, text, hashlib.sha256).hexdigest() for text in told)
    return inode, path


def _was_made_here(store: Store, run_id: str) -> bool:
    """Whether the manifest was written here, by this user, when the log says that it was."""
    lines = (entry for entry in store.entries() if entry.kind == "manifest" and entry.digest.hex == run_id)
    if (entry := next(lines, None)) is None:
        return False
    path = store.object_path(entry.digest)
    try:
        facts, logged = path.lstat(), datetime.fromisoformat(entry.time).timestamp()
    except (OSError, ValueError):
        return False
    is_own = stat.S_ISREG(facts.st_mode) and facts.st_uid == os.getuid()
    return is_own and abs(facts.st_ctime - logged) <= _APART_S and not _is_tracked(path)


def _is_tracked(path: Path) -> bool:
    """Whether git has it: then it came, or may have come, with a clone or a pull."""
    folder = Path(os.path.realpath(path.parent))
    try:
        said = ask(folder, "ls-files", "--error-unmatch", "--", path.name, switches=("safe.directory=*",), alone=True)
    except GitError:
        return False  # Without git nothing was cloned here by it.
    return said.code == 0
