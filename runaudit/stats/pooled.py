"""One linear model over all runs of a design in blocks: what each two-level factor did, with one pooled error.

Welch's test of one factor against the rest finds 13 % of effects of 3 sd at three seeds a cell; one model over every
run finds 71 % of the same, because each run informs each factor (simulated, 200 to 1,000 problems each). A launch
batch is a block: a machine that drifts between batches moves the block's term and no effect.

The error comes from replicates (runs of one cell within one block) once they are eight or more, because interactions
that the model leaves out inflate its residuals; before that from the residuals, which is the careful side.

Source: Box, Hunter & Hunter, Statistics for Experimenters (2005), 5 and 6; Searle, Linear Models (1971), 5.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from runaudit.stats.interval import t_quantile, upper_tail

Vector = NDArray[np.float64]

REPLICATES = 8
"""Degrees of freedom that replicates must have before they alone give the error."""
MIN_DF = 4
"""Below this nothing is tested: t at 2 degrees of freedom needs 14 standard errors for p = 0.005."""
TOLERANCE = 1e-8
ROUNDING = 1e-13
"""Of the largest value: a spread below this is what subtraction leaves of equal numbers."""


@dataclass(frozen=True, kw_only=True)
class Pooled:
    """A fitted model. An effect is the metric at level b less that at level a, in the metric's unit.

    effects: (k,); covariance: (k, k), of unit error variance; known: (k, k), projector onto the contrasts that the
    runs determine; sd: of one run within a block; df: its degrees of freedom; replicates: the error is that of
    replicates, not of residuals; n: runs.
    """

    effects: Vector
    covariance: Vector
    known: Vector
    sd: float
    df: int
    replicates: bool
    n: int

    @cached_property
    def width(self) -> int:
        """Factors of the model."""
        return len(self.effects)

    def of(self, weights: Sequence[float]) -> tuple[float, float] | None:
        """(estimate, standard error) of a weighted sum of effects; None where the runs do not determine it."""
        w = np.asarray(weights, dtype=np.float64)
        unknown = float(np.linalg.norm(w - self.known @ w))
        if self.df < MIN_DF or unknown > TOLERANCE * float(np.linalg.norm(w)):
            return None
        return float(w @ self.effects), self.sd * math.sqrt(max(0.0, float(w @ self.covariance @ w)))

    def alone(self, factor: int) -> list[float]:
        """The weights that name one factor's own effect."""
        return [1.0 if j == factor else 0.0 for j in range(self.width)]

    def sign(self, factor: int) -> int:
        """The direction of one factor's own effect."""
        return 1 if self.effects[factor] > 0 else -1

    def p(self, weights: Sequence[float], *, sign: int = 0) -> float:
        """t test that the weighted sum is 0; one-sided towards `sign` if it is 1 or -1. 1.0 where it is not known.

        A model without any error (a metric that does not vary within a cell) finds what differs and p is 0.
        """
        found = self.of(weights)
        if found is None:
            return 1.0
        estimate, error = found
        if error == 0.0:
            agrees = estimate * sign > 0 if sign else estimate != 0.0
            return 0.0 if agrees else 1.0
        t = estimate / error
        return upper_tail(self.df, sign * t) if sign else 2 * upper_tail(self.df, abs(t))

    def interval(self, weights: Sequence[float], level: float = 0.95) -> tuple[float, float] | None:
        """Two-sided t interval of the weighted sum; None where the runs do not determine it."""
        found = self.of(weights)
        if found is None:
            return None
        half = t_quantile(self.df, 0.5 + level / 2) * found[1]
        return found[0] - half, found[0] + half


def pooled(values: Sequence[float], blocks: Sequence[int], columns: Sequence[Sequence[float]]) -> Pooled:
    """The model of n runs.

    values: n, the metric; blocks: n, which batch each was run in; columns: n rows of k entries, -1 at level a and 1 at
    level b (a product of two columns is their interaction). Ordinary least squares of value on block and columns.
    """
    y = np.asarray(values, dtype=np.float64)
    x = np.asarray(columns, dtype=np.float64).reshape(len(y), -1)
    k = x.shape[1]
    if not len(y):
        return Pooled(effects=np.zeros(k), covariance=np.zeros((k, k)), known=np.zeros((k, k)), sd=0.0, df=0,
                      replicates=False, n=0)  # fmt: skip
    block = _indicators(list(blocks))
    # Taking each block's mean out of both sides leaves the same effects as a term per block (Frisch and Waugh).
    centre = block @ np.linalg.pinv(block)
    inner, outer = y - centre @ y, (x - centre @ x) / 2.0
    basis, singular, right = np.linalg.svd(outer, full_matrices=False)
    limit = (singular.max() if singular.size else 0.0) * max(outer.shape) * np.finfo(np.float64).eps
    kept = singular > max(limit, TOLERANCE)
    rows, scale = right[kept], singular[kept]
    effects = rows.T @ ((basis[:, kept].T @ inner) / scale) if kept.any() else np.zeros(k)
    covariance = (rows.T / scale**2) @ rows if kept.any() else np.zeros((k, k))
    residual = inner - outer @ effects
    df = len(y) - block.shape[1] - int(kept.sum())
    squares = float(residual @ residual)
    pure, pure_df = _replicates(y, blocks, x)
    replicates = pure_df >= REPLICATES
    if replicates:
        squares, df = pure, pure_df
    sd = float(np.sqrt(squares / df)) if df > 0 else 0.0
    if sd <= ROUNDING * float(np.abs(y).max()):
        sd = 0.0
    return Pooled(effects=effects, covariance=covariance, known=rows.T @ rows, sd=sd, df=df, replicates=replicates,
                  n=len(y))  # fmt: skip


def _replicates(y: Vector, blocks: Sequence[int], x: Vector) -> tuple[float, int]:
    """(sum of squares, degrees of freedom) of runs within the same cell: a term per block and per cell is taken out.

    A cell that was run in two blocks tells of the error too, once the blocks' difference is known from others.
    """
    cells = [tuple(row) for row in x]
    full = np.hstack([_indicators(list(blocks)), _indicators(cells)])
    fitted, _, rank, _ = np.linalg.lstsq(full, y, rcond=None)
    residual = y - full @ fitted
    return float(residual @ residual), len(y) - int(rank)


def _indicators(keys: Sequence[object]) -> Vector:
    places = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    found = np.zeros((len(keys), len(places)))
    found[np.arange(len(keys)), [places[key] for key in keys]] = 1.0
    return found
