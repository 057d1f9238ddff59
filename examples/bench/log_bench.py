"""What one `log` of 10 scalars costs the training thread, next to W&B offline, TensorBoard and a bare `write`.

All are measured in turns inside each round, on the same machine in the same minute; only the ratios mean anything.
Run: python examples/bench/log_bench.py [--steps N] [--rounds N]
"""

import argparse
import os
import statistics
import struct
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from runaudit import Recording
from runaudit.record.recorder import record

Log = Callable[[int, dict[str, float]], object]
NAMES = [f"train/loss/term_{index}" for index in range(10)]


def rows(steps: int) -> list[dict[str, float]]:
    return [{name: 1.0 / (step + index + 3) for index, name in enumerate(NAMES)} for step in range(steps)]


def p50_us(log: Log, data: list[dict[str, float]]) -> float:
    spent = []
    for step, row in enumerate(data):
        start = time.perf_counter_ns()
        log(step, row)
        spent.append(time.perf_counter_ns() - start)
    return statistics.median(spent) / 1000


def floor(folder: Path, data: list[dict[str, float]]) -> tuple[float, float]:
    """`struct.pack` of step, time and ten doubles, then one `write`: what the machine allows from Python."""
    path = folder / "floor.bin"
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    pack = struct.Struct("<Id10d").pack
    cost = p50_us(lambda step, row: os.write(fd, pack(step, time.time(), *row.values())), data)
    os.close(fd)
    return cost, path.stat().st_size / len(data)


def ours(folder: Path, data: list[dict[str, float]]) -> tuple[float, float]:
    recorder: Recording = record(
        "bench", seed=0, config={}, root=folder, store=folder / "store", siblings=(), environ={}
    )
    cost = p50_us(recorder.log, data)
    size = (recorder.store.live_dir(recorder.id) / "series.jsonl").stat().st_size
    recorder.finish()
    return cost, size / len(data)


def wandb_offline(folder: Path, data: list[dict[str, float]]) -> tuple[float, float]:
    import wandb

    run = wandb.init(mode="offline", dir=folder, settings=wandb.Settings(console="off", silent=True))
    cost = p50_us(lambda step, row: run.log(row, step=step), data)
    run.finish()
    size = sum(path.stat().st_size for path in folder.glob("wandb/*/*.wandb"))
    return cost, size / len(data)


def tensorboard(folder: Path, data: list[dict[str, float]]) -> tuple[float, float]:
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(folder / "tb")  # type: ignore[no-untyped-call]

    def log(step: int, row: dict[str, float]) -> None:
        for name, value in row.items():
            writer.add_scalar(name, value, step)  # type: ignore[no-untyped-call]

    cost = p50_us(log, data)
    writer.close()  # type: ignore[no-untyped-call]
    return cost, sum(path.stat().st_size for path in (folder / "tb").iterdir()) / len(data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    contenders = {"floor": floor, "runaudit": ours, "wandb offline": wandb_offline, "tensorboard": tensorboard}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    data = rows(given.steps)
    for _ in range(given.rounds):
        for name, contender in contenders.items():
            with tempfile.TemporaryDirectory() as folder:
                found[name].append(contender(Path(folder), data))
    print(f"{'':>14}  {'p50 µs':>8}  {'bytes/step':>10}  {'runaudit / it':>13}")
    for name, pairs in found.items():
        ratio = statistics.median(a[0] / b[0] for a, b in zip(found["runaudit"], pairs, strict=True))
        cost, size = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"{name:>14}  {cost:8.1f}  {size:10.0f}  {ratio:13.3f}")


if __name__ == "__main__":
    main()
