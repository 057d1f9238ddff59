import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

TRAIN = """\
import os, sys
from pathlib import Path
import runaudit
from helper import score

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
for step in range(1, 6):
    runaudit.log(step, {"train/loss": 1 / step, "val/psnr": score(step, seed)})
Path(os.environ["RUNAUDIT_RUN"], "model-step5.safetensors").write_bytes(b"weights %d" % seed)
"""


@pytest.fixture(autouse=True)
def quiet_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No run of ours around the tests, no sibling packages found on the test's own search path."""
    for name in list(os.environ):
        if name.startswith("RUNAUDIT_") or name in ("PWD", "OLDPWD", "RANK", "PYTHONHASHSEED"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr("runaudit.capture.draft.project_siblings", lambda *given: ())


@pytest.fixture
def git() -> Callable[..., str]:
    """Git in a folder; returns what it prints."""

    def call(folder: Path, *words: str) -> str:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    return call


@pytest.fixture
def make_repo(tmp_path: Path, git: Callable[..., str]) -> Callable[..., Path]:
    """A repository with a small training program, a config and data, all committed; spaces and umlauts in its path."""

    def make(name: str = "my repö") -> Path:
        root = tmp_path / name
        (root / "data" / "train").mkdir(parents=True)
        (root / "data" / "val").mkdir()
        (root / "data" / "train" / "a.bin").write_bytes(b"train")
        (root / "data" / "val" / "b.bin").write_bytes(b"val")
        (root / "train.py").write_text(TRAIN)
        (root / "helper.py").write_text("def score(step, seed):\n    return 20 + step + seed / 10\n")
        (root / "c.toml").write_text("lr = 0.1\n[model]\nwidth = 4\n")
        (root / ".gitignore").write_text("/data/\n__pycache__/\n")
        git(tmp_path, "init", "-q", "-b", "main", str(root))
        git(root, "config", "user.email", "test@example.org")
        git(root, "config", "user.name", "Test")
        git(root, "add", "-A")
        git(root, "commit", "-q", "-m", "start")
        return root

    return make


@pytest.fixture
def repo(make_repo: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    root = make_repo()
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def options() -> list[str]:
    """What a launch needs, in words."""
    return ["--config", "c.toml", "--data", "train=data/train", "--data", "val=data/val", "--seed", "1",
            "--label", "a first try"]  # fmt: skip


@pytest.fixture
def command() -> list[str]:
    return ["--", sys.executable, "train.py"]


@pytest.fixture
def cli() -> Callable[..., int]:
    """A command in this process; returns its exit code."""

    def call(*words: str) -> int:
        from runaudit.cli.app import _run

        return _run(list(words))

    return call
