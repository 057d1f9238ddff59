"""By how much of a pixel a low-resolution image lies beside its truth, and how sure that is.

Both are compared where both have content, below the Nyquist frequency of the smaller one: there a shift turns the phase
in proportion to the frequency, whatever brightness and contrast do. How well one shift explains all phases is how sure
it is: 1 where it explains all, near 0 for noise and for images that have nothing in common.
"""

from typing import Any

SIDE = 192
"""Pixels of the truth that are compared, from its middle."""
REACH = 4.0
"""Pixels of the truth beyond which nothing is looked for."""


def shift_of(small: Any, large: Any) -> tuple[float, float, float] | None:
    """(down, right, how sure) by which `small` (h, w), brought up to the size of `large` (h*s, w*s) about the middle of
    its pixels, lies from it, in pixels of `large`. None where the scale is no whole number or an image is flat."""
    import numpy as np

    scale = large.shape[0] // small.shape[0] if small.shape[0] else 0
    if not 1 <= scale <= 8 or (small.shape[0] * scale, small.shape[1] * scale) != large.shape:
        return None
    side = SIDE // scale
    top, left = (max(0, (length - side) // 2) for length in small.shape)
    low = small[top : top + side, left : left + side].astype(np.float64)
    high = large[top * scale : (top + low.shape[0]) * scale, left * scale : (left + low.shape[1]) * scale]
    if min(low.shape) < 16 or np.ptp(low) == 0 or np.ptp(high) == 0:
        return None
    up = _raised(low, scale)
    return _phase_shift(_windowed(high.astype(np.float64)), _windowed(up), scale)


def _raised(image: Any, scale: int) -> Any:
    return _bicubic(image.shape[0], scale) @ image @ _bicubic(image.shape[1], scale).T


def _bicubic(length: int, scale: int) -> Any:
    """(length*scale, length): the weights of Keys' kernel, about the middle of the pixels, edges repeated."""
    import numpy as np

    at = (np.arange(length * scale) + 0.5) / scale - 0.5
    weights = np.zeros((length * scale, length))
    for tap in range(-1, 3):
        index = np.floor(at).astype(int) + tap
        t = np.abs(at - index)
        near, far = 1.5 * t**3 - 2.5 * t**2 + 1, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
        value = np.where(t <= 1, near, np.where(t < 2, far, 0.0))
        np.add.at(weights, (np.arange(length * scale), np.clip(index, 0, length - 1)), value)
    return weights


def _windowed(image: Any) -> Any:
    import numpy as np

    window = np.outer(np.hanning(image.shape[0]), np.hanning(image.shape[1]))
    return (image - image.mean()) * window


def _phase_shift(reference: Any, moved: Any, scale: int) -> tuple[float, float, float]:
    import numpy as np

    cross = np.fft.fft2(moved) * np.conj(np.fft.fft2(reference))
    fy, fx = np.fft.fftfreq(cross.shape[0])[:, None], np.fft.fftfreq(cross.shape[1])[None, :]
    # The axes hold what the edges of the frame make, and the ends of the band what the sampling folds.
    band = (np.hypot(fy, fx) < 0.4 / scale) & (np.abs(fy) > 0.5 / cross.shape[0]) & (np.abs(fx) > 0.5 / cross.shape[1])
    phase = np.where(band, cross / np.maximum(np.abs(cross), 1e-30), 0)
    best = (0.0, 0.0)
    score = -1.0
    for step, reach in ((0.5, REACH), (0.05, 0.5)):
        offsets = np.arange(-reach, reach + step / 2, step)
        ys, xs = best[0] + offsets, best[1] + offsets
        turned = np.exp(2j * np.pi * ys[:, None] * fy.T) @ phase @ np.exp(2j * np.pi * fx.T * xs[None, :])
        at = np.unravel_index(int(turned.real.argmax()), turned.shape)
        best, score = (float(ys[at[0]]), float(xs[at[1]])), float(turned.real[at]) / max(1, int(band.sum()))
    return round(best[0], 2), round(best[1], 2), round(score, 3)
