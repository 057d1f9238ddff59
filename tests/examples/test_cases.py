"""The case studies at their smallest: each says what the notes claimed and what came out, and keeps its law."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CASES = ROOT / "examples" / "cases"
NAMES = ("autoencoder", "collapse", "denoiser", "divergence", "foreign", "staged")
DATA = ("--data", "train=data/train.npy", "--data", "val=data/val.npy", "--init", "random", "--seed", "0")


@pytest.fixture(scope="module")
def driver():
    spec = importlib.util.spec_from_file_location("cases_make", CASES / "make.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    path = list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = path
    yield module
    del sys.modules[spec.name]


@pytest.fixture
def case(request, tmp_path, driver):
    folder = tmp_path / request.param
    driver.prepared(request.param, folder)
    subprocess.run([sys.executable, "images.py", "data"], cwd=folder, check=True)
    return folder


def runaudit(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("RUNAUDIT_")}
    environ |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1",
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}"}  # fmt: skip
    return subprocess.run([sys.executable, "-m", "runaudit", *words], cwd=folder, env=environ, capture_output=True,
                          text=True, check=False)  # fmt: skip


def answer(folder: Path, *words: str) -> dict:
    done = runaudit(folder, words[0], "--json", *words[1:])  # Behind `--` it would be the program's.
    assert done.returncode in (0, 1, 3), done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", NAMES)
def test_each_case_says_in_four_lines_what_was_claimed_and_what_came_out(name):
    page = (CASES / name / "README.md").read_text(encoding="utf-8")
    for line in ("What the notes claimed", "What was run", "What came out", "What the tool said, and when"):
        assert re.search(rf"^\*\*{line}\.\*\* \S", page, re.MULTILINE), line
    assert "n = " in page


@pytest.mark.parametrize("name", NAMES)
def test_each_case_ends_in_a_page_and_runs_only_what_lies_there(name, driver):
    steps = list(driver.steps_of(name))
    assert all(step.words[0] in ("python", "runaudit") for step in steps)
    assert steps[-1].words[1] == "report" and steps[-1].words[-1] == f"{name}.html"
    there = {path.name for path in (CASES / name).iterdir()} | set(driver.SHARED)
    assert {word for step in steps for word in step.words if word.endswith((".py", ".toml"))} <= there


def test_a_folder_that_was_begun_is_gone_on_with(tmp_path, driver):
    folder = tmp_path / "foreign"
    driver.prepared("foreign", folder)
    (folder / ".runaudit").mkdir()
    (folder / "plain.py").write_text("an older program\n")
    driver.prepared("foreign", folder)
    assert (folder / "plain.py").read_bytes() == (CASES / "foreign" / "plain.py").read_bytes()
    assert (folder / ".runaudit").is_dir()
    assert not subprocess.run(["git", "status", "--porcelain"], cwd=folder, capture_output=True, text=True).stdout


@pytest.mark.parametrize("case", ["divergence"], indirect=True)
def test_a_training_that_explodes_is_found_and_the_best_checkpoint_lies_before_it(case):
    done = runaudit(case, "run", *DATA, "--label", "far too fast", "--", "python", "train.py", "--seed", "0",
                    "--lr", "0.02", "--warmup-steps", "300", "--steps", "500", "--keep-every", "25")  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = answer(case, "health", "far too fast")
    explosion = next(one for one in found["findings"] if one["name"] == "grad_explosion")
    assert found["best"]["step"] < explosion["step"]
    kept = int(re.search(r"step_(\d+)", found["best"]["checkpoint"])[1])
    assert kept <= explosion["step"]


@pytest.mark.parametrize("case", ["autoencoder"], indirect=True)
def test_five_changes_at_once_are_credited_to_none_and_each_alone_to_itself(case):
    arms = {arm["label"]: arm["differs"] for arm in answer(case, "campaign", "arms.toml", "--dry-run")["arms"]}
    assert len(arms.pop("residual v2, all five")) == 5
    assert arms.pop("residual v1") == []
    assert len(arms) == 5 and all(len(differs) == 1 for differs in arms.values())


@pytest.mark.parametrize("case", ["denoiser"], indirect=True)
def test_padded_channels_and_noise_that_is_not_covered_are_told_before_the_start(case):
    subprocess.run([sys.executable, "padded.py", "data"], cwd=case, check=True)
    command = ("--", "python", "train.py", "--sigma-max-use", "10", "--seed", "0")
    padded = [word.replace("data/", "data/padded/") for word in DATA]
    found = answer(case, "guard", *padded, "--label", "with three channels of zeros", *command)["findings"]
    assert {"constant_channel", "sigma_coverage"} <= {one["name"] for one in found}
    found = answer(case, "guard", *DATA, "--label", "one channel", *command)["findings"]
    assert "constant_channel" not in {one["name"] for one in found}
    arms = {arm["label"]: arm["differs"] for arm in answer(case, "campaign", "claims.toml", "--dry-run")["arms"]}
    assert arms["batch 4 x 16"] == ["config.effective_batch_decomposition"]


@pytest.mark.parametrize("case", ["foreign"], indirect=True)
def test_a_program_that_says_nothing_is_recorded_and_not_judged(case):
    done = runaudit(case, "run", *DATA, "--label", "not a line", "--", "python", "plain.py", "--seed", "0",
                    "--lr", "0.5", "--epochs", "1")  # fmt: skip
    assert done.returncode == 0 and "logged nothing to judge" in done.stderr, done.stderr
    assert runaudit(case, "health", "not a line").returncode == 3
    assert "args.lr 0.5" in runaudit(case, "show", "not a line").stdout
