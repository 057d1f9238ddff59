"""The numbers of the room against R 4.2 (base and stats packages), to the digits R prints.

The calls are named beside the figures, so that anyone with R can print them again with `options(digits = 12)`.
"""

import numpy as np
import pytest

from runaudit.stats.effect import hedges_g, superiority
from runaudit.stats.interval import (
    mean_interval,
    paired,
    prediction_interval,
    sd_interval,
    share_interval,
    welch,
)
from runaudit.stats.multiplicity import benjamini_hochberg, holm
from runaudit.stats.permutation import permutation_p

OLD = (30.12, 30.31, 29.98, 30.20, 30.07)
NEW = (30.71, 30.55, 30.80, 30.62, 30.41)


def close(value: float, expected: float) -> bool:
    return value == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_welch_is_that_of_r():
    """t.test(NEW, OLD)"""
    found = welch(NEW, OLD)
    assert close(found.interval.estimate, 0.482)
    assert close(found.interval.low, 0.279405880262)
    assert close(found.interval.high, 0.684594119738)
    assert close(found.p, 0.000623547467687)


def test_welch_at_three_seeds_is_that_of_r():
    """t.test(c(31.1866,31.1712,31.2033), c(28.7983,28.8110,28.8342))"""
    found = welch((31.1866, 31.1712, 31.2033), (28.7983, 28.8110, 28.8342))
    assert close(found.interval.low, 2.33338469385)
    assert close(found.interval.high, 2.41168197282)
    assert close(found.p, 9.36962612834e-09)


def test_the_interval_of_a_mean_is_that_of_r():
    """t.test(OLD)$conf.int"""
    found = mean_interval(OLD)
    assert close(found.low, 29.9797771536)
    assert close(found.high, 30.2922228464)


def test_the_interval_of_a_spread_is_that_of_r():
    """sd(OLD) * sqrt(4 / qchisq(c(.975, .025), 4))"""
    found = sd_interval(OLD)
    assert close(found.low, 0.0753813306224)
    assert close(found.high, 0.361543091453)


def test_the_paired_test_is_that_of_r():
    """t.test(NEW, OLD, paired = TRUE)"""
    found = paired([new - old for new, old in zip(NEW, OLD, strict=True)])
    assert close(found.interval.low, 0.198530529459)
    assert close(found.interval.high, 0.765469470541)
    assert close(found.p, 0.00916511345388)


def test_the_corrections_are_those_of_r():
    """p.adjust(c(0.011, 0.02, 0.04, 0.2), "holm") and "BH" """
    raw = (0.011, 0.02, 0.04, 0.2)
    assert holm(raw) == pytest.approx((0.044, 0.06, 0.08, 0.2), rel=1e-9)
    assert benjamini_hochberg(raw) == pytest.approx((0.04, 0.04, 0.0533333333333, 0.2), rel=1e-9)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"), [(0, 3, 0.0, 0.707598226179), (1, 5, 0.00505076337947, 0.716417936118)]
)
def test_the_interval_of_a_share_is_that_of_r(hits, n, low, high):
    """binom.test(hits, n)$conf.int"""
    found = share_interval(hits, n)
    assert close(found.low, low)
    assert close(found.high, high)


def test_the_exact_permutation_is_an_enumeration_in_r():
    """Of choose(10, 5) = 252 labellings, two are as extreme as these: 2/252."""
    found = permutation_p(np.array(NEW), np.array(OLD), rng=np.random.default_rng(0))
    assert close(found, 0.00793650793651)


def test_one_case_against_controls_is_the_t_of_crawford_and_howell_in_r():
    """(30.9 - mean(OLD)) / (sd(OLD) * sqrt(6 / 5)) and 2 * pt(-t, 4)"""
    assert close(prediction_interval(OLD, level=1 - 0.00517961477879).high, 30.9)


def test_hedges_g_has_the_exact_correction():
    """J = gamma(4) / (sqrt(4) * gamma(3.5)) for 8 degrees of freedom"""
    assert hedges_g(NEW, OLD) == pytest.approx(3.1482948643, rel=1e-9)


def test_the_probability_of_superiority_is_the_rank_sum_over_all_pairs():
    """wilcox.test(NEW, OLD)$statistic / 25"""
    assert superiority(NEW, OLD) == 1.0
