"""The case studies that train the trainer's own network: each arm is one change, and each keeps its law, in process."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

from trainer.config import TrainConfig, settled
from trainer.configfile import load_config
from trainer.context import RunContext
from trainer.data import DatasetConfig, make_dataset
from trainer.loop import run_stages
from trainer.main import open_dataset, prepare

CASES = Path(__file__).parents[2] / "examples" / "cases"
BASES = {"collapse": "collapse.toml", "staged": "tern.toml"}
ALL_AT_ONCE = "all six at once"


@dataclass
class Log:
    """Every series of a run; nothing else of it is asked here."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self.values.setdefault(name, []).append(value)

    def event(self, step: int, kind: str, detail: Mapping[str, Any]) -> None: ...

    def checkpoint(self, path: Path, *, step: int, kind: str) -> None: ...


@pytest.fixture(scope="module")
def bursts(tmp_path_factory) -> Path:
    config = DatasetConfig(
        train=("brick.png", "coins.png", "page.png"),
        test=("camera.png",),
        bursts_per_scene=1,
        max_tiles=1,
        max_test_hr_px=96,
    )
    return make_dataset(tmp_path_factory.mktemp("cases") / "bursts", config, 0)


def arms(name: str) -> dict[str, dict[str, Any]]:
    """Of a case and one campaign of it: label -> what it sets."""
    case, _, file = name.partition("/")
    found = tomllib.loads((CASES / case / file).read_text(encoding="utf-8"))
    assert BASES[case] in found["command"]
    return {arm["label"]: arm.get("set", {}) for arm in found["arms"]}


def config_of(case: str, *sets: Mapping[str, Any]) -> TrainConfig:
    words = [f"{key}={str(value).lower()}" for changes in sets for key, value in changes.items()]
    return load_config(CASES / case / BASES[case], words)


def leaves(tree: Mapping[str, Any], place: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in tree.items():
        found |= leaves(value, f"{place}{key}.") if isinstance(value, dict) else {f"{place}{key}": value}
    return found


def changed(one: TrainConfig, other: TrainConfig) -> set[str]:
    before, after = leaves(asdict(one)), leaves(asdict(other))
    return {key for key in before if before[key] != after[key]}


def trained(case: str, bursts: Path, folder: Path, *sets: Mapping[str, Any]) -> dict[str, list[float]]:
    """The series of seed 0, nothing judged."""
    config, log = settled(config_of(case, *sets, {"data.root": bursts}), gpu=False), Log()
    ready = prepare(config, 0, open_dataset(config))
    work = RunContext(config=config, seed=0, model=ready.model, train=ready.train, val=ready.val,
                      data_digest=ready.data_digest, run=log, folder=folder)  # fmt: skip
    run_stages(work, ready.stages)
    return log.values


def not_taken(series: Mapping[str, list[float]], last: int) -> float:
    """How many of the last steps were not."""
    counted = series["train/skipped"]
    return counted[-1] - counted[-1 - last]


@pytest.mark.parametrize("name", ["collapse/cures.toml", "staged/arms.toml", "staged/control.toml"])
def test_an_arm_changes_one_leaf_of_the_case(name):
    case = name.partition("/")[0]
    base, labels = config_of(case), arms(name)
    told = {label: changed(base, config_of(case, sets)) for label, sets in labels.items()}
    first = next(iter(labels))
    assert told.pop(first) <= {"staging", "data.frames_mode"}
    assert all(len(leaf) <= 1 for leaf in told.values())
    assert len({frozenset(labels[label].items()) for label in labels}) == len(labels)


def test_the_fixes_of_the_notes_at_once_are_the_six_cures_one_by_one():
    at_once, single = arms("collapse/notes.toml")[ALL_AT_ONCE], arms("collapse/cures.toml")
    each: dict[str, Any] = {}
    for label, sets in single.items():
        each |= {} if label == "fp32 altogether" else sets
    assert at_once == each and len(at_once) == 6


def test_the_head_collapses_as_it_was_and_takes_its_steps_with_islands(bursts, tmp_path):
    short = {"optim.batch": 2, "budget.sr_steps": 24, "loop.val_every": 24}
    as_it_was = trained("collapse", bursts, tmp_path / "was", short)
    islands = trained("collapse", bursts, tmp_path / "islands", short, arms("collapse/cures.toml")["fp32 islands"])
    assert not_taken(as_it_was, 5) == 5
    assert as_it_was["amp/scale"][-1] < 64 < islands["amp/scale"][-1]
    assert not_taken(islands, 5) == 0


def test_staging_trains_the_alignment_alone_and_end_to_end_shows_the_conflict(bursts, tmp_path):
    short = {"budget.align_steps": 2, "budget.sr_steps": 2, "budget.end_to_end_steps": 2, "loop.val_every": 1}
    both = arms("staged/arms.toml")
    staged = trained("staged", bursts, tmp_path / "staged", short, both["staged"])
    together = trained("staged", bursts, tmp_path / "together", short, both["end to end"])
    assert len(staged["val/alignment"]) == 2 and "gradient_conflict/cosine" not in staged
    assert len(together["gradient_conflict/cosine"]) == 1 and "val/alignment" not in together
