"""What one long run costs after its last step: sealing, listing, showing and drawing it, in seconds of CPU and memory.

Each is a process of its own; `x pass` is its CPU against `python -c pass`, the ratio that other machines see too.
Beside it the bytes that a step of ten numbers keeps, as it is logged, as it is sealed, and in W&B's own file.
Run: python examples/bench/series_bench.py [--steps N]     (a million: half a minute and 500 MB of disk)
"""

import argparse
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from runaudit.record.recorder import record
from runaudit.records.trajectory import line_of
from runaudit.store.store import Store

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


def measure(folder: Path, steps: int) -> None:
    """One run of that many steps, from its last line on."""
    subprocess.run(["git", "init", "-q", "."], cwd=folder, check=True)
    run = record("long", seed=0, config={}, root=folder, store=folder / ".runaudit", siblings=(), environ={})
    store, live = Store.open(folder / ".runaudit"), run.store.live_dir(run.id) / "series.jsonl"
    with live.open("ab") as file:
        for first in range(0, steps, 10_000):
            file.write(rows(range(first, min(first + 10_000, steps))))
    logged = live.stat().st_size / steps
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.process_time()
    run.finish()
    cpu, peak = time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sealed = sum(path.stat().st_size for path in store.root.rglob("*") if path.is_file()) / steps
    floor = min(spent(folder, "-c", "pass")[0] for _ in range(5))
    print(f"{'':>12}  {'CPU s':>7}  {'x pass':>7}  {'peak MB':>8}")
    print(f"{'seal':>12}  {cpu:7.2f}  {cpu / floor:7.0f}  {peak - before.ru_maxrss / 1024:8.0f} more than before")
    asked = {"list": ("list",), "show": ("show", "@last"), "show --json": ("show", "@last", "--json"),
             "report": ("report", "@last", "-o", "page.html")}  # fmt: skip
    for name, words in asked.items():
        cpu, peak, code = spent(folder, "-m", "runaudit", *words)
        print(f"{name:>12}  {cpu:7.2f}  {cpu / floor:7.0f}  {peak:8.0f}{'' if code == 0 else f'  exit {code}'}")
    print(f"bytes a step: logged {logged:.0f}, kept once sealed {sealed:.0f}, in W&B's file {wandb_bytes(folder):.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100_000)
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), parser.parse_args().steps)


if __name__ == "__main__":
    main()
