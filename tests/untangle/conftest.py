import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRAIN = """\
import argparse, os, random
import runaudit
from loss import gain
p = argparse.ArgumentParser()
p.add_argument("--lr", type=float)
p.add_argument("--seed", type=int)
p.add_argument("--data")
a = p.parse_args()
draw = random.Random(a.seed)
data = float(open(a.data).read())
boost = float(os.environ.get("BOOST", "0"))
runaudit.log(1, {"val/acc": 10 * a.lr + gain() + data + boost + draw.gauss(0, 0.01)})
"""


@pytest.fixture(autouse=True)
def quiet_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("RUNAUDIT_") or name in ("PWD", "OLDPWD", "RANK", "PYTHONHASHSEED", "BOOST"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr("runaudit.capture.draft.project_siblings", lambda *given: ())


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a program whose score is the sum of what each factor adds."""
    root = tmp_path / "work"
    (root / "data").mkdir(parents=True)
    (root / "train.py").write_text(TRAIN)
    (root / "loss.py").write_text("def gain():\n    return 1.0\n")
    (root / "data" / "v1").write_text("1.0\n")
    (root / "data" / "v2").write_text("1.0 \n")
    (root / ".gitignore").write_text("__pycache__/\n/.runaudit/\n")
    for words in (
        ("init", "-q"),
        ("add", "-A"),
        ("-c", "user.name=t", "-c", "user.email=t@e.org", "commit", "-qm", "start"),
    ):
        subprocess.run(["git", "-C", str(root), *words], check=True)
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def cli() -> Callable[..., int]:
    def call(*words: str) -> int:
        from runaudit.cli.app import _run

        return _run(list(words))

    return call


@pytest.fixture
def trained(repo: Path, cli: Callable[..., int]) -> Callable[..., None]:
    """Launch the program under a label, once for each seed."""

    def launch(label: str, *seeds: int, lr: str, data: str = "data/v1") -> None:
        for seed in seeds:
            code = cli(
                "run", "--label", label, "--seed", str(seed), "--data", f"train={data}", "--waive", "RA103=sealed",
                "--", sys.executable, "train.py", "--lr", lr, "--seed", str(seed), "--data", data,
            )  # fmt: skip
            assert code == 0

    return launch
