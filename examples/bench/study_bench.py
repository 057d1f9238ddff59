"""What a study of many runs costs: the judgement alone, and the whole command over a file of records and over a store.

Run it: `python examples/bench/study_bench.py [--runs 1000] [--factors 50]`. Times are wall and CPU seconds of the best
of three; the bar for 1,000 runs of 50 factors is 3 s.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from runaudit.records.record_file import run_of
from runaudit.settings import Settings
from runaudit.study.answer import answer
from runaudit.study.study import study

Row = dict[str, Any]
WHOLE: Mapping[str, Any] = {
    "code": {"commit": "a" * 40, "dirty": False, "patch": None, "files": {"train.py": "x = 1\n"}},
    "data": {"train": {"path": "/data", "digest": "sha256:" + "a" * 64}},
    "env": {"python": "3.11.4", "torch": "2.6.0", "gpu": None, "packages": {f"package{i}": "1.0" for i in range(150)},
            "determinism": {}, "variables": {}},
    "init": {"kind": "random"},
    "eval": {"metric": "psnr", "protocol": "full_frame", "crop_border": 9, "data_range": 1.0, "channel": "gray",
             "code_digest": "sha256:" + "c" * 64},
    "runtime": {"status": "completed", "duration_s": 3600},
}  # fmt: skip


def factorial(runs: int, factors: int) -> list[Row]:
    """Every factor at random: two levels, every fifth three. Hardly two runs are alike."""
    rng = random.Random(0)
    return [{f"f{k}": rng.randrange(3 if k % 5 == 0 else 2) for k in range(factors)} for _ in range(runs)]


def aliased(runs: int, factors: int) -> list[Row]:
    """Half of the factors repeat the other half: as many alias sets as can be."""
    rows = factorial(runs, factors // 2)
    return [row | {f"g{k}": row[f"f{k}"] for k in range(factors // 2)} for row in rows]


def one_at_a_time(runs: int, factors: int) -> list[Row]:
    """A baseline and one changed factor a run, in replicates."""
    return [{f"f{k}": int(run % (factors + 1) == k + 1) for k in range(factors)} for run in range(runs)]


def random_search(runs: int, factors: int) -> list[Row]:
    """A new number for every factor in every run."""
    rng = random.Random(0)
    return [{f"f{k}": rng.random() for k in range(factors)} for _ in range(runs)]


DESIGNS: Mapping[str, Callable[[int, int], list[Row]]] = {
    "random factorial": factorial,
    "half aliased": aliased,
    "one factor at a time": one_at_a_time,
    "random search": random_search,
}


def records(rows: list[Row]) -> list[Row]:
    return [{"label": f"run {n}", "seed": n % 5, "config": row, **WHOLE} for n, row in enumerate(rows)]


def fastest(call: Callable[[], object], repeats: int = 3) -> tuple[float, float]:
    """Wall and CPU seconds, children included, of the quickest call."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter(), cpu_s()
        call()
        times.append((time.perf_counter() - start[0], cpu_s() - start[1]))
    return min(times)


def cpu_s() -> float:
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def command(*words: str) -> str:
    done = subprocess.run([sys.executable, "-m", "runaudit", *words], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr)
    return done.stdout


def judgement(plain: list[Row]) -> tuple[float, float, int]:
    sets = 0

    def call() -> None:
        nonlocal sets
        found = study([run_of(row, where="bench") for row in plain], settings=Settings())
        sets = len(answer(found)["alias_sets"])

    wall, cpu = fastest(call)
    return wall, cpu, sets


def whole_command(plain: list[Row]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, store = Path(folder) / "runs.jsonl", str(Path(folder) / "store")
        path.write_text("".join(json.dumps(row) + "\n" for row in plain))
        report_row("command over a file", *fastest(lambda: command("study", str(path))))
        command("import", "record", str(path), "--store", store, "-q")
        ids = command("list", "-q", "--store", store).split()
        report_row("command over a store", *fastest(lambda: command("study", *ids, "--store", store)))


def report_row(name: str, wall: float, cpu: float, more: str = "") -> None:
    print(f"{name:24} wall {wall:5.2f} s  cpu {cpu:5.2f} s  {more}".rstrip())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--factors", type=int, default=50)
    options = parser.parse_args()
    print(f"{options.runs} runs, {options.factors} factors; records, study and answer")
    for name, make in DESIGNS.items():
        wall, cpu, sets = judgement(records(make(options.runs, options.factors)))
        report_row(name, wall, cpu, f"{sets} alias sets")
    whole_command(records(factorial(options.runs, options.factors)))


if __name__ == "__main__":
    main()
