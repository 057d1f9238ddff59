"""Bursts cut into the tiles that train the network, each with an id that never changes."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from runaudit.errors import ConfigError, UsageError
from trainer.data.dataset import Dataset
from trainer.data.scenes import Burst, Doubles, Floats, Mask, motion_about


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiles:
    """N aligned crops. lr (N, T, t, t), hr (N, s*t, s*t), masks alike; ids are "burst/y/x" in low-res pixels.

    motion (N, T, 3) is told from the centre of each tile (see `trainer.data.scenes`), altitude (N,) in metres; None
    unless known for all tiles.
    """

    lr: Floats
    hr: Floats
    clear_lr: Mask
    clear_hr: Mask
    motion: Doubles | None
    altitude: Doubles | None
    ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class TilePlace:
    """Where a tile lies: position and name of its burst among those that train, and its corner in low-res pixels."""

    burst: int
    name: str
    y: int
    x: int

    @property
    def id(self) -> str:
        """The name that the tile has for ever."""
        return f"{self.name}/{self.y}/{self.x}"


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


def tile_places(
    dataset: Dataset,
    *,
    tile: int | None = None,
    data_fraction: float = 1.0,
    seed: int = 0,
    min_clear: float = 0.0,
) -> tuple[TilePlace, ...]:
    """Every tile of the training bursts whose truth and reference are at least `min_clear` clear, burst by burst.

    tile: low-res pixels, by default the dataset's own. data_fraction and seed: see `chosen`.
    Raises UsageError if no tile is left, ConfigError for an impossible fraction.
    """
    t = dataset.meta.tile if tile is None else tile
    places = [
        TilePlace(at, outline.name, y, x)
        for at, outline in enumerate(dataset.outlined(t))
        for (y, x), clear in zip(outline.corners, outline.clear, strict=True)
        if clear >= min_clear
    ]
    if not places:
        raise UsageError(
            f"{dataset.root}: no training tile of {t}x{t} low-res pixels",
            remedy="use a smaller tile, a lower clearance threshold, or larger scenes",
        )
    return tuple(places[i] for i in chosen(tuple(p.id for p in places), data_fraction, seed=seed))


def cut(bursts: Sequence[Burst], places: Sequence[TilePlace], tile: int) -> Tiles:
    """The tiles at these places, in their order; each burst is asked for once. Where motion and altitude of all are
    known, they have them."""
    of_burst: dict[int, list[int]] = {}
    for slot, place in enumerate(places):
        of_burst.setdefault(place.burst, []).append(slot)
    cuts: dict[int, tuple[Floats, Floats, Mask, Mask]] = {}
    motions: dict[int, Doubles] = {}
    altitudes: dict[int, float] = {}
    for at, slots in of_burst.items():
        burst = bursts[at]
        cuts |= _cuts(burst, {slot: places[slot] for slot in slots}, tile)
        if burst.motion is not None:
            motions |= {slot: _tile_motion(burst.motion, burst, places[slot], tile) for slot in slots}
        if burst.altitude_m is not None:
            altitudes |= dict.fromkeys(slots, burst.altitude_m)
    lr, hr, clear_lr, clear_hr = (np.stack(parts) for parts in zip(*(cuts[i] for i in range(len(places))), strict=True))
    order = range(len(places))
    return Tiles(
        lr=lr, hr=hr, clear_lr=clear_lr, clear_hr=clear_hr, ids=tuple(place.id for place in places),
        motion=np.stack([motions[i] for i in order]) if len(motions) == len(places) else None,
        altitude=np.array([altitudes[i] for i in order]) if len(altitudes) == len(places) else None,
    )  # fmt: skip


def _cuts(burst: Burst, places: Mapping[int, TilePlace], tile: int) -> dict[int, tuple[Floats, Floats, Mask, Mask]]:
    """Copies, not views: a view of one tile would keep its whole burst in memory."""
    s = burst.scale
    found = {}
    for slot, place in places.items():
        y, x = place.y, place.x
        low = (slice(None), slice(y, y + tile), slice(x, x + tile))
        high = (slice(s * y, s * (y + tile)), slice(s * x, s * (x + tile)))
        found[slot] = (
            burst.lr[low].copy(),
            burst.hr[high].copy(),
            burst.clear_lr[low].copy(),
            burst.clear_hr[high].copy(),
        )
    return found


def train_tiles(
    dataset: Dataset,
    *,
    tile: int | None = None,
    data_fraction: float = 1.0,
    seed: int = 0,
    min_clear: float = 0.0,
) -> Tiles:
    """All tiles at `tile_places`, in memory, with their motion where it is known. Raises as that does."""
    t = dataset.meta.tile if tile is None else tile
    places = tile_places(dataset, tile=t, data_fraction=data_fraction, seed=seed, min_clear=min_clear)
    return cut(dataset.train, places, t)


def _tile_motion(motion: Doubles, burst: Burst, place: TilePlace, tile: int) -> Doubles:
    """The burst's motion told from the centre of a tile."""
    _, h, w = burst.lr.shape
    return motion_about(motion, (place.y + (tile - h) / 2, place.x + (tile - w) / 2))
