"""Runs the integrations with the real libraries at toy size, and compares what they sealed with what happened.

A framework calls its callbacks otherwise with a release, and the suite's stand-ins call as the older one did. Each
program here is trained to its end, by an error and by Ctrl-C, alone and under `runaudit run`. A library that the given
Python does not have is passed over with a line.

    make integrations TRACKERS=/path/to/an/environment/with/them/bin/python

That Python needs what runaudit needs, too: `pip install` this checkout into it, or its dependencies.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import runaudit
from runaudit.records.run import Run

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
STOPPED = (1, 130, -2)
"""What Lightning exits with after Ctrl-C, and how Python dies of it."""


@dataclass(frozen=True)
class Case:
    """How a program is started, how it must end, and what its runs must be."""

    words: tuple[str, ...]
    label: str
    status: str = "completed"
    seeds: tuple[int, ...] = (0,)
    series: tuple[str, ...] = ()
    checkpoints: tuple[str, ...] = ()
    exits: tuple[int, ...] = (0,)
    wrapped: bool = False
    told: tuple[str, ...] = ("--seed", "0", "--data", "train=data/train.csv")


def three(series: Sequence[str], kept: Sequence[str], last: str, end: str = "--ends={}") -> Iterator[Case]:
    """Two seeds to the end, an error, a Ctrl-C. last: what is measured after the training."""
    logged, files = tuple(series), tuple(kept)
    for seed in (0, 1):
        yield Case(
            ("--label", "slow", "--seed", str(seed)), "slow", seeds=(0, 1), series=(*logged, last), checkpoints=files
        )
    yield Case(("--label", "it breaks", end.format("raise")), "it breaks", "crashed", series=logged, exits=(1,))
    yield Case(("--label", "by hand", end.format("interrupt")), "by hand", "killed", series=logged, exits=STOPPED)


CASES: dict[str, tuple[Case, ...]] = {
    "lightning": (
        *three(("train_loss",), ("best", "last"), "test_loss"),
        Case(
            ("--plain",), "no line", series=("train_loss", "val_loss", "test_loss"), checkpoints=("best",), wrapped=True
        ),
    ),
    "transformers": tuple(three(("loss", "learning_rate"), ("best", "last"), "eval_loss")),
    "hydra": (
        Case(("-m", "seed=0,1,2", "lr=0.5,0.25"), "train_hydra lr=0.5", seeds=(0, 1, 2), series=("loss",)),
        Case(("lr=0.25", "seed=3"), "train_hydra lr=0.25", seeds=(0, 1, 2, 3), series=("loss",)),
        Case(("ends=raise",), "train_hydra ends=raise", "crashed", series=("loss",), exits=(1,)),
        Case(("ends=interrupt",), "train_hydra ends=interrupt", "killed", series=("loss",), exits=STOPPED),
        Case(("lr=0.125",), "wrapped", series=("loss",), wrapped=True),
        Case(("-m", "seed=0,1"), "wrapped sweep", "crashed", exits=(2,), wrapped=True),
    ),
}
"""The module that shows whether a library is there -> what is tried with it."""
DOORS = {"lightning": CASES["lightning"][1], "transformers": CASES["transformers"][1], "hydra": CASES["hydra"][1]}
"""The one whose newest run is tried through both doors, alone and under `runaudit run`."""
PROGRAMS = {"lightning": "lightning", "transformers": "huggingface", "hydra": "hydra"}


def project(base: Path, module: str) -> Path:
    """A clean work tree with the program and its data, and an installation that names the entry points."""
    folder, site = base / "project", base / "site-packages"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "train.csv").write_text("".join(f"{number}\n" for number in range(1, 33)))
    name = f"train_{PROGRAMS[module]}.py"
    shutil.copy(HERE / name, folder / name)
    (folder / "conf").mkdir()
    shutil.copy(HERE / "hydra_config.yaml", folder / "conf" / "config.yaml")
    (folder / ".gitignore").write_text("out/\nlightning_logs/\n")
    info = site / f"runaudit-{runaudit.__version__}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: runaudit\nVersion: {runaudit.__version__}\n")
    (info / "entry_points.txt").write_text("[lightning.pytorch.callbacks_factory]\n"
                                           "runaudit = runaudit.integrations.lightning_entry:callbacks\n")  # fmt: skip
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "toy")):
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        subprocess.run(["git", *identity, *words], cwd=folder, check=True)
    return folder


def faults(case: Case, python: str, folder: Path, program: str) -> Iterator[str]:
    """What came out otherwise than it must."""
    command = [python, program, *case.words]
    if case.wrapped:
        command = [sys.executable, "-m", "runaudit", "run", "--label", case.label, *case.told, "--", *command]
    environ = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder.parent / 'site-packages'}",
               "XDG_STATE_HOME": str(folder.parent / "state"), "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True)
    if done.returncode not in case.exits:
        yield f"it exited with {done.returncode}: {done.stderr[-1500:]}"
    store = runaudit.open_store(folder / ".runaudit")
    runs = [run for run in store.runs() if run.manifest.label == case.label]
    if not runs:
        yield f"no run is labelled {case.label!r}: {done.stderr[-1500:]}"
        return
    yield from unlike(case, store.run(f"id:{runs[-1].id}"))
    arms = [cohort for cohort in store.cohorts() if any(run.manifest.label == case.label for run in cohort.runs)]
    if len(arms) != 1 or not set(arms[0].seeds) <= set(case.seeds):
        yield f"its seeds are not one cohort: {[cohort.seeds for cohort in arms]}"
    if runaudit.verify(store=folder / ".runaudit").verdict != "sound":
        yield "the store is damaged"


def between_doors(case: Case, python: str, folder: Path, program: str) -> Iterator[str]:
    """What stands between the newest run of a case and the same program under `runaudit run`, which is told nothing
    but a label and the seed. Packages are left out: what a library imports at the exit only a wrapper sees."""
    wrapped = replace(
        case,
        label=f"{case.label}, wrapped",
        wrapped=True,
        told=("--seed", str(case.seeds[-1]), "--waive", "RA201=the program names its data"),
    )
    yield from faults(wrapped, python, folder, program)
    store = runaudit.open_store(folder / ".runaudit")
    runs = {run.manifest.label: run for run in store.runs()}
    if wrapped.label not in runs:
        return
    newest = [runs[case.label], runs[wrapped.label]]
    found = runaudit.compare(*newest, store=folder / ".runaudit")
    apart = [
        row.factor
        for row in (*found.factors, *found.missing)
        if not row.factor.startswith(("env.software", "env.packages"))
    ]
    if apart:
        yield f"alone and under runaudit run it differs in {', '.join(apart)}"


def unlike(case: Case, run: Run) -> Iterator[str]:
    """What the newest run of a case says otherwise than it must."""
    observed = "full" if run.outcome is None or run.outcome.observed is None else run.outcome.observed.get("level")
    found: dict[str, tuple[Any, Any]] = {
        "status": (run.status, case.status),
        "series": (sorted(set(case.series) - set(run.trajectory.series)), []),
        "observed": (observed, "full"),
    }
    if case.checkpoints and run.outcome is not None:
        kinds = {entry["kind"] for entry in run.outcome.checkpoints}
        found["checkpoints"] = (sorted(set(case.checkpoints) - kinds), [])
    yield from (f"{name}: {is_!r}, not {must!r}" for name, (is_, must) in found.items() if is_ != must)


def main() -> int:
    """Runs every case; 1 where something was sealed otherwise than it happened."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python", default=sys.executable, help="the Python that has the libraries")
    python, wrong = parser.parse_args().python, 0
    signal.signal(signal.SIGINT, signal.default_int_handler)  # In the background of a shell it would be ignored.
    for module, cases in CASES.items():
        if subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode:
            print(f"{module}: not installed, passed over")
            continue
        with tempfile.TemporaryDirectory() as base:
            folder = project(Path(base), module)
            for case in cases:
                found = list(faults(case, python, folder, f"train_{PROGRAMS[module]}.py"))
                wrong += bool(found)
                print(f"{module} {' '.join(case.words)}: {'; '.join(found) or case.status}", flush=True)
            case = DOORS[module]
            found = list(between_doors(case, python, folder, f"train_{PROGRAMS[module]}.py"))
            wrong += bool(found)
            print(f"{module} {' '.join(case.words)}, both doors: {'; '.join(found) or 'one record'}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
