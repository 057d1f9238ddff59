"""Edges of one comparison: too many readings, no spread between pairs."""

import pytest

from runaudit.metrics.catalogue import Direction
from runaudit.stats.cohort import collapse
from runaudit.stats.compare import compare
from runaudit.stats.judge import judge, summarise
from runaudit.stats.values import UNKNOWN_DESIGN, ArmValues, StatsPlan


def test_more_than_256_ways_to_read_repeated_seeds_claim_nothing():
    """Nine seeds ran twice each with other results: 512 readings."""
    twice = [*range(9), *range(9)]
    new = ArmValues(label="new", seeds=tuple(twice), values=tuple(40 + i / 100 for i in range(18)))
    old = ArmValues(label="old", seeds=(1, 2, 3), values=(30.0, 30.1, 30.2))

    found = compare(collapse(new), collapse(old), direction=Direction.HIGHER, plan=StatsPlan())

    assert found.p == 1.0


def test_pairs_that_differ_by_one_constant_have_no_test():
    new = ArmValues(label="new", seeds=(1, 2, 3), values=(31.0, 32.0, 33.0))
    old = ArmValues(label="old", seeds=(1, 2, 3), values=(30.0, 31.0, 32.0))

    found = compare(collapse(new), collapse(old), direction=Direction.HIGHER, plan=StatsPlan(is_paired=True))

    assert (found.difference, found.p, found.ci) == (1.0, None, None)


def test_unlike_numbers_of_one_draw_both_stand_for_it():
    """Two imported runs without a seed that may be one: 44.53, and 33.28 of one that stopped early: none is picked."""
    arm = ArmValues(label="arm", seeds=(None, None), values=(44.53, 33.28), proven=(None, False), repeats=(None, 0))

    sample = collapse(arm)

    assert sample.choices == ((33.28, 44.53),)
    assert (len(sample.values), sample.failed, sample.missing) == (1, (), ())
    assert summarise(arm, plan=StatsPlan()).counting == (44.53, 33.28)


def test_arms_that_are_equal_to_the_bit_need_no_larger_difference():
    def found(shift: float):
        arms = [
            ArmValues(label=name, seeds=(0, 1, 2), values=tuple(value + more for value in (0.79257, 0.80619, 0.79806)))
            for name, more in (("w16", shift), ("w4", 0.0))
        ]
        return judge(arms, metric="val/r2", direction=Direction.HIGHER, design=UNKNOWN_DESIGN)

    same, other = found(0.0), found(1e-9)

    assert same.comparisons[0].is_equal and "to the last bit" in same.reason
    assert "reliably show" not in same.reason and not any("would find" in note for note in same.notes)
    assert not other.comparisons[0].is_equal and "reliably show" in other.reason


def test_values_too_small_for_a_test_are_not_said_to_be_without_spread():
    tiny = ArmValues(label="tiny", seeds=(0, 1, 2), values=(1.97e-300, 1.50e-300, 1.02e-300))
    other = ArmValues(label="other", seeds=(0, 1, 2), values=(5.9e-300, 4.49e-300, 3.07e-300))

    answer = judge([tiny, other], metric="val/loss", direction=Direction.LOWER, design=UNKNOWN_DESIGN)

    assert "squares come to 0" in answer.reason
    assert answer.arms[0].sd == pytest.approx(4.75e-301, rel=0.01)


@pytest.mark.parametrize(
    ("seeds", "repeats", "said"),
    [((None, None), (None, 0), False), ((None, None), (None, None), True), ((None, 1), (None, None), True)],
    ids=["one draw", "two", "beside a named one"],
)
def test_a_run_is_taken_as_distinct_from_others_only(seeds, repeats, said):
    """A page said "only 1 independent draw" of three runs, and "1 run without a seed, taken as distinct" below."""
    arm = ArmValues(label="arm", seeds=seeds, values=(1.0, 2.0), repeats=repeats)

    notes = " | ".join(collapse(arm).notes)

    assert ("taken as distinct" in notes) == said and "no seed proof recorded" not in notes


def test_means_that_differ_by_their_last_bits_do_not_differ():
    """A page said "differs by -3.469e-18", and that the values do not vary at all."""
    tiny = ArmValues(label="a", seeds=(0, 1, 2), values=(0.025, 0.025000000000000005, 0.025))
    still = ArmValues(label="b", seeds=(0, 1, 2), values=(0.025, 0.025, 0.025))
    other = ArmValues(label="b", seeds=(0, 1, 2), values=(0.026, 0.027, 0.025))

    same = judge([tiny, still], metric="val/mse", direction=Direction.LOWER, plan=StatsPlan(), design=UNKNOWN_DESIGN)
    apart = judge([tiny, other], metric="val/mse", direction=Direction.LOWER, plan=StatsPlan(), design=UNKNOWN_DESIGN)

    assert (same.comparisons[0].difference, apart.comparisons[0].difference) == (0.0, pytest.approx(-0.001))
    assert "the values of a and b do not vary beyond the rounding of a double" in same.reason
    assert "the values of a do not vary beyond the rounding of a double" in apart.reason
