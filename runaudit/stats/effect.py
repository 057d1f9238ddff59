"""How large a difference is, in the two sizes a reader can picture: in seed sds, and as odds of one run
beating another.
"""

import math
from collections.abc import Sequence

from runaudit.stats.interval import mean, variance


def hedges_g(a: Sequence[float], b: Sequence[float]) -> float:
    """Standardised difference (mean(a) - mean(b)) / pooled sd with the exact small-sample factor. Source: Hedges 1981.

    At three seeds per arm the factor is 0.80: Cohen's d would overstate by a quarter.
    """
    df = len(a) + len(b) - 2
    pooled = math.sqrt(((len(a) - 1) * variance(a) + (len(b) - 1) * variance(b)) / df)
    factor = math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)
    return factor * (mean(a) - mean(b)) / pooled


def superiority(a: Sequence[float], b: Sequence[float]) -> float:
    """P(a run of `a` is above a run of `b`), ties counted half: the Mann-Whitney U over n_a * n_b.

    A point estimate of .75 alone arises in 20 % of comparisons without effect at three seeds: never a claim by itself.
    """
    wins = math.fsum((x > y) + 0.5 * (x == y) for x in a for y in b)
    return wins / (len(a) * len(b))


def interaction(cells: Sequence[Sequence[float]], *, level: float = 0.95) -> tuple[float, float, float, float]:
    """2 x 2 interaction (d - c) - (b - a) of cells a, b, c, d with Satterthwaite's t: estimate, low, high, p.

    Every cell needs at least two seeds and a spread of its own.
    """
    from scipy.special import stdtr, stdtrit

    a, b, c, d = cells
    estimate = (mean(d) - mean(c)) - (mean(b) - mean(a))
    parts = [variance(cell) / len(cell) for cell in cells]
    total = math.fsum(parts)
    df = total**2 / math.fsum(part**2 / (len(cell) - 1) for part, cell in zip(parts, cells, strict=True))
    half = float(stdtrit(df, 0.5 + level / 2)) * math.sqrt(total)
    p = min(1.0, 2 * float(stdtr(df, -abs(estimate) / math.sqrt(total))))
    return estimate, estimate - half, estimate + half, p
