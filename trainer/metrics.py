"""How near a super-resolved image is to the truth: float64 throughout, every constant of the protocol here.

Nothing here clips: `trainer.evaluate` clips every prediction to the data range once, the same way for every
method. The peak is the declared data range, never the range an image happens to have (measured: max minus
min costs 1.2 dB on an image that spans 0.87 of its range).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runaudit.errors import UsageError

BORDER_HR_PX = 9  # scale 3 plus the largest motion of the simulator (1.5 low-res pixels = 4.5), rounded up
MAX_SHIFT_HR_PX = 3  # PROBA-V: the truth may lie anywhere within 7x7 shifts
SSIM_SIGMA = 1.5  # Wang et al. 2004: Gaussian window, 11 taps
SSIM_TRUNCATE = 3.5  # scikit-image: radius int(3.5 * 1.5 + 0.5) = 5, hence 11 taps

Image = NDArray[Any]
Clear = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedPsnr:
    """cPSNR in dB, the truth's winning shift (dy, dx) in high-res pixels, and the bias truth - prediction."""

    db: float
    shift: tuple[int, int]
    bias: float


def psnr(pred: Image, truth: Image, *, data_range: float, border: int = 0, clear: Clear | None = None) -> float:
    """10 log10(data_range² / MSE) over the clear pixels inside the border, in dB; infinite for equal images.

    pred, truth, clear: (H, W). Raises UsageError if shapes differ or nothing is left to compare.
    """
    a, b, seen = _prepared(pred, truth, clear, border)
    return _decibel(float(np.mean(np.square(a - b)[seen])), data_range)


def cpsnr(
    pred: Image,
    truth: Image,
    *,
    data_range: float,
    border: int = MAX_SHIFT_HR_PX,
    max_shift: int = MAX_SHIFT_HR_PX,
    clear: Clear | None = None,
) -> CorrectedPsnr:
    """The best PSNR over all shifts of the truth within `max_shift`, each with its brightness bias removed.

    Adding a constant to `pred` changes nothing. `border` pixels of `pred` are left out on every side and
    must be at least `max_shift`, so that each shift compares the same pixels of `pred`. Source: Märtens et
    al. 2019 (PROBA-V challenge); there border = max_shift = 3.
    """
    best: CorrectedPsnr | None = None
    for shift, inner, there, seen in _shifted(pred, truth, clear, border=border, max_shift=max_shift, name="cPSNR"):
        error = (there - inner)[seen]
        bias = float(error.mean())
        db = _decibel(float(np.mean(np.square(error - bias))), data_range)
        if best is None or db > best.db:
            best = CorrectedPsnr(db=db, shift=shift, bias=bias)
    if best is None:
        raise UsageError("cPSNR: no clear pixel to compare", remedy="check the clearance mask")
    return best


def ssim(pred: Image, truth: Image, *, data_range: float, border: int = 0, clear: Clear | None = None) -> float:
    """Structural similarity, the mean of its map over the clear pixels inside the border.

    Gaussian window of 11 taps, sigma 1.5, population covariance: Wang et al. 2004 as scikit-image computes it. A
    uniform window of 7 taps gives up to 0.03 more on the same images, so the variant belongs to the number.
    """
    from skimage.metrics import structural_similarity

    a, b, seen = _prepared(pred, truth, clear, border)
    if min(a.shape) < 11:
        raise UsageError(
            f"SSIM: {a.shape[0]}x{a.shape[1]} pixels are less than its window of 11",
            remedy="use a larger image",
        )
    mean, map_ = structural_similarity(
        a,
        b,
        data_range=data_range,
        gaussian_weights=True,
        sigma=SSIM_SIGMA,
        truncate=SSIM_TRUNCATE,
        use_sample_covariance=False,
        full=True,
    )
    # Without a mask scikit-image's own mean stands, which leaves out the 5 pixels its window cannot fill.
    return float(mean if clear is None else map_[seen].mean())


def cssim(
    pred: Image,
    truth: Image,
    *,
    data_range: float,
    border: int = MAX_SHIFT_HR_PX,
    max_shift: int = MAX_SHIFT_HR_PX,
    clear: Clear | None = None,
) -> float:
    """The best SSIM over all shifts of the truth within `max_shift`, the brightness bias of each removed: what `cpsnr`
    is to `psnr`. Source: Bordone Molini et al. 2019 (DeepSUM), who report it on PROBA-V.
    """
    found: list[float] = []
    for _, inner, there, seen in _shifted(pred, truth, clear, border=border, max_shift=max_shift, name="cSSIM"):
        bias = float((there - inner)[seen].mean())
        found.append(ssim(inner + bias, there, data_range=data_range, clear=None if clear is None else seen))
    if not found:
        raise UsageError("cSSIM: no clear pixel to compare", remedy="check the clearance mask")
    return max(found)


def _shifted(
    pred: Image, truth: Image, clear: Clear | None, *, border: int, max_shift: int, name: str
) -> Iterator[tuple[tuple[int, int], NDArray[np.float64], NDArray[np.float64], Clear]]:
    """For each shift of the truth (dy, dx) at which anything is clear: the prediction inside the border, always the
    same pixels, and beside it the truth as it lies then, with what of it is clear.
    """
    if not 0 <= max_shift <= border:
        raise UsageError(
            f"{name}: a shift of {max_shift} does not fit into a border of {border}", remedy="widen the border"
        )
    a, truth64, seen = _prepared(pred, truth, clear, border - max_shift)
    m = max_shift
    h, w = a.shape[0] - 2 * m, a.shape[1] - 2 * m
    inner = a[m : m + h, m : m + w]
    for dy in range(-m, m + 1):
        for dx in range(-m, m + 1):
            window = (slice(m + dy, m + dy + h), slice(m + dx, m + dx + w))
            if seen[window].any():
                yield (dy, dx), inner, truth64[window], seen[window]


def _prepared(
    pred: Image, truth: Image, clear: Clear | None, border: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], Clear]:
    if pred.shape != truth.shape or pred.ndim != 2:
        raise UsageError(
            f"a prediction of shape {pred.shape} cannot be compared with a truth of shape {truth.shape}",
            remedy="give two images (H, W) of one size",
        )
    h, w = pred.shape
    inside = (slice(border, h - border), slice(border, w - border))
    seen = np.ones(pred.shape, dtype=bool) if clear is None else clear
    if seen[inside].sum() == 0:
        raise UsageError(
            f"no clear pixel is left inside a border of {border}",
            remedy="use a smaller border or another mask",
        )
    return pred[inside].astype(np.float64), truth[inside].astype(np.float64), seen[inside]


def _decibel(mse: float, data_range: float) -> float:
    return float("inf") if mse == 0 else float(10 * np.log10(data_range**2 / mse))
