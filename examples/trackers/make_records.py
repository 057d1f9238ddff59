"""Runs the real trackers at toy size and compares what `runaudit import` reads with what it read before.

A tracker changes its format with a release, and an importer that was written from an older one then reads less, or
wrongly. This makes small records with whatever tracker the given Python has, imports them, and compares the runs with
those under `expected/`. A tracker that is not installed is passed over with a line; the suite needs none of them. One
that fails, as another library of its environment has moved on, is told, and those behind it are compared all the same.

    make trackers TRACKERS=/path/to/an/environment/with/them/bin/python
    python examples/trackers/make_records.py --python … --update     writes what was read as the new expectation

A new tracker is a function of this module with its name, and its program.
"""

import argparse
import difflib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from runaudit.errors import RunauditError
from runaudit.importers.base import Imported
from runaudit.importers.walk import runs_at
from runaudit.records.canonical import json_safe, thawed
from runaudit.settings import ImportSettings

EXPECTED = Path(__file__).parent / "expected"
CALM = {"HOME": "home", "GUILD_HOME": "guild", "DVC_NO_ANALYTICS": "1", "NO_COLOR": "1",
        "MLFLOW_ALLOW_FILE_STORE": "true"}  # fmt: skip


class TrackerError(Exception):
    """A program of a tracker did not run, which says nothing of what is read."""


def start(python: str, folder: Path, *words: str, check: bool = True) -> None:
    """A program of the trackers' Python, or a command beside it, in a folder. Raises TrackerError where it fails."""
    beside = Path(python).absolute().parent
    places = {
        name: str(folder.parent / value) if name in ("HOME", "GUILD_HOME") else value for name, value in CALM.items()
    }
    environ = {**os.environ, **places, "PATH": f"{beside}:{os.environ['PATH']}"}
    for name in ("HOME", "GUILD_HOME"):
        Path(environ[name]).mkdir(exist_ok=True)
    command = [str(beside / words[0]) if (beside / words[0]).exists() else words[0], *words[1:]]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True)
    if check and done.returncode:
        raise TrackerError(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


# ── trackers ─────────────────────────────────────────────────────────────────────────────────────────────────────

SACRED = """\
from sacred import Experiment
from sacred.observers import FileStorageObserver

ex = Experiment("toy", save_git_info=False)
ex.observers.append(FileStorageObserver("runs"))


@ex.config
def settings():
    lr = 0.1
    layers = (8, 16)
    chosen = {2, 1}
    how = "ok"


@ex.automain
def main(_run, lr, how):
    ex.open_resource("data.csv").close()
    for step in range(3):
        _run.log_scalar("loss", lr / (step + 1), step * 10)
    _run.log_scalar("bad", float("nan"))
    if how == "fail":
        raise ValueError("broken")
    if how == "stop":
        raise KeyboardInterrupt
    return {"score": lr * 2}
"""


def sacred(python: str, folder: Path) -> Path:
    """A run that went well, one that failed, one that was interrupted."""
    (folder / "prog.py").write_text(SACRED)
    (folder / "data.csv").write_text("a,b\n")
    for number, how in enumerate(("ok", "fail", "stop")):
        start(python, folder, "python", "prog.py", "with", f"seed={number}", f"how={how}", check=how == "ok")
    return folder / "runs"


GUILD = """\
lr = 0.1
seed = 3
for step in range(2):
    print("step: %i" % step)
    print("loss: %f" % (lr / (step + 1)))
if lr > 5:
    raise SystemExit(2)
"""
GUILD_FILE = """\
- operations:
    train:
      main: train
      flags-import: all
      requires:
        - file: data.csv
"""


def guild(python: str, folder: Path) -> Path:
    """A run that went well and one that failed."""
    (folder / "train.py").write_text(GUILD)
    (folder / "guild.yml").write_text(GUILD_FILE)
    (folder / "data.csv").write_text("1\n")
    for lr in ("0.2", "9"):
        start(python, folder, "guild", "run", "-y", "train", f"lr={lr}", check=lr != "9")
    return folder.parent / "guild"


DVC = """\
import json
import os

settings = {"train": {}}
for line in open("params.yaml"):
    if line.startswith("train:"):
        settings["train"]["lr"] = float(line.partition("lr:")[2].strip(" }\\n"))
losses = [settings["train"]["lr"] / (step + 1) for step in range(2)]
try:
    from dvclive import Live
except ImportError:  # DVC itself needs none: what it would write, by hand.
    os.makedirs("dvclive/plots/metrics/train", exist_ok=True)
    with open("dvclive/plots/metrics/train/loss.tsv", "w") as file:
        file.write("step\\tloss\\n" + "".join(f"{step}\\t{loss}\\n" for step, loss in enumerate(losses)))
    with open("dvclive/metrics.json", "w") as file:
        json.dump({"train": {"loss": losses[-1]}, "step": 1}, file)
else:
    with Live(save_dvc_exp=False, dvcyaml=None) as live:
        for loss in losses:
            live.log_metric("train/loss", loss)
            live.next_step()
json.dump({"acc": settings["train"]["lr"] * 2}, open("metrics.json", "w"))
"""
DVC_FILE = """\
stages:
  train:
    cmd: python train.py
    deps: [train.py, data.csv]
    params: [seed, train]
    metrics:
    - metrics.json:
        cache: false
"""


def dvc(python: str, folder: Path) -> Path:
    """A pipeline that ran, and two experiments on it."""
    texts = {"train.py": DVC, "dvc.yaml": DVC_FILE, "data.csv": "1\n", "params.yaml": "seed: 3\ntrain: {lr: 0.1}\n"}
    for name, text in texts.items():
        (folder / name).write_text(text)
    start(python, folder, "git", "init", "-q")
    for name, value in (("user.name", "n"), ("user.email", "n@example.org")):
        start(python, folder, "git", "config", name, value)
    start(python, folder, "dvc", "init", "-q")
    for words in (("git", "commit", "-qm", "begun"), ("dvc", "repro", "-q"), ("git", "commit", "-qm", "ran")):
        start(python, folder, "git", "add", "-A")
        start(python, folder, *words)
    for name, change in (("faster", "train.lr=0.2"), ("other-seed", "seed=4")):
        start(python, folder, "git", "checkout", "-q", "--", ".")
        start(python, folder, "dvc", "exp", "run", "-q", "-n", name, "-S", change)
    return folder


MLFLOW = """\
import sys
import mlflow

mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("toy")
with mlflow.start_run(run_name="whole"):
    mlflow.log_params({"lr": 0.1, "model/width": 3, "seed": 7, "none": None, "flag": True})
    for step in range(3):
        mlflow.log_metric("val/loss a", 1 / (step + 1), step=step * 10)
        mlflow.log_metric("plain", step)
    mlflow.log_metric("odd", float("nan"), step=1)
    mlflow.log_metric("odd", float("inf"), step=2)
    with mlflow.start_run(run_name="child", nested=True) as child:
        mlflow.log_param("lr", 0.2)
mlflow.delete_run(child.info.run_id)
mlflow.start_run(run_name="stopped")
mlflow.end_run("KILLED")
with mlflow.start_run(run_name="failed"):
    raise ValueError("broken")
"""


def mlflow(python: str, folder: Path) -> Path:
    """Runs that went well, were deleted, stopped and failed, in a store of files and in a database."""
    (folder / "train.py").write_text(MLFLOW)
    for store in ("file:./mlruns", "sqlite:///mlflow.db"):
        start(python, folder, "python", "train.py", store, check=False)
    return folder


HYDRA = """\
import os
import hydra
from hydra.core.hydra_config import HydraConfig
from torch.utils.tensorboard import SummaryWriter


@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(settings):
    with SummaryWriter(os.path.join(HydraConfig.get().runtime.output_dir, "tb")) as writer:
        for step in range(3):
            writer.add_scalar("loss", settings.sgd.lr / (step + 1), step)


main()
"""
HYDRA_CONFIG = """\
seed: 0
lr: 0.5
sgd: {lr: "${lr}"}
job: ${hydra:job.name}
home: ${oc.env:HOME}
started: {timestamp: "${now:%Y}"}
"""


def hydra(python: str, folder: Path) -> Path:
    """A sweep over seeds and a rate, whose jobs write to TensorBoard."""
    (folder / "conf").mkdir()
    (folder / "conf" / "config.yaml").write_text(HYDRA_CONFIG)
    (folder / "train.py").write_text(HYDRA)
    start(python, folder, "python", "train.py", "-m", "seed=1,2", "lr=0.5,0.25", "hydra.sweep.dir=sweep")
    return folder / "sweep"


LIGHTNING = """\
import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from torch.utils.data import DataLoader, TensorDataset


class Toy(LightningModule):
    def __init__(self, lr=0.5, betas=(0.5, 0.75), seed=3):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch, number):
        self.log("train_loss", 1 / (1 + self.global_step))
        return self.layer(batch[0]).mean()

    def validation_step(self, batch, number):
        self.log("val_loss", 0.5)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), self.hparams.lr)


data = DataLoader(TensorDataset(torch.zeros(8, 1)), batch_size=2)
LOGGERS
"""
ONE_BY_ONE = """\
for logger in (CSVLogger("."), TensorBoardLogger(".")):
    Trainer(max_epochs=2, logger=logger, log_every_n_steps=1, accelerator="cpu", enable_progress_bar=False,
            enable_model_summary=False).fit(Toy(lr=0.25), data, data)
"""
OF_THREE_RATES = """\
both = [CSVLogger(".", name="csv"), TensorBoardLogger(".", name="tb")]
for lr, loggers in ((0.25, CSVLogger(".")), (0.125, TensorBoardLogger(".")), (0.5, both)):
    Trainer(max_epochs=2, logger=loggers, log_every_n_steps=1, accelerator="cpu", enable_progress_bar=False,
            enable_model_summary=False).fit(Toy(lr=lr), data, data)
"""
LIGHTNING, OF_THREE_RATES = (LIGHTNING.replace("LOGGERS\n", trained) for trained in (ONE_BY_ONE, OF_THREE_RATES))


def lightning(python: str, folder: Path) -> Path:
    """Trainings of equal numbers: one told to the CSV logger, one of another rate told to TensorBoard's, and a third
    told to both, which is one run."""
    (folder / "train.py").write_text(OF_THREE_RATES)
    start(python, folder, "python", "train.py")
    return folder


HUGGINGFACE = """\
import torch
from transformers import PretrainedConfig, Trainer, TrainingArguments


class Toy(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.config = PretrainedConfig()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, x, labels=None):
        return {"loss": self.weight.sum() * 0 + 0.5, "logits": x}


data = [{"x": torch.zeros(1), "labels": torch.zeros(1)} for _ in range(8)]
arguments = TrainingArguments("out", num_train_epochs=2, per_device_train_batch_size=4, logging_steps=1, seed=7,
                              save_strategy="epoch", report_to=[], use_cpu=True, disable_tqdm=True)
trainer = Trainer(Toy(), arguments, train_dataset=data)
trainer.train()
trainer.save_state()
trainer.create_model_card(model_name="toy")
"""


def huggingface(python: str, folder: Path) -> Path:
    """A training with two checkpoints, and its card."""
    (folder / "train.py").write_text(HUGGINGFACE)
    start(python, folder, "python", "train.py")
    return folder / "out"


TENSORBOARD = """\
from torch.utils.tensorboard import SummaryWriter

for number in range(2):
    with SummaryWriter(f"runs/{number}") as writer:
        for step in range(3):
            writer.add_scalar("loss", 0.5 / (step + 1), step)
        writer.add_scalar("double", 0.1, 7, new_style=True, double_precision=True)
        writer.add_scalars("acc", {"train": 0.25, "val": 0.5}, 2)
        writer.add_text("note", "passed over")
        if number:
            writer.add_hparams({"lr": 0.25, "act": "gelu", "width": 8}, {"best": 0.5})
"""


def tensorboard(python: str, folder: Path) -> Path:
    """A run without settings, and one that gave them to the hparams plugin."""
    (folder / "train.py").write_text(TENSORBOARD)
    start(python, folder, "python", "train.py")
    return folder / "runs"


WANDB = """\
import sys
import wandb

_, lr, how = sys.argv
settings = {"lr": float(lr), "layers": [8, 16], "optim": {"name": "sgd"}, "seed": 3}
with wandb.init(mode="offline", project="toy", name=f"toy-{how}", config=settings) as run:
    for step in range(3):
        run.log({"loss": 0.5 / (step + 1), "val/acc": 0.25 * step})
    run.summary["best"] = 0.25
    if how == "fail":
        raise ValueError("broken")
"""


def wandb(python: str, folder: Path) -> Path:
    """A run that went well and one that failed, both offline: all that W&B keeps of one lies in its `.wandb` file."""
    (folder / "train.py").write_text(WANDB)
    for lr, how in (("0.5", "ok"), ("0.25", "fail")):
        start(python, folder, "python", "train.py", lr, how, check=how == "ok")
    return folder / "wandb"


TRACKERS: Mapping[str, tuple[str, Callable[[str, Path], Path]]] = {
    "wandb": ("wandb", wandb),
    "sacred": ("sacred", sacred),
    "guild": ("guild", guild),
    "dvc": ("dvc", dvc),
    "mlflow": ("mlflow", mlflow),
    "auto": ("hydra", hydra),
    "lightning": ("lightning", lightning),
    "huggingface": ("transformers", huggingface),
    "tensorboard": ("tensorboard", tensorboard),
}
"""Kind of run -> the module that shows whether its tracker is installed, and what makes the records."""


# ── what was read ────────────────────────────────────────────────────────────────────────────────────────────────


OF_A_GPU = ("gpu", "cuda", "cudnn", "driver")
"""What a tracker notes where the machine has one."""


def read(place: Path, kind: str) -> list[dict[str, Any]]:
    """What an import says of every run, without what is another one each time."""
    found = []
    for one in runs_at(place, kind, ImportSettings()):
        if not isinstance(one, Imported):
            found.append({"skipped": one.reason.replace(str(place), "")})
            continue
        run, code = one.run, one.run.manifest.section("code")
        config = {name: value for name, value in thawed(run.manifest.section("config")).items() if name != "seed"}
        found.append(
            {
                "config": config,
                "seed": run.manifest.body.get("seed"),
                "status": run.outcome.body["status"] if run.outcome else None,
                "program": code.get("program"),
                "files": sorted(code.get("files") or ()),
                "sources": thawed(code.get("sources")),
                "data": {name: entry.get("digest") for name, entry in run.manifest.section("data").items()},
                "env": sorted(name for name in run.manifest.section("env") if not name.startswith(OF_A_GPU)),
                "series": json_safe(thawed(run.trajectory.series)),
                "metrics": json_safe(dict(run.metrics)),
                "unknown": sorted(
                    name
                    for name in run.manifest.section("unknown")
                    if not name.removeprefix("env.").startswith(OF_A_GPU)
                ),
            }
        )
    return sorted(found, key=lambda row: json.dumps(row, sort_keys=True))


def compared(kind: str, file: Path, now: str, *, update: bool) -> Iterator[str]:
    """What is told of how the runs of a tracker were read, the last line in a word."""
    before = file.read_text() if file.is_file() else ""
    if now == before:
        yield f"{kind}: as expected"
    elif update:
        file.write_text(now)
        yield f"{kind}: written"
    else:
        yield from difflib.unified_diff(before.splitlines(), now.splitlines(), "expected", "read", lineterm="")
        yield f"{kind}: READ OTHERWISE"


def main() -> int:
    """Makes, reads and compares; 1 where something was read otherwise than expected, or a tracker failed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python", default=sys.executable, help="the Python that has the trackers")
    parser.add_argument("--update", action="store_true", help="write what was read as the new expectation")
    asked = parser.parse_args()
    faults: list[str] = []
    for kind, (module, make) in TRACKERS.items():
        if subprocess.run([asked.python, "-c", f"import {module}"], capture_output=True).returncode:
            print(f"{kind}: not installed, passed over")
            continue
        with tempfile.TemporaryDirectory() as base:
            folder = Path(base, "project")
            folder.mkdir()
            try:
                found = read(make(asked.python, folder), kind)
            except (TrackerError, RunauditError) as error:
                told = [f"{error}", f"{kind}: FAILED"]
            else:
                now = json.dumps(found, indent=1, sort_keys=True) + "\n"
                told = [*compared(kind, EXPECTED / f"{kind}.json", now, update=asked.update)]
        print("\n".join(told))
        faults += [kind] if told[-1].endswith(("READ OTHERWISE", "FAILED")) else []
    if faults:
        print(f"not as expected: {', '.join(faults)}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
