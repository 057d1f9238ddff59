"""What SIGKILL at a random moment costs: steps that were logged, and stores that stay broken.

First a child logs steps, says each on a pipe once `log` has returned, and dies. Then a child seals launches, logs,
seals outcomes and imports records in one store, and dies; after every kill the store must verify, list its runs and
take the next launch.

Run: python examples/bench/kill_bench.py [--kills N] [--store-kills N] [--seed N]
"""

import argparse
import contextlib
import json
import os
import random
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from runaudit.errors import RunauditError
from runaudit.record.outcome import seal_outcome
from runaudit.record.series import Series
from runaudit.records.manifest import Manifest
from runaudit.records.trajectory import read_lines
from runaudit.runs.intake import take_in
from runaudit.settings import Settings
from runaudit.store import Store
from runaudit.store.catalogue import load, run_ids
from runaudit.store.doctor import DAMAGE, examine

KILLS_OF_ONE_STORE = 20
STEPS = 10


def killed_at(delay_s: float, life: Callable[[int], None]) -> bytes:
    """What a child said on its pipe before it was killed, `delay_s` after its first word."""
    reader, writer = os.pipe()
    if (pid := os.fork()) == 0:
        life(writer)
    os.close(writer)
    said = os.read(reader, 65536)
    time.sleep(delay_s)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    while chunk := os.read(reader, 65536):
        said += chunk
    os.close(reader)
    return said


def logging(path: Path, writer: int) -> None:
    """Log for ever, one byte a step."""
    series, step = Series(path), 0
    while True:
        series.log(step, {f"train/loss/{index}": 1 / (step + index + 1) for index in range(10)}, time.time())
        os.write(writer, b".")
        step += 1


def launch(store: Store, label: str, writer: int | None = None) -> None:
    """One run: sealed, logged, sealed again; each step is said once it is logged."""
    manifest = Manifest.of({"label": label, "seed": 0, "config": {"lr": 0.1}})
    store.seal_manifest(manifest, time="2026-01-01T00:00:00Z")
    live = store.live_dir(manifest.id)
    series = Series(live / "series.jsonl")
    for step in range(STEPS):
        series.log(step, {"train/loss": 1 / (step + 1)}, time.time())
        if writer is not None:
            os.write(writer, f"{manifest.id} {step}\n".encode())
    series.close()
    seal_outcome(store, manifest, status="completed")


def living(root: Path, kill: int, writer: int) -> None:
    """Launch and import for ever."""
    store, turn = Store.open(root), 0
    os.write(writer, b"\n")
    while True:
        launch(store, f"run {kill}.{turn}", writer)
        records = root.parent / "r.json"
        records.write_text(json.dumps([{"schema": "runaudit.record/1", "label": f"import {kill}.{turn}", "seed": seed,
                                        "runtime": {"status": "completed"}} for seed in (1, 2)]))  # fmt: skip
        take_in("record", [records], lambda: store, Settings())
        turn += 1


def lost_steps(store: Store, said: bytes) -> int:
    """How many steps that were said are in no run of the store."""
    wanted = {tuple(line.split()) for line in said.decode().splitlines() if line.count(" ") == 1}
    kept: set[tuple[str, ...]] = set()
    for run in {run for run, _ in wanted}:
        with contextlib.suppress(RunauditError):
            kept |= {(run, str(step)) for step, _ in load(store, run).trajectory.series["train/loss"]}
    return len(wanted - kept)


def is_broken(root: Path, kill: int) -> bool:
    """Whether the next commands do not find the store whole."""
    try:
        store = Store.open(root)
        if any(one.kind == DAMAGE for one in examine(store)):
            return True
        launch(store, f"after {kill}")
        return not all(load(store, run).label for run in run_ids(store))
    except RunauditError:
        return True


def kill_writers(folder: Path, kills: int, clock: random.Random) -> str:
    printed = lost = 0
    for kill in range(kills):
        path = folder / f"{kill}.jsonl"
        said = len(killed_at(clock.random() / 100, lambda writer, path=path: logging(path, writer)))
        kept = {step for step, _ in read_lines(path.read_bytes()).series["train/loss/0"]}
        path.unlink()
        printed, lost = printed + said, lost + len(set(range(said)) - kept)
    return f"{kills} kills, {printed} steps logged, {lost} lost"


def kill_stores(folder: Path, kills: int, clock: random.Random) -> str:
    steps = lost = broken = 0
    for kill in range(kills):
        root = folder / str(kill // KILLS_OF_ONE_STORE) / ".runaudit"
        root.parent.mkdir(exist_ok=True)
        Store.create(root)
        said = killed_at(clock.random() / 10, lambda writer, root=root, kill=kill: living(root, kill, writer))
        steps += said.count(b" ")
        lost += lost_steps(Store.open(root), said)
        broken += is_broken(root, kill)
    return f"{kills} kills of a store at work, {steps} steps logged, {lost} lost, {broken} stores left broken"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1500)
    parser.add_argument("--store-kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    clock = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as folder:
        print(kill_writers(Path(folder), given.kills, clock))
        print(kill_stores(Path(folder), given.store_kills, clock))


if __name__ == "__main__":
    main()
