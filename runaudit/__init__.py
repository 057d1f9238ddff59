"""runaudit: a run is sealed before it starts, recorded while it runs, judged after it ends, shown on one page.

In Python its verbs are those of recording (`guarded_record`, `record`, `log`, `observe`, `guard`) and those of
judgement (`open_store`, `compare`, `judge`, `study`, `health`, `verify`), whose answers show themselves in a notebook.

The public names are loaded when they are first asked for: `import runaudit` in a training script costs a dictionary.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from runaudit.diff.result import Comparison
    from runaudit.errors import (
        CaptureError,
        GuardRefusedError,
        IntegrityError,
        NothingToJudgeError,
        RunauditError,
        StoreError,
        UsageError,
    )
    from runaudit.factors.cohort import Cohort
    from runaudit.health.answer import HealthAnswer
    from runaudit.judge.bench import Bench
    from runaudit.launch.python import guard, guarded_record
    from runaudit.observe.here import observe
    from runaudit.record.recorder import Recorder, log, record
    from runaudit.record.recording import Recording
    from runaudit.record.vigil import StoppedByRule
    from runaudit.records.digest import FileEntry, digest_file, digest_files, digest_tree
    from runaudit.records.manifest import Manifest
    from runaudit.records.run import Run
    from runaudit.runs.names import find_run
    from runaudit.stats.answer import StatsAnswer
    from runaudit.store.answer import VerifyAnswer
    from runaudit.store.store import EmptyStoreError, Store
    from runaudit.study.text import StudyAnswer
    from runaudit.verbs import compare, health, judge, open_store, study, verify

__all__ = [
    "Bench", "CaptureError", "Cohort", "Comparison", "EmptyStoreError", "FileEntry", "GuardRefusedError",
    "HealthAnswer", "IntegrityError", "Manifest", "NothingToJudgeError", "Recorder", "Recording", "Run",
    "RunauditError", "StatsAnswer", "StoppedByRule", "Store", "StoreError", "StudyAnswer", "UsageError",
    "VerifyAnswer", "__version__", "compare", "digest_file", "digest_files", "digest_tree", "find_run", "guard",
    "guarded_record", "health", "judge", "log", "observe", "open_store", "record", "study", "verify",
]  # fmt: skip

_HOMES = {
    "record": "runaudit.record.recorder",
    "log": "runaudit.record.recorder",
    "Recorder": "runaudit.record.recorder",
    "Recording": "runaudit.record.recording",
    "Store": "runaudit.store.store",
    "Manifest": "runaudit.records.manifest",
    "Run": "runaudit.records.run",
    "FileEntry": "runaudit.records.digest",
    "digest_file": "runaudit.records.digest",
    "digest_files": "runaudit.records.digest",
    "digest_tree": "runaudit.records.digest",
    "find_run": "runaudit.runs.names",
    "guard": "runaudit.launch.python",
    "observe": "runaudit.observe.here",
    "guarded_record": "runaudit.launch.python",
    "open_store": "runaudit.verbs",
    "compare": "runaudit.verbs",
    "judge": "runaudit.verbs",
    "study": "runaudit.verbs",
    "health": "runaudit.verbs",
    "verify": "runaudit.verbs",
    "Bench": "runaudit.judge.bench",
    "Cohort": "runaudit.factors.cohort",
    "Comparison": "runaudit.diff.result",
    "StatsAnswer": "runaudit.stats.answer",
    "HealthAnswer": "runaudit.health.answer",
    "StudyAnswer": "runaudit.study.text",
    "VerifyAnswer": "runaudit.store.answer",
    "EmptyStoreError": "runaudit.store.store",
    "StoppedByRule": "runaudit.record.vigil",
    "CaptureError": "runaudit.errors",
    "GuardRefusedError": "runaudit.errors",
    "IntegrityError": "runaudit.errors",
    "NothingToJudgeError": "runaudit.errors",
    "RunauditError": "runaudit.errors",
    "StoreError": "runaudit.errors",
    "UsageError": "runaudit.errors",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'runaudit' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({name for name in globals() if name.startswith("__")} | {*__all__})


class _Door(ModuleType):
    """Some rooms bear the name of what is asked of them (`runaudit.guard`, `runaudit.record`). Importing such a room
    does not put it in the place of its verb; `from runaudit.record import …` finds the room all the same."""

    def __setattr__(self, name: str, value: Any) -> None:
        """What the import system does to a package whose room it has loaded, but for the verbs."""
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Door
