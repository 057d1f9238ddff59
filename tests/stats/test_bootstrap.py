"""Resampling: same generator, same bytes; agreement with scipy."""

import numpy as np
import pytest
from scipy import stats

from runaudit.stats.bootstrap import bca, iqm, profile


def rng(seed=0):
    return np.random.default_rng(seed)


def mean_of(values):
    return values.mean(axis=-1)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 10, 12])
def test_iqm_is_scipys_trimmed_mean(n):
    values = rng(n).normal(size=n)

    assert float(iqm(values)) == pytest.approx(stats.trim_mean(values, 0.25), abs=1e-12)


def test_iqm_below_four_values_is_the_mean():
    values = np.array([1.0, 2.0, 9.0])

    assert float(iqm(values)) == values.mean()


@pytest.mark.parametrize("samples", [1, 2])
def test_bca_is_scipys_within_monte_carlo_error(samples):
    """The ends of 20 000 draws of a skewed sample; two generators differ by about 1 % of the width."""
    data = [rng(4).exponential(size=15), rng(5).exponential(size=12)][:samples]
    scipy_statistic = [
        lambda x, axis: x.mean(axis=axis),
        lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis),
    ][samples - 1]
    expected = stats.bootstrap(data, scipy_statistic, n_resamples=20_000, method="BCa", rng=rng(1)).confidence_interval

    found = bca(data, mean_of, rng=rng(2), resamples=20_000)

    tolerance = 0.03 * (expected.high - expected.low)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=tolerance)


def test_bca_leans_towards_the_long_tail():
    """Skewed to the right: BCa lies above the plain percentile interval at both ends."""
    data = rng(4).exponential(size=15)

    found = bca([data], mean_of, rng=rng(2), resamples=20_000)
    means = data[rng(2).integers(0, 15, size=(20_000, 15))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])

    assert found.low > low
    assert found.high > high


def test_same_generator_same_bytes():
    data = [rng(1).normal(size=5)]

    first, second = (bca(data, mean_of, rng=rng(9), resamples=100) for _ in range(2))

    assert first == second
    assert first != bca(data, mean_of, rng=rng(10), resamples=100)


def test_profile_counts_what_lies_strictly_above():
    shares = profile(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 2.0, 4.0]))

    assert shares.tolist() == [1.0, 0.5, 0.0]
