"""Damaged records of every tracker, read by its reader: nothing may crash, hang, run, or reach beyond its folder.

Small records are made of each kind; then, again and again, one file of a copy is damaged (bytes flipped, cut, doubled,
put in, another file's content, nothing at all, a link that leads out, a pipe) and the folder is read as `import` reads
it. What may come of it: runs, runs that are left out with a reason, or one clear refusal. Anything else is a finding,
and so is a reading of more than ten seconds, or a text of the file beside the folder in what was read. Exit 1 then.

Run: python examples/bench/import_fuzz_bench.py [--rounds 2000] [--seed N]
"""

import argparse
import collections
import contextlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from import_bench import event_file, mlflow_runs, wandb_runs

from runaudit.errors import RunauditError
from runaudit.importers.base import Imported
from runaudit.importers.kinds import AUTO, KINDS, RECORD
from runaudit.importers.walk import runs_at
from runaudit.settings import ImportSettings

SECRET = "what-lies-beside-the-folder"
SLOW_S = 10
GUILD = f".guild/runs/{'b' * 32}/.guild"
Maker = Callable[[Path, int], None]
TEXTS: dict[str, dict[str, str]] = {
    "hydra": {".hydra/config.yaml": "lr: 0.1\nseed: 1\nopt:\n  lr: ${lr}\n", ".hydra/overrides.yaml": "- lr=0.1\n",
              ".hydra/hydra.yaml": "hydra:\n  job:\n    name: train\n    num: 0\n"},
    "lightning": {"version_0/hparams.yaml": "lr: 0.1\nseed: 1\n",
                  "version_0/metrics.csv": "epoch,step,loss,val\n0,1,3.0,\n0,2,2.0,\n0,2,,0.5\n"},
    "huggingface": {"trainer_state.json": json.dumps({"global_step": 2, "log_history": [
        {"loss": 1.0, "step": 1, "epoch": 0.5}, {"eval_loss": 0.5, "step": 2, "epoch": 1.0}]}),
        "config.json": json.dumps({"model_type": "bert", "hidden_size": 8})},
    "ultralytics": {"args.yaml": "task: detect\nmode: train\nlr0: 0.01\nseed: 0\noptimizer: SGD\nepochs: 2\n",
                    "results.csv": "  epoch,  train/box_loss,  metrics/mAP50(B)\n  1,  2.0,  0.1\n  2,  1.5,  0.2\n"},
    "sacred": {"1/run.json": json.dumps({"status": "COMPLETED", "start_time": "2026-01-01T00:00:00", "experiment": {
        "name": "e", "sources": [], "repositories": []}}), "1/config.json": json.dumps({"lr": 0.1, "seed": 3}),
        "1/metrics.json": json.dumps({"loss": {"steps": [0, 1], "values": [2.0, 1.0], "timestamps": []}})},
    "mlperf": {"result_0.txt": "".join(f":::MLLOG {json.dumps(row)}\n" for row in (
        {"key": "seed", "value": 5, "time_ms": 1, "metadata": {}},
        {"key": "run_start", "value": None, "time_ms": 2, "metadata": {}},
        {"key": "eval_accuracy", "value": 0.5, "time_ms": 3, "metadata": {"epoch_num": 1}},
        {"key": "run_stop", "value": None, "time_ms": 9, "metadata": {"status": "success"}}))},
    "dvc": {"dvc.lock": "schema: '2.0'\nstages:\n  train:\n    cmd: python train.py\n    deps:\n    - path: data\n"
                        f"      md5: {'a' * 32}\n    params:\n      params.yaml:\n        lr: 0.1\n",
            "dvc.yaml": "stages:\n  train:\n    cmd: python train.py\n", "params.yaml": "lr: 0.1\n"},
    "guild": {f"{GUILD}/opref": "guildfile:. x train", f"{GUILD}/attrs/flags": "lr: 0.1\nseed: 1\n",
              f"{GUILD}/attrs/exit_status": "0\n"},
    "openai-log": {"progress.csv": "step,reward\n1,2.0\n2,3.0\n", "params.json": json.dumps({"lr": 0.1, "seed": 2})},
    "csv": {"steps.csv": "step,loss\n1,2.0\n2,1.0\n"},
}  # fmt: skip


def records(folder: Path) -> Iterator[tuple[str, Path]]:
    """A small whole record of each kind, in a folder of its own."""
    made: dict[str, Callable[[Path, int], None]] = {
        "wandb": wandb_runs,
        "mlflow": mlflow_runs,
        "tensorboard": event_file,
    }
    for kind in KINDS:
        here = folder / kind
        here.mkdir()
        if kind in made:
            made[kind](here, 3)
        for name, text in TEXTS.get(kind, {}).items():
            (here / name).parent.mkdir(parents=True, exist_ok=True)
            (here / name).write_text(text)
        if any(here.iterdir()):
            yield kind, here


def damaged(path: Path, others: list[Path], outside: Path, draw: random.Random) -> None:
    """One file, spoilt in one of many ways."""
    raw = path.read_bytes()
    at = draw.randrange(len(raw) + 1)
    path.unlink()
    ways: list[Callable[[], object]] = [
        lambda: path.write_bytes(raw[:at]),
        lambda: path.write_bytes(raw[:at] + bytes([draw.randrange(256)]) + raw[at + 1 :]),
        lambda: path.write_bytes(raw[:at] + draw.randbytes(draw.randrange(1, 64)) + raw[at:]),
        lambda: path.write_bytes(raw + raw[at:]),
        lambda: path.write_bytes(raw.replace(b"1", draw.choice(ODD), 1)),
        lambda: path.write_bytes(raw[:at] + b"[" * 20_000 + raw[at:]),
        lambda: path.write_bytes(b"a: &a [1,1]\n" + b"".join(
            f"{b}: &{b} [*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a}]\n".encode()
            for a, b in zip("abcdefgh", "bcdefghi", strict=True)) + raw),
        lambda: path.write_bytes(draw.choice(others).read_bytes()),
        lambda: path.write_bytes(b""),
        lambda: path.write_bytes(b"x" * (8 << 20)),
        lambda: path.symlink_to(outside),
        lambda: os.mkfifo(path),
        lambda: path.mkdir(),
    ]  # fmt: skip
    draw.choice(ways)()


ODD = [b"1e999", b"-1", b"NaN", b"9" * 400, b"[[", b"{}"]


class SlowError(BaseException):
    """It took too long: no reader may catch it."""


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Raise SlowError in what takes longer than `SLOW_S`."""

    def stop(*_: object) -> None:
        raise SlowError

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(SLOW_S)
    try:
        yield
    finally:
        signal.alarm(0)


def outcome(folder: Path, kind: str) -> str:
    """What came of reading a folder; what is no good answer begins with `FINDING`."""
    try:
        with bounded():
            found = list(runs_at(folder, kind, ImportSettings()))
    except RunauditError as error:
        if os.environ.get("TOLD"):
            print(error.message)
        lines = error.message.count("\n")
        return "FINDING: a refusal of several lines" if lines else "refused in one line"
    except SlowError:
        return f"FINDING: more than {SLOW_S} s"
    except BaseException:
        return f"FINDING: {traceback.format_exc(limit=-1)}"
    for one in found:
        if isinstance(one, Imported) and SECRET.encode() in one.run.manifest.raw + b"".join(one.run.blobs.values()):
            return "FINDING: it read a file beside the folder"
    return "read" if all(isinstance(one, Imported) for one in found) else "left out with a reason"


def main() -> None:
    """Damage, read, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6)
    given = parser.parse_args()
    draw = random.Random(given.seed)
    told: collections.Counter[str] = collections.Counter()
    with tempfile.TemporaryDirectory() as name:
        whole, copy, outside = Path(name, "whole"), Path(name, "copy"), Path(name, "outside")
        whole.mkdir()
        outside.write_text(f"lr: 0.1\nsecret: {SECRET}\n")
        kinds = dict(records(whole))
        files = [path for path in whole.rglob("*") if path.is_file()]
        for kind, folder in kinds.items():
            if (found := outcome(folder, kind)) != "read":
                raise SystemExit(f"the whole record of {kind} is not read: {found}")
        for number in range(given.rounds):
            kind = draw.choice(list(kinds))
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(kinds[kind], copy)
            victims = sorted(path for path in copy.rglob("*") if path.is_file())
            damaged(draw.choice(victims), files, outside, draw)
            found = outcome(copy, kind if draw.random() < 0.7 else AUTO)
            told[found.partition(":")[0]] += 1
            if found.startswith("FINDING"):
                print(f"round {number} ({kind}): {found}", flush=True)
    print(f"{given.rounds} damaged records of {len(kinds)} kinds, seed {given.seed}: {dict(told)}")
    raise SystemExit(bool(told["FINDING"]))


if __name__ == "__main__":
    assert RECORD in KINDS  # Files of records are damaged in the suite.
    main()
