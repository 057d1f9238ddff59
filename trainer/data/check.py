"""A dataset looked over before any training time is spent on it: every problem at once, each in one line."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from runaudit.errors import ConfigError, UsageError
from trainer.data.layout import INDEX, Layout, find_layout
from trainer.data.reader import read_burst
from trainer.data.scenes import Burst, Dataset, DatasetMeta


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetReport:
    """What is there and what is wrong with it. No problem means that it can be trained on."""

    root: Path
    meta: DatasetMeta
    train: int
    test: int
    tiles: int
    problems: tuple[str, ...]

    def lines(self) -> tuple[str, ...]:
        """The report in words: one line of what is there, then one per problem."""
        m = self.meta
        known = (
            f"{self.root}: {self.train} training bursts ({self.tiles} tiles of {m.tile}x{m.tile}),"
            f" {self.test} test sequences, {m.frames} frames, x{m.scale}, data range {m.data_range:g}"
        )
        return (known, *self.problems)


def check_dataset(root: Path | str, *, frames: int | None = None) -> DatasetReport:
    """Read every burst and say all that is wrong.

    Raises UsageError only where the folder as a whole cannot be understood (see `find_layout`).
    """
    return _looked_over(Path(root), frames=frames)[1]


def read_checked(root: Path | str, *, tile: int) -> Dataset:
    """Read every burst, once, as `read_dataset` does, and hold each to what `check_dataset` asks of it.

    tile: side of a training tile in low-res pixels. Raises ConfigError, which names the first problem and counts the
    others.
    """
    dataset, report = _looked_over(Path(root), tile=tile)
    if report.problems:
        others = len(report.problems) - 1
        more = f" (and {others} more problem{'s' if others > 1 else ''})" if others else ""
        raise ConfigError(
            f"{root}: {report.problems[0].partition('; ')[0]}{more}",
            remedy=f"fix the files or {INDEX}; 'python -m trainer data check {root}' lists all",
        )
    return dataset


def _looked_over(root: Path, *, frames: int | None = None, tile: int | None = None) -> tuple[Dataset, DatasetReport]:
    layout = find_layout(root, frames=frames)
    tile = layout.meta.tile if tile is None else tile
    problems = [f"{name} is listed twice in {split}" for split, name in _twice(layout)]
    read: dict[str, list[Burst]] = {"train": [], "test": []}
    seen: dict[str, tuple[str, str]] = {}  # digest of the truth -> (split, name)
    for place in layout.places:
        try:
            burst = read_burst(place, layout)
        except UsageError as error:
            problems.append(str(error))
            continue
        read[place.split].append(burst)
        problems += _doubts(burst, place.split, tile)
        digest = hashlib.sha256(burst.hr.tobytes()).hexdigest()
        split, name = seen.setdefault(digest, (place.split, place.name))
        if split != place.split:
            problems.append(f"{place.name} in {place.split} shows the same truth as {name} in {split}")
    problems += [f"{layout.root} has no {split} burst" for split, bursts in read.items() if not bursts]
    train, test = tuple(read["train"]), tuple(read["test"])
    dataset = Dataset(root=layout.root, meta=layout.meta, train=train, test=test)
    tiles = sum(_tiles(burst, tile) for burst in train)
    return dataset, DatasetReport(
        root=layout.root, meta=layout.meta, train=len(train), test=len(test), tiles=tiles, problems=tuple(problems)
    )


def _twice(layout: Layout) -> list[tuple[str, str]]:
    listed = Counter((place.split, place.name) for place in layout.places)
    return [place for place, count in listed.items() if count > 1]


def _tiles(burst: Burst, tile: int) -> int:
    _, h, w = burst.lr.shape
    return int(h // tile) * int(w // tile)


def _doubts(burst: Burst, split: str, tile: int) -> list[str]:
    """What can be read but not used."""
    found = []
    if split == "train" and not _tiles(burst, tile):
        found.append(f"{burst.name} is smaller than one tile of {tile} low-res pixels")
    if not burst.clear_lr[0].any() or not burst.clear_hr.any():
        found.append(f"{burst.name} has no clear pixel in its reference or its truth")
    flat = [k for k in range(burst.frames) if np.ptp(burst.lr[k]) == 0]
    if flat:
        found.append(f"{burst.name}: frame {flat[0]} is one flat value")
    return found
