"""What can be mended by rule: `runaudit doctor --repair`.

Each deed is sealed as an event of the log before it is done, so that no store is mended unseen. Only what was never
acknowledged is deleted: half-written files. Anything else is moved aside.
"""

import shutil
import time
from pathlib import Path

from runaudit.store.doctor import half_written
from runaudit.store.forget import bury
from runaudit.store.store import Store


def mend(store: Store, *, now: float | None = None) -> tuple[str, ...]:
    """Mend what can be mended; returns what was done, in words. Raises StoreError where nothing can be written."""
    now = time.time() if now is None else now
    buried = [f"the {row.subject}: taken away, it was {row.said}" for row in bury(store)]
    done = [f"{path.relative_to(store.root)}: deleted, half-written" for path in half_written(store, now)]
    if not done:
        return tuple(buried)
    with store.explained("mend"):
        store.tell_repair([{"what": "deleted, half-written", "file": text.partition(":")[0]} for text in done])
        for path in half_written(store, now):
            _delete(path)
    return (*buried, *done)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
