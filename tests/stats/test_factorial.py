"""Two factors, four cells: an interaction needs all of them."""

import numpy as np
import pytest

from runaudit.stats.factorial import two_by_two

NEITHER = (30.0, 30.2, 30.1, 29.9)
FIRST = (30.5, 30.7, 30.4, 30.6)
SECOND = (30.1, 30.4, 30.2, 30.3)
BOTH = (31.6, 31.5, 31.9, 31.4)
FACTORS = ("config.lr", "config.act")


def test_balanced_cells_agree_with_the_regression_of_statsmodels(arm):
    """With equal n the estimate and its standard error are those of OLS with a product column; only df differ."""
    import statsmodels.api as sm

    cells = (NEITHER, FIRST, SECOND, BOTH)
    y = np.concatenate(cells)
    a, b = np.repeat([0, 1, 0, 1], 4), np.repeat([0, 0, 1, 1], 4)
    fit = sm.OLS(y, np.column_stack([np.ones(16), a, b, a * b])).fit()

    found = two_by_two([arm(str(i), *values) for i, values in enumerate(cells)], factors=FACTORS)

    assert found.difference == pytest.approx(fit.params[3], abs=1e-9)
    variances = [np.var(cell, ddof=1) / 4 for cell in cells]
    assert np.sqrt(sum(variances)) == pytest.approx(fit.bse[3], abs=1e-9)
    assert found.ci.low < found.difference < found.ci.high and found.p < 0.05
    assert "neither has one effect of its own" in found.reason


def test_the_order_of_the_two_factors_does_not_matter(arm):
    cells = [arm(n, *v) for n, v in (("n", NEITHER), ("f", FIRST), ("s", SECOND), ("b", BOTH))]
    swapped = [cells[0], cells[2], cells[1], cells[3]]

    one, other = two_by_two(cells, factors=FACTORS), two_by_two(swapped, factors=FACTORS[::-1])

    assert (one.difference, one.p) == pytest.approx((other.difference, other.p))


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ((30.1, 30.2), "2 usable seeds"),
        ((30.1, 30.2, None), "without a usable number"),
        ((30.1, 30.1, 30.1), "do not vary"),
    ],
)
def test_a_cell_that_says_too_little_leaves_it_open(arm, cell, why):
    found = two_by_two([arm("n", *NEITHER), arm("f", *FIRST), arm("s", *SECOND), arm("b", *cell)], factors=FACTORS)

    assert found.difference is None and found.ci is None
    assert "not estimable: b has" in found.reason and why in found.reason


def test_no_visible_interaction_is_not_called_none(arm):
    same = [arm(str(i), *(v + i for v in NEITHER)) for i in range(4)]  # 0, 1, 2, 3: perfectly additive

    assert (
        "no interaction could be shown, which does not show that there is none"
        in two_by_two(same, factors=FACTORS).reason
    )
