"""What `runaudit verify` costs as a store grows, and that it grows in step with it.

    python examples/bench/verify_bench.py [--runs 500,1000,2000] [--jobs 1]

The store is that of `list_bench`: sealed manifests and outcomes written straight into place. CPU seconds, since other
programs of the machine do not count in them; and what one launch costs to be counted in the log, with its sealed end.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from list_bench import RUNAUDIT, TIME, Writer, cost, launch_and_outcome

from runaudit.store.store import Store

APPENDS = 200


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", default="500,1000,2000")
    parser.add_argument("--jobs", default="1")
    given = parser.parse_args()
    root = str(Path(__file__).parents[2])
    print(f"{'runs':>6s} {'CPU s':>8s} {'ms a run':>9s} {'MiB':>7s}")
    for runs in map(int, given.runs.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            environ = {**os.environ, "PYTHONPATH": root, "RUNAUDIT_STORE": f"{folder}/store"}
            writer = Writer(Path(folder) / "store")
            writer.add(*range(runs))
            seconds, memory = cost([*RUNAUDIT, "verify", "-j", given.jobs], environ)
            print(f"{runs:6d} {seconds:8.2f} {seconds / runs * 1e3:9.2f} {memory:7.0f}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        store = Store.create(Path(folder) / "store")
        digest = store.put(launch_and_outcome(0)[0])
        began = time.perf_counter()
        for _ in range(APPENDS):
            store.append("manifest", digest, subject=digest, time=TIME)
        print(f"{APPENDS / (time.perf_counter() - began):.0f} lines of the log a second, each durable with its end")


if __name__ == "__main__":
    main()
