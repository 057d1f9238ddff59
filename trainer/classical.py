"""What needs no training: bicubic of the reference, mean and median of aligned frames, iterative back-projection.

A learned network that does not beat back-projection with estimated motion has learned nothing worth its training.
Geometry everywhere: pixel centres at half integers (`align_corners=False`). Aligning the corners instead weakens
bicubic by 0.4 to 0.9 dB, and a top-left grid by 2 dB: gains over such a baseline are bought.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.data.registration import Registration, register
from trainer.data.scenes import Burst, Doubles, Mask, centred_grid, rotation

KEYS_A = -0.75  # the kernel of torch's and OpenCV's bicubic; -0.5 would be Pillow's
IBP_ITERATIONS = 15
# Of the mean number of samples per high-res pixel. The iteration diverges from about 1.8 on (largest
# eigenvalue of the normal operator on the default test bursts: 1.0 to 1.4); 1.5 is the largest step that is
# safe on all of them.
IBP_STEP = 1.5


def bicubic(image: NDArray[Any], scale: int) -> Doubles:
    """(h, w) -> (scale*h, scale*w) float64: Keys' cubic convolution, a = -0.75, half-pixel centres, edges repeated.

    Equal to `torch.nn.functional.interpolate(mode="bicubic", align_corners=False)`. Not clipped.
    """
    rows, columns = (bicubic_matrix(n, scale) for n in image.shape)
    return np.asarray(rows @ image.astype(np.float64) @ columns.T)


def bicubic_matrix(n: int, scale: int) -> Doubles:
    """(scale*n, n): what each fine sample takes from the coarse ones. Rows sum to 1."""
    fine = np.arange(scale * n)
    position = (fine + 0.5) / scale - 0.5
    first = np.floor(position).astype(int)
    matrix = np.zeros((scale * n, n))
    for tap in (-1, 0, 1, 2):
        weight = _keys(np.abs(position - first - tap))
        np.add.at(matrix, (fine, np.clip(first + tap, 0, n - 1)), weight)
    return matrix


def _keys(distance: Doubles) -> Doubles:
    a, d = KEYS_A, distance
    near = ((a + 2) * d - (a + 3)) * d**2 + 1
    far = ((d - 5) * d + 8) * a * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


def mean_of_aligned(burst: Burst, found: Registration) -> Doubles:
    """(H, W): every frame resampled onto the reference's high-res grid, averaged where it is clear.

    Where no frame is clear, bicubic of the reference stands in.
    """
    fallback = bicubic(burst.lr[0], burst.scale)
    total, weight = np.zeros_like(fallback), np.zeros_like(fallback)
    for frame, clear in aligned_frames(burst, found):
        total += np.where(clear, frame, 0.0)
        weight += clear
    return np.where(weight > 0, total / np.maximum(weight, 1.0), fallback)


def median_of_aligned(burst: Burst, found: Registration) -> Doubles:
    """(H, W): the same with the median for the mean: what an occlusion that no mask names has no say in."""
    fallback = bicubic(burst.lr[0], burst.scale)
    frames = np.stack([np.where(clear, frame, np.nan) for frame, clear in aligned_frames(burst, found)])
    frames[0] = np.where(np.isnan(frames).all(axis=0), fallback, frames[0])
    return np.asarray(np.nanmedian(frames, axis=0))


def aligned_frames(burst: Burst, found: Registration) -> Iterator[tuple[Doubles, Mask]]:
    """Each frame (H, W) on the reference's high-res grid, as bright as the reference, and where it is clear."""
    from scipy import ndimage

    s, (h, w) = burst.scale, burst.lr.shape[1:]
    low_centre, high_centre = (np.array([h, w]) - 1) / 2, (s * np.array([h, w]) - 1) / 2
    for k in range(burst.frames):
        matrix = rotation(-float(found.motion[k, 2])) / s
        offset = low_centre - matrix @ (high_centre + s * found.motion[k, :2])
        grid = {"matrix": matrix, "offset": offset, "output_shape": (s * h, s * w), "mode": "nearest"}
        frame = found.gain[k] * burst.lr[k].astype(np.float64) + found.offset[k]
        clear = np.ones((s * h, s * w), dtype=bool)
        if not burst.clear_lr[k].all():
            seen = ndimage.affine_transform(burst.clear_lr[k].astype(np.float64), order=1, **grid)
            clear = np.asarray(seen > 0.999)
        yield np.asarray(ndimage.affine_transform(frame, order=3, **grid)), clear


def back_projection(
    burst: Burst,
    *,
    psf_sigma_hr_px: float,
    found: Registration | None = None,
    iterations: int = IBP_ITERATIONS,
    start: Doubles | None = None,
) -> Doubles:
    """(H, W): iterative back-projection of all frames, from `start` or the mean of the aligned ones. Not clipped.

    The PSF is known (Gaussian, then a box of scale x scale); the motion is estimated from the frames unless
    given. Each step adds the blurred adjoint of the frames' residuals. Occluded pixels have no say. Source:
    Irani & Peleg 1991.
    """
    from scipy import ndimage

    found = register(burst) if found is None else found
    sampler = sampling_matrix(burst, found)
    adjoint = sampler.T.tocsr()
    frames = found.gain[:, None, None] * burst.lr.astype(np.float64) + found.offset[:, None, None]
    frames, clear = frames.ravel(), burst.clear_lr.ravel().astype(np.float64)
    step = IBP_STEP * burst.scale**2 / burst.frames

    def blurred(image: Doubles) -> Doubles:
        seen = ndimage.gaussian_filter(image, psf_sigma_hr_px, mode="mirror")
        return np.asarray(ndimage.uniform_filter(seen, burst.scale, mode="mirror"))

    estimate = mean_of_aligned(burst, found) if start is None else start
    for _ in range(iterations):
        spline = ndimage.spline_filter(blurred(estimate), order=3, mode="mirror")
        residual = clear * (frames - sampler @ spline.ravel())
        estimate = estimate + step * blurred((adjoint @ residual).reshape(estimate.shape))
    return estimate


def sampling_matrix(burst: Burst, found: Registration) -> Any:
    """CSR (T*h*w, H*W): every low-res sample from the cubic B-spline coefficients of the blurred scene.

    One sparse product per iteration for all frames: 15 iterations on nine frames of 171x171 take half a
    second, where resampling frame by frame takes ten times as long.
    """
    from scipy import sparse

    s, (h, w) = burst.scale, burst.lr.shape[1:]
    H, W = s * h, s * w
    grid = centred_grid(h, w)
    weights, columns = [], []
    for dy, dx, theta in found.motion:
        seen = np.einsum("ij,jhw->ihw", rotation(float(theta)), grid) + np.array([dy, dx])[:, None, None]
        rows = _taps(s * seen[0] + (H - 1) / 2, H)
        cols = _taps(s * seen[1] + (W - 1) / 2, W)
        weights.append((rows[1][..., :, None] * cols[1][..., None, :]).ravel())
        columns.append((rows[0][..., :, None] * W + cols[0][..., None, :]).ravel().astype(np.int32))
    data, index = np.concatenate(weights), np.concatenate(columns)
    starts = np.arange(0, len(data) + 1, 16, dtype=np.int32)
    return sparse.csr_matrix((data, index, starts), shape=(len(starts) - 1, H * W))


def _taps(position: Doubles, n: int) -> tuple[NDArray[np.int64], Doubles]:
    """Indices (..., 4), mirrored into 0..n-1, and cubic B-spline weights (..., 4) at `position`."""
    first = np.floor(position).astype(np.int64)
    t = position - first
    weights = np.stack(
        [(1 - t) ** 3 / 6, (3 * t**3 - 6 * t**2 + 4) / 6, (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6, t**3 / 6],
        axis=-1,
    )
    index = np.abs(first[..., None] + np.arange(-1, 3))
    index = np.where(index > n - 1, 2 * (n - 1) - index, index)
    return np.clip(index, 0, n - 1), weights
