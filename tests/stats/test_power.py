"""Seeds needed and detectable differences."""

import math

import numpy as np
import pytest
from scipy import integrate, stats
from statsmodels.stats.power import TTestIndPower, TTestPower

from runaudit.errors import UsageError
from runaudit.stats.power import (
    detectable,
    detectable_paired,
    detectable_unequal,
    pairs_needed,
    seeds_needed,
    welch_power,
)


@pytest.mark.parametrize(("n", "expected"), [(3, 1.05), (4, 0.755), (5, 0.625), (10, 0.40)])
def test_detectable_difference_is_that_of_a_simulated_welch_test(n, expected):
    """Measured with 20 000 simulated pairs at sd 0.3 and 80 % power."""
    assert detectable(0.3, n) == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize(("effect", "expected"), [(0.3, 17), (0.5, 7), (1.0, 4)])
def test_seeds_needed_at_sd_0_3(effect, expected):
    assert seeds_needed(0.3, effect) == expected


@pytest.mark.parametrize("effect", [0.3, 0.5, 1.0])
def test_seeds_needed_is_the_first_number_that_suffices(effect):
    n = seeds_needed(0.3, effect)

    assert welch_power(effect, (0.3, 0.3), ns=(n, n)) >= 0.8
    assert welch_power(effect, (0.3, 0.3), ns=(n - 1, n - 1)) < 0.8


def test_three_seeds_are_the_floor_however_large_the_effect():
    assert seeds_needed(0.001, 100.0) == 3


def test_more_than_ten_thousand_seeds_is_no_plan():
    assert seeds_needed(1.0, 1e-4) is None


@pytest.mark.parametrize(
    ("sds", "ns", "effect"),
    [((0.3, 0.3), (3, 3), 1.05), ((0.6, 0.15), (3, 5), 0.8), ((0.3, 0.1), (10, 4), 0.4)],
)
def test_power_agrees_with_simulation_for_unequal_arms(sds, ns, effect):
    """100 000 pairs: standard error at most 0.0016, four of them allowed."""
    rng = np.random.default_rng(7)
    a, b = (rng.normal(shift, sd, (100_000, n)) for shift, sd, n in zip((effect, 0), sds, ns, strict=True))
    result = stats.ttest_ind(a, b, axis=1, equal_var=False)
    simulated = np.mean((result.pvalue < 0.05) & (result.statistic > 0))

    assert welch_power(effect, sds, ns=ns) == pytest.approx(simulated, abs=0.0064)


def test_many_seeds_meet_the_equal_variance_formula():
    """At 200 seeds per arm the price of Welch is gone; statsmodels' noncentral t is the reference."""
    expected = TTestIndPower().power(effect_size=0.25, nobs1=200, alpha=0.05)

    assert welch_power(0.25, (1.0, 1.0), ns=(200, 200)) == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize(("sds", "ns"), [((0.3, 0.3), (3, 3)), ((0.6, 0.15), (3, 5)), ((0.3, 0.1), (10, 4))])
def test_power_is_the_adaptive_integral_over_the_variance_ratio(sds, ns):
    """scipy's quad over the beta law of the ratio is the reference for the fixed nodes."""
    (sd_a, sd_b), (df_a, df_b) = sds, (ns[0] - 1, ns[1] - 1)
    nu, sigma = df_a + df_b, np.sqrt(sd_a**2 / ns[0] + sd_b**2 / ns[1])

    def density(share):
        var_a, var_b = sd_a**2 * share / (df_a * ns[0]), sd_b**2 * (1 - share) / (df_b * ns[1])
        df = (var_a + var_b) ** 2 / (var_a**2 / df_a + var_b**2 / df_b)
        threshold = stats.t.ppf(0.975, df) * np.sqrt((var_a + var_b) * nu) / sigma
        return stats.nct.sf(threshold, nu, 0.8 / sigma) * stats.beta.pdf(share, df_a / 2, df_b / 2)

    expected = integrate.quad(density, 0, 1, epsabs=1e-9, limit=200)[0]
    assert welch_power(0.8, sds, ns=ns) == pytest.approx(expected, abs=1e-7)


def test_without_an_effect_at_most_half_of_alpha_points_each_way():
    assert welch_power(0.0, (0.3, 0.3), ns=(3, 3)) < 0.025


def test_detectable_difference_scales_with_the_spread():
    assert detectable(3.0, 5) == pytest.approx(10 * detectable(0.3, 5), rel=1e-6)


@pytest.mark.parametrize("sd", [0.0, -1.0, float("nan"), float("inf")])
def test_a_spread_that_is_none_is_refused(sd):
    with pytest.raises(UsageError, match="seed sd"):
        seeds_needed(sd, 0.3)


@pytest.mark.parametrize("effect", [0.0, float("nan"), float("inf")])
def test_an_effect_that_is_none_is_refused(effect):
    with pytest.raises(UsageError, match="effect"):
        seeds_needed(0.3, effect)


def test_one_seed_detects_nothing():
    with pytest.raises(UsageError, match="no spread"):
        detectable(0.3, 1)


@pytest.mark.parametrize(("power", "alpha"), [(1.0, 0.05), (0.01, 0.05), (0.8, 0.0), (0.8, 1.0)])
def test_power_and_alpha_are_probabilities_in_order(power, alpha):
    with pytest.raises(UsageError):
        seeds_needed(0.3, 0.3, power, alpha=alpha)


@pytest.mark.parametrize("n", [3, 5, 12])
def test_paired_plans_are_statsmodels(n):
    """A paired t is a one-sample t on the differences; one-sided at alpha / 2 counts its own direction."""
    seen = detectable_paired(0.3, n)

    reached = TTestPower().power(seen / 0.3, nobs=n, alpha=0.025, alternative="larger")
    assert reached == pytest.approx(0.8, abs=1e-6)
    assert pairs_needed(0.3, 1.0001 * seen) == n


def test_where_the_librarys_noncentral_t_is_no_number_the_power_is_that_of_a_simulation():
    """A sweep of 36 arms ended in an unexpected failure: sd 9 against 1, three seeds each, alpha 0.05/35."""
    alpha = 0.05 / 35
    effect = detectable_unequal((9.0, 1.0), ns=(3, 3), power=0.8, alpha=alpha)
    rng = np.random.default_rng(7)
    a, b = rng.normal(effect, 9.0, (20_000, 3)), rng.normal(0.0, 1.0, (20_000, 3))

    found = stats.ttest_ind(a, b, axis=1, equal_var=False).pvalue < alpha

    assert found.mean() == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize("spread", [1.0, 9.0, 100.0, 1e6])
@pytest.mark.parametrize("comparisons", [1, 35, 5_000])
@pytest.mark.parametrize("n", [2, 3, 10])
def test_every_pair_of_spreads_has_an_effect_that_it_detects(spread, comparisons, n):
    effect = detectable_unequal((spread, 1.0), ns=(n, n), power=0.8, alpha=0.05 / comparisons)

    assert math.isfinite(effect) and effect > 0
