"""What runaudit needs is what it asks for: a judge on a laptop installs neither torch nor wandb."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# import name -> what is installed for it, where the two differ
INSTALLED_AS = {"yaml": "pyyaml", "skimage": "scikit-image", "PIL": "pillow"}
# Part of something else that is asked for.
BROUGHT = {"google": "wandb", "markupsafe": "jinja2", "omegaconf": "hydra-core", "hydra": "hydra-core",
           "lightning_utilities": "lightning", "pytorch_lightning": "lightning"}  # fmt: skip
ELSEWHERE = ("torch", "torchvision", "wandb", "skimage", "safetensors", "statsmodels", "tensorboard", "rich", "pandas")
"""Not there where only `pip install runaudit` was said. (pillow is: matplotlib brings it. So is rich with typer, but
nothing of ours may lean on it.)"""


def asked_for(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=\[ ]", one)[0].lower() for one in requirements} - {"runaudit"}


def imported(package: str) -> set[str]:
    """The libraries that a package imports anywhere, by the name under which they are installed."""
    found = set()
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(str(node.module).split(".")[0])
    # The hook speaks Python 2 too; it and the capture of threads ask for modules of the standard library alone.
    found -= set(sys.stdlib_module_names) | {"runaudit", "trainer", "__future__"}
    return {BROUGHT.get(name, INSTALLED_AS.get(name, name)) for name in found}


CORE = asked_for(PROJECT["dependencies"])
EXTRA = {name: asked_for(needs) for name, needs in PROJECT["optional-dependencies"].items()}
HOSTS = ("lightning", "huggingface", "hydra", "ray", "submitit", "remote")
"""Frameworks that our integrations live in, clusters that jobs run on, and what opens a remote beyond this machine: who
asks for all of runaudit has not asked for all of these."""


def test_what_runaudit_imports_is_asked_for_and_nothing_else():
    hosts = set().union(*(EXTRA[name] for name in HOSTS))
    sinks = {"wandb", "torch"} | hosts  # asked of the program that already has them
    assert imported("runaudit") - sinks == CORE
    assert imported("runaudit") & sinks <= EXTRA["wandb"] | EXTRA["trainer"] | hosts


def test_what_the_trainer_imports_is_asked_for_and_nothing_else():
    with_the_gpu = {"triton"}  # torch's CUDA builds bring it
    assert imported("trainer") <= CORE | EXTRA["trainer"] | with_the_gpu
    assert EXTRA["trainer"] <= imported("trainer")


def test_everything_together_is_every_extra():
    (everything,) = PROJECT["optional-dependencies"]["all"]
    named = set(everything.removeprefix("runaudit[").removesuffix("]").split(","))
    assert named == set(EXTRA) - {"all", "dev", *HOSTS}


BARE = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {ELSEWHERE!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
"""


@pytest.fixture
def bare(tmp_path):
    """A folder whose Pythons lack what is only installed on request, and a command run in it."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(BARE)
    place = tmp_path / "work"
    place.mkdir()

    def run(*words, code=0):
        env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)]), "WANDB_MODE": "offline"}
        done = subprocess.run([sys.executable, *words], cwd=place, env=env, capture_output=True, text=True)
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return done

    run.place = place
    return run


def test_without_the_extras_runs_are_recorded_imported_judged_and_shown(bare):
    (bare.place / "train.py").write_text(
        "import sys, random\n"
        "from runaudit import record\n"
        "seed, lr = int(sys.argv[1]), float(sys.argv[2])\n"
        "with record(label=f'lr {lr}', seed=seed, config={'lr': lr}) as run:\n"
        "    random.seed(seed)\n"
        "    for step in range(9): run.log(step, {'val/psnr': 30 + lr + random.random() / 9})\n"
    )
    for lr in ("0.1", "0.9"):
        for seed in "123":
            bare("train.py", seed, lr)
    command = ("-m", "runaudit")
    assert "lr 0.9" in bare(*command, "list").stdout
    assert "lr" in bare(*command, "diff", "lr 0.1", "lr 0.9", "--exit-zero").stdout
    assert (
        "val/psnr" in bare(*command, "stats", "lr 0.9", "--vs", "lr 0.1", "--metric", "val/psnr", "--exit-zero").stdout
    )
    bare(*command, "study", "lr 0.1,lr 0.9", "--exit-zero")
    bare(*command, "report", "lr 0.1", "lr 0.9", "-o", "page.html")
    assert "lr 0.9" in (bare.place / "page.html").read_text()
    bare(*command, "verify")
    (bare.place / "other.json").write_text(
        '{"schema": "runaudit.record/1", "label": "other", "seed": 1, "config": {"lr": 0.1}, '
        '"runtime": {"status": "completed"}, "metrics": {"val/psnr": 30.1}}'
    )
    bare(*command, "import", "record", "other.json")
    assert "other" in bare(*command, "show", "other").stdout


def test_a_sink_that_is_not_installed_ends_the_mirror_and_not_the_run(bare):
    (bare.place / "train.py").write_text(
        "from runaudit import record\nfrom runaudit.integrations.wandb import WandbSink\n"
        "with record(label='mirrored', seed=1, sinks=[WandbSink(project='p')]) as run: run.log(0, {'loss': 1.0})\n"
    )
    done = bare("train.py")
    assert "wandb stopped mirroring" in done.stderr and "pip install wandb" in done.stderr
    assert "completed" in bare("-m", "runaudit", "show", "mirrored").stdout


def test_the_trainer_without_its_libraries_says_what_to_install(bare):
    (bare.place / "run.toml").write_text("")
    done = bare("-m", "trainer", "train", "--config", "run.toml", "--seed", "1", "--label", "x", code=2)
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
    assert "pip install" in done.stderr and "torch" in done.stderr
