"""Runs programs that know nothing of runaudit under `runaudit run`, each with a real tracker, and compares what of
their numbers comes into the runs with what came before.

    make trackers TRACKERS=/path/to/an/environment/with/them/bin/python

The programs are those of `make_records.py`, whose options these are.
"""

import argparse
import difflib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from make_records import (
    EXPECTED,
    HUGGINGFACE,
    HYDRA,
    HYDRA_CONFIG,
    LIGHTNING,
    MLFLOW,
    TENSORBOARD,
    TrackerError,
    start,
)

from runaudit.errors import RunauditError
from runaudit.records.canonical import json_safe, thawed
from runaudit.store import Store
from runaudit.store.catalogue import load, run_ids

WANDB = """\
import wandb

with wandb.init(mode="offline", project="toy", config={"lr": 0.5}) as run:
    for step in range(3):
        run.log({"loss": 0.5 / (step + 1)})
    run.summary["best"] = 0.25
"""
PROGRAMS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "lightning": ("lightning", LIGHTNING, ()),
    "huggingface": ("transformers", HUGGINGFACE, ()),
    "mlflow-files": ("mlflow", MLFLOW, ("file:./mlruns",)),
    "mlflow-database": ("mlflow", MLFLOW, ("sqlite:///mlflow.db",)),
    "hydra": ("hydra", HYDRA, ("seed=1", "lr=0.25")),
    "tensorboard": ("tensorboard", TENSORBOARD, ()),
    "wandb": ("wandb", WANDB, ()),
}
"""What is told -> the module that its program needs, the program, its words."""
_EACH_TIME = re.compile(r"[0-9a-f]{32}|\b\d{15,}\b|\d{4}-\d\d-\d\d/\d\d-\d\d-\d\d|\d{8}_\d{6}-\w{8}")
"""What no two runs have in common: ids and times."""


def collected(python: str, folder: Path, program: str, words: tuple[str, ...]) -> dict[str, Any]:
    """What comes into the record of a program that is run once."""
    (folder / "conf").mkdir()
    (folder / "conf" / "config.yaml").write_text(HYDRA_CONFIG)
    (folder / "train.py").write_text(program)
    git = ("git", "-c", "user.name=n", "-c", "user.email=n@example.org")
    for command in (("git", "init", "-q"), ("git", "add", "-A"), (*git, "commit", "-qm", "begun")):
        start(python, folder, *command)
    waived = [word for rule in ("RA201", "RA306") for word in ("--waive", f"{rule}=a toy")]
    start(python, folder, sys.executable, "-m", "runaudit", "run", "--label", "a toy run", "--seed", "1", *waived, "--",
          python, "train.py", *words, check=False)  # fmt: skip
    store = Store.open(folder / ".runaudit")
    run = load(store, run_ids(store)[-1])
    assert run.outcome is not None
    return {
        "status": run.outcome.body["status"],
        "observed": run.observed["level"],
        "series": json_safe(thawed(run.trajectory.series)),
        "metrics": json_safe(dict(run.metrics)),
        "notes": sorted({_EACH_TIME.sub("…", str(note)) for note in run.outcome.body["notes"]}),
        "inputs": sorted(str(row["path"]) for row in run.observed["read"] if not str(row["path"]).startswith("/")),
    }


def main() -> int:
    """Runs and compares; 1 where something came otherwise than expected."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python", default=sys.executable, help="the Python that has the trackers")
    parser.add_argument("--update", action="store_true", help="write what came as the new expectation")
    asked = parser.parse_args()
    file = EXPECTED / "collected.json"
    before = json.loads(file.read_text()) if file.is_file() else {}
    now, failed = dict(before), list[str]()
    for name, (module, program, words) in PROGRAMS.items():
        if subprocess.run([asked.python, "-c", f"import {module}"], capture_output=True).returncode:
            print(f"{name}: not installed, passed over")
            continue
        with tempfile.TemporaryDirectory() as base:
            folder = Path(base, "project")
            folder.mkdir()
            try:
                now[name] = collected(asked.python, folder, program, words)
            except (TrackerError, RunauditError) as error:
                failed.append(name)
                print(f"{error}\n{name}: FAILED")
                continue
        print(f"{name}: {'as expected' if now[name] == before.get(name) else 'collected otherwise'}")
    told, was = (json.dumps(one, indent=1, sort_keys=True) + "\n" for one in (now, before))
    if asked.update:
        file.write_text(told)
    elif told != was:
        print(
            "\n".join(difflib.unified_diff(was.splitlines(), told.splitlines(), "expected", "collected", lineterm=""))
        )
    return int(bool(failed) or (told != was and not asked.update))


if __name__ == "__main__":
    sys.exit(main())
