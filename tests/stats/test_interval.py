"""Intervals and tests agree with scipy and statsmodels to 1e-6, and with the tables they come from."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.weightstats import ttost_ind

from runaudit.stats import interval

A = (31.12, 31.25, 31.31, 30.98)
B = (30.55, 30.91, 31.02, 30.70, 30.83)


def test_welch_is_scipys_to_the_last_digits():
    expected = stats.ttest_ind(A, B, equal_var=False)
    low, high = expected.confidence_interval(0.95)

    found = interval.welch(A, B)

    assert (found.statistic, found.df, found.p) == pytest.approx(
        (expected.statistic, expected.df, expected.pvalue), abs=1e-9
    )
    assert (found.interval.low, found.interval.high) == pytest.approx((low, high), abs=1e-9)


def test_welch_by_hand():
    """Means 2 and 5, variances 1 and 1, three each: t = -3 / sqrt(2/3), four degrees of freedom."""
    found = interval.welch((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))

    assert found.statistic == pytest.approx(-3 / math.sqrt(2 / 3))
    assert found.df == pytest.approx(4)


def test_paired_t_is_scipys():
    expected = stats.ttest_rel(A, B[:4])

    found = interval.paired([x - y for x, y in zip(A, B, strict=False)])

    assert (found.statistic, found.p) == pytest.approx((expected.statistic, expected.pvalue), abs=1e-9)


@pytest.mark.parametrize("margin", [0.2, 0.5, 1.0])
def test_equivalence_is_statsmodels_tost(margin):
    expected = ttost_ind(np.array(A), np.array(B), -margin, margin, usevar="unequal")[0]

    assert interval.equivalence_p(interval.welch(A, B), margin) == pytest.approx(expected, abs=1e-9)


def test_mean_interval_is_students():
    low, high = stats.t.interval(0.95, len(B) - 1, loc=np.mean(B), scale=stats.sem(B))

    found = interval.mean_interval(B)

    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)


def test_three_seeds_barely_know_their_spread():
    """chi-square with 2 df has the quantiles -2 ln(.025) = 7.378 and -2 ln(.975) = .0506."""
    values = (1.0, 2.0, 3.0)

    found = interval.sd_interval(values)

    assert found.low == pytest.approx(math.sqrt(2 / (-2 * math.log(0.025))))
    assert found.high == pytest.approx(math.sqrt(2 / (-2 * math.log(0.975))))


def test_no_failure_in_three_runs_still_allows_seventy_one_percent():
    """0 of n: the upper end is 1 - .025 ** (1 / n)."""
    found = interval.share_interval(0, 3)

    assert (found.low, found.high) == (0.0, pytest.approx(1 - 0.025 ** (1 / 3)))
    assert found.high == pytest.approx(0.7076, abs=1e-4)


@pytest.mark.parametrize(("hits", "n"), [(0, 3), (1, 5), (4, 9), (3, 3)])
def test_shares_are_scipys_clopper_pearson(hits, n):
    expected = stats.binomtest(hits, n).proportion_ci(0.95, "exact")

    found = interval.share_interval(hits, n)

    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_the_prediction_interval_is_where_crawford_howell_turns_significant():
    """Control 100 ± 15 of 10 people, case 70: t = -30 / (15 * sqrt(1.1)) = -1.9069 with 9 df."""
    ten = [100 + 15 * z / math.sqrt(10 / 9) for z in (-1, 1) * 5]
    assert interval.sd(ten) == pytest.approx(15)
    p = 2 * stats.t.sf(30 / (15 * math.sqrt(1.1)), 9)

    assert interval.prediction_interval(ten, level=1 - p).low == pytest.approx(70.0, abs=1e-9)


def test_p_is_never_zero():
    found = interval.welch(tuple(float(i) for i in range(200)), tuple(1e9 + i for i in range(200)))

    assert 0 < found.p < 1e-200


def test_spreads_that_only_rounding_made_count_as_none():
    assert interval.is_constant((0.1 + 0.2, 0.3, 0.3))
    assert not interval.is_constant((30.0, 30.01, 30.0))
