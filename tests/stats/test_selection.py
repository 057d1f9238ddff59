"""Picking the best is no improvement: how much it flatters, and when a choice of runs does."""

import math
from dataclasses import replace

import numpy as np
import pytest

from runaudit.errors import UsageError
from runaudit.metrics.catalogue import Direction
from runaudit.stats.answer import StatsVerdict
from runaudit.stats.selection import best_of, denominator, expected_top, flattery, is_favourable
from runaudit.stats.values import LeftOut
from tests.stats.conftest import SINGLE

# Expected maxima of k standard normal draws: closed forms for 2 and 3 (Jones 1948), the table of Harter 1961 for 5, 10.
MAXIMA = {2: 1 / math.sqrt(math.pi), 3: 3 / (2 * math.sqrt(math.pi)), 5: 1.1629644736, 10: 1.5387527308}


@pytest.mark.parametrize("k", MAXIMA)
def test_the_best_of_k_is_too_good_by_the_expected_maximum(k):
    assert expected_top(1, k) == pytest.approx(MAXIMA[k], abs=1e-9)


def test_the_best_m_of_k_agree_with_simulation():
    draws = np.sort(np.random.default_rng(0).normal(size=(200_000, 5)), axis=1)

    for m in (1, 2, 3, 4):
        assert expected_top(m, 5) == pytest.approx(draws[:, -m:].mean(), abs=0.005)  # standard error 0.002


def test_naming_every_run_selects_nothing():
    assert expected_top(5, 5) == 0.0
    with pytest.raises(UsageError):
        expected_top(6, 5)


@pytest.mark.parametrize(
    ("label", "k"),
    [
        ("ours (best of 5)", 5),
        ("best-of-3", 3),
        ("Best seed of 10", 10),
        ("best out of 4", 4),
        ("ours", 1),
        ("the best of the arms", 1),
        ("best of 0", 1),
    ],
)
def test_a_label_that_admits_a_choice_is_understood(label, k):
    assert best_of([label, "baseline"]) == k


@pytest.mark.parametrize(
    ("left_out", "direction", "expected"),
    [
        ([], Direction.HIGHER, False),
        ([29.0], Direction.HIGHER, True),  # everything left out is worse
        ([29.0, 30.5], Direction.HIGHER, False),  # one of them is not
        ([29.0], Direction.LOWER, False),
        ([31.0], Direction.LOWER, True),
        ([None], Direction.HIGHER, True),  # a crashed run was left out
    ],
)
def test_leaving_out_only_what_hurts_is_favourable(left_out, direction, expected):
    assert is_favourable([30.1, 30.4, 30.9], left_out, direction=direction) is expected


def test_baseline_runs_that_are_better_are_left_out_in_favour_of_the_claim(arm):
    """They are better numbers: less favourable they are to the claim that another arm beats them."""
    arms = (arm("new", 31.20, 31.25), arm("old", 30.10, 30.20))
    left = (LeftOut(named=2), LeftOut(named=2, values=(30.9, 30.8)))

    _, (of_new, picked) = flattery(arms, left, direction=Direction.HIGHER)

    assert of_new == ""
    assert picked.startswith("old leaves out 2 of 4") and picked.endswith(
        "less favourable to the claim than those named"
    )


def test_the_denominator_says_what_the_best_would_be_worth():
    told = denominator("ours", named=1, launched=5, sd=0.2)

    assert "1 of 5 launched runs" in told and "1.16 sd, here 0.2326" in told


def test_a_flattering_part_of_the_runs_supports_no_claim(arm, judged):
    arms = arm("new", 31.20, 31.25, 31.31), arm("old", 30.10, 30.20, 30.40)
    assert judged(*arms).verdict == StatsVerdict.IMPROVED

    answer = judged(*arms, design=replace(SINGLE, picked="new leaves out 2 of 5 launched runs"))

    assert answer.verdict == StatsVerdict.INCONCLUSIVE
    assert "new leaves out 2 of 5 launched runs" in answer.reason
