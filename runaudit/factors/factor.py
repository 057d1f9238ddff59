"""The words of a judgement: a leaf that changed, and the one class it belongs to."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from runaudit.factors.tables import unkeyed
from runaudit.records.canonical import JSON


class Absent:
    """The level of a leaf that one side does not have. Absent is not null, and is equal only to itself."""

    _only: "Absent | None" = None

    def __new__(cls) -> "Absent":
        """The one there is."""
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __repr__(self) -> str:
        return "absent"

    def __bool__(self) -> bool:
        return False


ABSENT: Final = Absent()


class ChangeClass(StrEnum):
    """What a changed leaf is. Every one has exactly one class; what nothing else claims is a factor."""

    FACTOR = "factor"
    DERIVED = "derived"
    NUISANCE = "nuisance"
    COSMETIC = "cosmetic"


class Role(StrEnum):
    """How a factor weighs in the verdict: seeds and stochastic settings replicate, evaluation forbids comparing."""

    TREATMENT = "treatment"
    SEED = "seed"
    STOCHASTIC = "stochastic"
    EVALUATION = "evaluation"


SEED_ROLES = (Role.SEED, Role.STOCHASTIC)
"""Roles of what may differ between the runs of one design, and does between its replicates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One leaf that differs: its dotted path, both levels, its class, and why it has that class.

    `follows` names what a derived leaf follows from; `block` the factor that a factor leaf is counted under.
    """

    path: str
    before: JSON | Absent
    after: JSON | Absent
    kind: ChangeClass = ChangeClass.FACTOR
    why: str = ""
    follows: str = ""
    block: str = ""
    role: Role = Role.TREATMENT

    @property
    def section(self) -> str:
        """The first word of the path."""
        return section_of(self.path)

    def to_json(self) -> dict[str, Any]:
        """The leaf as a row of an answer; `absent` names the side that does not have it."""
        return {"factor": self.path, **levels_json(self.before, self.after), "why": self.why}


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """`value` is what counts of the level: two levels that count the same are no change."""

    kind: ChangeClass = ChangeClass.FACTOR
    value: JSON | Absent = ABSENT
    why: str = ""
    follows: str = ""
    role: Role = Role.TREATMENT


@lru_cache(maxsize=65536)
def section_of(path: str) -> str:
    """The section a dotted path belongs to."""
    return path.split(".", 1)[0].split("[", 1)[0]


def levels_json(before: JSON | Absent, after: JSON | Absent) -> dict[str, Any]:
    """`before` and `after` for JSON, which has no word for absent: null, with the side named beside it."""
    row: dict[str, Any] = {
        "before": None if isinstance(before, Absent) else unkeyed(before),
        "after": None if isinstance(after, Absent) else unkeyed(after),
    }
    if isinstance(before, Absent) or isinstance(after, Absent):
        row["absent"] = "before" if isinstance(before, Absent) else "after"
    return row
