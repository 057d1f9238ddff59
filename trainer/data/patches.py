"""Bursts cut into the tiles that train the network, each with an id that never changes."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from runaudit.errors import ConfigError, UsageError
from trainer.data.scenes import Burst, Dataset, Doubles, Floats, Mask, motion_about


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiles:
    """N aligned crops. lr (N, T, t, t), hr (N, s*t, s*t), masks alike; ids are "burst/y/x" in low-res pixels.

    motion (N, T, 3) is told from the centre of each tile (see `trainer.data.scenes`); None unless known for all tiles.
    """

    lr: Floats
    hr: Floats
    clear_lr: Mask
    clear_hr: Mask
    motion: Doubles | None
    ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class _Place:
    burst: Burst
    y: int
    x: int

    @property
    def id(self) -> str:
        return f"{self.burst.name}/{self.y}/{self.x}"


def _places(burst: Burst, tile: int) -> Iterator[_Place]:
    """Whole tiles side by side, the remainder left out evenly on both sides."""
    _, h, w = burst.lr.shape
    for y in range((h % tile) // 2, h - tile + 1, tile):
        for x in range((w % tile) // 2, w - tile + 1, tile):
            yield _Place(burst, y, x)


def chosen(ids: tuple[str, ...], data_fraction: float, *, seed: int = 0) -> tuple[int, ...]:
    """Positions of the kept samples, in order; at least one.

    A sample's rank is a hash of (seed, id), so a smaller fraction is a subset of a larger one, and adding a
    scene changes no other sample's rank.
    Raises ConfigError unless 0 < data_fraction <= 1.
    """
    if not 0 < data_fraction <= 1:
        raise ConfigError(f"data: data_fraction is {data_fraction}", remedy="give a share above 0 and at most 1")
    ranks = [hashlib.sha256(f"{seed}:{sample}".encode()).digest() for sample in ids]
    kept = max(1, round(data_fraction * len(ids)))
    return tuple(sorted(sorted(range(len(ids)), key=ranks.__getitem__)[:kept]))


def _tile_motion(place: _Place, tile: int) -> Doubles | None:
    if place.burst.motion is None:
        return None
    _, h, w = place.burst.lr.shape
    centre = (place.y + (tile - h) / 2, place.x + (tile - w) / 2)
    return motion_about(place.burst.motion, centre)


def train_tiles(
    dataset: Dataset,
    *,
    tile: int | None = None,
    data_fraction: float = 1.0,
    seed: int = 0,
    min_clear: float = 0.0,
) -> Tiles:
    """Every tile of the training bursts whose truth and reference are at least `min_clear` clear.

    tile: low-res pixels, by default the dataset's own. data_fraction and seed: see `chosen`.
    Raises UsageError if no tile is left, ConfigError for an impossible fraction.
    """
    t = dataset.meta.tile if tile is None else tile
    s = dataset.meta.scale
    places = [place for burst in dataset.train for place in _places(burst, t)]
    places = [p for p in places if _clear_share(p, t) >= min_clear]
    if not places:
        raise UsageError(
            f"{dataset.root}: no training tile of {t}x{t} low-res pixels",
            remedy="use a smaller tile, a lower clearance threshold, or larger scenes",
        )
    kept = [places[i] for i in chosen(tuple(p.id for p in places), data_fraction, seed=seed)]
    motions = [_tile_motion(p, t) for p in kept]
    known = [m for m in motions if m is not None]
    return Tiles(
        lr=np.stack([p.burst.lr[:, p.y : p.y + t, p.x : p.x + t] for p in kept]),
        hr=np.stack([p.burst.hr[_high(p, s, t)] for p in kept]),
        clear_lr=np.stack([p.burst.clear_lr[:, p.y : p.y + t, p.x : p.x + t] for p in kept]),
        clear_hr=np.stack([p.burst.clear_hr[_high(p, s, t)] for p in kept]),
        motion=np.stack(known) if len(known) == len(kept) else None,
        ids=tuple(p.id for p in kept),
    )


def _high(place: _Place, scale: int, tile: int) -> tuple[slice, slice]:
    return (
        slice(scale * place.y, scale * (place.y + tile)),
        slice(scale * place.x, scale * (place.x + tile)),
    )


def _clear_share(place: _Place, tile: int) -> float:
    high = place.burst.clear_hr[_high(place, place.burst.scale, tile)]
    reference = place.burst.clear_lr[0, place.y : place.y + tile, place.x : place.x + tile]
    return float(min(high.mean(), reference.mean()))
