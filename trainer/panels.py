"""The pictures a reader looks at: one detail of the scene as input, bicubic, network, truth and error."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.data.scenes import Doubles, Floats

CROP_HR_PX = 144
ERROR_GAIN = 5.0  # an absolute error of 0.2 of the range is white
RULE = (
    f"the square of at most {CROP_HR_PX} pixels in which the ground truth has the strongest gradients, chosen by it"
    f"; the error is absolute, times {ERROR_GAIN:g}"
)
"""How a picture came about, in words: sealed beside each."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """(H, W) in [0, 1]; `low` (h, w) is the reference frame. `scale` = H / h."""

    low: Floats
    bicubic: Doubles
    super_resolved: Doubles
    truth: Floats
    scale: int


def panels(images: Images, *, crop: int = CROP_HR_PX) -> dict[str, Pixels]:
    """name -> (crop, crop) uint8: low, bicubic, super_resolved, truth, error (absolute, times five)."""
    window = most_detailed(images.truth, crop, images.scale)
    large = np.kron(images.low, np.ones((images.scale, images.scale), dtype=np.float32))
    error = ERROR_GAIN * np.abs(images.super_resolved - images.truth)
    pictures = {
        "low": large,
        "bicubic": images.bicubic,
        "super_resolved": images.super_resolved,
        "truth": images.truth,
        "error": error,
    }
    return {name: grey(picture[window]) for name, picture in pictures.items()}


def grey(image: NDArray[np.floating]) -> Pixels:
    """[0, 1] to 0..255, clipped and rounded."""
    return np.asarray(np.rint(np.clip(image, 0.0, 1.0) * 255), dtype=np.uint8)


def most_detailed(truth: Floats, crop: int, scale: int) -> tuple[slice, slice]:
    """The window of the truth with the strongest gradients, its corner on the low-res grid.

    Chosen on the truth alone, so that every run of one sequence shows the same place and none chooses its best.
    """
    H, W = truth.shape
    side = min(crop, H, W) // scale * scale
    gy, gx = np.gradient(truth.astype(np.float64))
    table = np.zeros((H + 1, W + 1))
    table[1:, 1:] = np.cumsum(np.cumsum(np.hypot(gy, gx), axis=0), axis=1)
    sums = table[side:, side:] - table[:-side, side:] - table[side:, :-side] + table[:-side, :-side]
    coarse = sums[::scale, ::scale]
    y, x = (int(i) * scale for i in np.unravel_index(int(coarse.argmax()), coarse.shape))
    return slice(y, y + side), slice(x, x + side)
