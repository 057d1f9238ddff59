"""runaudit: a run is sealed before it starts, recorded while it runs, judged after it ends, shown on one page.

The public names are loaded when they are first asked for: `import runaudit` in a training script costs a dictionary.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from runaudit.launch.python import guard, guarded_record
    from runaudit.observe.here import observe
    from runaudit.record.recorder import Recorder, log, record
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
    "record": "runaudit.record.recorder",
    "log": "runaudit.record.recorder",
    "Recorder": "runaudit.record.recorder",
    "Store": "runaudit.store.store",
    "Manifest": "runaudit.records.manifest",
    "Run": "runaudit.records.run",
    "FileEntry": "runaudit.records.digest",
    "digest_file": "runaudit.records.digest",
    "digest_files": "runaudit.records.digest",
    "digest_tree": "runaudit.records.digest",
    "find_run": "runaudit.store.catalogue",
    "guard": "runaudit.launch.python",
    "observe": "runaudit.observe.here",
    "guarded_record": "runaudit.launch.python",
}


class _Door(ModuleType):
    """The public verbs. Some rooms bear the name of what is asked of them (`runaudit.guard`, `runaudit.record`): for
    who asks the package it is the verb, whether or not the room has been imported; imports find the room."""

    def __getattribute__(self, name: str) -> Any:
        """A public name from its home."""
        home = _HOMES.get(name)
        return super().__getattribute__(name) if home is None else getattr(import_module(home), name)

    def __dir__(self) -> list[str]:
        """What there is, loaded or not."""
        return sorted({*super().__dir__(), *__all__})


sys.modules[__name__].__class__ = _Door
