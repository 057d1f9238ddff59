"""What bringing in old runs costs: a folder of W&B's runs, a database of MLflow's, an event file of TensorBoard's.

Whole imports into a new store, read, cleaned of secrets, sealed and graded; CPU of the process, and the same as a ratio
to `python -c pass` beside it, which other machines see too. The records are made here, of the size of ordinary ones:
60 settings, 60 packages, 100 points of three metrics. With TensorBoard installed, its own loader reads the same file.

Run: python examples/bench/import_bench.py [--wandb 1000] [--mlflow 10000] [--events 100000]
"""

import argparse
import json
import os
import sqlite3
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from runaudit.importers.eventfile import masked_crc

POINTS = 100


def wandb_runs(folder: Path, runs: int) -> None:
    """Folders as W&B leaves them beside a training."""
    packages = "".join(f"package{number}==1.{number}\n" for number in range(60))
    for number in range(runs):
        files = folder / "wandb" / f"run-20260101_{number:06d}-id{number:06d}" / "files"
        files.mkdir(parents=True)
        settings = {f"key{at}": {"value": at} for at in range(59)} | {"seed": {"value": number}}
        (files / "config.yaml").write_text("".join(f"{k}:\n  value: {v['value']}\n" for k, v in settings.items()))
        facts = {"git": {"commit": "c" * 40}, "program": "train.py", "args": ["--seed", str(number)], "os": "Linux"}
        (files / "wandb-metadata.json").write_text(json.dumps(facts))
        (files / "wandb-summary.json").write_text(json.dumps({"_step": 9, "loss": 0.5, "val/acc": number / runs}))
        (files / "requirements.txt").write_text(packages)


def mlflow_runs(folder: Path, runs: int) -> None:
    """A database as MLflow fills it."""
    db = sqlite3.connect(folder / "mlflow.db")
    db.executescript(
        "CREATE TABLE experiments (experiment_id INTEGER, name TEXT, lifecycle_stage TEXT);"
        "CREATE TABLE runs (run_uuid TEXT PRIMARY KEY, name TEXT, status TEXT, start_time INTEGER, end_time INTEGER,"
        " user_id TEXT, lifecycle_stage TEXT, artifact_uri TEXT, experiment_id INTEGER);"
        "CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT, PRIMARY KEY (key, run_uuid));"
        "CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT, PRIMARY KEY (key, run_uuid));"
        "CREATE TABLE metrics (key TEXT, value REAL, timestamp INTEGER, run_uuid TEXT, step INTEGER, is_nan INTEGER);"
        "CREATE INDEX of_run ON metrics (run_uuid); INSERT INTO experiments VALUES (1, 'bench', 'active');"
    )
    for number in range(runs):
        run = f"{number:032x}"
        row = (run, f"run {number}", "FINISHED", 1_700_000_000_000 + number, 1_700_000_060_000, "ada", "active", "", 1)
        db.execute(f"INSERT INTO runs VALUES ({','.join('?' * 9)})", row)
        settings = [(f"key{at}", str(at), run) for at in range(19)] + [("seed", str(number), run)]
        db.executemany("INSERT INTO params VALUES (?, ?, ?)", settings)
        tags = {"mlflow.source.git.commit": "c" * 40, "mlflow.source.name": "train.py", "mlflow.user": "ada"}
        db.executemany("INSERT INTO tags VALUES (?, ?, ?)", [(key, value, run) for key, value in tags.items()])
        points = [(f"m{at}", step / 7, 1_700_000_000_000, run, step, 0) for at in range(2) for step in range(10)]
        db.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", points)
    db.commit()
    db.close()


def event_file(folder: Path, events: int) -> None:
    """One scalar an event, as TensorBoard's writers frame it."""
    with (folder / "events.out.tfevents.1700000000.bench.1.0").open("wb") as file:
        for step in range(events):
            tag = b"loss/%d" % (step % 5)
            value = b"\x0a" + bytes([len(tag)]) + tag + b"\x15" + struct.pack("<f", step / 7)
            summary = b"\x0a" + bytes([len(value)]) + value
            event = b"\x09" + struct.pack("<d", 1.7e9 + step) + b"\x10" + _varint(step)
            event += b"\x2a" + bytes([len(summary)]) + summary
            head = struct.pack("<Q", len(event))
            checks = struct.pack("<I", masked_crc(head)), struct.pack("<I", masked_crc(event))
            file.write(head + checks[0] + event + checks[1])


def _varint(number: int) -> bytes:
    found = b""
    while number > 0x7F:
        found, number = found + bytes([number & 0x7F | 0x80]), number >> 7
    return found + bytes([number])


def cpu(folder: Path, *words: str) -> float:
    """CPU seconds of one process."""
    process = subprocess.Popen([sys.executable, *words], cwd=folder, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(words)} ended with {status}")
    return usage.ru_utime + usage.ru_stime


THEIRS = (
    "import sys\n"
    "from tensorboard.backend.event_processing.event_accumulator import EventAccumulator as E\n"
    "E(sys.argv[1], size_guidance={'tensors': 0, 'scalars': 0}).Reload()"
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds: dict[str, tuple[int, Callable[[Path, int], None]]] = {
        "wandb": (1_000, wandb_runs), "mlflow": (10_000, mlflow_runs), "events": (100_000, event_file)}  # fmt: skip
    for kind, (many, _) in kinds.items():
        parser.add_argument(f"--{kind}", type=int, default=many)
    given = vars(parser.parse_args())
    print(f"{'what':40s} {'CPU s':>8s} {'x python -c pass':>17s}")
    for kind, (_, make) in kinds.items():
        if not (many := given[kind]):
            continue
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            make(folder, many)
            word = "tensorboard" if kind == "events" else kind
            told(f"{many:,} {kind if kind == 'events' else f'runs of {kind}'}", folder,
                 "-m", "runaudit", "import", word, ".", "--store", "store")  # fmt: skip
            if kind == "events" and _has("tensorboard"):
                told("  TensorBoard's own loader", folder, "-c", THEIRS, ".")


def _has(module: str) -> bool:
    return subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0


def told(what: str, folder: Path, *words: str) -> None:
    """One line of the table."""
    empty = cpu(folder, "-c", "pass")
    used = cpu(folder, *words)
    print(f"{what:40s} {used:8.2f} {2 * used / (empty + cpu(folder, '-c', 'pass')):17.1f}", flush=True)


if __name__ == "__main__":
    main()
