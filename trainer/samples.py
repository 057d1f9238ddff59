"""Training tiles as tensors, and batches drawn from them by position.

They lie in memory where there is room for all, and are cut from bursts that are read as they come up where there is
not. Both ways give the same batches to the bit: which tile stands where follows from seed, stage and position alone.

Flips and quarter turns are applied to what the trained part of the network sees first: to the frames
where the alignment is being trained, to the merged burst where it is frozen. So a frozen alignment sees
each tile in one orientation only, and what it says may be computed once (measured: 1.8 times faster)
without changing a bit of what is trained.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from runaudit.errors import ConfigError
from trainer.config import DataConfig
from trainer.data.dataset import Bursts, Dataset
from trainer.data.patches import TilePlace, Tiles, chosen, cut, tile_places
from trainer.models.piunet import Features
from trainer.motion import turned_motion
from trainer.seeding import order_seed, orientations, sample_positions

PIECE = 256  # tiles that are cut at once
LABELS = ("motion", "altitude")  # what may be known of a tile beside its pixels


class Batch(NamedTuple):
    """Aligned crops. Either `lr` is turned along with the rest, or it is left alone and `turns` says what is due."""

    ids: list[int]
    lr: Tensor  # (B, T, h, w)
    clear_lr: Tensor
    hr: Tensor  # (B, 1, H, W)
    clear_hr: Tensor
    turns: list[int]
    motion: Tensor | None = None  # (B, T, 3) as in `Tiles`, turned where `lr` is; None where it is not known
    altitude: Tensor | None = None  # (B,) m


class TileSet(Protocol):
    """N tiles by position, wherever they lie."""

    def __len__(self) -> int: ...

    @property
    def ids(self) -> tuple[str, ...]:
        """Their names."""

    @property
    def bursts(self) -> tuple[int, ...]:
        """How many of them each burst gave, in order."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """(T, h, w) of one tile."""

    def take(self, positions: Sequence[int]) -> "Samples":
        """A subset, in the given order, in memory."""

    def at(self, positions: list[int], turns: list[int], *, turn_frames: bool) -> Batch:
        """The batch at these positions, its truth turned; its frames only with `turn_frames`."""

    def ahead(self, positions: Iterable[int]) -> None:
        """Begin to fetch what will be asked for, the soonest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """N tiles on the training device; float32 throughout, masks in {0, 1}. motion, altitude: where they are known
    of all."""

    lr: Tensor
    clear_lr: Tensor
    hr: Tensor
    clear_hr: Tensor
    ids: tuple[str, ...]
    motion: Tensor | None = None
    altitude: Tensor | None = None
    bursts: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Count the tiles of each burst: they stand side by side."""
        object.__setattr__(self, "bursts", _runs(name.rsplit("/", 2)[0] for name in self.ids))

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(T, h, w) of one tile."""
        T, h, w = self.lr.shape[1:]
        return T, h, w

    def take(self, positions: Sequence[int]) -> "Samples":
        """A subset, in the given order."""
        at = list(positions)
        return Samples(
            **{name: tensor[at] for name, tensor in _tensors(self).items()}, ids=tuple(self.ids[i] for i in at)
        )

    def at(self, positions: list[int], turns: list[int], *, turn_frames: bool) -> Batch:
        """The batch at these positions, its truth turned; its frames only with `turn_frames`."""
        lr, clear_lr = self.lr[positions], self.clear_lr[positions]
        motion = None if self.motion is None else self.motion[positions]
        if turn_frames:
            lr, clear_lr = augmented(lr, turns), augmented(clear_lr, turns)
            motion = None if motion is None else turned_motion(motion, turns)
        return Batch(
            positions,
            lr,
            clear_lr,
            augmented(self.hr[positions], turns),
            augmented(self.clear_hr[positions], turns),
            turns,
            motion,
            None if self.altitude is None else self.altitude[positions],
        )

    def ahead(self, positions: Iterable[int]) -> None:
        """All of them are here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamedSamples:
    """N tiles that are cut from their bursts whenever they are asked for; what is held is the bursts' own affair.

    labels: what else is handed out of a tile, `motion` or `altitude`; it has to be known of every burst.
    """

    source: Bursts
    places: tuple[TilePlace, ...]
    tile: int
    frames: int
    mode: str
    device: str
    labels: tuple[str, ...] = ()
    bursts: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Count the tiles of each burst: they stand side by side."""
        object.__setattr__(self, "bursts", _runs(place.burst for place in self.places))

    def __len__(self) -> int:
        return len(self.places)

    @property
    def ids(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(place.id for place in self.places)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(T, h, w) of one tile."""
        return self.frames, self.tile, self.tile

    def take(self, positions: Sequence[int]) -> Samples:
        """A subset, in the given order, in memory."""
        tiles = cut(self.source, [self.places[i] for i in positions], self.tile)
        return samples_from(tiles, self.mode, self.device, labels=self.labels)

    def at(self, positions: list[int], turns: list[int], *, turn_frames: bool) -> Batch:
        """The batch at these positions, as `Samples.at` gives it."""
        here = list(range(len(positions)))
        return self.take(positions).at(here, turns, turn_frames=turn_frames)._replace(ids=positions)

    def ahead(self, positions: Iterable[int]) -> None:
        """Let the bursts of these positions be read meanwhile."""
        self.source.ahead(self.places[i].burst for i in positions)

    def nbytes(self, scale: int) -> int:
        """Bytes of the tensors that all of them would be."""
        T, h, w = self.shape
        return len(self) * 2 * 4 * (T * h * w + scale * scale * h * w)

    def held(self) -> Samples:
        """All of them in memory, cut piece by piece so that no second copy of them is ever there."""
        first = _tensors(self.take([0]))
        whole = {name: part.new_empty(len(self), *part.shape[1:]) for name, part in first.items()}
        for start in range(0, len(self), PIECE):
            piece = self.take(range(start, min(start + PIECE, len(self))))
            for name, part in _tensors(piece).items():
                whole[name][start : start + PIECE] = part
        return Samples(**whole, ids=self.ids)


def _tensors(samples: Samples) -> dict[str, Tensor]:
    """What there is of each tile, by the name of its field."""
    named = ((name, getattr(samples, name)) for name in ("lr", "clear_lr", "hr", "clear_hr", *LABELS))
    return {name: tensor for name, tensor in named if tensor is not None}


def _runs(names: Iterable[object]) -> tuple[int, ...]:
    """How many equal ones stand side by side."""
    return tuple(sum(1 for _ in those) for _, those in groupby(names))


def samples_from(tiles: Tiles, mode: str, device: str, *, labels: tuple[str, ...] = ()) -> Samples:
    """Tensors of the tiles; with mode = copies every frame is the reference. labels: what they have beside, where it is
    known of all."""
    known = {name: values for name in labels if (values := getattr(tiles, name)) is not None}
    lr, clear = torch.from_numpy(tiles.lr), torch.from_numpy(tiles.clear_lr.astype(np.float32))
    return Samples(
        lr=frames_as(lr, mode).to(device),
        clear_lr=frames_as(clear, mode).to(device),
        hr=torch.from_numpy(tiles.hr)[:, None].to(device),
        clear_hr=torch.from_numpy(tiles.clear_hr.astype(np.float32))[:, None].to(device),
        ids=tiles.ids,
        **{name: torch.from_numpy(values.astype(np.float32)).to(device) for name, values in known.items()},
    )


def open_samples(dataset: Dataset, config: DataConfig, device: str) -> tuple[TileSet, Samples]:
    """(training, validation) of a dataset. Half of `memory_mb` is for the bursts that are read, half for tiles.

    The tiles that validate are looked at again and again, so they lie in memory always; those that train do where all
    of them fit beside. Raises ConfigError where none is left to train on, or too many are held out to be kept.
    """
    places = tile_places(
        dataset, tile=config.tile, data_fraction=config.fraction, seed=config.fraction_seed, min_clear=config.min_clear
    )
    tile, frames, ids = config.tile, dataset.meta.frames, tuple(place.id for place in places)
    train, val = (
        StreamedSamples(
            source=dataset.train,
            places=tuple(places[i] for i in part),
            tile=tile,
            frames=frames,
            mode=config.frames_mode,
            device=device,
            labels=_known_of(dataset, config),
        )
        for part in split(ids, config)
    )
    if not len(train):
        raise ConfigError(f"config: data.fraction {config.fraction:g} leaves no tile to train on", remedy="raise it")
    room, scale = room_of(config), dataset.meta.scale
    if val.nbytes(scale) > room:
        fits = config.val_fraction * room / val.nbytes(scale)
        raise ConfigError(
            f"config: the {len(val)} tiles held out by data.val_fraction {config.val_fraction:g} take"
            f" {val.nbytes(scale) / 2**20:.0f} MiB, half of data.memory_mb is {room / 2**20:.0f}",
            remedy=f"raise data.memory_mb, or set data.val_fraction to {float(f'{fits:.1g}') / 2:g}",
        )
    validating = val.held()
    if train.nbytes(scale) + val.nbytes(scale) > room:
        return train, validating
    training = train.held()
    dataset.train.release()
    return training, validating


def _known_of(dataset: Dataset, config: DataConfig) -> tuple[str, ...]:
    """The labels that every training burst has; copies of a frame have no motion."""
    has = {
        "motion": dataset.knows_motion and config.frames_mode == "burst",
        "altitude": bool(dataset.altitudes("train")),
    }
    return tuple(name for name in LABELS if has[name])


def told_of_reading(train: TileSet, dataset: Dataset, config: DataConfig) -> str:
    """That tiles are read as they come up, and what would spare reading; nothing where all lie in memory."""
    if not isinstance(train, StreamedSamples):
        return ""
    T, s = dataset.meta.frames, dataset.meta.scale
    sizes = [5 * outline.h * outline.w * (T + s * s) for outline in dataset.outlined(config.tile)]  # as Burst.nbytes
    fits = room_of(config) // max(sizes)
    line = (
        f"{len(train)} training tiles take {train.nbytes(s) / 2**20:.0f} MiB, more than half of data.memory_mb ="
        f" {config.memory_mb}: they are read as they come up"
    )
    if sum(sizes) <= room_of(config) or 0 < config.shuffle_bursts <= fits:
        return line
    if not fits:
        return f"{line}; not one burst of {max(sizes) / 2**20:.1f} MiB can be kept: raise data.memory_mb"
    return f"{line}; with data.shuffle_bursts = {fits} or less each burst is read once an epoch, now once a tile"


def room_of(config: DataConfig) -> int:
    """Bytes that bursts, and again as many that tiles, may take."""
    return config.memory_mb * 2**20 // 2


def frames_as(lr: Tensor, mode: str) -> Tensor:
    """(N, T, h, w) as it is, or T copies of the reference: the control that can sharpen but not fuse."""
    return lr[:, :1].expand_as(lr).contiguous() if mode == "copies" else lr


def split(ids: tuple[str, ...], config: DataConfig) -> tuple[list[int], list[int]]:
    """Positions of the tiles that (train, validate): by `val_seed` and their names alone, so all seeds share them."""
    held = chosen(ids, config.val_fraction, seed=config.val_seed)
    return sorted(set(range(len(ids))) - set(held)), list(held)


def queue(samples: TileSet, config: DataConfig, *, seed: int, stage: int, first: int, count: int) -> list[int]:
    """Which tiles stand at these places of a stage's queue: a pure function of its arguments."""
    sizes = samples.bursts if config.shuffle_bursts else ()
    return sample_positions(
        order_seed(seed, config.reshuffle),
        stage,
        first,
        count=count,
        samples=len(samples),
        bursts=sizes,
        mixed=config.shuffle_bursts,
    )


def draw(
    samples: TileSet,
    config: DataConfig,
    *,
    seed: int,
    stage: int,
    first: int,
    count: int,
    turn_frames: bool,
) -> Batch:
    """The batch at queue positions first .. first + count of a stage: a pure function of its arguments."""
    positions = queue(samples, config, seed=seed, stage=stage, first=first, count=count)
    turns = (
        orientations(order_seed(seed, config.reshuffle), stage, first, count=count) if config.augment else [0] * count
    )
    return samples.at(positions, turns, turn_frames=turn_frames)


def augmented(x: Tensor, turns: list[int]) -> Tensor:
    """Sample n by turns[n] % 4 quarter turns, then mirrored if turns[n] >= 4: (N, C, S, S) -> the same shape."""
    if not any(turns):
        return x
    return _by_orientation(x, turns) if x.is_cuda else _by_sample(x, turns)


def _by_sample(x: Tensor, turns: list[int]) -> Tensor:
    return torch.stack([turned(sample, turn) for sample, turn in zip(x, turns, strict=True)])


def _by_orientation(x: Tensor, turns: list[int]) -> Tensor:
    """On a GPU a call costs more than its copy: a few for each of the eight orientations, not for each sample."""
    moved = torch.empty_like(x)
    for turn in sorted(set(turns)):
        which = [n for n, other in enumerate(turns) if other == turn]
        moved[which] = turned(x[which], turn)
    return moved


def turned(x: Tensor, turn: int) -> Tensor:
    """One orientation of (..., S, S)."""
    quarter = torch.rot90(x, turn % 4, (-2, -1))
    return quarter.flip(-1) if turn >= 4 else quarter


def turned_back(x: Tensor, turn: int) -> Tensor:
    """Undo one orientation of (B, C, S, S)."""
    return torch.rot90(x.flip(3) if turn >= 4 else x, -(turn % 4), (2, 3))


def augmented_features(features: Features, turns: list[int]) -> Features:
    """The merged burst in another orientation."""
    return features._replace(maps=augmented(features.maps, turns), frames=augmented(features.frames, turns))
