"""What the runs told, in numbers of units; names and words are put on it elsewhere."""

from dataclasses import dataclass

from runaudit.untangle.look import Look
from runaudit.untangle.trial import Batch

ATTRIBUTED, NOT_SEPARATED = "attributed", "not_separated"
NO_DIFFERENCE, INCONCLUSIVE = "no_difference", "inconclusive"
Range = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two named units: by how much the effect of one changes when the other goes from A to B, its 95 % interval and
    p (Holm over the pairs); acts: p is below the plan's alpha."""

    units: tuple[int, int]
    effect: float
    ci: Range
    p: float
    acts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The two parts of a unit that moves as a whole: effects and p of each, and which of them did it."""

    unit: int
    effects: tuple[float | None, float | None]
    p: tuple[float, float]
    did: tuple[bool, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The end of a procedure.

    named: units that moved the metric; open: units that may have, or none could be bounded; looks: one per block;
    gate: the values of A and of B where the gate ended it; deciding: the batch that would go on, where only the
    budget ended it.
    """

    verdict: str
    why: str
    named: tuple[int, ...] = ()
    open: tuple[int, ...] = ()
    looks: tuple[Look, ...] = ()
    pairs: tuple[Pair, ...] = ()
    parts: tuple[Part, ...] = ()
    gate: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    deciding: Batch | None = None
