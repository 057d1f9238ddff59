"""What the README promises of any training program: guarded, sealed, judged. As a stranger would do it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STORY = ROOT / "examples" / "any_program"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "my project"
    shutil.copytree(STORY, folder, ignore=shutil.ignore_patterns("__pycache__"))
    git = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "start"]):
        subprocess.run([*git, *words], check=True)
    return folder


def runaudit(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return subprocess.run(
        [sys.executable, "-m", "runaudit", *words],
        cwd=project, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def launch(project: Path, label: str, seed: int, *more: str) -> subprocess.CompletedProcess[str]:
    return runaudit(
        project, "run", "--config", "train.toml", "--data", "train=points.csv", "--seed", str(seed), "--label", label,
        "--waive", "dirty_sibling=the checkout under test may be changing", "--init", "random", *more,
        "--", sys.executable, "train.py", "--seed", str(seed),
    )  # fmt: skip


def commit(project: Path) -> None:
    git = ["git", "-C", str(project), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "commit", "-qam", "a change"], check=True)


def test_three_seeds_of_two_learning_rates_end_in_a_verdict(project):
    for seed in range(3):
        done = launch(project, "lr 0.05", seed, "--eval", "metric=val/loss")
        assert done.returncode == 0, done.stderr
        assert "validation loss" in done.stdout
    config = project / "train.toml"
    config.write_text(config.read_text().replace("0.05", "0.0005"))
    commit(project)
    for seed in range(3):
        assert launch(project, "lr 0.0005", seed, "--eval", "metric=val/loss").returncode == 0

    diff = json.loads(runaudit(project, "diff", "lr 0.05", "lr 0.0005", "--json").stdout)
    assert [row["factor"] for row in diff["factors"]] == ["config.lr"]

    stats = json.loads(
        runaudit(project, "stats", "--metric", "val/loss", "lr 0.0005", "--vs", "lr 0.05", "--json").stdout
    )
    assert [arm["effective_n"] for arm in stats["arms"]] == [3, 3]
    assert stats["comparisons"][0]["difference"] > 0  # a hundredth of the learning rate learns less in 300 steps

    checked = runaudit(project, "verify")
    assert checked.returncode == 0, checked.stdout


def test_an_edit_of_a_program_that_only_logs_is_a_factor(project):
    """Nobody knows which modules such a program loaded. To read that as "none" would call every edit harmless."""
    assert launch(project, "before", 0).returncode == 0
    program = project / "train.py"
    program.write_text(program.read_text().replace("- config[", "- 0.5 * config["))
    commit(project)
    assert launch(project, "after", 0).returncode == 0

    diff = json.loads(runaudit(project, "diff", "before", "after", "--json").stdout)

    assert [row["factor"] for row in diff["factors"]] == ["code.train.py"]
    assert diff["verdict"] == "single_factor"


def test_an_edit_nobody_committed_is_refused_with_the_command_that_fixes_it(project):
    (project / "train.toml").write_text('data = "points.csv"\nsteps = 300\nlr = 0.5\n')

    done = launch(project, "edited", 0)

    assert done.returncode == 5
    assert "git add" in done.stderr
    assert "validation loss" not in done.stdout


def test_the_exit_code_of_the_program_is_the_exit_code_of_the_run(project):
    (project / "points.csv").write_text("not,numbers\n")
    commit(project)

    done = launch(project, "broken data", 0)

    assert done.returncode == 1
    assert "ValueError" in done.stderr
    listed = json.loads(runaudit(project, "list", "--json").stdout)
    assert "crashed" in json.dumps(listed)


def test_plain_numbers_are_judged_without_a_store(tmp_path):
    """Welch on these eight numbers: difference 0.5175, t = 5.87, df = 5.67, p = 0.0013 (scipy.stats.ttest_ind)."""
    done = runaudit(
        tmp_path, "stats", "--values", str(ROOT / "examples/plain_numbers/psnr.csv"),
        "--direction", "higher", "--baseline", "baseline", "--json",
    )  # fmt: skip

    answer = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert answer["verdict"] == "improved"
    assert answer["comparisons"][0]["difference"] == pytest.approx(0.5175)
    assert answer["comparisons"][0]["p"] == pytest.approx(0.0013206, abs=1e-6)
    assert answer["design"]["verdict"] == "unknown_design"
