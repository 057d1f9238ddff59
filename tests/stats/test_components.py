"""Seeds x sequences: the two-way table."""

import numpy as np
import pytest

from runaudit.stats.components import arm_components, components
from runaudit.stats.values import ArmValues


def test_a_shift_per_seed_is_all_seed_variance():
    """Seeds 0, 1, 2 shift every sequence alike: seed sd 1, nothing left over."""
    found = components(np.add.outer([0.0, 1.0, 2.0], [10.0, 20.0, 30.0]), ["a", "b", "c"])

    assert found.seed_sd == pytest.approx(1.0)
    assert found.residual_sd == pytest.approx(0.0, abs=1e-12)
    assert [summary.mean for summary in found.sequences] == pytest.approx([11.0, 21.0, 31.0])


def test_components_by_hand():
    """[[1, 3], [2, 8]]: rows 2 and 5, columns 1.5 and 5.5, grand 3.5, residuals ±1.

    MS residual = 4 * 1 / 1 = 4; MS seed = 2 * 4.5 = 9; seed variance = (9 - 4) / 2 = 2.5.
    """
    found = components(np.array([[1.0, 3.0], [2.0, 8.0]]), ["a", "b"])

    assert found.residual_sd == pytest.approx(2.0)
    assert found.seed_sd == pytest.approx(2.5**0.5)


def test_a_negative_seed_variance_is_none():
    found = components(np.array([[0.0, 5.0], [5.0, 0.0], [2.5, 2.5]]), ["a", "b"])

    assert found.seed_sd == 0.0


def test_a_run_without_one_sequence_gives_no_components():
    arm = ArmValues(label="a", seeds=(1, 2), values=(1.0, None), by_sequence=(("s", (1.0, None)), ("t", (1.0, 2.0))))

    assert arm_components(arm) is None
