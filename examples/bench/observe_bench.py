"""What being observed costs a program, side by side with the same program bare: medians of interleaved rounds.

    python examples/bench/observe_bench.py [--rounds 5]

Held against: 3 ms for the start of an interpreter, 1.5 us for the first open of a file, 1 % of a training step.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # runs from a bare checkout too

from runaudit.observe.lay import lay

PY = sys.executable
OPENS = """
import os, sys, time
names = [os.path.join(sys.argv[1], str(n)) for n in range(3000)]
def opened(opener=os.open, close=os.close, flags=os.O_RDONLY):
    began = time.perf_counter_ns()
    for name in names:
        close(opener(name, flags))
    return (time.perf_counter_ns() - began) / len(names) / 1000
first, again = opened(), opened()
began = time.perf_counter_ns()
for _ in range(20000):
    os.environ.get("HOME")
print([first, again, (time.perf_counter_ns() - began) / 20000 / 1000])
"""
STEPS = """
import sys, time, torch
torch.manual_seed(0); torch.set_num_threads(1)
net = torch.nn.Sequential(torch.nn.Linear(256, 512), torch.nn.ReLU(), torch.nn.Linear(512, 10))
step = torch.optim.AdamW(net.parameters())
x, y = torch.randn(64, 256), torch.randint(0, 10, (64,))
def some(n):
    began = time.process_time_ns()
    for _ in range(n):
        step.zero_grad(); torch.nn.functional.cross_entropy(net(x), y).backward(); step.step()
    return (time.process_time_ns() - began) / n / 1000
some(20)
print([min(some(20) for _ in range(6))])
"""


def measured(command: list[str], environ: dict[str, str]) -> tuple[float, list[float]]:
    """CPU seconds of a command, and the numbers it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    return spent, json.loads(done.stdout or "[]")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    bare = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"OMP_NUM_THREADS": "1"}
    cases = {
        "start": ["-c", "pass"],
        "opens": ["-c", OPENS],
        "import torch": ["-c", "import torch"],
        "steps": ["-c", STEPS],
    }
    spent: dict[tuple[str, bool], list[float]] = {}
    printed: dict[tuple[str, bool], list[list[float]]] = {}
    with tempfile.TemporaryDirectory() as place:
        data = Path(place, "data")
        data.mkdir()
        for n in range(3000):
            (data / str(n)).touch()
        for turn in range(rounds):
            for name, words in cases.items():
                for observed in (False, True) if turn % 2 else (True, False):
                    folder = Path(place, f"{name}{turn}")
                    environ = bare | (lay(folder, bare) if observed else {})
                    for _ in range(10 if name == "start" else 1):
                        cpu, numbers = measured([PY, *words, str(data)], environ)
                        spent.setdefault((name, observed), []).append(cpu)
                        printed.setdefault((name, observed), []).append(numbers)

    def both(name: str, place: int | None = None) -> tuple[float, float]:
        """The medians without and with."""
        taken = (
            spent if place is None else {key: [row[place] for row in printed[key]] for key in spent if key[0] == name}
        )
        return statistics.median(taken[name, False]), statistics.median(taken[name, True])

    rows = [
        ("start of an interpreter (CPU)", both("start"), 1e3, "ms", 3.0),
        ("first open of a file", both("opens", 0), 1, "us", 1.5),
        ("open of a file once more", both("opens", 1), 1, "us", None),
        ("look-up of a variable", both("opens", 2), 1, "us", None),
        ("import torch (CPU)", both("import torch"), 1e3, "ms", None),
    ]
    print(f"{'':32s} {'bare':>9s} {'observed':>9s} {'added':>12s} {'ratio':>7s}")
    for what, (without, with_it), factor, unit, limit in rows:
        added = (with_it - without) * factor
        held = "" if limit is None else f"   at most {limit} {unit}: {'held' if added <= limit else 'MISSED'}"
        print(
            f"{what:32s} {without * factor:9.2f} {with_it * factor:9.2f} {added:9.2f} {unit} {with_it / without:7.3f}{held}"
        )
    without, with_it = both("steps", 0)
    held = "held" if with_it / without <= 1.01 else "MISSED"
    print(f"{'training step (AdamW, 64 rows)':32s} {without:9.1f} {with_it:9.1f} {with_it - without:9.2f} us "
          f"{with_it / without:7.3f}   at most 1.010: {held}")  # fmt: skip


if __name__ == "__main__":
    main()
