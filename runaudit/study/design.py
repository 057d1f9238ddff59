"""The algebra of a study: which effects its runs determine, and which they cannot tell apart.

The design matrix has an intercept and, for each factor, one column a level but the first. An effect is estimable
exactly where it is orthogonal to the null space of that matrix. Columns are centred first, which takes the intercept
out: two pairs of aliased factors that both sum to one are then not joined through it. Two factors belong to one alias
set exactly where the projector onto the null space connects them, which no correlation between two columns can show:
c = a + b aliases three factors of which no two change together.

Source: Searle, Linear Models (1971), 5.4 on estimable functions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Codes = NDArray[np.int64]

TOLERANCE = 1e-8
"""Entries of the projector are 0 or of the order of one over the number of columns; rounding stays below 1e-12."""
MANY_COLUMNS = 3000
"""Beyond this the singular values of a thousand rows take longer than a reader waits."""


@dataclass(frozen=True, kw_only=True)
class Design:
    """The distinct rows of a study as level codes.

    cells: (n_cells, n_factors), code of each factor's level; sizes: (n_factors,), number of levels.
    """

    cells: Codes
    sizes: tuple[int, ...]

    @cached_property
    def owner(self) -> Codes:
        """(columns - 1,): the factor of each coded column."""
        return np.repeat(np.arange(len(self.sizes)), [max(0, size - 1) for size in self.sizes])

    @cached_property
    def level(self) -> Codes:
        """(columns - 1,): the level that each coded column stands for; the first level is the reference."""
        ranges = [np.arange(1, size) for size in self.sizes if size > 1]
        return np.concatenate(ranges).astype(np.int64) if ranges else np.zeros(0, dtype=np.int64)

    def coded(self, cells: Codes) -> Matrix:
        """(n, columns - 1): treatment coding of rows of level codes, without the intercept."""
        return np.asarray(cells[:, self.owner] == self.level, dtype=np.float64)

    @cached_property
    def row_space(self) -> Matrix:
        """(rank - 1, columns - 1): an orthonormal basis of the centred rows."""
        centred = self.coded(self.cells)
        centred = centred - centred.mean(axis=0, keepdims=True) if len(centred) else centred
        if centred.size == 0:
            return np.zeros((0, centred.shape[1]))
        _, singular, basis = np.linalg.svd(centred, full_matrices=False)
        # The rule of numpy.linalg.matrix_rank.
        limit = singular.max() * max(centred.shape) * np.finfo(np.float64).eps
        return np.asarray(basis[singular > limit])

    @property
    def columns(self) -> int:
        """Columns of the design matrix, the intercept included."""
        return 1 + len(self.owner)

    @cached_property
    def rank(self) -> int:
        """Rank of the design matrix, the intercept included."""
        if self.saturated is not None:
            return len(self.cells)
        return len(self.row_space) + (1 if len(self.cells) else 0)

    @cached_property
    def saturated(self) -> int | None:
        """A factor with another level in every cell, beside others: its columns span theirs, whatever they are.

        That is a random search. Its algebra is known without computing it, and would take minutes.
        """
        if self.columns <= MANY_COLUMNS:
            return None
        return next((factor for factor, size in enumerate(self.sizes) if size == len(self.cells)), None)

    @cached_property
    def projector(self) -> Matrix:
        """(columns - 1, columns - 1): onto the null space of the centred matrix."""
        basis = self.row_space
        return np.asarray(np.eye(len(self.owner)) - basis.T @ basis)

    @cached_property
    def alias_sets(self) -> tuple[tuple[int, ...], ...]:
        """The sets of factors that no estimate can separate, each in order; factors in none are estimable."""
        varying = [factor for factor, size in enumerate(self.sizes) if size > 1]
        if self.saturated is not None:
            return (tuple(varying),)
        joined = np.abs(self.projector) > TOLERANCE
        parent = list(range(len(self.sizes)))

        def root(factor: int) -> int:
            while parent[factor] != factor:
                factor = parent[factor]
            return factor

        for i, j in zip(*np.nonzero(np.triu(joined, 1)), strict=True):
            parent[root(int(self.owner[i]))] = root(int(self.owner[j]))
        loose = {int(self.owner[i]) for i in np.nonzero(joined.diagonal())[0]}
        sets: dict[int, list[int]] = {}
        for factor in sorted(loose):
            sets.setdefault(root(factor), []).append(factor)
        return tuple(sorted(tuple(members) for members in sets.values()))

    def estimable(self, factor: int, a: int, b: int) -> bool:
        """Whether the difference between two levels of a factor is determined by these runs."""
        if self.saturated is not None or self.sizes[factor] < 2:
            return False
        contrast = self.move(factor, a, b)
        return bool(np.linalg.norm(contrast - self.row_space.T @ (self.row_space @ contrast)) < TOLERANCE)

    def move(self, factor: int, a: int, b: int) -> Matrix:
        """(columns - 1,): what going from level `a` to level `b` of a factor adds to a row."""
        mine = self.owner == factor
        return np.asarray((mine & (self.level == b)) * 1.0 - (mine & (self.level == a)) * 1.0)

    def inflation(self, weights: Matrix) -> dict[int, float]:
        """The largest variance inflation of each estimable factor's columns; 1 where nothing is collinear with it.

        weights: (n_cells,), runs of each cell.
        """
        if self.saturated is not None or not len(self.owner):
            return {}
        coded = self.coded(self.cells)
        centred = (coded - (weights @ coded) / weights.sum()) * np.sqrt(weights)[:, None]
        gram = centred.T @ centred
        inverse = np.linalg.pinv(gram, hermitian=True)
        aliased = {factor for members in self.alias_sets for factor in members}
        # A factor of several columns is collinear within itself: its own block is the yardstick.
        found = {}
        for factor, size in enumerate(self.sizes):
            mine = np.nonzero(self.owner == factor)[0]
            if size > 1 and factor not in aliased:
                alone = np.linalg.pinv(gram[np.ix_(mine, mine)], hermitian=True)
                found[factor] = float((inverse[mine, mine] / alone.diagonal()).max())
        return found


def design_of(rows: Sequence[Sequence[int]], sizes: Sequence[int]) -> Design:
    """The design of distinct rows of level codes. Rows that repeat change nothing and may be given."""
    distinct = sorted({tuple(row) for row in rows})
    return Design(cells=np.array(distinct, dtype=np.int64).reshape(len(distinct), len(sizes)), sizes=tuple(sizes))
