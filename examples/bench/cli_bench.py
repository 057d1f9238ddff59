"""What a command costs, as a multiple of starting Python: CPU of the whole process, medians of interleaved rounds.

    python examples/bench/cli_bench.py [--rounds 7]

Shown beside it: an empty run under `runaudit run`, one that a program records itself, and W&B offline's init and
finish, in the same rounds. runaudit may be installed in editable mode: its own checkout is no part of a run.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

STORY = Path(__file__).parents[1] / "any_program"
PY = sys.executable
RECORDED = "import runaudit; runaudit.record('bench', seed=1, config={'lr': 0.1}, init='random').finish()"
WANDB = (
    "import os; os.environ.update(WANDB_MODE='offline', WANDB_SILENT='true', WANDB_DIR=os.getcwd())\n"
    "import wandb; wandb.init(project='p'); wandb.finish()"
)


def cpu_s(command: list[str], folder: Path, environ: dict[str, str]) -> float:
    """User and system seconds of a command and of every process it started and waited for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def launch(seed: int, program: list[str]) -> list[str]:
    """One sealed run of `program`."""
    return [
        PY, "-m", "runaudit", "run", "--config", "train.toml", "--data", "train=points.csv", "--init", "random",
        "--seed", str(seed), "--label", "bench", "--", *program,
    ]  # fmt: skip


def project(folder: Path, environ: dict[str, str]) -> Path:
    """A repository with the small training program and two recorded runs."""
    place = folder / "project"
    place.mkdir()
    for name in ("train.py", "train.toml", "points.csv"):
        (place / name).write_bytes((STORY / name).read_bytes())
    git = ["git", "-C", str(place), "-c", "user.name=b", "-c", "user.email=b@example.org"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "start"]):
        subprocess.run([*git, *words], check=True)
    for seed in (0, 1):
        subprocess.run(
            launch(seed, [PY, "train.py", "--seed", str(seed)]), cwd=place, env=environ, check=True, capture_output=True
        )
    return place


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    root = str(Path(__file__).parents[2])
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))}
    with tempfile.TemporaryDirectory() as folder:
        place = project(Path(folder), environ)
        cases = {
            "python -c pass": [PY, "-c", "pass"],
            "import typer": [PY, "-c", "import typer"],
            "import runaudit": [PY, "-c", "import runaudit"],
            "import wandb": [PY, "-c", "import wandb"],
            "runaudit --version": [PY, "-m", "runaudit", "--version"],
            "runaudit --help": [PY, "-m", "runaudit", "--help"],
            "runaudit list (2 runs)": [PY, "-m", "runaudit", "list"],
            "runaudit diff": [PY, "-m", "runaudit", "diff"],
            "runaudit verify": [PY, "-m", "runaudit", "verify"],
            "runaudit run -- python -c pass": launch(2, [PY, "-c", "pass"]),
            "record() and finish()": [PY, "-c", RECORDED],
            "wandb offline, init and finish": [PY, "-c", WANDB],
        }
        times: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(rounds):
            for name, command in cases.items():
                times[name].append(cpu_s(command, place, environ))
    base = times["python -c pass"]
    print(f"{'command':34s} {'CPU / python -c pass':>22s} {'CPU / wandb':>12s}")
    for name, found in times.items():
        ratio = statistics.median(a / b for a, b in zip(found, base, strict=True))
        peer = statistics.median(a / b for a, b in zip(found, times["wandb offline, init and finish"], strict=True))
        print(f"{name:34s} {ratio:22.1f} {peer:12.2f}")


if __name__ == "__main__":
    main()
