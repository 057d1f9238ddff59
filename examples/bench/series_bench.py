"""What one long run costs after its last step: sealing, listing, showing and drawing it, in seconds of CPU and memory.

It is sealed in each of the three ways there are: by the program's own `finish()`, by `runaudit run` when its command
has ended, and by `runaudit seal` when nobody was left to do it. A process that does more than seal is measured twice,
once with a run that logged nothing, and `sealing` is what the million steps cost beyond that.

Each is a process of its own; `x pass` is its CPU against `python -c pass`, the ratio that other machines see too.
Beside it the bytes that a step of ten numbers keeps, as it is logged, as it is sealed, and in W&B's own file.
Run: python examples/bench/series_bench.py [--steps N]     (a million steps: a minute and 700 MB of disk)
"""

import argparse
import math
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from runaudit.records.trajectory import line_of

NAMES = [f"train/loss/term_{index}" for index in range(10)]
WANDB_STEPS = 2000


def rows(steps: range) -> bytes:
    """The lines of these steps; the digits of a loss are noise."""
    return b"".join(
        line_of(
            step, {name: abs(math.sin(step * 12.9898 + at)) for at, name in enumerate(NAMES)}, time_s=1.7e9 + step / 9
        )
        for step in steps
    )


def spent(folder: Path, *words: str) -> tuple[float, float, int]:
    """CPU seconds, peak MB and exit code of one process."""
    start = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen([sys.executable, *words], cwd=folder, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = end.ru_utime + end.ru_stime - start.ru_utime - start.ru_stime
    return cpu, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)


def wandb_bytes(folder: Path) -> float:
    """Bytes a step in W&B's offline file."""
    import wandb

    run = wandb.init(mode="offline", dir=folder, settings=wandb.Settings(console="off", silent=True))
    for step in range(WANDB_STEPS):
        run.log({name: abs(math.sin(step * 12.9898 + at)) for at, name in enumerate(NAMES)}, step=step)
    run.finish()
    return sum(path.stat().st_size for path in folder.glob("wandb/*/*.wandb")) / WANDB_STEPS


# Each takes lines that were written before in the place of its own logging, whose cost is another bench's.
LOGGED = """
import os, sys
def logged(live):
    os.link(sys.argv[1], f"{sys.argv[1]}.link")
    os.replace(f"{sys.argv[1]}.link", os.path.join(live, "series.jsonl"))
"""
OWN = """
import runaudit
run = runaudit.record(sys.argv[2], seed=0, config={})
logged(run.store.live_dir(run.id))
run.finish() if sys.argv[3] == "finish" else os._exit(0)
"""
COMMAND = """
run = os.environ["RUNAUDIT_RUN"]
logged(os.path.join(os.path.dirname(os.path.dirname(run)), "live", os.path.basename(run)))
"""


def ways(folder: Path, name: str) -> dict[str, tuple[float, float, int]]:
    """CPU seconds, peak MB and exit code of each way to seal a run that logged the lines of this file."""
    lines = str(folder / "lines" / name)
    words = ("run", "--config", "none.toml", "--seed", "0", "--init", "random", "--data", "train=data.csv", "--label")
    found = {"finish()": spent(folder, "own.py", lines, f"own {name}", "finish")}
    found["runaudit run"] = spent(folder, "-m", "runaudit", *words, f"a long series, {name} of it", "--",
                                  sys.executable, "command.py", lines)  # fmt: skip
    spent(folder, "own.py", lines, f"lost {name}", "die")
    return found | {"runaudit seal": spent(folder, "-m", "runaudit", "seal", "@last")}


def laid(folder: Path, steps: int) -> None:
    """A project with two programs that log, and the lines that they take: none, and those of so many steps."""
    (folder / "own.py").write_text(LOGGED + OWN)
    (folder / "command.py").write_text(LOGGED + COMMAND)
    (folder / "none.toml").write_text("")
    (folder / "data.csv").write_text("1\n")
    (folder / ".gitignore").write_text("lines\n")
    (folder / "lines").mkdir()
    (folder / "lines" / "none").touch()
    with (folder / "lines" / "all").open("wb") as file:
        for first in range(0, steps, 10_000):
            file.write(rows(range(first, min(first + 10_000, steps))))
    for words in (("init", "-q", "."), ("add", "-A"), ("commit", "-qm", "two programs")):
        subprocess.run(("git", "-c", "user.name=bench", "-c", "user.email=bench@localhost", *words),
                       cwd=folder, check=True)  # fmt: skip


def measure(folder: Path, steps: int) -> None:
    """Runs of that many steps, from their last line on."""
    laid(folder, steps)
    logged = (folder / "lines" / "all").stat().st_size / steps
    bare, full = ways(folder, "none"), ways(folder, "all")
    floor = min(spent(folder, "-c", "pass")[0] for _ in range(5))
    print(f"{'':>14}  {'CPU s':>7}  {'x pass':>7}  {'peak MB':>8}  {'sealing: CPU s':>15}  {'MB':>5}")
    for name, (cpu, peak, code) in full.items():
        more = f"{cpu - bare[name][0]:15.2f}  {peak - bare[name][1]:5.0f}"
        print(f"{name:>14}  {cpu:7.2f}  {cpu / floor:7.0f}  {peak:8.0f}  {more}{'' if code == 0 else f'  exit {code}'}")
    asked = {"list": ("list",), "show": ("show", "@last"), "show --json": ("show", "@last", "--json"),
             "report": ("report", "@last", "-o", "page.html")}  # fmt: skip
    for name, words in asked.items():
        cpu, peak, code = spent(folder, "-m", "runaudit", *words)
        print(f"{name:>14}  {cpu:7.2f}  {cpu / floor:7.0f}  {peak:8.0f}{'' if code == 0 else f'  exit {code}'}")
    sealed = max(path.stat().st_size for path in (folder / ".runaudit" / "objects").rglob("*")) / steps
    print(f"bytes a step: logged {logged:.0f}, kept once sealed {sealed:.0f}, in W&B's file {wandb_bytes(folder):.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), parser.parse_args().steps)


if __name__ == "__main__":
    main()
