"""Exact permutation tests: floors, ties, agreement."""

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from runaudit.stats.permutation import permutation_p, sign_flip_p, smallest_paired_p, smallest_reachable_p


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize(("n", "floor"), [(3, 2 / 20), (4, 2 / 70), (5, 2 / 252)])
def test_separated_arms_reach_exactly_the_floor(n, floor):
    """Two labellings of C(2n, n) are as extreme as complete separation."""
    p = permutation_p(np.arange(n) + 100.0, np.arange(n) * 1.0, rng=rng())

    assert p == smallest_reachable_p(n, n) == pytest.approx(floor)


def test_floor_of_lone_runs_is_one():
    assert smallest_reachable_p(1, 1) == 1.0


def test_five_pairs_never_reach_five_percent():
    assert sign_flip_p(np.arange(1.0, 6.0), rng=rng()) == smallest_paired_p(5) == 0.0625


@pytest.mark.parametrize(("n_a", "n_b"), [(3, 3), (4, 6), (5, 5)])
def test_agrees_with_scipy_where_there_are_no_ties(n_a, n_b):
    a, b = rng().normal(0.5, 1, n_a), rng().normal(0, 1, n_b + 9)[9:]
    expected = stats.permutation_test((a, b), lambda x, y: np.mean(x) - np.mean(y), n_resamples=np.inf).pvalue

    assert permutation_p(a, b, rng=rng()) == pytest.approx(expected, abs=1e-9)


def exact_p(a, b):
    """The same test in rational arithmetic, where equal sums are equal."""
    pooled = [Fraction(round(100 * value), 100) for value in (*a, *b)]
    sums = [sum(pick) for pick in combinations(pooled, len(a))]
    observed = sum(pooled[: len(a)])
    above, below = sum(s >= observed for s in sums), sum(s <= observed for s in sums)
    return min(1.0, 2 * min(above, below) / len(sums))


def test_ties_on_two_decimal_data_are_kept():
    """Equal sums differ in their last bits; a tolerance near 4e-15 loses some, and p comes out too small."""
    draws = np.random.default_rng(3)
    lost = 0
    for _ in range(30):
        a, b = (np.round(30 + draws.normal(shift, 0.05, 6), 2) for shift in (0.04, 0.0))
        found = permutation_p(a, b, rng=rng())
        assert found == pytest.approx(exact_p(a, b), abs=1e-12)
        library = stats.permutation_test((a, b), lambda x, y: np.mean(x) - np.mean(y), n_resamples=np.inf).pvalue
        lost += library < found - 1e-9

    assert lost > 0  # the trap is real on this data, so this test can fail


def test_drawn_labellings_count_the_observed_one():
    """Beyond the exact table p = (hits + 1) / (resamples + 1), doubled: never 0."""
    p = permutation_p(np.arange(12) + 100.0, np.arange(12) * 1.0, rng=rng(), resamples=99)

    assert p == pytest.approx(2 / 100)


def test_drawn_labellings_agree_with_the_exact_table():
    """10 against 10 seeds are drawn; scipy enumerates 184 756. Standard error at 20 000 draws: 0.0027."""
    a, b = rng().normal(0.6, 1, 10), rng().normal(0, 1, 20)[10:]
    exact = stats.permutation_test(
        (a, b), lambda x, y, axis: x.mean(axis) - y.mean(axis), n_resamples=np.inf, vectorized=True
    ).pvalue

    assert permutation_p(a, b, rng=rng(), resamples=20_000) == pytest.approx(exact, abs=0.015)
