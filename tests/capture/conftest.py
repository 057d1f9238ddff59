"""Small real things: a git repository, a store, a redactor."""

import os
import subprocess
from pathlib import Path

import pytest

from runaudit.capture.draft import open_store
from runaudit.capture.redact import Redactor
from runaudit.store.store import Store

IDENTITY = {
    "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1",
}  # fmt: skip


class Repo:
    """A git work tree under test."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", "-c", "protocol.file.allow=always", *words],
            cwd=self.root, env=os.environ | IDENTITY, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    def write(self, path: str, text: str | bytes) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return file

    def commit(self, message: str = "x") -> str:
        self.git("add", "-A")
        self.git("commit", "-qm", message, "--allow-empty")
        return self.git("rev-parse", "HEAD").strip()


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No launcher, no wrapper and no store of the machine the suite runs on."""
    for name in list(os.environ):
        if name.startswith(("RUNAUDIT_", "SLURM_", "WANDB_")) or name in ("RANK", "WORLD_SIZE", "PMI_RANK"):
            monkeypatch.delenv(name)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    root = tmp_path / "my répo ☃"
    root.mkdir()
    made = Repo(root)
    made.git("init", "-q", "-b", "main")
    made.write("train.py", "import model\n")
    made.write("model.py", "WIDTH = 4\n")
    made.write("logo.png", b"\x89PNG\0\1\2")
    made.commit()
    return made


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store")


@pytest.fixture
def redactor() -> Redactor:
    return Redactor(b"k" * 32)
