"""What a set of rows determines: checked by hand on textbook designs, and by another algorithm on random ones."""

from collections import Counter
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runaudit.study.design import Design, design_of
from runaudit.study.interactions import interactions
from runaudit.study.suggest import extension


def sizes_of(rows):
    return [len(set(column)) for column in zip(*rows, strict=True)]


def of(rows) -> Design:
    """The design of rows of values; values become codes in their order."""
    order = [sorted(set(column)) for column in zip(*rows, strict=True)]
    coded = [[levels.index(value) for levels, value in zip(order, row, strict=True)] for row in rows]
    return design_of(coded, [len(levels) for levels in order])


def separated(design: Design, cells) -> Design:
    return design_of([*design.cells.tolist(), *cells], design.sizes)


small_designs = st.integers(2, 4).flatmap(
    lambda factors: st.lists(st.tuples(*[st.integers(0, 2)] * factors), min_size=2, max_size=8)
).map(of)  # fmt: skip


def test_two_factors_that_always_change_together_are_one_alias_set():
    """S06: the columns are 0 1 and 1 0, correlation -1; intercept and one column span both."""
    design = of([(1, 2), (1, 2), (2, 1), (2, 1)])

    assert design.alias_sets == ((0, 1),)
    assert (design.rank, design.columns) == (2, 3)
    assert not design.estimable(0, 0, 1)


def test_a_sum_aliases_three_factors_of_which_no_pair_is_aliased():
    """S09: c = a + b. Columns 1, a, b, [c=1], [c=2]: a + [c=1] = b + [c=1] = a + b + [c=2] = 0 on the four cells has
    the one solution a = b = -[c=1], [c=2] = 2 [c=1], in which every column takes part."""
    rows = [(a, b, a + b) for a, b in product((0, 1), repeat=2)]
    design = of(rows)

    assert design.alias_sets == ((0, 1, 2),)
    assert (design.rank, design.columns) == (4, 5)
    for f, g in combinations(range(3), 2):
        assert of([(row[f], row[g]) for row in rows]).alias_sets == ()


def test_a_half_fraction_tells_the_main_effects_if_there_is_no_interaction():
    """S07: C = A xor B, I = ABC. Four runs, four columns; each main effect is the product of the other two."""
    design = of([(a, b, a ^ b) for a, b in product((0, 1), repeat=2)])

    assert design.alias_sets == ()
    assert (design.rank, design.columns) == (4, 4)
    found = {i.factors: i for i in interactions(design)}
    assert {pair: i.aliased for pair, i in found.items()} == {(0, 1): (2,), (0, 2): (1,), (1, 2): (0,)}
    assert not any(i.estimable for i in found.values())


def test_a_resolution_four_fraction_tells_no_interaction_from_its_twin():
    """2^(4-1) with D = ABC: AB = CD, AC = BD, AD = BC (Box, Hunter & Hunter, table 12.15)."""
    design = of([(a, b, c, a ^ b ^ c) for a, b, c in product((0, 1), repeat=3)])

    twins = {i.factors: i.twins for i in interactions(design)}

    assert design.alias_sets == ()
    assert twins[0, 1] == ((2, 3),)
    assert twins[0, 2] == ((1, 3),)
    assert twins[0, 3] == ((1, 2),)


def test_a_full_factorial_tells_every_interaction():
    assert all(i.estimable for i in interactions(of(list(product((0, 1), (0, 1, 2), (0, 1))))))


def test_an_interaction_with_a_missing_combination_is_not_estimable():
    (found,) = interactions(of([(0, 0), (1, 0), (0, 1)]))

    assert (found.estimable, found.cells, found.combinations) == (False, 3, 4)


def test_two_independent_alias_sets_are_not_joined_through_the_intercept():
    """a + b = 1 and c + d = 1 in every row: both null vectors use the intercept, and the sets are still two."""
    design = of([(i, 1 - i, j, 1 - j) for i, j in product((0, 1), repeat=2)])

    assert design.alias_sets == ((0, 1), (2, 3))


def test_a_factor_of_three_levels_may_be_told_in_part():
    """b changes only where a goes to its third level: the first two levels of a are compared cleanly."""
    design = of([(0, 0), (1, 0), (2, 1)])

    assert design.alias_sets == ((0, 1),)
    assert design.estimable(0, 0, 1)
    assert not design.estimable(0, 0, 2)
    assert not design.estimable(1, 0, 1)


def test_variance_inflation_is_one_in_a_balanced_plan_and_grows_with_collinearity():
    """Two columns of correlation r inflate by 1 / (1 - r^2)."""
    balanced = of(list(product((0, 1), repeat=2)))
    assert balanced.inflation(np.ones(4)) == pytest.approx({0: 1.0, 1: 1.0})

    # 00 and 11 four times, 01 and 10 once: covariance 4/10 - 1/4 = 0.15, variance 0.25, so r = 0.6 and 1 / 0.64.
    assert balanced.inflation(np.array([4.0, 1.0, 1.0, 4.0])) == pytest.approx({0: 1.5625, 1: 1.5625})


@given(small_designs)
def test_rank_is_that_of_the_whole_design_matrix(design):
    coded = np.column_stack([np.ones(len(design.cells)), design.coded(design.cells)])

    assert design.rank == np.linalg.matrix_rank(coded)


@given(small_designs)
def test_a_contrast_is_estimable_exactly_where_it_lies_in_the_row_space(design):
    """By appending the contrast as a row: in the row space it does not raise the rank."""
    coded = np.column_stack([np.ones(len(design.cells)), design.coded(design.cells)])
    for factor, size in enumerate(design.sizes):
        for a, b in combinations(range(size), 2):
            row = np.concatenate([[0.0], design.move(factor, a, b)])
            inside = np.linalg.matrix_rank(np.vstack([coded, row])) == np.linalg.matrix_rank(coded)
            assert design.estimable(factor, a, b) == inside


@given(small_designs)
def test_alias_sets_are_the_finest_parts_whose_ranks_add(design):
    """The definition of a direct sum, over all subsets of factors: null spaces split where ranks add."""
    coded = design.coded(design.cells)
    centred = coded - coded.mean(axis=0, keepdims=True)

    def rank(factors):
        columns = centred[:, np.isin(design.owner, list(factors))]
        return np.linalg.matrix_rank(columns) if columns.size else 0

    def splits(factors):
        whole = rank(factors)
        inner = [c for k in range(1, len(factors)) for c in combinations(factors, k)]
        return any(rank(part) + rank(set(factors) - set(part)) == whole for part in inner)

    varying = [factor for factor, size in enumerate(design.sizes) if size > 1]
    loose = {f for members in design.alias_sets for f in members}
    free = [f for f in varying if f not in loose]
    assert rank(varying) == sum(rank(members) for members in design.alias_sets) + sum(rank([f]) for f in free)
    assert all(rank([f]) == design.sizes[f] - 1 for f in free)
    assert not any(splits(members) for members in design.alias_sets)


@given(small_designs, st.randoms())
def test_the_order_of_rows_and_replicates_change_nothing(design, random):
    rows = design.cells.tolist()
    shuffled = [*rows, random.choice(rows), random.choice(rows)]
    random.shuffle(shuffled)

    again = design_of(shuffled, design.sizes)

    assert again.alias_sets == design.alias_sets
    assert again.rank == design.rank


@given(small_designs)
def test_the_suggested_runs_separate_the_set_and_no_fewer_could(design):
    for members in design.alias_sets:
        found = extension(design, members, Counter())

        after = separated(design, found.cells)

        assert not any(set(members) & set(rest) for rest in after.alias_sets)
        # Each run raises the rank by one, so with one run less some effect of the set stays aliased.
        assert after.rank == design.rank + len(found.cells)
        for left_out in found.cells:
            fewer = separated(design, [cell for cell in found.cells if cell != left_out])
            assert any(set(members) & set(rest) for rest in fewer.alias_sets)


@given(small_designs)
def test_all_suggestions_together_make_the_design_whole(design):
    """Columns minus rank is what is missing, and what is suggested."""
    cells = [cell for members in design.alias_sets for cell in extension(design, members, Counter()).cells]

    assert len(cells) == design.columns - design.rank
    assert separated(design, cells).rank == design.columns


@given(small_designs)
def test_a_suggested_cell_differs_in_one_factor_from_a_run_one_already_has(design):
    rows = {tuple(row) for row in design.cells.tolist()}
    for members in design.alias_sets:
        found = extension(design, members, Counter())
        for cell, base in zip(found.cells, found.bases, strict=True):
            assert base in rows and cell not in rows
            assert sum(x != y for x, y in zip(cell, base, strict=True)) == 1


@given(small_designs)
def test_the_suggested_runs_have_the_largest_determinant_of_their_kind(design):
    """By det(M'M) of the extended matrix itself, over all choices of as many single-factor neighbours."""
    if len(design.alias_sets) != 1 or design.columns - design.rank > 2:
        return
    found = extension(design, design.alias_sets[0], Counter())

    def information(cells):
        rows = np.vstack([design.cells, np.array(cells)])
        coded = np.column_stack([np.ones(len(rows)), design.coded(rows)])
        return np.linalg.det(coded.T @ coded)

    members = design.alias_sets[0]
    near = [
        (*row[:f], level, *row[f + 1 :])
        for row in map(tuple, design.cells.tolist())
        for f in members
        for level in range(design.sizes[f])
        if level != row[f]
    ]
    best = max(information(choice) for choice in combinations(sorted(set(near)), len(found.cells)))
    assert information(found.cells) == pytest.approx(best, rel=1e-6)


def test_a_random_search_over_a_thousand_runs_is_answered_without_its_algebra():
    """Every run has levels of its own in every factor: nothing can be told level by level."""
    rng = np.random.default_rng(0)
    rows = [[int(code) for code in row] for row in np.stack([rng.permutation(1000) for _ in range(5)], axis=1)]

    design = design_of(rows, [1000] * 5)
    found = extension(design, design.alias_sets[0], Counter())

    assert design.alias_sets == ((0, 1, 2, 3, 4),)
    assert (design.rank, design.columns) == (1000, 4996)
    assert (found.cells, found.short) == ((), 3996)
