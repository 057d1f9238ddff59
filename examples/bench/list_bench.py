"""What `runaudit list` costs in a store of many runs, beside starting Python, and commands on named runs there.

    python examples/bench/list_bench.py [--runs 10000] [--rounds 7]

The store is made of sealed manifests and outcomes, written straight into place without fsync; `list`, `verify` and all
else read it as any other. Printed: the first `list`, which makes the index; then medians of rounds with the index
there, of all runs and of the newest 50; `show`, `diff` and `stats` of runs named by label, id and cohort; the listing
after one more run, which its launch put into the index, with what that costs the launch beyond what it has loaded, and
after one that no launch here sealed (it came by import, or goes on); and the largest memory of each. CPU is given in
units of an empty Python beside it, since other programs on the machine slow both: an empty Python before and after each
command, and the median of the ratios.
As an installed program has it, the bytecode is there. `--runs 100000 --rounds 3` takes 30 s to write, 65 s and
370 MiB to index; the newest 50 of them then take 5.6 times an empty Python, after one more launch as well.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from runaudit.records.canonical import JSON, canonical_bytes
from runaudit.records.digest import Digest, digest_bytes
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.runs.follow import bring_index_along
from runaudit.store.catalogue import run_ids
from runaudit.store.end import GENESIS, chains_of
from runaudit.store.store import Store

PY = sys.executable
RUNAUDIT = [PY, "-m", "runaudit"]
SOURCES = tuple(f"part = {number}\n".encode() * 70 for number in range(20))
"""What the twenty source files of every run hold."""


LAUNCH = Manifest.of(
    {
        "label": "@label",
        "seed": "@seed",
        "config": {"lr": "@lr", **{f"key{i}": i for i in range(50)}},
        "code": {
            "commit": "a" * 40,
            "dirty": False,
            "patch": None,
            "files": {
                f"src/part{i}.py": {"digest": str(digest_bytes(raw)), "size": len(raw)} for i, raw in enumerate(SOURCES)
            },
        },
        "data": {"train": {"path": "/data", "digest": "sha256:" + "b" * 64}},
        "env": {"python": "3.12.1", "torch": "2.6.0", "gpu": None, "packages": {f"p{i}": "1.0" for i in range(60)}},
        "init": {"kind": "random", "checkpoint": None, "parent": None},
        "launch": {"started": "@started", "hostname": "bench"},
        "origin": {"kind": "captured"},
    }
).raw
"""A manifest with places to fill: writing a hundred thousand canonically, leaf by leaf, would take minutes."""
ENDING = Outcome.of(
    {
        "manifest": "sha256:" + "0" * 64,
        "status": "completed",
        "metrics": {"full_frame/psnr/a": "@psnr", "val/psnr": 29.0, "train/loss": 0.1},
        "steps_done": 9,
    }
).raw
TIME = "2026-01-01T00:00:00Z"


def filled(text: bytes, **values: JSON) -> bytes:
    """The canonical record with these values in their places."""
    for name, value in values.items():
        text = text.replace(f'"@{name}"'.encode(), canonical_bytes(value))
    return text


def launch_and_outcome(number: int) -> tuple[bytes, bytes]:
    """One of five seeds of a design, finished."""
    design, seed = divmod(number, 5)
    launch = filled(LAUNCH, label=f"design {design} seed {seed}", seed=seed, lr=1e-4 * (1 + design),
                    started=f"2026-01-01T00:00:00.{number:06d}Z")  # fmt: skip
    ending = filled(ENDING, psnr=30 + number % 7 * 0.1)
    return launch, ending.replace(b"sha256:" + b"0" * 64, str(digest_bytes(launch)).encode())


class Writer:
    """A store filled without waiting for the disk."""

    def __init__(self, root: Path) -> None:
        self.store = Store.create(root)
        self.lines = 0
        self.prev = GENESIS
        for number in range(256):
            self.store.object_path(Digest("sha256", f"{number:02x}")).parent.mkdir(parents=True, exist_ok=True)
        for raw in SOURCES:
            self.store.object_path(digest_bytes(raw)).write_bytes(raw)

    def add(self, *numbers: int) -> None:
        """These runs, behind whatever line is the last now: a judgement leaves lines of its own."""
        if chains := chains_of(self.store.log_bytes()):
            self.lines, self.prev = len(chains), chains[-1]
        with self.store.log_path.open("ab") as log:
            for number in numbers:
                launch, ending = launch_and_outcome(number)
                subject = digest_bytes(launch)
                for kind, digest, raw in (("manifest", subject, launch), ("outcome", digest_bytes(ending), ending)):
                    self.store.object_path(digest).write_bytes(raw)
                    log.write(self._line(kind, digest, subject) + b"\n")

    def _line(self, kind: str, digest: Digest, subject: Digest) -> bytes:
        self.lines += 1
        line = (
            f'{{"digest":"{digest}","kind":"{kind}","prev":"{self.prev}","seq":{self.lines},'
            f'"subject":"{subject}","time":"{TIME}"}}'
        ).encode()
        self.prev = str(digest_bytes(line))
        return line


def cost(command: list[str], environ: dict[str, str]) -> tuple[float, float]:
    """CPU seconds of a command, and the largest memory of it in MiB."""
    code = (
        "import resource,subprocess,sys\n"
        "subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL,check=True)\n"
        "u=resource.getrusage(resource.RUSAGE_CHILDREN)\nprint(u.ru_utime+u.ru_stime,u.ru_maxrss/1024)"
    )
    out = subprocess.run([PY, "-c", code, *command], env=environ, check=True, capture_output=True, text=True).stdout
    seconds, memory = out.split()
    return float(seconds), float(memory)


class Bench:
    """Commands on one store. rounds: how often each is run."""

    def __init__(self, folder: Path, rounds: int) -> None:
        self.rounds = rounds
        root = str(Path(__file__).parents[2])
        self.environ = {**os.environ, "RUNAUDIT_STORE": str(folder / "store"),
                        "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", "")))),
                        "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}  # fmt: skip
        self.environ.pop("PYTHONDONTWRITEBYTECODE", None)

    def row(
        self, words: Sequence[str], name: str = "", *, rounds: int = 0, before: Callable[[], object] = lambda: None
    ) -> None:
        """One line of the table: a command of runaudit, `before` called ahead of each round."""
        ratios, seconds, memory = [], [], []
        for _ in range(rounds or self.rounds):
            before()
            empty = cost([PY, "-c", "pass"], self.environ)[0]
            used, largest = cost([*RUNAUDIT, *words], self.environ)
            ratios.append(2 * used / (empty + cost([PY, "-c", "pass"], self.environ)[0]))
            seconds.append(used)
            memory.append(largest)
        told = f"{statistics.median(ratios):22.1f} {statistics.median(seconds):9.3f} {max(memory):7.1f}"
        print(f"{name or ' '.join(words):48.48s} {told}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), given.rounds)
        writer = Writer(Path(folder) / "store")
        writer.add(*range(5))
        for words in (["list"], ["rules"]):  # Bytecode is written.
            cost([*RUNAUDIT, *words], bench.environ)
        writer.add(*range(5, given.runs))
        print(f"{given.runs} runs")
        print(f"{'command':48.48s} {'CPU / python -c pass':>22s} {'seconds':>9s} {'MiB':>7s}")
        cache = writer.store.root / "cache"
        bench.row(["list"], "first list: makes the index", rounds=1,
                  before=lambda: [path.unlink() for path in cache.glob("list*")])  # fmt: skip
        for words in (["list"], ["list", "--json"], ["list", "-n", "50"], *named(writer.store)):
            bench.row(words)
        more = iter(range(given.runs, 2 * given.runs + 2 * given.rounds + 1))
        launches: list[float] = []

        def launch() -> None:
            writer.add(next(more))
            began = time.process_time()
            bring_index_along(Store.open(writer.store.root))
            launches.append(time.process_time() - began)

        launch()  # What a launch has loaded is loaded here.
        launches.clear()
        bench.row(["list"], "list after one more run", before=launch)
        print(f"{'  of its launch':48.48s} {'':22s} {statistics.median(launches):9.3f}")
        bench.row(["list"], "list after a run that no launch sealed", before=lambda: writer.add(next(more)))
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"(this program itself: {own:.0f} MiB)")


def named(store: Store) -> list[list[str]]:
    """Commands on runs in the middle of the log: by label, by id, and by the label that a cohort is listed under."""
    ids = run_ids(store)
    middle = len(ids) // 10 * 5
    label = f"design {middle // 5} seed"
    arms = [f"design {middle // 5}", f"design {middle // 5 + 1}"]
    return [
        ["show", f"{label} 1"],
        ["diff", f"{label} 1", f"{label} 2", "--exit-zero"],
        ["diff", ids[middle][:12], ids[middle + 1][:12], "--exit-zero"],
        ["stats", "--metric", "val/psnr", arms[0], "--vs", arms[1], "--direction", "higher", "--exit-zero"],
    ]


if __name__ == "__main__":
    main()
