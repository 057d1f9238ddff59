"""Edges of one comparison: too many readings, no spread between pairs."""

from runaudit.metrics.catalogue import Direction
from runaudit.stats.cohort import collapse
from runaudit.stats.compare import compare
from runaudit.stats.values import ArmValues, StatsPlan


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
