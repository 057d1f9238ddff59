"""A whole record, and runs made from it by changing one thing at a time."""

import copy
import re
from collections.abc import Callable
from typing import Any

from runaudit.records.record_file import run_of
from runaudit.records.run import Run

TRAIN = (
    "import torch\n\n\ndef step(model, batch):\n    loss = model(batch).mean()\n    loss.backward()\n    return loss\n"
)
METRIC = "def psnr(mse, data_range):\n    return data_range / mse\n"


def digest(letter: str) -> str:
    return "sha256:" + letter * 64


def record() -> dict[str, Any]:
    """Everything the contract of the record names."""
    return copy.deepcopy(WHOLE)


WHOLE: dict[str, Any] = {
    "schema": "runaudit.record/1",
    "label": "testing GeLU",
    "seed": 1,
    "config": {
        "optimizer": {"name": "adamw", "lr": 1e-3, "betas": [0.9, 0.999], "weight_decay": 0.01},
        "scheduler": {"name": "cosine", "t_max": 100},
        "model": {"activation": "gelu", "width": 48},
        "batch_size": 8,
        "grad_accum": 2,
        "epochs": 30,
        "steps_per_epoch": 42,
        "train_sequences": ["a", "b", "c"],
        "stages": [{"name": "alignment", "lr": 1e-3, "steps": 100}, {"name": "sr", "lr": 2e-4, "steps": 400}],
        "output_dir": "out/1",
        "ema": None,
    },
    "code": {
        "commit": "a" * 40,
        "dirty": False,
        "patch": None,
        "files": {"src/train.py": TRAIN, "src/metric.py": METRIC, "README.md": "# A project\n"},
    },
    "data": {
        "train": {"path": "/data/train", "digest": digest("a"), "tiles": 675, "frames": 9, "preprocessing": "norm-v1"},
        "test": {"path": "/data/test", "digest": digest("b"), "tiles": 3, "frames": 9, "preprocessing": "norm-v1"},
    },
    "env": {
        "python": "3.11.4",
        "torch": "2.6.0",
        "cuda": "12.4",
        "cudnn": "9.1",
        "gpu": "NVIDIA H100",
        "gpu_count": 1,
        "driver": "550.54",
        "packages": {"numpy": "2.0.1", "torch": "2.6.0", "wandb": "0.19.0"},
        "determinism": {"cudnn_benchmark": False, "deterministic_algorithms": True},
    },
    "init": {"kind": "random", "checkpoint": None, "parent": None},
    "eval": {
        "metric": "psnr",
        "protocol": "full_frame",
        "crop_border": 9,
        "data_range": 1.0,
        "channel": "gray",
        "code_digest": digest("c"),
    },
    "runtime": {"run_dir": "/runs/1", "started": "2025-11-01T00:00:00Z", "hostname": "ada", "pid": 1,
                "status": "completed", "steps_done": 3000},
    "metrics": {"full_frame/psnr/astronaut": 31.2, "full_frame/psnr_bicubic/astronaut": 26.5},
}  # fmt: skip


def run(change: Callable[[dict[str, Any]], object] = lambda record: None) -> Run:
    """The run of the whole record after one change to it."""
    plain = record()
    change(plain)
    return run_of(plain, where="record")


def put(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """A change that sets one key, written with slashes: `config/optimizer/lr`; file names stay whole after `files/`."""

    def change(plain: dict[str, Any]) -> None:
        node, keys = _node(plain, path)
        node[keys] = value

    return change


def put_config(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """A change that sets one key of the config, written with dots or slashes, its tables made on the way."""
    *tables, key = re.split(r"[./]", path)

    def change(plain: dict[str, Any]) -> None:
        node = plain["config"]
        for table in tables:
            node = node.setdefault(table, {})
        node[key] = value

    return change


def drop(path: str) -> Callable[[dict[str, Any]], None]:
    """A change that removes one key."""

    def change(plain: dict[str, Any]) -> None:
        node, key = _node(plain, path)
        del node[key]

    return change


def both(*changes: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], None]:
    """Several changes at once."""

    def change(plain: dict[str, Any]) -> None:
        for one in changes:
            one(plain)

    return change


def _node(plain: dict[str, Any], path: str) -> tuple[Any, Any]:
    head, files, name = path.partition("files/")
    keys: list[str] = [*head.strip("/").split("/"), *(["files", name] if files else [])]
    node: Any = plain
    for key in keys[:-1]:
        node = node[int(key) if isinstance(node, list) else key]
    return node, keys[-1]
