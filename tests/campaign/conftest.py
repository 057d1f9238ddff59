import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRAIN = """\
import argparse, os, random, subprocess, sys, time
from pathlib import Path
import runaudit
from loss import gain
p = argparse.ArgumentParser()
p.add_argument("--lr", type=float)
p.add_argument("--seed", type=int)
p.add_argument("--do", default="")
a = p.parse_args()
meet = Path(os.environ.get("MEET", "."))
if a.do.startswith("meet"):
    # Both are here at once, or neither ends well.
    (meet / f"{a.lr}-{a.seed}").touch()
    for _ in range(2000):
        if len(list(meet.iterdir())) >= 2:
            break
        time.sleep(0.05)
    else:
        sys.exit("nobody else came")
if a.do == "meet and write":
    Path("out.txt").write_text(str(a.lr))
    a.lr = float(Path("out.txt").read_text() or a.lr)
if a.do == "crash" and a.seed == 1:
    raise ValueError("the loss is a banana")
if a.do == "wait":
    (meet / f"waits-{a.lr}-{a.seed}").touch()
    while not (meet / "go on").exists():
        time.sleep(0.05)
draw = random.Random(a.seed)
runaudit.log(1, {"val/acc": 10 * a.lr + gain() + draw.gauss(0, 0.01)})
if a.do == "edit":
    Path("loss.py").write_text(f"def gain():\\n    return {a.seed + 2}.0\\n")
    subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@e.org", "commit", "-qam", "edited"], check=True)
"""
HEAD = """\
command = "python3 train.py --lr {lr} --seed {seed} --do '{do}'"
seeds = "SEEDS"
values = {do = "DO"}
waive = ["RA206=no data is held out"]

[data]
train = "data/train"

[[arms]]
label = "slow rate"
values = {lr = 0.1}

[[arms]]
label = "fast rate"
values = {lr = 0.3}
"""


@pytest.fixture(autouse=True)
def quiet_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No run of ours around the tests; a job finds the runaudit under test."""
    for name in list(os.environ):
        if name.startswith(("RUNAUDIT_", "CUDA_")) or name in ("PWD", "OLDPWD", "RANK", "PYTHONHASHSEED", "MEET"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a program whose score follows its rate, and a place where jobs can meet."""
    root = tmp_path / "work"
    (root / "data").mkdir(parents=True)
    (root / "train.py").write_text(TRAIN)
    (root / "loss.py").write_text("def gain():\n    return 1.0\n")
    (root / "data" / "train").write_text("1.0\n")
    (root / ".gitignore").write_text("__pycache__/\n/.runaudit/\n/out.txt\n")
    commit(root, init=True)
    monkeypatch.chdir(root)
    (tmp_path / "meet").mkdir()
    monkeypatch.setenv("MEET", str(tmp_path / "meet"))
    return root


def commit(root: Path, *, init: bool = False) -> None:
    """Everything in the folder, committed."""
    author = ("-c", "user.name=t", "-c", "user.email=t@e.org")
    for words in ([("init", "-q")] if init else []) + [("add", "-A"), (*author, "commit", "-qm", "a step")]:
        subprocess.run(["git", "-C", str(root), *words], check=True)


@pytest.fixture
def written(repo: Path) -> Callable[..., str]:
    """A campaign file, committed."""

    def write(*, seeds: str = "0-1", do: str = "", more: str = "") -> str:
        text = HEAD.replace("python3", sys.executable).replace("SEEDS", seeds).replace("DO", do)
        (repo / "rates.toml").write_text(text + more)
        commit(repo)
        return "rates.toml"

    return write


@pytest.fixture
def cli() -> Callable[..., int]:
    def call(*words: str) -> int:
        from runaudit.cli.app import _run

        return _run(list(words))

    return call
