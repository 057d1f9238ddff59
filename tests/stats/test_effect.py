"""Sizes of a difference."""

import math

import pytest
from scipy import stats
from statsmodels.stats.meta_analysis import effectsize_smd

from runaudit.stats.effect import hedges_g, interaction, superiority


def test_hedges_g_at_three_seeds_shrinks_by_a_fifth():
    """d = 3 / 1; the exact factor at 4 df is Gamma(2) / (sqrt(2) Gamma(1.5)) = 0.7979."""
    assert hedges_g((4.0, 5.0, 6.0), (1.0, 2.0, 3.0)) == pytest.approx(3 / (math.sqrt(2) * math.gamma(1.5)))


def test_hedges_g_is_near_statsmodels_approximation():
    """statsmodels uses 1 - 3 / (4 df - 1), within 0.5 % of the exact factor from ten seeds on."""
    a, b = [0.1 * i for i in range(10)], [0.1 * i + 0.2 + 0.01 * i * i for i in range(10)]
    expected, _ = effectsize_smd(sum(a) / 10, stats.tstd(a), 10, sum(b) / 10, stats.tstd(b), 10)

    assert hedges_g(a, b) == pytest.approx(float(expected), rel=5e-3)


def test_superiority_is_mann_whitney_u_over_all_pairs():
    a, b = (1.0, 2.0, 2.0, 5.0), (0.5, 2.0, 3.0)

    assert superiority(a, b) == pytest.approx(stats.mannwhitneyu(a, b).statistic / 12)


def test_interaction_with_equal_cells_is_the_anova_contrast():
    """Equal spread and n: Satterthwaite's df is 4 (n - 1) = 8 and t² is the interaction F of a two-way anova.

    Cells 1-3, 2-4, 3-5 and 6-8, each with variance 1: estimate (7 - 4) - (3 - 2) = 2, se = sqrt(4 / 3).
    """
    cells = [(1.0, 2.0, 3.0), (2.0, 3.0, 4.0), (3.0, 4.0, 5.0), (6.0, 7.0, 8.0)]

    estimate, low, high, p = interaction(cells)

    half = stats.t.ppf(0.975, 8) * math.sqrt(4 / 3)
    assert (estimate, low, high) == pytest.approx((2.0, 2 - half, 2 + half))
    assert p == pytest.approx(stats.f.sf(2**2 / (4 / 3), 1, 8))
