"""A whole frame through the network, at once or tile by tile with overlap and a blend.

A network of local operations gives the same picture both ways, up to what its receptive field sees past a
tile's edge; one with global pooling does not, and the difference says so.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from runaudit.errors import ConfigError
from trainer.data.scenes import Burst, Doubles, Floats

Net = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class TilingConfig:
    """tile and overlap in low-res pixels; blend: weights across the overlap, "linear" or "hann"."""

    tile: int = 64
    overlap: int = 12
    blend: str = "linear"

    def __post_init__(self) -> None:
        if not 0 <= self.overlap < self.tile:
            raise ConfigError(
                f"evaluation: an overlap of {self.overlap} does not fit into a tile of {self.tile}",
                remedy="make the overlap smaller than the tile",
            )
        if self.blend not in ("linear", "hann"):
            raise ConfigError(f"evaluation: unknown blend {self.blend!r}", remedy="choose 'linear' or 'hann'")


def whole_frame(net: Net, lr: Floats, *, device: torch.device | str = "cpu") -> Doubles:
    """(T, h, w) -> (H, W) float64, not clipped. `net`: (1, T, h, w) -> (1, H, W) or (1, 1, H, W)."""
    with torch.inference_mode():
        out = net(torch.from_numpy(np.ascontiguousarray(lr))[None].to(device))
        return np.asarray(out.reshape(out.shape[-2:]).double().cpu().numpy())


def tiled_frame(
    net: Net, lr: Floats, *, scale: int, tiling: TilingConfig, device: torch.device | str = "cpu"
) -> Doubles:
    """The same picture from overlapping tiles, blended. Tiles move inwards at the edges, unpadded."""
    _, h, w = lr.shape
    total, weight = np.zeros((scale * h, scale * w)), np.zeros((scale * h, scale * w))
    ramp = {
        n: _ramp(scale * n, scale * tiling.overlap, tiling.blend)
        for n in {min(tiling.tile, h), min(tiling.tile, w)}
    }
    for rows in _windows(h, tiling):
        for columns in _windows(w, tiling):
            tile = whole_frame(net, lr[:, rows, columns], device=device)
            mask = ramp[rows.stop - rows.start][:, None] * ramp[columns.stop - columns.start]
            high = (_scaled(rows, scale), _scaled(columns, scale))
            total[high] += mask * tile
            weight[high] += mask
    return np.asarray(total / weight)


def tile_origins(length: int, tiling: TilingConfig) -> tuple[int, ...]:
    """Where tiles start along one side: steps of tile - overlap, the last one flush with the end."""
    if length <= tiling.tile:
        return (0,)
    last = length - tiling.tile
    return (*range(0, last, tiling.tile - tiling.overlap), last)


def _windows(length: int, tiling: TilingConfig) -> Iterator[slice]:
    for start in tile_origins(length, tiling):
        yield slice(start, start + min(tiling.tile, length))


def _scaled(window: slice, scale: int) -> slice:
    return slice(scale * window.start, scale * window.stop)


def _ramp(n: int, overlap: int, blend: str) -> Doubles:
    """(n,) weights: rising over `overlap` samples, 1 in the middle, falling again. Never 0."""
    t = np.minimum((np.arange(n) + 0.5) / max(overlap, 1), 1.0)
    t = np.minimum(t, t[::-1])
    return t if blend == "linear" else np.asarray(np.sin(np.pi / 2 * t) ** 2)


def nine_copies(burst: Burst) -> Floats:
    """(T, h, w): the reference T times. What a network gains from this is deblurring, not fusion."""
    return np.repeat(burst.lr[:1], burst.frames, axis=0)
