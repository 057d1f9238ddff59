"""A claim: which number was written about which arm, how exactly, and where."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a number says: the mean of an arm, or an arm minus its baseline."""

    VALUE = "value"
    DIFFERENCE = "difference"


class Source(StrEnum):
    """Where it was read."""

    SENTENCE = "sentence"
    TABLE = "table"
    ANNOTATION = "annotation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One understood number. `value` is signed, arm minus baseline; `tolerance` half a unit of the last digit written.

    `written` is the number as the text has it, `text` the sentence, cell or annotation around it. seeds: how many the
    text says that it rests on; empty where it says nothing, two where the arms of a difference have each their own.
    """

    line: int
    kind: Kind
    metric: str
    arm: str
    value: float
    tolerance: float
    written: str
    source: Source
    text: str = ""
    baseline: str | None = None
    seeds: tuple[int, ...] = ()

    def allows(self, found: float) -> bool:
        """Whether `found`, rounded to the digits that were written, is what was claimed."""
        # 30.15 is claimed by 30.2 as well as 30.1; a double near the edge must not decide.
        return abs(found - self.value) <= self.tolerance * (1 + 1e-9) + 1e-12 * abs(found)

    def counts(self, used: tuple[int, ...]) -> bool:
        """Whether the seeds that the text states are those that were used, `used` for each arm."""
        stated = self.seeds * len(used) if len(self.seeds) == 1 else self.seeds
        return not stated or sorted(stated) == sorted(used)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A number that speaks of an arm or a metric and was not understood, and why."""

    line: int
    written: str
    reason: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Everything a text says in numbers. `others` counts those that name no arm and no metric."""

    claims: tuple[Claim, ...]
    unread: tuple[Unread, ...]
    others: int
