"""A dataset looked over before any training time is spent on it: every problem at once, each in one line."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from runaudit.errors import UsageError
from trainer.data.layout import Layout, find_layout
from trainer.data.reader import read_burst
from trainer.data.scenes import Burst, DatasetMeta


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
    layout = find_layout(Path(root), frames=frames)
    problems: list[str] = []
    counts = {"train": 0, "test": 0}
    tiles = 0
    seen: dict[str, tuple[str, str]] = {}  # digest of the truth -> (split, name)
    for place in layout.places:
        try:
            burst = read_burst(place, layout)
        except UsageError as error:
            problems.append(str(error))
            continue
        counts[place.split] += 1
        if place.split == "train":
            tiles += _tiles(burst, layout.meta.tile)
        problems += _doubts(burst, layout, place.split)
        digest = hashlib.sha256(burst.hr.tobytes()).hexdigest()
        split, name = seen.setdefault(digest, (place.split, place.name))
        if split != place.split:
            problems.append(f"{place.name} in {place.split} shows the same truth as {name} in {split}")
    problems += [f"{layout.root} has no {split} burst" for split, count in counts.items() if not count]
    return DatasetReport(root=layout.root, meta=layout.meta, tiles=tiles, problems=tuple(problems), **counts)


def _tiles(burst: Burst, tile: int) -> int:
    _, h, w = burst.lr.shape
    return int(h // tile) * int(w // tile)


def _doubts(burst: Burst, layout: Layout, split: str) -> list[str]:
    """What can be read but not used."""
    found = []
    if split == "train" and not _tiles(burst, layout.meta.tile):
        found.append(f"{burst.name} is smaller than one tile of {layout.meta.tile} low-res pixels")
    if not burst.clear_lr[0].any() or not burst.clear_hr.any():
        found.append(f"{burst.name} has no clear pixel in its reference or its truth")
    flat = [k for k in range(burst.frames) if np.ptp(burst.lr[k]) == 0]
    if flat:
        found.append(f"{burst.name}: frame {flat[0]} is one flat value")
    return found
