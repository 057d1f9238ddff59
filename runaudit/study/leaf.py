"""A leaf of a study: one dotted path with its level in every run."""

from dataclasses import dataclass
from functools import cached_property

from runaudit.factors.factor import Absent, Role
from runaudit.records.canonical import JSON, MAX_INT, canonical_bytes


class Sentinel:
    """A level that no record can hold: the value is unknown, follows from another leaf, or cannot matter there."""

    def __init__(self, word: str) -> None:
        self._word = word

    def __repr__(self) -> str:
        return self._word


UNKNOWN = Sentinel("unknown")
EXPLAINED = Sentinel("as its rule says")
EXCUSED = Sentinel("as this run's own")
OF_ITS_COMMIT = Sentinel("as its commit has it")

Level = JSON | Absent | Sentinel


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """One path with its level in every run, in their order. `lone`: a use by some of the runs, which counts only where
    nothing else differs."""

    path: str
    levels: tuple[Level, ...]
    role: Role = Role.TREATMENT
    lone: bool = False

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """The levels as text."""
        return tuple(token(level) for level in self.levels)

    @cached_property
    def known(self) -> frozenset[str]:
        """The distinct known levels, as text."""
        return frozenset(self.tokens) - {token(UNKNOWN)}


def token(level: Level) -> str:
    """A level as text: equal exactly where canonical equality holds. Scalars take a short way."""
    if isinstance(level, Absent | Sentinel):
        return f"\0{level!r}"
    if isinstance(level, str):
        return f"'{level}"
    if level is None or isinstance(level, bool):
        return repr(level)
    if isinstance(level, int | float) and abs(level) <= MAX_INT:
        return repr(int(level) if level == int(level) else level)
    return canonical_bytes(level).decode()
