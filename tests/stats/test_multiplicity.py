"""Corrections agree with statsmodels."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from runaudit.stats.multiplicity import benjamini_hochberg, benjamini_hochberg_alphas, holm, holm_alphas

p_values = st.lists(st.floats(1e-9, 1.0), min_size=1, max_size=12)


def test_holm_by_hand():
    """.01 * 3, .03 * 2 and .04 * 1, then never falling: .03, .06, .06."""
    assert holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))


@settings(max_examples=20, deadline=None)  # statsmodels' Holm takes 60 ms a call
@given(p_values)
def test_holm_is_statsmodels(values):
    assert holm(values) == pytest.approx(multipletests(values, method="holm")[1].tolist(), abs=1e-12)


@given(p_values)
def test_benjamini_hochberg_is_statsmodels(values):
    assert benjamini_hochberg(values) == pytest.approx(multipletests(values, method="fdr_bh")[1].tolist(), abs=1e-12)


def test_the_alphas_of_holm_by_hand():
    """.001 is tested at .05 / 3; .03 fails at .05 / 2, and what is left shares alpha."""
    assert holm_alphas([0.03, 0.001, 0.2], 0.05) == pytest.approx((0.025, 0.05 / 3, 0.025))
    assert holm_alphas([0.2, 0.3, 0.4], 0.05) == pytest.approx((0.05 / 3,) * 3)
    assert holm_alphas([0.001, 0.002], 0.05) == pytest.approx((0.025, 0.05))


def test_the_alphas_of_benjamini_hochberg_by_hand():
    """Two of four are found, at 2 / 4 of alpha."""
    assert benjamini_hochberg_alphas([0.001, 0.02, 0.5, 0.9], 0.05) == pytest.approx((0.025,) * 4)
    assert benjamini_hochberg_alphas([0.5, 0.9], 0.05) == pytest.approx((0.025,) * 2)


@pytest.mark.parametrize(("adjust", "alphas"), [(holm, holm_alphas), (benjamini_hochberg, benjamini_hochberg_alphas)])
@given(values=p_values, alpha=st.sampled_from([0.01, 0.05, 0.2]))
def test_what_is_rejected_is_what_falls_below_its_own_alpha(adjust, alphas, values, alpha):
    for p, adjusted, own in zip(values, adjust(values), alphas(values, alpha), strict=True):
        if abs(adjusted - alpha) > 1e-12:  # On the border itself rounding decides.
            assert (p < own) == (adjusted < alpha)
