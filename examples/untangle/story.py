"""Three things changed together and the picture got worse: which of them did it? The question, run to its answer.

    python examples/untangle/story.py            about five minutes on two cores
    python examples/untangle/story.py --dry-run  the plan alone, after the six runs that are asked about

A researcher's copy of the trainer is trained three times. Then the learning rate is lowered, the loss is edited and the
dataset is made anew from a single scene, all at once, and it is trained three times more. `runaudit diff` says
that the comparison is confounded; `runaudit untangle` runs hybrids of the two and says which of the three did it.
"""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from trainer.data import PRESETS, make_dataset  # noqa: E402  (the story also runs from a checkout that is not installed)

METRIC = "full_frame/psnr"
BEFORE, AFTER = "before the three changes", "after the three changes"
SEEDS = (1, 2, 3)
CONFIG = """\
threads = 1
grad_clip = 0.5

[model.head]
channels = 8
blocks = 2

[model.fusion]
blocks = 0
detail_gain = 10.0

[budget]
align_steps = 12
sr_steps = 60
finetune_steps = 0
end_to_end_steps = 30

[stages.alignment]
lr = 2e-3

[stages.sr]
lr = 4e-3

[loss]
kind = "l2"
weight = 50.0

[optim]
batch = 8

[loop]
val_every = 30
save_every = 60

[eval]
self_ensemble = false
"""
EDIT = ("    return ", "    return 1.0 * ")
"""The edit of the loss: a factor of one, as it is left behind by somebody who tried others."""


def project(folder: Path) -> Path:
    """A researcher's own copy of the trainer, committed, with two versions of a dataset beside it."""
    work = folder / "project"
    shutil.copytree(ROOT / "trainer", work / "trainer", ignore=shutil.ignore_patterns("__pycache__"))
    (work / "config.toml").write_text(CONFIG, encoding="utf-8")
    (work / ".gitignore").write_text("__pycache__/\n/runs/\n/.runaudit/\n", encoding="utf-8")
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "as it was")):
        subprocess.run(["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *words], cwd=work, check=True)
    quick = PRESETS["quick"]
    make_dataset(folder / "v1", quick, 0)
    # The same test bursts, and of the scenes to train on one alone.
    make_dataset(folder / "v2", replace(quick, train=quick.train[:1]), 0)
    return work


def train(work: Path, label: str, data: Path, *, lr: str) -> None:
    """Three seeds of one arm, each guarded and sealed."""
    for seed in SEEDS:
        command = [sys.executable, "-m", "trainer", "train", "--config", "config.toml", "--seed", str(seed)]
        command += ["--label", label, "--set", f"data.root={data}", "--set", f"stages.sr.lr={lr}"]
        guarded = ["run", "--label", label, "--seed", str(seed), "--waive", "RA103=the edits are sealed with the run"]
        guarded += ["--data", f"train={data / 'train'}", "--data", f"test={data / 'test'}"]
        runaudit(work, *guarded, "--", *command)


def runaudit(work: Path, *words: str) -> int:
    """A command of ours, shown as it could be typed."""
    print("$ runaudit", shlex.join(words), flush=True)
    environ = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, "-m", "runaudit", *words], cwd=work, env=environ, check=False).returncode


def edited(work: Path) -> None:
    """The loss as somebody left it."""
    path = work / "trainer" / "losses.py"
    text = path.read_text(encoding="utf-8")
    head, cut, tail = text.partition("def masked_mean(")
    path.write_text(head + cut + tail.replace(*EDIT, 1), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/untangle"), help="a folder to be made")
    parser.add_argument("--dry-run", action="store_true", help="the plan alone")
    options = parser.parse_args()
    if options.out.exists():
        sys.exit(f"{options.out} exists; name another folder with --out")
    options.out.mkdir(parents=True)
    folder = options.out.resolve()
    work = project(folder)
    train(work, BEFORE, folder / "v1", lr="4e-3")
    edited(work)
    train(work, AFTER, folder / "v2", lr="4e-4")
    runaudit(work, "diff", BEFORE, AFTER)
    ending = ["--dry-run"] if options.dry_run else ["--budget", "46", "--jobs", "2"]
    sys.exit(runaudit(work, "untangle", BEFORE, AFTER, "--metric", METRIC, "--direction", "higher", *ending))


if __name__ == "__main__":
    main()
