"""Several arms against one baseline: Dunnett accompanies Holm and decides nothing."""

import math

import numpy as np
import pytest
from scipy.integrate import dblquad
from scipy.special import ndtr

from runaudit.stats.words import text_lines

A = (30.5, 30.9, 30.7, 31.0)
B = (30.2, 30.1, 30.6, 30.3)
BASE = (29.9, 30.3, 30.1, 30.0)


def chance_of_a_larger(t, *, k, df):
    """P(max |T_i| > t) of k arms and a baseline of equal n, integrated over the baseline and the sd (Dunnett 1955)."""
    log_constant = math.log(2) + df / 2 * math.log(df / 2) - math.lgamma(df / 2)

    def inside(z, s):
        half = math.sqrt(2) * t * s
        density = math.exp(log_constant - df * s * s / 2) * s ** (df - 1) * math.exp(-z * z / 2)
        return (ndtr(z + half) - ndtr(z - half)) ** k * density / math.sqrt(2 * math.pi)

    return 1 - dblquad(inside, 0.0, 4.0, -8.0, 8.0, epsabs=1e-6)[0]


def test_dunnett_agrees_with_the_integral_it_stands_for(arm, judged):
    pooled = math.sqrt(sum(3 * np.var(x, ddof=1) for x in (A, B, BASE)) / 9)  # df = 3 arms x 3

    answer = judged(arm("a", *A), arm("b", *B), arm("base", *BASE))

    for comparison in answer.comparisons:
        t = abs(comparison.difference) / (pooled * math.sqrt(2 / 4))
        # The library integrates by quasi-Monte-Carlo; its stated digits are about three.
        assert comparison.dunnett_p == pytest.approx(chance_of_a_larger(t, k=2, df=9), abs=2e-3)


def test_the_same_input_gives_the_same_p(arm, judged):
    first, again = (judged(arm("a", *A), arm("b", *B), arm("base", *BASE)) for _ in range(2))

    assert first == again


def test_dunnett_is_shown_and_changes_no_verdict(arm, judged):
    alone = judged(arm("a", *A), arm("base", *BASE))
    family = judged(arm("a", *A), arm("b", *B), arm("base", *BASE))

    assert alone.comparisons[0].dunnett_p is None and "Dunnett" not in "\n".join(text_lines(alone))
    assert "  Dunnett p  " in "\n".join(text_lines(family))
    assert family.comparisons[0].p_adjusted == pytest.approx(2 * family.comparisons[0].p)


def test_where_one_arm_cannot_be_tested_there_is_no_joint_test(arm, judged):
    answer = judged(arm("a", *A), arm("b", 30.2, 30.1), arm("base", *BASE))

    assert [c.dunnett_p for c in answer.comparisons] == [None, None]
