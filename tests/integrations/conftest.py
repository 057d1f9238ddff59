"""A project to train in, and what its store holds afterwards."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runaudit.errors import RunauditError
from runaudit.record import recorder
from runaudit.records.run import Run
from runaudit.store.catalogue import load, run_ids
from runaudit.store.store import Store
from runaudit.store.verify import verify


class Project:
    """A clean work tree with data, in which this process stands."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.data = {"train": "data/train.csv"}

    @property
    def store(self) -> Store:
        return Store.open(self.root / ".runaudit")

    def runs(self) -> list[Run]:
        """Every run in the order of their launches; nothing of them is damaged."""
        assert verify(self.store).problems == ()
        return [load(self.store, run) for run in run_ids(self.store)]

    def run(self) -> Run:
        (only,) = self.runs()
        return only


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    root = tmp_path / "project"
    (root / "data").mkdir(parents=True)
    (root / "data" / "train.csv").write_text("1\n2\n")
    (root / "train.py").write_text("import torch\n")
    (root / ".gitignore").write_text("out/\noutputs/\nmultirun/\n")
    git = ("git", "-c", "user.name=A", "-c", "user.email=a@example.org")
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "x")):
        subprocess.run([*git, *words], cwd=root, check=True, env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null"})
    (root / "out").mkdir()
    for name in list(os.environ):
        if name.startswith(("RUNAUDIT_", "SLURM_", "PL_")) or name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(root)
    monkeypatch.setattr(recorder, "_current", None)
    yield Project(root)
    loop = sys.modules.get("runaudit.integrations.loop")
    for left in list(loop._loops) if loop else ():
        try:
            left.close()
        except RunauditError:
            continue
