"""The designs have the properties for which they are taken."""

from itertools import combinations
from random import Random

import numpy as np
import pytest

from runaudit.untangle.cells import ORDERS, Columns, crossed, first_block, full_factorial, hadamard, later_block


@pytest.mark.parametrize("order", ORDERS)
def test_the_columns_of_a_hadamard_matrix_are_orthogonal(order):
    matrix = hadamard(order)
    assert np.array_equal(matrix.T @ matrix, order * np.eye(order))
    assert (matrix[0] == 1).all()


@pytest.mark.parametrize("units", range(2, 17))
def test_the_first_block_holds_both_ends_and_keeps_effects_free_of_each_other_and_of_pairs(units):
    cells = np.array(first_block(units))
    rows = {tuple(row) for row in cells}
    assert (1,) * units in rows and (-1,) * units in rows
    assert np.array_equal(cells.T @ cells, len(cells) * np.eye(units))
    for i, j in combinations(range(units), 2):
        assert not (cells.T @ (cells[:, i] * cells[:, j])).any()


def test_four_units_get_the_other_half_next_so_that_triples_fall_elsewhere():
    first = first_block(4)
    second = later_block(Columns((0, 1, 2, 3)), 4, least=4, random=Random(1))
    assert len({*first, *second}) == 16


def test_tied_units_move_together_and_the_others_freely():
    cells = np.array(later_block(Columns((1, 4), (0, 2, 3, 5)), 6, least=4, random=Random(2)))
    assert len(cells) == 8
    assert all((cells[:, 0] == cells[:, other]).all() for other in (2, 3, 5))
    assert len({(row[1], row[4], row[0]) for row in cells}) == 8


def test_a_closing_factorial_runs_the_named_in_every_combination_and_the_rest_as_their_product():
    cells = full_factorial((0, 2, 3), 5)
    assert len({(c[0], c[2], c[3]) for c in cells}) == len(cells) == 8
    assert all(c[1] == c[4] == c[0] * c[2] * c[3] for c in cells)


def test_a_pair_is_crossed_with_the_rest_so_that_its_product_is_not_the_rest_itself():
    cells = crossed((0, 1), 4)
    assert len(set(cells)) == 8 and len({(c[0], c[1], c[2]) for c in cells}) == 8
