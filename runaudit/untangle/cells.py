"""The hybrids to run: two-level designs in which every run tells of every factor.

A cell is a row of -1 (the level of A) and 1 (the level of B), one entry a unit. A block is a *folded* Hadamard design:
the rows of a Hadamard matrix of order m and their mirror images, 2m cells, A and B among them. The mirror takes every
product of two columns out of the main effects (resolution IV), which is what the cheaper designs get wrong: with one
interaction a plain Hadamard design (resolution III) names an innocent factor in 37 to 74 % of simulated problems.

Later blocks permute the columns and flip their signs, so that a product of three columns that hid behind one effect
falls behind another; units of little promise are tied into one column, which makes such a block cheap.

Source: Plackett & Burman 1946 (order 12 by Paley's construction); Box & Hunter 1961 on folding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from random import Random

import numpy as np
from numpy.typing import NDArray

Cell = tuple[int, ...]
ORDERS = (2, 4, 8, 12, 16)
MAX_UNITS = ORDERS[-1]


def order_for(columns: int) -> int:
    """The smallest order whose columns suffice. Raises ValueError beyond 16, which a plan refuses beforehand."""
    if columns > MAX_UNITS:
        raise ValueError(f"{columns} columns, and {MAX_UNITS} are the most")
    return next(m for m in ORDERS if m >= columns)


def hadamard(order: int) -> NDArray[np.int64]:
    """(order, order) of -1 and 1 with orthogonal columns; the first row is all 1."""
    if order == 12:
        return _paley(11)
    matrix = np.ones((1, 1), dtype=np.int64)
    while len(matrix) < order:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return matrix


def _paley(prime: int) -> NDArray[np.int64]:
    """Order prime + 1 from the squares modulo a prime that is 3 modulo 4, with a first row of 1."""
    squares = {i * i % prime for i in range(1, prime)}
    jacobsthal = [
        [0 if i == j else 1 if (i - j) % prime in squares else -1 for j in range(prime)] for i in range(prime)
    ]
    matrix = np.ones((prime + 1, prime + 1), dtype=np.int64)
    matrix[1:, 0] = -1
    matrix[1:, 1:] = np.array(jacobsthal)
    matrix += np.diag([0] + [1] * prime)
    return matrix


@dataclass(frozen=True, slots=True)
class Columns:
    """Which units a block moves by themselves and which it moves together. rest: tied, empty where none are."""

    own: tuple[int, ...]
    rest: tuple[int, ...] = ()

    @property
    def number(self) -> int:
        """Columns that the block's design needs."""
        return len(self.own) + bool(self.rest)


def first_block(units: int) -> tuple[Cell, ...]:
    """The fold over all units, A and B among its cells."""
    return _fold(hadamard(order_for(units))[:, :units])


def later_block(columns: Columns, units: int, *, least: int, random: Random) -> tuple[Cell, ...]:
    """A fold of at least order `least` with its columns permuted and flipped; four of four are the other half."""
    order = order_for(max(columns.number, least))
    matrix = hadamard(order)
    if columns.number == order == 4:
        # The half that holds A and B was the first block's; flipping one column gives the other.
        chosen = matrix.copy()
        chosen[:, random.randrange(4)] *= -1
    else:
        picked = random.sample(range(order), columns.number)
        chosen = matrix[:, picked] * np.array([random.choice((-1, 1)) for _ in picked])
    return tuple(_spread(row, columns, units) for row in _fold(chosen))


def full_factorial(named: Sequence[int], units: int) -> tuple[Cell, ...]:
    """Every combination of the named units (a half of them from six on), all others moving as their product does."""
    rest = tuple(unit for unit in range(units) if unit not in named)
    columns = Columns(tuple(named), rest)
    cells = []
    for row in product((-1, 1), repeat=len(named)):
        sign = int(np.prod(row))
        if len(named) <= 5 or sign == 1:
            cells.append(_spread((*row, sign), columns, units))
    return tuple(cells)


def crossed(named: Sequence[int], units: int) -> tuple[Cell, ...]:
    """Every combination of the named units and of all others as one: what tells a pair from the rest's own effect."""
    columns = Columns(tuple(named), tuple(unit for unit in range(units) if unit not in named))
    return tuple(_spread(row, columns, units) for row in product((-1, 1), repeat=columns.number))


def _fold(matrix: NDArray[np.int64]) -> tuple[Cell, ...]:
    rows = [tuple(int(entry) for entry in row) for row in matrix]
    return tuple(rows + [tuple(-entry for entry in row) for row in rows])


def _spread(row: Sequence[int], columns: Columns, units: int) -> Cell:
    """A cell over all units from a row over columns; the last entry is the rest's where there is one."""
    found = [0] * units
    for unit, entry in zip(columns.own, row, strict=False):
        found[unit] = entry
    for unit in columns.rest:
        found[unit] = row[len(columns.own)]
    return tuple(found)
