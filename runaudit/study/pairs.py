"""Cells side by side: which pairs differ in one factor alone, and which are joined by a chain of such steps.

The verdict of a pair is that of a comparison of its runs, read from the table: a study of a thousand runs has half a
million pairs. What runs were observed to use weighs by what *both* of a pair used, which a table of many cannot say: of
such runs each pair that is listed is put to the comparison itself.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

import numpy as np

from runaudit.factors.factor import Role
from runaudit.records.run import Run
from runaudit.study.columns import inner_changes
from runaudit.study.table import Cell, Table
from runaudit.system.progress import work

FEW_CELLS = 16
"""Up to so many cells every pair is listed; beyond, the clean ones."""
MAX_PAIRS = 200
MAX_CHAINS = 40
MAX_CHAIN_CELLS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two cells by their places in the table, the factors in which they differ, and what may be concluded. `idle`: the
    sentence that says that no factor changed any number, where that is so. `open`: what varies in the study and is
    unknown of one of the two, or of both: they may differ in it as well. `doubt`: why what parts them may be a part of
    the measure, where that is so."""

    a: int
    b: int
    factors: tuple[str, ...]
    verdict: str
    conditional: str | None
    idle: str = ""
    open: tuple[str, ...] = ()
    doubt: str = ""

    @property
    def is_single(self) -> bool:
        """Whether one factor parts the two, as far as what their records lack is lacking in all of the study."""
        return "single_factor" in (self.verdict, self.conditional) and not self.open


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Cells from `a` to `b` by single-factor steps, where `a` and `b` themselves are confounded."""

    cells: tuple[int, ...]
    factors: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a comparison says of the runs of two cells."""

    factors: tuple[str, ...]
    verdict: str
    conditional: str | None
    idle: str = ""
    doubt: str = ""


Judge = Callable[[Sequence[Run], Sequence[Run]], Judged]


def pairs_of(table: Table, judge: Judge | None = None) -> tuple[tuple[Pair, ...], int]:
    """The pairs that are listed, and how many single-factor pairs there are in all. `judge` compares observed runs."""
    cells = table.cells
    if len(cells) <= FEW_CELLS:
        near = list(combinations(range(len(cells)), 2))
        found = tuple(_listed(judge, table, near))
        return found, sum(pair.is_single for pair in found)
    clean = _single_pairs(table)
    return tuple(pair for pair in _listed(judge, table, clean[:MAX_PAIRS]) if pair.is_single), len(clean)


def _listed(judge: Judge | None, table: Table, places: Sequence[tuple[int, int]]) -> Iterator[Pair]:
    with work("comparing", len(places), "pairs of designs") as advance:
        for i, j in places:
            yield _put_to(judge, table, _pair(table, i, j))
            advance(1)


def _single_pairs(table: Table) -> list[tuple[int, int]]:
    """The places of the cells that one factor parts, and nothing that is unknown. There are as many neighbours as
    there are cells by cells, so of each only that is asked."""
    cells = table.cells
    near = _neighbours(cells)
    is_open = [any(_unknown(table, cell)) for cell in cells]
    found = []
    with work("comparing", sum(map(len, near)) // 2, "pairs of designs") as advance:
        for i, others in enumerate(near):
            later = [j for j in others if i < j]
            if not is_open[i]:
                found += [(i, j) for j in later if not is_open[j] and _is_single(table, cells[i], cells[j])]
            advance(len(later))
    return found


def _is_single(table: Table, a: Cell, b: Cell) -> bool:
    _, weight, evaluation = _moved(table, a, b)
    return _verdict(table, a, b, weight, evaluation) == "single_factor"


def _put_to(judge: Judge | None, table: Table, pair: Pair) -> Pair:
    sides = [[table.runs[row] for row in table.cells[place].rows] for place in (pair.a, pair.b)]
    observed = any(run.observed for side in sides for run in side)
    # What is unknown of one hides in a table what else of the two differs: files of a commit that nobody knows.
    hidden = bool(pair.open) and not pair.factors
    if judge is None or not (observed or pair.is_single or hidden):
        return pair
    one = judge(*sides)
    if observed or hidden or one.doubt or one.verdict == "incomparable":
        pair = replace(pair, factors=one.factors, verdict=one.verdict, conditional=one.conditional)
    return replace(pair, idle=one.idle, doubt=one.doubt)


def _neighbours(cells: Sequence[Cell]) -> list[list[int]]:
    """For each cell the cells that differ from it in one column."""
    codes = np.array([cell.codes for cell in cells], dtype=np.int64)
    return [np.nonzero((codes != row).sum(axis=1) == 1)[0].tolist() for row in codes]


def _pair(table: Table, i: int, j: int) -> Pair:
    a, b = table.cells[i], table.cells[j]
    factors, weight, evaluation = _moved(table, a, b)
    clean = _verdict(table, a, b, weight, evaluation)
    gaps = table.gaps_of((*a.rows, *b.rows))
    spoilt = bool(gaps) and clean in ("single_factor", "replicate", "identical")
    return Pair(
        a=i,
        b=j,
        factors=factors,
        verdict="provenance_incomplete" if spoilt else clean,
        conditional=clean if gaps else None,
        open=tuple(dict.fromkeys((*_unknown(table, a), *_unknown(table, b)))),
    )


def _moved(table: Table, a: Cell, b: Cell) -> tuple[tuple[str, ...], int, bool]:
    """The factors in which two cells are known to differ, how many choices these are, and whether one of them is of
    the evaluation."""
    factors, weight, evaluation = [], 0, False
    moved = [
        (column, left, right)
        for column, left, right in zip(table.columns, a.codes, b.codes, strict=True)
        if left != right and column.unknown not in (left, right)
    ]
    # What one of them used follows from whatever else differs.
    beside = any(not column.lone for column, _, _ in moved)
    for column, left, right in moved:
        if not (column.lone and beside):
            factors.append(column.factor)
            weight += inner_changes(column.levels[left], column.levels[right]) if len(column.leaves) == 1 else 1
            evaluation = evaluation or column.role is Role.EVALUATION
    return tuple(factors), weight, evaluation


def _unknown(table: Table, cell: Cell) -> Iterator[str]:
    """What varies among the cells and is unknown of this one."""
    yield from (one.factor for one, code in zip(table.columns, cell.codes, strict=True) if code == one.unknown)


def _verdict(table: Table, a: Cell, b: Cell, weight: int, evaluation: bool) -> str:
    if evaluation or not a.results or not b.results or not table.measured_alike(a, b):
        return "incomparable"
    single = len(a.rows) == len(b.rows) == 1
    seeds = table.reseeded(a.rows[0], b.rows[0]) if single else table.seed_moved(a, b)
    if weight > 1 or (weight and seeds):
        return "confounded"
    return "single_factor" if weight else "replicate" if seeds else "identical"


# ── chains ───────────────────────────────────────────────────────────────────────────────────────────────────────


def chains_of(table: Table) -> Iterator[Chain]:
    """The shortest chains between cells that differ in two or three factors, each step moving one of them for good."""
    cells = [cell for cell in table.informative if not any(_unknown(table, cell))]
    if len(cells) > MAX_CHAIN_CELLS:
        return
    place = {cell.codes: at for at, cell in reversed(list(enumerate(table.cells)))
             if cell.results and not any(_unknown(table, cell))}  # fmt: skip
    judged = [column.role is not Role.EVALUATION and len(column.levels) > 1 for column in table.columns]
    count = 0
    for a, b in combinations(cells, 2):
        moved = [f for f, (x, y) in enumerate(zip(a.codes, b.codes, strict=True)) if x != y]
        if not 2 <= len(moved) <= 3 or not all(judged[f] for f in moved):
            continue
        path = _path(a.codes, b.codes, moved, set(place))
        if path:
            order = [next(f for f in moved if x[f] != y[f]) for x, y in pairwise(path)]
            yield Chain(
                cells=tuple(place[codes] for codes in path), factors=tuple(table.columns[f].factor for f in order)
            )
            count += 1
            if count == MAX_CHAINS:
                return


def _path(
    a: tuple[int, ...], b: tuple[int, ...], moved: Sequence[int], known: set[tuple[int, ...]]
) -> list[tuple[int, ...]] | None:
    if not moved:
        return [a]
    for factor in moved:
        step = (*a[:factor], b[factor], *a[factor + 1 :])
        if step in known and (rest := _path(step, b, [f for f in moved if f != factor], known)):
            return [a, *rest]
    return None
