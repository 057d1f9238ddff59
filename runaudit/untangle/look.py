"""One look at the runs so far: which units are named, which are bounded, which could still matter.

A unit is a *candidate* where Holm's p over all units is below alpha over the number of looks. With more than three
units a candidate is *named* only if the later blocks alone agree in sign (one-sided 5 %): three units that only act
together hide behind single effects in the first block and fall elsewhere in the next.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod

from runaudit.stats.failing import failing_p
from runaudit.stats.multiplicity import holm
from runaudit.stats.pooled import Pooled, pooled
from runaudit.untangle.cells import Cell, Columns
from runaudit.untangle.trial import Done, balanced

AGREES = 0.05
BOUND = 0.95
STAYS = 0.3
"""A unit whose p is above this is tied to the others in the next block."""
FAILS = 0.05
FEW = 3
"""Up to this many units every block is the full factorial, and nothing can hide behind anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """fit: the model over all runs; p: each unit's raw p; adjusted: looks times Holm's p, at most 1."""

    fit: Pooled
    p: tuple[float, ...]
    adjusted: tuple[float, ...]
    candidates: tuple[int, ...]
    named: tuple[int, ...]
    failing: tuple[float, ...]
    looks: int

    @property
    def suspects_failing(self) -> bool:
        """Whether one look alone would say that a unit makes runs fail: no metric is judged on survivors lightly."""
        return min(self.failing) <= FAILS * self.looks

    def open(self, columns: Columns) -> tuple[int, ...]:
        """The units that are neither named nor bounded (95 %) below half the smallest named effect.

        columns: of the next block. What it ties together is bounded one by one or as a whole.
        """
        if not self.named:
            return tuple(range(self.fit.width))
        limit = min(abs(self.fit.effects[unit]) for unit in self.named) / 2
        loose = [u for u in range(self.fit.width) if u not in self.named and not self._below(self.fit.alone(u), limit)]
        tied = [unit for unit in columns.rest if unit not in self.named]
        whole = [1.0 if unit in tied else 0.0 for unit in range(self.fit.width)]
        if tied and self._below(whole, limit):
            loose = [unit for unit in loose if unit not in tied]
        return tuple(loose)

    def _below(self, weights: list[float], limit: float) -> bool:
        interval = self.fit.interval(weights, BOUND)
        return interval is not None and max(abs(interval[0]), abs(interval[1])) < limit

    def next_columns(self) -> Columns:
        """Candidates and units with p below 0.3 by themselves, all others tied; never fewer than one by itself."""
        width = self.fit.width
        if width <= FEW:
            return Columns(tuple(range(width)))
        own = {unit for unit, p in enumerate(holm(self.p)) if p < STAYS} | set(self.candidates)
        # A unit that may make runs fail is told from the others by columns, too.
        own |= {unit for unit in range(width) if self.failing[unit] < self.looks * FAILS}
        own |= {min(range(width), key=lambda unit: (self.p[unit], unit))}
        rest = tuple(unit for unit in range(width) if unit not in own)
        if len(rest) == 1:
            return Columns(tuple(range(width)))
        return Columns(tuple(sorted(own)), rest)


def fitted(history: Sequence[Done], row: Callable[[Cell], Sequence[float]], *, inside: int | None = None) -> Pooled:
    """The model of all finished runs, a term per batch; row: a cell's entries in its columns. The mixed cells of a unit
    count where it is the one that is looked into."""
    found = [
        (value, block, row(cell))
        for block, done in enumerate(history)
        for cell, value in (done.finished if done.batch.inside in (None, inside) else ())
    ]
    return pooled([one[0] for one in found], [one[1] for one in found], [one[2] for one in found])


def model(history: Sequence[Done], extra: Sequence[tuple[int, ...]] = ()) -> Pooled:
    """All finished runs of whole units; `extra`: sets of units whose product is a column, too."""
    return fitted(history, lambda cell: [*cell, *(prod(cell[unit] for unit in units) for units in extra)])


def look(history: Sequence[Done], *, alpha: float, looks: int) -> Look:
    """The state after the last block of `history`, whose runs cover every unit."""
    fit, even = model(history), balanced(history)
    p = tuple(fit.p(fit.alone(unit)) for unit in range(fit.width))
    adjusted = tuple(min(1.0, looks * one) for one in holm(p))
    candidates = tuple(unit for unit, one in enumerate(adjusted) if one <= alpha)
    named = candidates if fit.width <= FEW else tuple(u for u in candidates if agrees(even[1:], u, fit))
    failing = tuple(looks * one for one in holm([unequal(even, u) for u in range(fit.width)]))
    return Look(fit=fit, p=p, adjusted=adjusted, candidates=candidates, named=named, failing=failing,
                looks=looks)  # fmt: skip


def unequal(history: Sequence[Done], unit: int) -> float:
    """Fisher's p that the unit's levels fail unequally often; every attempt counts."""
    (failed_a, runs_a), (failed_b, runs_b) = (failures(history, unit, level) for level in (-1, 1))
    return failing_p((failed_a, failed_b), (runs_a, runs_b))


def unequal_alone(history: Sequence[Done], unit: int) -> float:
    """The same over the batches in which the unit was tied to no other."""
    return unequal([done for done in history if done.batch.columns and unit in done.batch.columns.own], unit)


def failures(history: Sequence[Done], unit: int, level: int) -> tuple[int, int]:
    """(failed, all) attempts at one level of a unit."""
    mine = [one for done in history for one in done.attempts if one.cell[unit] == level]
    return sum(one.value is None for one in mine), len(mine)


def agrees(blocks: Sequence[Done], unit: int, whole: Pooled, *, level: float = AGREES) -> bool:
    """Whether these blocks alone show an effect of the same sign at a one-sided `level`, by the whole model's error."""
    if not blocks:
        return False
    alone = replace(model(blocks), sd=whole.sd, df=whole.df, replicates=whole.replicates)
    return alone.p(alone.alone(unit), sign=whole.sign(unit)) <= level
