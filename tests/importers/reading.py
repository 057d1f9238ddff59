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


def shared_runs() -> Path:
    """Where the real records of others lie, if they are on this machine."""
    return Path(os.environ.get("RUNAUDIT_SHARED_RUNS") or Path(__file__).parents[3] / "shared" / "runs")


def real_runs(name: str) -> Path:
    """A folder of real records of others. Skips the test where it is not on this machine."""
    if not (shared_runs() / name).exists():
        pytest.skip("RUNAUDIT_SHARED_RUNS names no folder of real records with this one in it")
    return shared_runs() / name


def labelled_rows(kind: str) -> list[dict[str, Any]]:
    """What a person said of real records of a kind; one empty row where they are not here, so that it skips."""
    return pairs_of(kind) or [{"id": "no-records"}]


def pairs_of(kind: str) -> list[dict[str, Any]]:
    """The same; nothing where they are not here."""
    path = shared_runs() / "ground_truth_dev.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines() if line.strip()] if path.is_file() else []
    return [row for row in rows if row["kind"] == kind]
