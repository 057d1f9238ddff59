"""What the readers give, as `import` asks them."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from runaudit.importers.base import Imported, Skipped
from runaudit.importers.walk import runs_at
from runaudit.settings import ImportSettings


def runs_in(path: Path, kind: str, *, seed: tuple[str, ...] = ()) -> tuple[tuple[Imported, ...], tuple[Skipped, ...]]:
    """The runs at or below a path, and what was left out."""
    found = list(runs_at(path, kind, ImportSettings(seed=seed)))
    return tuple(one for one in found if isinstance(one, Imported)), tuple(
        one for one in found if isinstance(one, Skipped)
    )


def real_runs(name: str) -> Path:
    """A folder of real records of others. Skips the test where it is not on this machine."""
    given = os.environ.get("RUNAUDIT_SHARED_RUNS")
    if not given or not Path(given, name).exists():
        pytest.skip("RUNAUDIT_SHARED_RUNS names no folder of real records with this one in it")
    return Path(given, name)


def labelled_rows(kind: str) -> list[dict[str, Any]]:
    """What a person said of real records of a kind; one empty row where they are not here, so that it skips."""
    path = Path(os.environ.get("RUNAUDIT_SHARED_RUNS") or "/", "ground_truth_dev.jsonl")
    if not path.is_file():
        return [{"id": "no-records"}]
    rows = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    return [row for row in rows if row["kind"] == kind]
