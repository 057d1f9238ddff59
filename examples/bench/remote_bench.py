"""Many runs pushed to a fresh remote and listed: what it costs, as multiples of `python -c pass`.

    python examples/bench/remote_bench.py [RUNS]        10,000 runs by default

A run is a record, an outcome and a series of its own. The remote is a folder. Times of the processor, of this program
and its children, in user and system mode; the list is asked as a user asks it, in a process of its own, best of five.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.records.trajectory import Trajectory, write_lines
from runaudit.remote.address import address_of
from runaudit.remote.place import open_place
from runaudit.remote.pull import pull
from runaudit.remote.push import push
from runaudit.settings import Settings
from runaudit.store.line import Line
from runaudit.store.store import Store
from runaudit.system.clock import utc_text

TIME = "2026-01-01T00:00:00Z"
GOAL = 10.0


def made(root: Path, count: int) -> Store:
    """A store of so many runs, written at once: how it came to be is not what is measured."""
    store = Store.create(root)
    fsync, os.fsync = os.fsync, lambda _: None
    lines = []
    for number in range(count):
        manifest = Manifest.of({"label": f"arm {number // 5}", "seed": number % 5, "config": {"lr": number // 5}})
        series = write_lines(Trajectory(series={"train/loss": ((0, 1.0 + number), (1, 0.5))}))
        body = {"manifest": str(manifest.digest), "status": "completed", "metrics": {"val/loss": 0.5},
                "trajectory": {"digest": str(store.put(series)), "size": len(series)}}  # fmt: skip
        outcome = Outcome.of(body)
        launched = utc_text(1.7e9 + number)
        lines.append(Line(kind="manifest", digest=store.put(manifest.raw), subject=manifest.digest, time=launched))
        lines.append(Line(kind="outcome", digest=store.put(outcome.raw), subject=manifest.digest, time=launched))
    store.append_all(lines)
    os.fsync = fsync
    return store


def spent(who: int) -> float:
    """Seconds of the processor."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def cost(*words: str) -> float:
    """Seconds of the processor that a command takes, the best of five."""
    best = float("inf")
    for _ in range(5):
        before = spent(resource.RUSAGE_CHILDREN)
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        best = min(best, spent(resource.RUSAGE_CHILDREN) - before)
    return best


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    runaudit = str(Path(sys.executable).with_name("runaudit"))
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        store, remote = made(here / "store", count), str(here / "remote")
        place = open_place(address_of(remote, {}))
        empty = cost(sys.executable, "-c", "pass")
        for what, do in (
            ("pushed to a fresh remote", lambda: push(store, Settings(), place, (), time=TIME)),
            ("pushed again, all of it there", lambda: push(store, Settings(), place, (), time=TIME)),
            ("pulled into an empty store", lambda: pulled(here / "new", place)),
        ):
            before, clock = spent(resource.RUSAGE_SELF), time.perf_counter()
            do()
            used = spent(resource.RUSAGE_SELF) - before
            wall = time.perf_counter() - clock
            print(f"{count:,} runs {what}: {used:.1f} s of the processor, {wall:.1f} s by the clock, "
                  f"{used / count / empty:.2f} x `python -c pass` a run")  # fmt: skip
        ratio = cost(runaudit, "list", "--remote", remote, "--store", str(here / "store")) / empty
    verdict = "as it should be" if ratio <= GOAL else "MORE"
    print(f"the newest 50 of {count:,} listed: {ratio:.1f} x `python -c pass` (goal {GOAL:.0f}: {verdict})")
    return 0 if ratio <= GOAL else 1


def pulled(root: Path, place) -> None:
    pull(Store(root), lambda: Store.create(root), place, (), time=TIME)


if __name__ == "__main__":
    sys.exit(main())
