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
"""(N, T, h, w) -> (N, H, W) or (N, 1, H, W); what it says of one burst does not depend on the others."""
TILES_AT_ONCE = 16  # one at a time a GPU waits for its host: tiled inference was 110 times slower than whole


@dataclass(frozen=True, slots=True, kw_only=True)
class TilingConfig:
    """tile, overlap and margin in low-res pixels; blend: weights across the overlap, "linear" or "hann".

    The outermost `margin` pixels of a tile are thrown away, because the network saw the tile's edge there;
    what is left of the overlap is blended. Where the network reaches no further than the margin, the tiled
    picture equals the whole-frame one.
    """

    tile: int = 64
    overlap: int = 24
    margin: int = 8
    blend: str = "linear"

    def __post_init__(self) -> None:
        if not 0 <= 2 * self.margin < self.overlap < self.tile:
            raise ConfigError(
                f"evaluation: tile {self.tile}, overlap {self.overlap}, margin {self.margin} do not blend",
                remedy="make the overlap smaller than the tile and larger than twice the margin",
            )
        if self.blend not in ("linear", "hann"):
            raise ConfigError(f"evaluation: unknown blend {self.blend!r}", remedy="choose 'linear' or 'hann'")


def whole_frame(net: Net, lr: Floats, *, device: torch.device | str = "cpu") -> Doubles:
    """(T, h, w) -> (H, W) float64, not clipped."""
    picture: Doubles = _pictures(net, np.ascontiguousarray(lr)[None], device)[0]
    return picture


def _pictures(net: Net, bursts: Floats, device: torch.device | str) -> Doubles:
    """(N, T, h, w) -> (N, H, W)."""
    # no_grad, not inference_mode: a grid that a network caches here has to serve the next training step too.
    with torch.no_grad():
        out = net(torch.from_numpy(bursts).to(device))
        return np.asarray(out.reshape(len(bursts), *out.shape[-2:]).double().cpu().numpy())


def tiled_frame(
    net: Net, lr: Floats, *, scale: int, tiling: TilingConfig, device: torch.device | str = "cpu"
) -> Doubles:
    """The same picture from overlapping tiles, blended. They move inwards at the edges, unpadded: all have one size."""
    _, h, w = lr.shape
    total, weight = np.zeros((scale * h, scale * w)), np.zeros((scale * h, scale * w))
    windows = [(rows, columns) for rows in _windows(h, tiling) for columns in _windows(w, tiling)]
    for some in batched(windows, TILES_AT_ONCE):
        tiles = _pictures(net, np.stack([lr[:, rows, columns] for rows, columns in some]), device)
        for (rows, columns), tile in zip(some, tiles, strict=True):
            mask = _weights(rows, h, scale, tiling)[:, None] * _weights(columns, w, scale, tiling)
            high = (_scaled(rows, scale), _scaled(columns, scale))
            total[high] += mask * tile
            weight[high] += mask
    return np.asarray(total / weight)


def batched(windows: list[tuple[slice, slice]], size: int) -> Iterator[list[tuple[slice, slice]]]:
    """Consecutive pieces of at most `size`."""
    for first in range(0, len(windows), size):
        yield windows[first : first + size]


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


def _weights(window: slice, length: int, scale: int, tiling: TilingConfig) -> Doubles:
    """Along one side: 0 on the margin, rising across the overlap, 1 inside and up to a frame's edge."""
    n = scale * (window.stop - window.start)
    rise = scale * (tiling.overlap - 2 * tiling.margin)
    from_edge = np.arange(n) + 0.5 - scale * tiling.margin
    t = np.clip(from_edge / rise, 0.0, 1.0)
    t = t if tiling.blend == "linear" else np.sin(np.pi / 2 * t) ** 2
    head = np.ones(n) if window.start == 0 else t
    tail = np.ones(n) if window.stop == length else t[::-1]
    return np.asarray(head * tail)


def reference_copies(burst: Burst) -> Floats:
    """(T, h, w): the reference T times. What a network gains from this is deblurring, not fusion."""
    return np.repeat(burst.lr[:1], burst.frames, axis=0)
