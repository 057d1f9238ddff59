"""What is run and what comes back: batches of cells, and the attempts at each."""

from collections.abc import Sequence
from dataclasses import dataclass

from runaudit.untangle.cells import Cell, Columns

GATE, BLOCK, CLOSING, PAIRS, INSIDE = "gate", "block", "closing", "pairs", "inside"
"""Why a batch is run: do the two ends differ at all; which unit; the named ones in every combination; do two of them
act otherwise together; which file of a unit that only moves as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Cells that are launched together, in no order: the runner shuffles them by the plan's seed.

    inside: the unit whose `mixed` cells (entries of 0 in that unit's place) are among them, for an INSIDE batch.
    """

    purpose: str
    cells: tuple[Cell, ...]
    columns: Columns | None = None
    inside: int | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a cell: the metric, or None where it failed, diverged or gave no finite number."""

    cell: Cell
    value: float | None


@dataclass(frozen=True, slots=True)
class Done:
    """A batch that was run: every attempt, retries included."""

    batch: Batch
    attempts: tuple[Attempt, ...]

    @property
    def finished(self) -> tuple[tuple[Cell, float], ...]:
        """(cell, value) of the attempts that gave a number."""
        return tuple((one.cell, one.value) for one in self.attempts if one.value is not None)


def balanced(history: Sequence[Done]) -> tuple[Done, ...]:
    """The batches that have every unit as often at one level as at the other, whatever the rest; at the gate all units
    move at once."""
    return tuple(done for done in history if done.batch.purpose in (BLOCK, CLOSING))


def spent(history: Sequence[Done]) -> int:
    """Runs so far, retries counted."""
    return sum(len(done.attempts) for done in history)
