"""The nouns of the data: a burst, what is said of a dataset, and what the motion of a frame means. numpy only.

Motion has one convention everywhere. With `p` a position of the low-resolution grid, taken from the centre
of the frame, pixel `p` of frame k sees the point `q = R(theta) p + (dy, dx)` of the reference frame, where
`R(theta) = [[cos, -sin], [sin, cos]]` acts on (y, x). The flow that resamples frame k onto the reference is
the inverse: the reference's pixel `q` lies in frame k at `q + flow(q) = R(-theta) (q - (dy, dx))`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runaudit.errors import UsageError

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """T low-resolution frames of one scene and the high-resolution image they came from.

    lr (T, h, w) and hr (H, W): float32 in [0, 1], where 1 stands for `data_range` counts of the stored file.
    clear_lr (T, h, w) and clear_hr (H, W): true where the pixel shows the scene. Frame 0 is the reference.
    motion (T, 3): dy and dx in low-res pixels, theta in degrees, row 0 zero; None when nobody knows it.
    norm_db: the cPSNR of a public challenge's baseline on this scene, where its score is asked.
    Raises UsageError when the shapes disagree with each other or with `scale`.
    """

    name: str
    lr: Floats
    hr: Floats
    clear_lr: Mask
    clear_hr: Mask
    scale: int
    motion: Doubles | None = None
    altitude_m: float | None = None
    data_range: float = 65535.0
    norm_db: float | None = None

    def __post_init__(self) -> None:
        if self.lr.ndim != 3 or self.hr.ndim != 2:
            raise UsageError(
                f"burst {self.name}: frames have shape {self.lr.shape} and the truth {self.hr.shape}",
                remedy="give frames as (T, h, w) and the truth as (H, W)",
            )
        frames, h, w = self.lr.shape
        expected = (self.scale * h, self.scale * w)
        if self.hr.shape != expected:
            raise UsageError(
                f"burst {self.name}: the truth is {self.hr.shape[0]}x{self.hr.shape[1]},"
                f" but {self.scale} times {h}x{w} is {expected[0]}x{expected[1]}",
                remedy="crop the truth to a multiple of the scale, or correct the scale",
            )
        if self.clear_lr.shape != self.lr.shape or self.clear_hr.shape != self.hr.shape:
            raise UsageError(
                f"burst {self.name}: a clearance mask differs in shape from its image",
                remedy="write one mask per image, of the same size",
            )
        if self.motion is not None and self.motion.shape != (frames, 3):
            raise UsageError(
                f"burst {self.name}: the motion has shape {self.motion.shape}, not ({frames}, 3)",
                remedy="give dy, dx (low-res pixels) and theta (degrees) for every frame",
            )

    @property
    def frames(self) -> int:
        """T, the reference included."""
        return int(self.lr.shape[0])

    @property
    def nbytes(self) -> int:
        """Bytes of its pixels and masks in memory."""
        return self.lr.nbytes + self.hr.nbytes + self.clear_lr.nbytes + self.clear_hr.nbytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetMeta:
    """What `dataset.json` says, or what was inferred for a folder without one."""

    scale: int
    frames: int
    data_range: float
    tile: int
    preprocessing_version: str
    source: str
    seed: int | None = None
    simulator: Mapping[str, Any] = field(default_factory=dict)


def rotation(theta_deg: float) -> Doubles:
    """R(theta), 2x2, acting on (y, x)."""
    theta = np.deg2rad(theta_deg)
    return np.array([[np.cos(theta), -np.sin(theta)], [np.sin(theta), np.cos(theta)]])


def centred_grid(h: int, w: int) -> Doubles:
    """(2, h, w): y and x of every pixel centre, measured from the centre of the frame."""
    y = np.arange(h) - (h - 1) / 2
    x = np.arange(w) - (w - 1) / 2
    return np.stack(np.meshgrid(y, x, indexing="ij"))


def motion_about(motion: Doubles, centre: tuple[float, float]) -> Doubles:
    """The same motion (T, 3) told from another centre, `centre` = (y, x) low-res pixels from the old one.

    q = R p + d with p = c + p', q = c + q' gives q' = R p' + (d + R c - c).
    """
    c = np.asarray(centre, dtype=np.float64)
    moved = motion.astype(np.float64).copy()
    for k, theta in enumerate(motion[:, 2]):
        moved[k, :2] += rotation(float(theta)) @ c - c
    return moved


def true_flow(motion: Doubles, h: int, w: int) -> Doubles:
    """(T, 2, h, w): (dy, dx) in low-res pixels by which frame k is sampled to land on the reference's grid.

    frame_k(q + flow_k(q)) = reference(q). See the module's docstring for the convention.
    """
    grid = centred_grid(h, w)
    flow = np.empty((len(motion), 2, h, w))
    for k, (dy, dx, theta) in enumerate(motion):
        back = grid - np.array([dy, dx])[:, None, None]
        flow[k] = np.einsum("ij,jhw->ihw", rotation(-float(theta)), back) - grid
    return flow
