"""Whether two factors could be told to work together otherwise than each alone.

An interaction needs every combination of levels. Where it is a sum of main effects instead, as in a fraction of a
factorial (I = ABC makes A the product of B and C), each of those main effects is only told if that interaction is none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from runaudit.study.design import TOLERANCE, Codes, Design, Matrix

MAX_FACTORS = 60
MAX_LEVELS = 64
"""Pairs of factors with more combinations than this are not examined column by column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """Two factors; `cells` of their `combinations` were run.

    `aliased`: main effects that it cannot be told from. `twins`: other interactions that it cannot be told from.
    """

    factors: tuple[int, int]
    estimable: bool
    cells: int
    combinations: int
    aliased: tuple[int, ...] = ()
    twins: tuple[tuple[int, int], ...] = ()


def interactions(design: Design) -> tuple[Interaction, ...]:
    """Every pair of varying factors; none where there are too many factors to go through them pair by pair."""
    varying = [factor for factor, size in enumerate(design.sizes) if size > 1]
    if len(varying) > MAX_FACTORS or design.saturated is not None:
        return ()
    loose = {factor for members in design.alias_sets for factor in members}
    basis = _basis(design)
    found: list[Interaction] = []
    alike: dict[bytes, list[int]] = {}
    for f, g in combinations(varying, 2):
        one, rest = _interaction(design, f, g, basis, estimable=not loose & {f, g})
        if rest is not None:
            alike.setdefault(_direction(rest), []).append(len(found))
        found.append(one)
    for group in alike.values():
        for i in group if len(group) > 1 else ():
            others = tuple(found[j].factors for j in group if j != i)
            found[i] = replace(found[i], estimable=False, twins=others)
    return tuple(found)


def _basis(design: Design) -> Matrix:
    """(n_cells, rank): an orthonormal basis of the columns of the design matrix."""
    coded = np.column_stack([np.ones(len(design.cells)), design.coded(design.cells)])
    left, singular, _ = np.linalg.svd(coded, full_matrices=False)
    return np.asarray(left[:, singular > singular.max() * max(coded.shape) * np.finfo(np.float64).eps])


def _interaction(
    design: Design, f: int, g: int, basis: Matrix, *, estimable: bool
) -> tuple[Interaction, Matrix | None]:
    """The interaction, and what of a product of two levels each is left beside the main effects."""
    codes = design.cells[:, f] * design.sizes[g] + design.cells[:, g]
    present, wanted = len(np.unique(codes)), design.sizes[f] * design.sizes[g]
    if not present == wanted <= MAX_LEVELS:
        return Interaction(factors=(f, g), estimable=False, cells=present, combinations=wanted), None
    products = _products(design.cells[:, f], design.cells[:, g], (design.sizes[f], design.sizes[g]))
    left = products - basis @ (basis.T @ products)
    none_left = bool(np.abs(left).max() < TOLERANCE)
    whole = not none_left if wanted == 4 else np.linalg.matrix_rank(left, tol=1e-7) == products.shape[1]
    estimable = estimable and bool(whole)
    aliased = _twin(design, products[:, 0], but=(f, g)) if wanted == 4 and none_left else ()
    found = Interaction(factors=(f, g), estimable=estimable, cells=present, combinations=wanted, aliased=aliased)
    return found, left[:, 0] if wanted == 4 and not none_left else None


def _direction(column: Matrix) -> bytes:
    """The same for columns that differ by a factor alone."""
    unit = np.round(column / np.linalg.norm(column), 6) + 0.0  # + 0.0 turns -0.0 into 0.0
    first = unit[np.nonzero(unit)[0][0]]
    return bytes((unit if first > 0 else 0.0 - unit).tobytes())


def _products(a: Codes, b: Codes, sizes: Sequence[int]) -> Matrix:
    """(n_cells, (sizes[0] - 1) * (sizes[1] - 1)): products of effect-coded columns; of two levels, one of -1 and 1."""
    left, right = (_effects(codes, size) for codes, size in zip((a, b), sizes, strict=True))
    return np.asarray((left[:, :, None] * right[:, None, :]).reshape(len(a), -1))


def _effects(codes: Codes, size: int) -> Matrix:
    return np.asarray((codes[:, None] == np.arange(1, size)) * 1.0 - (codes == 0)[:, None] * 1.0)


def _twin(design: Design, product: Matrix, *, but: tuple[int, int]) -> tuple[int, ...]:
    """The factors of two levels that split the runs as the product does."""
    found = []
    for factor, size in enumerate(design.sizes):
        if size == 2 and factor not in but:
            sign = _effects(design.cells[:, factor], 2)[:, 0]
            if abs(abs(sign @ product) - len(product)) < TOLERANCE:
                found.append(factor)
    return tuple(found)
