"""Corrections agree with statsmodels."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from runaudit.stats.multiplicity import benjamini_hochberg, holm

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
