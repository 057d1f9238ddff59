"""The fewest extra runs that separate what is aliased.

Each new run raises the rank by one at most, so an alias set whose null space has k dimensions needs k runs. Only the
part of a new row that lies in the null space counts: for the fewest runs, det(M'M) of the extended design is det(M'M)
of the old one on its row space times the squared determinant of those parts. A cell that differs from a run one already
has in one factor contributes the same part whichever run that is, so the choice is among moves, from level to level of
one factor: exhaustive where there are few, greedy by the largest part still unexplained where there are many.

A move that nobody can launch, to the digest of a script say, is chosen only for what no other move separates.

Source: Fedorov, Theory of Optimal Experiments (1972), on D-optimal designs.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from math import comb

import numpy as np
from numpy.typing import NDArray

from runaudit.study.design import TOLERANCE, Codes, Design, Matrix

MAX_EXHAUSTIVE = 20_000
MAX_CELLS = 64
"""More extra runs than this are counted and not listed: the study needs another plan."""


Row = tuple[int, ...]
"""The level codes of a cell, one a factor."""


@dataclass(frozen=True, slots=True)
class Move:
    """Going from one level of a factor to another, all else held."""

    factor: int
    before: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """Cells to run, and for each the cell it differs from in one factor. `taken`: the like, each with its base, whose
    new level nobody can type: it is that of another run. `short`: how many more would be needed. `blocked`: how many of
    those needed have a level that is not on record, so that nobody can run them."""

    factors: tuple[int, ...]
    cells: tuple[Row, ...]
    bases: tuple[Row, ...]
    taken: tuple[tuple[Row, Row], ...] = ()
    short: int = 0
    blocked: int = 0


def extension(
    design: Design, members: tuple[int, ...], sizes: Counter[Row], effort: Callable[[Move], int] = lambda _: 0
) -> Extension:
    """The fewest new cells that make every effect of one alias set estimable.

    sizes: how many runs each cell has; a cell that was run often is the better one to differ from. effort: what it
    takes to launch a run at the levels of a move, 0 where they can be typed. What takes less is chosen first.
    """
    if design.saturated is not None:
        return Extension(factors=members, cells=(), bases=(), short=design.columns - design.rank)
    basis = null_basis(design, members)  # (columns - 1, k)
    k = basis.shape[1]
    if k > MAX_CELLS:
        return Extension(factors=members, cells=(), bases=(), short=k)
    moves = _moves(design, members)
    parts = np.stack([basis.T @ design.move(m.factor, m.before, m.after) for m in moves])  # (n_moves, k)
    efforts = np.array([effort(move) for move in moves])
    able = np.nonzero(efforts == 0)[0]
    if np.linalg.matrix_rank(parts[able], tol=TOLERANCE) < k:
        chosen = _greedy(parts, k, efforts)
    else:
        few = comb(len(able), k) <= MAX_EXHAUSTIVE
        chosen = tuple(int(able[i]) for i in (_exhaustive(parts[able], k) if few else _greedy(parts[able], k)))
    placed = [_placed(moves[i], design.cells, sizes) for i in chosen]
    mine = [pair for pair, i in zip(placed, chosen, strict=True) if not efforts[i]]
    return Extension(
        factors=members,
        cells=tuple(cell for cell, _ in mine),
        bases=tuple(base for _, base in mine),
        taken=tuple(pair for pair, i in zip(placed, chosen, strict=True) if efforts[i]),
    )


def null_basis(design: Design, members: Sequence[int]) -> Matrix:
    """(columns - 1, k): an orthonormal basis of the null space of one alias set, which is a summand of the whole."""
    mine = np.nonzero(np.isin(design.owner, list(members)))[0]
    values, vectors = np.linalg.eigh(design.projector[np.ix_(mine, mine)])
    inner = vectors[:, values > 0.5]
    basis = np.zeros((len(design.owner), inner.shape[1]))
    basis[mine] = inner
    return basis


def _moves(design: Design, members: Sequence[int]) -> list[Move]:
    """Every pair of levels of every factor of the set, in a fixed order; a move back differs in sign alone."""
    return [Move(f, a, b) for f in members for a, b in combinations(range(design.sizes[f]), 2)]


def _exhaustive(parts: Matrix, k: int) -> tuple[int, ...]:
    """The first of the choices with the largest determinant."""
    choices = combinations(range(len(parts)), k)
    best: tuple[int, ...] = ()
    largest = 0.0
    while chunk := list(islice(choices, 4096)):
        sizes = np.abs(np.linalg.det(parts[np.array(chunk)]))
        top = int(np.argmax(sizes >= sizes.max() - TOLERANCE))
        if sizes[top] > largest + TOLERANCE:
            largest, best = float(sizes[top]), chunk[top]
    # A determinant of many small parts can fall below the tolerance while its rows are independent.
    return best or _greedy(parts, k)


def _greedy(parts: Matrix, k: int, efforts: NDArray[np.int64] | None = None) -> tuple[int, ...]:
    """Again and again the move whose part is largest beside what the chosen ones explain, among those of the least
    effort that explain anything more. efforts: (n_moves,)."""
    left = parts.copy()
    chosen: list[int] = []
    for _ in range(k):
        norms = np.linalg.norm(left, axis=1)
        if efforts is not None and (norms > TOLERANCE).any():
            norms = np.where(efforts == efforts[norms > TOLERANCE].min(), norms, 0.0)
        top = int(np.argmax(norms >= norms.max() - TOLERANCE))
        chosen.append(top)
        unit = left[top] / norms[top]
        left = left - np.outer(left @ unit, unit)
    return tuple(chosen)


def _placed(move: Move, cells: Codes, sizes: Counter[Row]) -> tuple[Row, Row]:
    """The new cell of a move and the cell it starts from: the one with most runs, then the most usual levels."""
    usual = [Counter(column.tolist()) for column in cells.T]
    starts = []
    for row in cells.tolist():
        if row[move.factor] in (move.before, move.after):
            rank = (-sizes[tuple(row)], -sum(count[code] for count, code in zip(usual, row, strict=True)), row)
            starts.append(rank)
    base = min(starts)[2]
    new = list(base)
    new[move.factor] = move.after if base[move.factor] == move.before else move.before
    return tuple(new), tuple(base)
