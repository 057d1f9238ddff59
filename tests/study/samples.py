"""Runs whose records leave nothing unknown, one for each row of settings."""

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

from runaudit.records.record_file import run_of
from runaudit.records.run import Run
from runaudit.settings import Settings
from runaudit.study.study import Study, study

HOUR = 3600.0
WHOLE: Mapping[str, Any] = {
    "code": {"commit": "a" * 40, "dirty": False, "patch": None, "files": {"train.py": "x = 1\n"}},
    "data": {"train": {"path": "/data", "digest": "sha256:" + "a" * 64}},
    "env": {
        "python": "3.11.4",
        "torch": "2.6.0",
        "cuda": "12.4",
        "cudnn": "9.1",
        "gpu": "H100",
        "packages": {"numpy": "2.0.1"},
        "determinism": {"cudnn_benchmark": False},
        "variables": {},
    },
    "init": {"kind": "random"},
    "eval": {"metric": "psnr", "protocol": "full_frame", "crop_border": 9, "data_range": 1.0, "channel": "gray",
             "code_digest": "sha256:" + "c" * 64},
}  # fmt: skip


def run(
    config: Mapping[str, Any], *, seed: Any = 1, status: str = "completed", label: str = "", **sections: Any
) -> Run:
    """One run; a section that is given replaces the whole one."""
    record = {
        "label": label or " ".join(f"{key}={value}" for key, value in config.items()),
        "seed": seed,
        "config": dict(config),
        **WHOLE,
        **sections,
        "runtime": {"status": status, "duration_s": HOUR, "steps_done": 100},
    }
    return run_of(record, where="sample")


def runs(rows: Iterable[Mapping[str, Any]], *, seeds: Iterable[int] = (1,)) -> list[Run]:
    """Every row with every seed."""
    return [run(row, seed=seed) for row, seed in product(list(rows), list(seeds))]


def judge(rows: Iterable[Mapping[str, Any]], *, seeds: Iterable[int] = (1,)) -> Study:
    """The study of these rows under no policy."""
    return study(runs(rows, seeds=seeds), settings=Settings())


def names(found: Iterable[Iterable[str]]) -> list[list[str]]:
    """Alias sets without the section."""
    return [[name.removeprefix("config.") for name in members] for members in found]
