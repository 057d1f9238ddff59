"""runaudit: a run is sealed before it starts, recorded while it runs, judged after it ends, shown on one page.

The public names are loaded when they are first asked for: `import runaudit` in a training script costs a dictionary.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from runaudit.capture.recorder import Recorder, log, record
    from runaudit.guard.python import guard, guarded_record
    from runaudit.observe.here import observe
    from runaudit.records.digest import FileEntry, digest_file, digest_files, digest_tree
    from runaudit.records.manifest import Manifest
    from runaudit.records.run import Run
    from runaudit.store.catalogue import find_run
    from runaudit.store.store import Store

__all__ = [
    "FileEntry", "Manifest", "Recorder", "Run", "Store", "__version__", "digest_file", "digest_files", "digest_tree",
    "find_run", "guard", "guarded_record", "log", "observe", "record",
]  # fmt: skip

_HOMES = {
    "record": "runaudit.capture.recorder",
    "log": "runaudit.capture.recorder",
    "Recorder": "runaudit.capture.recorder",
    "Store": "runaudit.store.store",
    "Manifest": "runaudit.records.manifest",
    "Run": "runaudit.records.run",
    "FileEntry": "runaudit.records.digest",
    "digest_file": "runaudit.records.digest",
    "digest_files": "runaudit.records.digest",
    "digest_tree": "runaudit.records.digest",
    "find_run": "runaudit.store.catalogue",
    "guarded_record": "runaudit.guard.python",
}


def __getattr__(name: str) -> Any:
    if name in ("guard", "observe"):
        # The room and what is asked of it bear one name: the package can be called (see its first lines).
        return import_module(f"runaudit.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'runaudit' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
