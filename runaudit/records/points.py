"""A series as two columns of machine numbers: a million steps in sixteen megabytes instead of a hundred and fifty.

It reads like the sequence of (step, value) pairs that it is; whoever has many to go through takes the columns.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import overload

Pair = tuple[int, float]
MAX_STEP = 2**63
"""A column of steps holds 64-bit integers."""


class Points(Sequence[Pair]):
    """(step, value) pairs in the order logged. `steps` and `values` are columns of one length, not to be changed."""

    __slots__ = ("steps", "values")

    def __init__(self, steps: "array[int]", values: "array[float]") -> None:
        self.steps = steps
        self.values = values

    @classmethod
    def of(cls, pairs: Iterable[Pair]) -> "Points":
        """The pairs as columns. Raises OverflowError for a step beyond 64 bits."""
        steps, values = array("q"), array("d")
        for step, value in pairs:
            steps.append(step)
            values.append(value)
        return cls(steps, values)

    def __len__(self) -> int:
        return len(self.steps)

    @overload
    def __getitem__(self, at: int) -> Pair: ...
    @overload
    def __getitem__(self, at: slice) -> "Points": ...
    def __getitem__(self, at: int | slice) -> "Pair | Points":
        if isinstance(at, slice):
            return Points(self.steps[at], self.values[at])
        return self.steps[at], self.values[at]

    def __iter__(self) -> Iterator[Pair]:
        return zip(self.steps, self.values, strict=True)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Points):
            return self.steps == other.steps and self.values == other.values
        return (
            isinstance(other, Sequence)
            and len(self) == len(other)
            and all(a == b for a, b in zip(self, other, strict=True))
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Points({list(self[:3])!r}{', …' if len(self) > 3 else ''})"

    @property
    def is_increasing(self) -> bool:
        """Whether every step comes once and in order."""
        return all(before < after for before, after in pairwise(self.steps))
