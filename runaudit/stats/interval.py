"""Intervals that hold at small n: Student for a mean, Welch for a difference, chi-square for a spread.

Measured on normal draws at a nominal 95 %, the percentile bootstrap covers 75 % at n = 3 and 84 % at n = 5
where Student's t holds 95 % throughout; hence t here, and the bootstrap only from ten seeds on.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from runaudit.stats.values import Interval

# Printing p = 0 would claim what no finite sample can show; below this a double says nothing anyway.
SMALLEST_P = 1e-300
# Squares of smaller deviations leave the range of a double and come to 0, a spread that there is not.
SMALLEST_SD = 1e-140


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """A difference tested against zero: statistic, standard error, degrees of freedom, two-sided p, and the interval
    that the test inverts.
    """

    statistic: float
    df: float
    error: float
    p: float
    interval: Interval


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean, exactly summed, so that the order of the values cannot change a bit."""
    return math.fsum(values) / len(values)


def variance(values: Sequence[float]) -> float:
    """Sample variance (n - 1), two passes; n at least 2."""
    centre = mean(values)
    return math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1)


def sd(values: Sequence[float]) -> float:
    """Sample standard deviation (n - 1); n at least 2."""
    found = math.sqrt(variance(values))
    if found > SMALLEST_SD:
        return found
    centre = mean(values)
    size = max(abs(value - centre) for value in values)
    return (
        found
        if not size
        else size * math.sqrt(math.fsum(((value - centre) / size) ** 2 for value in values) / (len(values) - 1))
    )


def is_constant(values: Sequence[float]) -> bool:
    """Whether the values are equal up to the rounding of a double."""
    size = max(abs(value) for value in values)
    spread = max(values) - min(values)
    return spread <= 1e-13 * size or (len(values) > 1 and variance(values) == 0.0)


def mean_interval(values: Sequence[float], *, level: float = 0.95) -> Interval:
    """Student's t interval for the mean over seeds; n at least 2."""
    n, centre = len(values), mean(values)
    half = t_quantile(n - 1, 0.5 + level / 2) * sd(values) / math.sqrt(n)
    return Interval(estimate=centre, low=centre - half, high=centre + half, level=level, method="Student t", n=n)


def sd_interval(values: Sequence[float], *, level: float = 0.95) -> Interval:
    """Chi-square interval for the seed sd. At n = 3 it runs from 0.52 to 6.3 times the estimate."""
    n, spread = len(values), sd(values)
    low, high = sd_factors(n, level=level)
    return Interval(estimate=spread, low=spread * low, high=spread * high, level=level, method="chi-square", n=n)


def sd_factors(n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Between which multiples of the sd of n values the true one lies: the chi-square limits at n - 1 degrees."""
    from scipy.special import gammaincinv

    df = n - 1
    upper, lower = (2 * float(gammaincinv(df / 2, q)) for q in (0.5 + level / 2, 0.5 - level / 2))
    return math.sqrt(df / upper), math.sqrt(df / lower)


def welch(a: Sequence[float], b: Sequence[float], *, level: float = 0.95) -> Contrast:
    """Welch's unequal-variance t for mean(a) - mean(b); each n at least 2, neither sample constant.

    Source: Welch 1947. Under no effect it claims an improvement in 1.8 / 2.3 / 2.5 % of comparisons at n = 3
    / 5 / 10.
    """
    part_a, part_b = variance(a) / len(a), variance(b) / len(b)
    # Shares first: squaring the parts themselves underflows for spreads near 1e-80.
    share = part_a / (part_a + part_b)
    df = 1 / (share**2 / (len(a) - 1) + (1 - share) ** 2 / (len(b) - 1))
    return _t_test(
        mean(a) - mean(b), math.sqrt(part_a + part_b), df=df, level=level, method="Welch t", n=len(a) + len(b)
    )


def paired(differences: Sequence[float], *, level: float = 0.95) -> Contrast:
    """Student's t on within-pair differences; only for arms that were planned as pairs."""
    n = len(differences)
    error = sd(differences) / math.sqrt(n)
    return _t_test(mean(differences), error, df=n - 1, level=level, method="paired t", n=n)


def equivalence_p(test: Contrast, margin: float) -> float:
    """Two one-sided tests (TOST) from a test's own statistic: p for "the difference is at least `margin`".

    Source: Schuirmann 1987. The larger of the two one-sided p values.
    """
    centre = test.interval.estimate
    tails = (upper_tail(test.df, (margin + side * centre) / test.error) for side in (1, -1))
    return max(*tails, SMALLEST_P)


def prediction_interval(values: Sequence[float], *, level: float = 0.95) -> Interval:
    """Where one more run of this arm would fall. Source: Crawford & Howell 1998 (the same t, inverted)."""
    n, centre = len(values), mean(values)
    half = t_quantile(n - 1, 0.5 + level / 2) * sd(values) * math.sqrt(1 + 1 / n)
    return Interval(estimate=centre, low=centre - half, high=centre + half, level=level, method="prediction t", n=n)


def share_interval(hits: int, n: int, *, level: float = 0.95) -> Interval:
    """Clopper-Pearson interval of a share. 0 of 3 still allows 71 %."""
    from scipy.special import betaincinv

    tail = 0.5 - level / 2
    low = float(betaincinv(hits, n - hits + 1, tail)) if hits else 0.0
    high = float(betaincinv(hits + 1, n - hits, 1 - tail)) if hits < n else 1.0
    return Interval(estimate=hits / n, low=low, high=high, level=level, method="Clopper-Pearson", n=n)


def t_quantile(df: float, probability: float) -> float:
    """Quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(df, probability))


def upper_tail(df: float, t: float) -> float:
    """How probable a value above `t` is under Student's t."""
    from scipy.special import stdtr

    return float(stdtr(df, -t))


def at_alpha(interval: Interval, alpha: float, *, df: float, error: float) -> Interval:
    """The interval of a t test at another alpha, of which its level says what it is good for. error: the standard
    error of the estimate."""
    half = t_quantile(df, 1 - alpha / 2) * error
    return replace(interval, low=interval.estimate - half, high=interval.estimate + half)


def _t_test(difference: float, error: float, *, df: float, level: float, method: str, n: int) -> Contrast:
    statistic = difference / error
    half = t_quantile(df, 0.5 + level / 2) * error
    return Contrast(
        statistic=statistic,
        df=df,
        error=error,
        p=min(1.0, max(2 * upper_tail(df, abs(statistic)), SMALLEST_P)),
        interval=Interval(
            estimate=difference,
            low=difference - half,
            high=difference + half,
            level=level,
            method=method,
            n=n,
        ),
    )
