"""The class of a leaf that differs between two runs: what both sides agree on, and a factor where they do not."""

from collections.abc import Sequence

from runaudit.factors.builtin import SETTINGS
from runaudit.factors.classes import standing
from runaudit.factors.config_source import read_two_ways
from runaudit.factors.factor import ABSENT, Absent, Change, ChangeClass, Classification, Role
from runaudit.factors.levels import Levels
from runaudit.factors.marks import one_secret
from runaudit.factors.seedlike import role_of_pair
from runaudit.factors.tree import same
from runaudit.records.canonical import JSON
from runaudit.settings import FactorSettings


def changed(
    path: str, before: JSON | Absent, after: JSON | Absent, a: Levels, b: Levels, settings: FactorSettings
) -> Change:
    """The class of a leaf that differs: what both sides agree on, and a factor where they do not."""
    sides = [
        None if isinstance(value, Absent) else standing(path, value, of, settings)
        for value, of in ((before, a), (after, b))
    ]
    known_sides = [side for side in sides if side is not None]
    kinds = {side.kind for side in known_sides}
    first = known_sides[0]
    weighty = next((side for side in known_sides if side.kind is ChangeClass.FACTOR), first)
    kind, why = (first.kind, first.why) if len(kinds) == 1 else (ChangeClass.FACTOR, weighty.why)
    if kind is ChangeClass.FACTOR and len(sides) == len(known_sides) == 2 and _counts_the_same(*known_sides):
        kind = ChangeClass.NUISANCE
    if kind is ChangeClass.FACTOR and one_secret(before, after):
        kind, why = ChangeClass.NUISANCE, "the same secret; what was known of it differs"
    if ChangeClass.FACTOR not in kinds and len(kinds) > 1:
        kind, why = ChangeClass.DERIVED, next(s.why for s in known_sides if s.kind is ChangeClass.DERIVED)
    if kind is ChangeClass.DERIVED and why == SETTINGS and (two_ways := read_two_ways(a, b)):
        kind, why = ChangeClass.FACTOR, two_ways
    role = common_role(known_sides) if kind is ChangeClass.FACTOR else weighty.role
    pair = role_of_pair(path, Classification(kind=kind, why=why, role=role), a, b)
    return Change(
        path=path,
        before=before,
        after=after,
        kind=pair.kind,
        why=pair.why,
        follows=next((side.follows for side in known_sides if side.follows), "") if kind is ChangeClass.DERIVED else "",
        role=pair.role,
    )


def common_role(sides: Sequence[Classification]) -> Role:
    """The role that both sides give a factor. A measure that one side only repeats elsewhere is a measure still."""
    if any(side.kind is ChangeClass.FACTOR and side.role is Role.EVALUATION for side in sides):
        return Role.EVALUATION
    roles = {side.role for side in sides}
    return roles.pop() if len(roles) == 1 else Role.TREATMENT


def _counts_the_same(a: Classification, b: Classification) -> bool:
    return a.value is not ABSENT and b.value is not ABSENT and same(a.value, b.value)
