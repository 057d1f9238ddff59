"""The example of a campaign, as a stranger would run it: one command, then the one that it prints."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
STORY = ROOT / "examples" / "campaign"


def test_the_example_is_a_campaign_whose_last_line_answers_its_question(tmp_path):
    folder = tmp_path / "my project"
    shutil.copytree(STORY, folder, ignore=shutil.ignore_patterns("__pycache__", ".runaudit"))
    git = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "start"]):
        subprocess.run([*git, *words], check=True)
    # `python` is the one that runs the suite; it finds the runaudit under test.
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    (tmp_path / "bin" / "python").chmod(0o755)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("RUNAUDIT_")}
    environ |= {"PYTHONPATH": str(ROOT), "PATH": f"{tmp_path / 'bin'}{os.pathsep}{environ['PATH']}"}

    def runaudit(*words: str) -> dict:
        done = subprocess.run([sys.executable, "-m", "runaudit", *words, "--json"], cwd=folder, env=environ,
                              capture_output=True, text=True, check=False)  # fmt: skip
        assert done.returncode in (0, 1), done.stderr
        return json.loads(done.stdout)

    told = runaudit("campaign", "momentum.toml", "--jobs", "2")
    assert told["verdict"] == "completed" and told["jobs"] == 6
    assert told["arms"][1]["differs"] == ["config.args.momentum"]
    judged = runaudit(*shlex.split(told["next"])[1:])
    assert judged["design"]["verdict"] == "single_factor"
    assert [arm["seeds"] for arm in judged["arms"]] == [[0, 1, 2], [0, 1, 2]]
