"""The simulated dataset, written so that it is there in full or not at all.

Everything goes into a hidden folder beside the target, which is renamed at the end: an interrupt or a full
disk leaves no half dataset behind. No clock and no host name goes in, so equal seeds give equal bytes.
"""

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import chain
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from runaudit.errors import UsageError
from trainer.data.layout import INDEX, SCHEMA
from trainer.data.png import write_counts, write_mask
from trainer.data.scenes import Burst, Floats
from trainer.data.simulate import LEVELS
from trainer.data.synthetic import DatasetConfig, judging_bursts, training_bursts

# Raise it whenever the same seed gives other bytes: runs on both are then told apart by their manifests.
PREPROCESSING_VERSION = "1"

Progress = Callable[[int, int, str], None]


def make_dataset(out: Path | str, config: DatasetConfig, seed: int, *, progress: Progress | None = None) -> Path:
    """Simulate the dataset and write it to `out`, which must not exist or be empty. Returns `out`.

    progress is called as (bursts done, bursts in all, name of the last).
    Raises UsageError if the target is taken or cannot be written, or the disk is full; nothing is left then.
    """
    target = Path(out)
    _refuse_taken(target)
    partial = target.parent / f".{target.name}.{os.getpid()}.partial"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.mkdir()
        _write_all(partial, config, seed, progress)
        partial.rename(target)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise UsageError(
            f"dataset {target} cannot be written: {error.strerror or error}",
            remedy="free some space (about 50 MB is needed)" if full else "choose a folder you may write to",
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def _refuse_taken(target: Path) -> None:
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise UsageError(f"{target} exists and is not a folder", remedy="choose another target")
    if target.is_dir() and any(target.iterdir()):
        raise UsageError(f"{target} exists already", remedy="remove it first, or choose another target")


def _write_all(root: Path, config: DatasetConfig, seed: int, progress: Progress | None) -> None:
    total = len(config.train) * config.bursts_per_scene + len(config.test)
    entries: dict[str, Any] = {}
    splits: dict[str, list[str]] = {"train": [], "test": []}
    for done, (split, burst) in enumerate(_bursts(config, seed), start=1):
        write_burst(root / split / burst.name, burst)
        splits[split].append(burst.name)
        entries[burst.name] = _entry(burst)
        if progress is not None:
            progress(done, total, burst.name)
    # Data is identified by its content where it is used; a work tree that holds it is not dirty for that.
    (root / ".gitignore").write_text("*\n", encoding="utf-8")
    document = _document(config, seed, splits, entries)
    (root / INDEX).write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _bursts(config: DatasetConfig, seed: int) -> Iterator[tuple[str, Burst]]:
    return chain(
        (("train", burst) for burst in training_bursts(config, seed)),
        (("test", burst) for burst in judging_bursts(config, seed)),
    )


def write_burst(folder: Path, burst: Burst) -> None:
    """Frames, masks and truth of one burst under the names of the layout."""
    folder.mkdir(parents=True)
    for k in range(burst.frames):
        write_counts(folder / f"LR{k:03d}.png", _counts(burst.lr[k]))
        write_mask(folder / f"QM{k:03d}.png", burst.clear_lr[k])
    write_counts(folder / "HR.png", _counts(burst.hr))
    write_mask(folder / "SM.png", burst.clear_hr)


def _counts(image: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
    return np.rint(image.astype(np.float64) * LEVELS).astype(np.uint16)


def _entry(burst: Burst) -> dict[str, Any]:
    return {
        "altitude_m": burst.altitude_m,
        "motion": None if burst.motion is None else burst.motion.tolist(),
        "shape": list(burst.lr.shape),
    }


def _document(
    config: DatasetConfig, seed: int, splits: dict[str, list[str]], entries: dict[str, Any]
) -> dict[str, Any]:
    simulator = asdict(config.simulator)
    return {
        "schema": SCHEMA,
        "source": "simulated from the photographs of scikit-image",
        "scale": config.simulator.scale,
        "frames": config.simulator.frames,
        "data_range": LEVELS,
        "tile": config.tile,
        "preprocessing_version": PREPROCESSING_VERSION,
        "splits": splits,
        "bursts": entries,
        "seed": seed,
        "simulator": simulator
        | {
            "bursts_per_scene": config.bursts_per_scene,
            "max_tiles": config.max_tiles,
            "max_test_hr_px": config.max_test_hr_px,
            "photographs": [PurePath(name).name for name in (*config.train, *config.test)],
        },
    }
