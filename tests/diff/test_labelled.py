"""Real W&B runs of other people, with the verdicts that a person gave their pairs.

They are read where they lie and are no part of the project: `$RUNAUDIT_SHARED_RUNS`, else `shared/runs` beside the
repository. What such a folder holds is put into the plain record here, as any home-made tracker would do it.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from runaudit.diff import compare
from runaudit.records.record_file import run_of
from runaudit.settings import Settings

ROOT = Path(__file__).parents[2]
RUNS = Path(os.environ.get("RUNAUDIT_SHARED_RUNS") or ROOT.parent / "shared" / "runs")
TRUTH = RUNS / "ground_truth_dev.jsonl"
WORDS = {"seed_only": "replicate", "not_comparable": "incomparable"}
REASON = f"the labelled runs are not at {RUNS}; name their folder in RUNAUDIT_SHARED_RUNS"


def labelled() -> list[dict[str, Any]]:
    if not TRUTH.is_file():
        return []
    rows = [json.loads(line) for line in TRUTH.read_text().splitlines() if line.strip()]
    return [row for row in rows if row["kind"] == "wandb" and "verdict" in row]


def record_of_folder(folder: Path) -> dict[str, Any]:
    yaml = pytest.importorskip("yaml", reason="config.yaml needs PyYAML")
    files = folder / "files" if (folder / "files").is_dir() else folder
    config = yaml.safe_load((files / "config.yaml").read_text())
    found: dict[str, Any] = {
        "label": folder.name,
        "config": {k: v["value"] for k, v in config.items() if isinstance(v, dict) and "value" in v and k != "_wandb"},
    }
    meta_file = files / "wandb-metadata.json"
    meta = json.loads(meta_file.read_text()) if meta_file.is_file() else {}
    if "commit" in meta.get("git", {}):
        found["code"] = {"commit": meta["git"]["commit"]}
        if (files / "diff.patch").is_file():
            found["code"] |= {"dirty": True, "patch": (files / "diff.patch").read_text()}
    env = {"python": meta.get("python"), "gpu": meta.get("gpu"), "gpu_count": meta.get("gpu_count")}
    found["env"] = {k: v for k, v in env.items() if v is not None}
    wheels = files / "requirements.txt"
    if wheels.is_file():
        pinned = (line.partition("==") for line in wheels.read_text().splitlines() if "==" in line)
        found["env"]["packages"] = {name: version for name, _, version in pinned}
    return found


@pytest.mark.skipif(not TRUTH.is_file(), reason=REASON)
@pytest.mark.parametrize("row", labelled(), ids=lambda row: row["id"])
def test_a_labelled_pair_comes_out_as_a_person_judged_it(row):
    a, b = (run_of(record_of_folder(RUNS / row[side]), where=side) for side in "ab")

    found = compare(a, b, settings=Settings())

    expected = WORDS.get(row["verdict"], row["verdict"])
    factors = {factor.factor.removeprefix("config.") for factor in found.factors}
    assert (found.conditional or found.verdict) in {expected, *row.get("also_acceptable", ())}, found.reason
    assert factors == set(row["changed_factors"]) or expected == "incomparable"
    if row.get("missing_provenance"):
        assert found.missing and found.verdict.rank <= found.verdict.PROVENANCE_INCOMPLETE.rank
