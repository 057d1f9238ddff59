"""The pooled model agrees with statsmodels, and its error is that of replicates where there are enough."""

import numpy as np
import pytest
import statsmodels.api as sm

from runaudit.stats.pooled import pooled

RNG = np.random.default_rng(3)
CELLS = [(-1, -1, -1), (1, -1, 1), (-1, 1, 1), (1, 1, -1)] * 2
BLOCKS = [0] * 4 + [1] * 4
VALUES = list(RNG.normal(size=8) + np.array([0, 1, 0, 1, 3, 4, 3, 4]))


def test_effects_errors_and_p_are_those_of_ordinary_least_squares():
    values, blocks, cells = [*VALUES, 0.4], [*BLOCKS, 1], [*CELLS, (1, 1, 1)]
    x = np.hstack([np.array(cells) / 2, np.array([[b == 0, b == 1] for b in blocks], dtype=float)])
    fit = sm.OLS(values, x).fit()

    found = pooled(values, blocks, cells)

    assert found.df == int(fit.df_resid) and not found.replicates
    for unit in range(3):
        estimate, error = found.of(found.alone(unit))
        assert estimate == pytest.approx(fit.params[unit])
        assert error == pytest.approx(fit.bse[unit])
        assert found.p(found.alone(unit)) == pytest.approx(fit.pvalues[unit])
        assert found.interval(found.alone(unit)) == pytest.approx(tuple(fit.conf_int()[unit]))


def test_from_eight_degrees_of_freedom_on_replicates_give_the_error_and_an_interaction_is_none_of_it():
    cells = [(-1, -1), (1, -1), (-1, 1), (1, 1)] * 3
    noise = RNG.normal(size=12)
    values = [n + 50 * a * b for n, (a, b) in zip(noise, cells, strict=True)]

    found = pooled(values, [0] * 12, cells)

    groups = [[v for v, c in zip(values, cells, strict=True) if c == cell] for cell in cells[:4]]
    within = np.mean([np.var(group, ddof=1) for group in groups])
    assert found.replicates and found.df == 8
    assert found.sd == pytest.approx(within**0.5)


def test_what_the_runs_do_not_determine_is_not_known():
    tied = [(-1, -1), (1, 1)] * 4

    found = pooled(list(RNG.normal(size=8)), [0] * 8, tied)

    assert found.of([1, 0]) is None and found.p([1, 0]) == 1.0 and found.interval([1, 0]) is None
    assert found.of([1, 1]) is not None


def test_equal_numbers_have_no_spread_whatever_subtraction_leaves():
    assert pooled([0.1 + 0.2, 0.3] * 4, [0] * 8, [(-1,), (1,)] * 4).sd == 0.0
