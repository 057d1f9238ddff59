"""Where a curve that ends high turned: where the rise to its end begins, not where its running minimum lies. On a flat
stretch the minimum is anywhere, and a rise is seen when it has left the noise, which a slow one does long after it
began.
"""

from typing import TYPE_CHECKING

from runaudit.health.shape import Shape, noise_of, running_median

if TYPE_CHECKING:
    from numpy import ndarray

STRAIGHT = 1.25
"""A curve of few numbers says all of another that lies about it no farther than so many times its noise."""
NEAR = 5
"""Blocks on either side of a leap that must lie on either side of the middle."""
LEAP = 0.7
"""Share of its rise by which the medians on either side of a leap are apart."""
PACES = tuple(0.01 * 100 ** (step / 23) for step in range(24))
"""Shares of a part in which a descent comes down to 1/e of what it has before it: from steep to nearly straight."""


def onset(shape: Shape) -> int:
    """The block at which a curve that ends high turned: where two lines, one before and one after, meet best.

    A rise is seen when it has left the noise, which a slow one does long after it began. So the lines are laid through
    the last of the descent and the first half of the rise, both drawn together by asinh (in logarithms, where a curve
    spans decades): an explosion then rises as straight as a drift.
    """
    import numpy as np

    values = shape.values
    if values.min() > 0 and values.max() > 10 * values.min():
        values = np.log(values)
    smooth = running_median(values, max(3, round(len(values) * 0.05)) | 1)
    noise = noise_of(values)
    lowest = int(smooth.argmin())
    top = float(np.median(values[-shape.tail :]) - smooth[lowest])
    leapt = _leapt(values, float(smooth[lowest]) + 0.5 * top, top)
    if leapt:
        return leapt
    below = np.flatnonzero(smooth <= smooth[lowest] + max(2 * noise, 0.03 * top))
    seen = min(max(lowest, int(below[-1]) + 1), len(values) - 1)
    leaps = np.diff(values)[max(0, seen - 3) : seen + 2]
    if len(leaps) and leaps.max() > 0.4 * top:
        return max(0, seen - 3) + int(leaps.argmax()) + 1  # At once: there is no slope to lay a line through.
    drawn = np.arcsinh((values - smooth[lowest]) / max(3 * noise, 0.05 * top, 1e-300))
    level = running_median(drawn, 3)
    end = float(np.arcsinh(top / max(3 * noise, 0.05 * top, 1e-300)))
    descent = np.flatnonzero(level[: lowest + 1] > 0.3 * end)
    left = int(descent[-1]) + 1 if len(descent) else 0
    high = np.flatnonzero(level[seen:] >= 0.45 * end)
    right = min(len(values), max(seen + 3, seen + int(high[0]) + 1 if len(high) else len(values)))
    return min(seen, left + _knee(drawn[left:right])[0]) if right - left >= 8 else seen


def _leapt(values: "ndarray", middle: float, top: float) -> int:
    """The block that a curve leapt to, most of its way from one block to the next; 0 where it did not. Before it the
    curve may scatter as it likes: what collapsed is quiet, and a reward that had been high was not."""
    import numpy as np

    low = np.flatnonzero(values <= middle)
    at = int(low[-1]) + 1 if len(low) else 0
    if not NEAR <= at <= len(values) - NEAR:
        return 0
    before, after = values[at - NEAR : at], values[at : at + NEAR]
    return at if np.median(after) - np.median(before) > LEAP * top else 0


def turn_of(shape: Shape) -> int:
    """The block at which a curve turned: where what came before it and a straight rise meet, if the two say all of it
    but its noise; else its onset."""
    import numpy as np

    # In units of its own range: squares of what lies at either end of a double would be none.
    values = (shape.values - shape.values.min()) / (float(np.ptp(shape.values)) or 1.0)
    place, apart = min(_bend(values), _knee(values), key=lambda found: found[1])
    return place if apart <= STRAIGHT * noise_of(values) else onset(shape)


def _bend(values: "ndarray") -> "tuple[int, float]":
    """The place at which a straight rise sets in on an exponential descent, which goes on under it or ends there, by
    least squares, and how far the values lie from the two, as a standard deviation.

    All of the curve speaks here, and not only what lies about its turn: of 100 validations with a spread of 0.012 that
    lose 0.18 in the end the turn is found within 5 % of the run in 98 of 100, by lines through its surroundings in 74.
    """
    import numpy as np

    count = len(values)
    at = np.arange(count, dtype=float)
    places = np.arange(1, count - 1)
    rises = np.maximum(at[None] - places[:, None], 0) / count
    before = np.minimum(at[None], places[:, None])
    best, place = np.inf, count - 1
    for pace in PACES:
        for descent in (np.broadcast_to(at, rises.shape), before):
            basis = np.stack([np.ones_like(rises), np.exp(-descent / (pace * count)), rises], axis=2)
            squares = np.einsum("kni,knj->kij", basis, basis) + 1e-9 * np.eye(3)
            fits = np.linalg.solve(squares, np.einsum("kni,n->ki", basis, values)[..., None])
            drawn = (basis @ fits)[..., 0]
            errors = ((values[None] - drawn) ** 2).sum(axis=1)
            if errors.min() < best:
                # A descent that is steeper than the rise goes on below it for a while: the turn is the lowest place.
                best, place = float(errors.min()), int(drawn[int(errors.argmin())].argmin())
    return place, float(np.sqrt(best / max(1, count - 5)))


def _knee(values: "ndarray") -> "tuple[int, float]":
    """The place at which two lines that meet there fit best, by least squares, and how far the values lie from them, as
    a standard deviation."""
    import numpy as np

    at = np.arange(len(values), dtype=float)
    best, place = np.inf, len(values) - 1
    for knee in range(1, len(values) - 1):
        basis = np.stack([np.ones_like(at), np.minimum(at - knee, 0), np.maximum(at - knee, 0)], axis=1)
        fit, *_ = np.linalg.lstsq(basis, values, rcond=None)
        error = float(((values - basis @ fit) ** 2).sum())
        if error < best:
            best, place = error, knee
    return place, float(np.sqrt(best / max(1, len(values) - 4)))
