"""Steps lost to SIGKILL at a random moment: a child logs, says each step on a pipe once `log` has returned, and dies.

Run: python examples/bench/kill_bench.py [--kills N] [--seed N]
"""

import argparse
import os
import random
import signal
import tempfile
import time
from pathlib import Path

from runaudit.record.series import Series
from runaudit.records.trajectory import read_lines


def child(path: Path, writer: int) -> None:
    series, step = Series(path), 0
    while True:
        series.log(step, {f"train/loss/{index}": 1 / (step + index + 1) for index in range(10)}, time.time())
        os.write(writer, b".")
        step += 1


def kill_once(path: Path, delay_s: float) -> tuple[int, int]:
    """How many steps the child had said, and how many of those are not in its file."""
    reader, writer = os.pipe()
    if (pid := os.fork()) == 0:
        child(path, writer)
    os.close(writer)
    os.read(reader, 1)
    time.sleep(delay_s)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    printed = 1
    while chunk := os.read(reader, 65536):
        printed += len(chunk)
    os.close(reader)
    kept = {step for step, _ in read_lines(path.read_bytes()).series["train/loss/0"]}
    return printed, len(set(range(printed)) - kept)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    clock = random.Random(given.seed)
    printed = lost = 0
    with tempfile.TemporaryDirectory() as folder:
        for kill in range(given.kills):
            path = Path(folder) / f"{kill}.jsonl"
            found = kill_once(path, clock.random() / 100)
            path.unlink()
            printed, lost = printed + found[0], lost + found[1]
    print(f"{given.kills} kills, {printed} steps logged, {lost} lost")


if __name__ == "__main__":
    main()
