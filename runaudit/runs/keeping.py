"""What keeps a run of `list`: comparisons, what is asked of one name, and these joined by and, or and not.

A run that cannot answer gives None, which keeps it neither as it stands nor under `not`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Protocol

from runaudit.runs.comparing import Missing, Named, Relation
from runaudit.runs.rows import Entry, fields


class Condition(Protocol):
    """What keeps a run or does not."""

    def holds(self, entry: Entry) -> bool | None:
        """Whether it holds for a run; None where the run cannot answer."""

    def comparisons(self) -> Sequence[Relation]:
        """The comparisons that it is made of."""


@dataclass(frozen=True, slots=True)
class All:
    """Several conditions, of which each must hold; with `one`, a single one suffices."""

    parts: tuple[Condition, ...]
    one: bool = False

    def holds(self, entry: Entry) -> bool | None:
        """What settles it settles it, whatever the others lack."""
        found = [part.holds(entry) for part in self.parts]
        return self.one if self.one in found else None if None in found else not self.one

    def comparisons(self) -> Sequence[Relation]:
        """Those of its parts."""
        return [one for part in self.parts for one in part.comparisons()]


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite; what cannot be answered has none."""

    part: Condition

    def holds(self, entry: Entry) -> bool | None:
        """The opposite of its part."""
        found = self.part.holds(entry)
        return None if found is None else not found

    def comparisons(self) -> Sequence[Relation]:
        """Those of its part."""
        return self.part.comparisons()


@dataclass(frozen=True, slots=True)
class Lacking:
    """`missing(NAME)`: the runs that have nothing under a name that others have. What a record says is none (`null`) is
    not missing from it."""

    name: Named

    def holds(self, entry: Entry) -> bool:
        """Whether the run lacks it. A field of every run is None where its record does not say."""
        try:
            value = self.name.of(entry)
        except Missing:
            return True
        return value is None and self.name.name in fields()

    def comparisons(self) -> Sequence[Relation]:
        """None: every run can answer."""
        return ()


@dataclass(frozen=True, slots=True)
class Finite:
    """`finite(NAME)`: the runs in which it is a number, and neither NaN nor an infinity, which no comparison keeps."""

    name: Named

    def holds(self, entry: Entry) -> bool | None:
        """Whether it is; None where the run lacks it, or has something else there."""
        try:
            value = self.name.of(entry)
        except Missing:
            return None
        return isfinite(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def comparisons(self) -> Sequence[Relation]:
        """None: what a run has there is asked of each."""
        return ()


OF_A_NAME: Mapping[str, type[Lacking] | type[Finite]] = {"missing": Lacking, "finite": Finite}
"""Conditions that are asked of one name."""


CONDITIONS = (All, Not, Relation, Lacking, Finite)


def kept(condition: Condition, entries: Sequence[Entry], every: Sequence[Entry]) -> list[Entry]:
    """Of these entries those of which the condition holds. every: the runs of which one must be able to answer.

    Raises UsageError where none of them can.
    """
    for one in condition.comparisons():
        one.check(every)
    return [entry for entry in entries if condition.holds(entry)]
