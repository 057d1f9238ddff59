"""Permutation tests, and the smallest p they can reach: what the labels alone can show.

A test is exact where every arrangement of the labels was counted. Beyond `MOST_EXACT` of them they are drawn, the
observed one is counted among the drawn, and p is (b + 1) / (m + 1), never b / m, which would be 0 for a rare one
(source: Phipson & Smyth 2010). Which of the two it was is told with the number.

Ties are the trap. A library that compares permuted means with a tolerance near 4e-15 loses ties on data with
two decimals (measured: p .07271 instead of .07299), because equal sums differ in their last bits. Here values
are centred and equality has a tolerance relative to their size.
"""

from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from runaudit.stats.interval import mean

# 9 against 9 seeds. Beyond it the exact table costs more than it tells; labels are then drawn.
MOST_EXACT = 48_620
_MOST_EXACT_PAIRS = 15


def smallest_reachable_p(n_a: int, n_b: int) -> float:
    """Two-sided floor 2 / C(n_a + n_b, n_a): .100 at 3v3, .029 at 4v4, .008 at 5v5. Never above 1."""
    return min(1.0, 2 / comb(n_a + n_b, n_a))


def smallest_paired_p(n_pairs: int) -> float:
    """Two-sided floor of the sign-flip test, 2 / 2**n: .0625 at five pairs."""
    return min(1.0, 2.0 ** (1 - n_pairs))


def arrangements_drawn(n_a: int, n_b: int, resamples: int) -> int:
    """How many labellings `permutation_p` draws; 0 where it counts every one of them, and its p is exact."""
    return 0 if comb(n_a + n_b, n_a) <= MOST_EXACT else resamples


def flips_drawn(n_pairs: int, resamples: int) -> int:
    """How many sign changes `sign_flip_p` draws; 0 where it counts every one of them, and its p is exact."""
    return 0 if n_pairs <= _MOST_EXACT_PAIRS else resamples


def permutation_p(
    a: NDArray[np.float64], b: NDArray[np.float64], *, rng: np.random.Generator, resamples: int = 9_999
) -> float:
    """Two-sided p of the difference in means when labels are exchanged; a, b: (n_seeds,).

    Exact up to 9 against 9 seeds; beyond, of `resamples` drawn labellings.
    Two-sided means twice the smaller tail, as for arms of unequal size the tails differ.
    """
    pooled = np.concatenate([a, b])
    pooled = pooled - mean(sorted(pooled.tolist()))
    n, n_a = len(pooled), len(a)
    is_exact = not arrangements_drawn(n_a, n - n_a, resamples)
    if is_exact:
        picks = np.array(list(combinations(range(n), n_a)))
    else:
        picks = rng.permuted(np.tile(np.arange(n), (resamples, 1)), axis=1)[:, :n_a]
    # With the pooled sum fixed, the sum of the first arm orders labellings as the difference in means does.
    sums = pooled[picks].sum(axis=1)
    return _two_sided(sums, observed=float(pooled[:n_a].sum()), scale=float(np.abs(pooled).sum()), is_exact=is_exact)


def sign_flip_p(differences: NDArray[np.float64], *, rng: np.random.Generator, resamples: int = 9_999) -> float:
    """Two-sided p of the mean within-pair difference under sign changes; differences: (n_pairs,). Exact to 15 pairs."""
    n = len(differences)
    is_exact = not flips_drawn(n, resamples)
    bits = np.arange(2**n)[:, None] >> np.arange(n) & 1 if is_exact else rng.integers(0, 2, size=(resamples, n))
    sums = (1 - 2 * bits) @ differences
    scale = float(np.abs(differences).sum())
    return _two_sided(sums, observed=float(differences.sum()), scale=scale, is_exact=is_exact)


def _two_sided(sums: NDArray[np.float64], *, observed: float, scale: float, is_exact: bool) -> float:
    slack = 1e-12 * scale
    extra = 0 if is_exact else 1  # the observed labelling is one of the drawn ones
    above = np.count_nonzero(sums >= observed - slack) + extra
    below = np.count_nonzero(sums <= observed + slack) + extra
    return min(1.0, 2 * min(above, below) / (len(sums) + extra))
