"""Programs started as `runaudit run` starts them, but in this process: two hundred starts a minute instead of sixty."""

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from runaudit.capture.draft import ABSENT, LaunchRequest
from runaudit.diff.comparison import compare
from runaudit.diff.result import Comparison
from runaudit.guard.admission import prepare
from runaudit.launch.wrapper import run_sealed
from runaudit.records.run import Run
from runaudit.settings import GuardSettings, Settings
from runaudit.store import Store
from runaudit.store.catalogue import load

SETTINGS = Settings(guard=GuardSettings(require=()))
BASE = {name: value for name, value in os.environ.items() if not name.startswith(("RUNAUDIT", "PYTEST", "COV_"))}
# A module that is edited twice within a second has the time, to the second, and the size of its old bytecode, which
# Python would run: what a change did could not be read off what was printed.
BASE |= {"PYTHONDONTWRITEBYTECODE": "1"}


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=u", "-c", "user.email=u@example.org")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "step", "--allow-empty")


def launched(
    store: Store,
    folder: Path,
    command: Sequence[str],
    *,
    label: str,
    seed: Any = 1,
    env: Mapping[str, str] | None = None,
    data: Mapping[str, Path] | None = None,
    config: Any = ABSENT,
) -> tuple[Run, str]:
    """Run `command` in `folder` under a seal; the run, and what it printed. Raises AssertionError where the guard
    refuses."""
    environ = {**BASE, **(env or {})}
    request = LaunchRequest(
        label=label, seed=ABSENT if seed is None else seed, argv=tuple(command), root=folder, siblings=(),
        data=data or {}, config=config,
    )  # fmt: skip
    prepared = prepare(request, store, settings=SETTINGS, environ=environ)
    refusals = [f"{found.code} {found.message}" for found in prepared.answer.refusals]
    assert prepared.answer.allowed, refusals
    manifest = prepared.sealed(environ=environ)
    with tempfile.TemporaryFile() as printed:
        run_sealed(store, manifest, command, cwd=folder, environ=environ, stdout=printed.fileno())
        printed.seek(0)
        said = printed.read().decode()
    return load(store, manifest.id), said


def compared(a: Run, b: Run) -> Comparison:
    return compare(a, b, settings=SETTINGS)


def clean(answer: Comparison) -> bool:
    """Whether it says that nothing that can matter differs, outright or if all gaps are equal."""
    return bool({"identical", "replicate"} & {str(answer.verdict), str(answer.conditional)})
