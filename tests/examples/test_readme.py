"""The README's "Audit your own training" as a stranger types it: his program, an environment of its own, his shell."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def blocks(title: str) -> list[tuple[str, str]]:
    """The fenced blocks of one section, each with its language."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = re.split(r"^## ", text.partition(f"## {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(r"^```(\w+)\n(.*?)^```", section, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A work tree with an environment in which runaudit can be imported, and nothing else of ours."""
    folder = tmp_path / "my project"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "train.csv").write_text("1\n2\n3\n7\n")
    (folder / "data" / "val.csv").write_text("4\n5\n")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / ".venv"], check=True)
    (site,) = (folder / ".venv" / "lib").glob("python*/site-packages")
    packages = [entry for entry in sys.path if entry.endswith("site-packages")]
    (site / "here.pth").write_text("\n".join([str(ROOT), *packages]) + "\n")
    subprocess.run(["git", "init", "-q", folder], check=True)
    return folder


def test_the_examples_work_as_they_are_typed(project: Path, tmp_path: Path) -> None:
    shown = blocks("Audit your own training")
    program = next(text for kind, text in shown if kind == "python" and "argparse" in text)
    session = next(text for kind, text in shown if kind == "sh" and "runaudit run" in text)
    (project / "train.py").write_text(program)
    tool = tmp_path / "bin" / "runaudit"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\nexec '{sys.executable}' -m runaudit \"$@\"\n")
    tool.chmod(0o755)
    identity = {f"GIT_{who}_{what}": "u@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("RUNAUDIT_", "PYTHON"))} | identity
    environ |= {"PATH": f"{tool.parent}{os.pathsep}{environ['PATH']}", "NO_COLOR": "1"}

    def sh(text: str) -> str:
        done = subprocess.run(["bash", "-c", text], cwd=project, env=environ, capture_output=True, text=True)
        assert done.returncode in (0, 1, 3), done.stderr
        assert "may not start" not in done.stderr, done.stderr
        return done.stdout

    told = sh(session)

    assert "single_factor: only config.args.lr 0.1 → 0.3 changed" in told
    assert told.count("(3 runs, effective n 3)") == 2
    assert (project / "page.html").read_text(encoding="utf-8").count("<svg") >= 4
    assert sh("git status --porcelain") == ""
    assert json.loads(sh("runaudit show @last --json"))["observed"]["level"] == "full"
