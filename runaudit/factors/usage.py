"""What two runs did not use, and what only seems to differ between them: each told with its evidence, none dropped."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from runaudit.factors.code_state import PROGRAM, may_be_one
from runaudit.factors.factor import ABSENT, Absent, Change, ChangeClass, Role
from runaudit.factors.gaps import is_left_open, one_sided_gap, unobserved, unwatched
from runaudit.factors.levels import Levels
from runaudit.factors.observed import seeded_alike
from runaudit.factors.pair import Pair
from runaudit.factors.tree import leaves_of, same
from runaudit.records.canonical import JSON


def known_empty(section: str, a: Levels, b: Levels) -> bool:
    """Whether a section that a record lacks is known to be empty: a fully observed run declares nothing and hides
    nothing."""
    lacking = [of for of in (a, b) if not of.tree.get(section)]
    return section in ("data", "config") and all(not unobserved(section, of) for of in lacking)


def is_gap(path: str, before: JSON | Absent, after: JSON | Absent, a: Levels, b: Levels) -> bool:
    """Whether a leaf that only one record has is unknown on the other."""
    if path == PROGRAM and isinstance(before, str) and isinstance(after, str):
        return may_be_one(a, b)
    lacking = a if isinstance(before, Absent) else b if isinstance(after, Absent) else None
    if lacking is None:
        return False
    if path in (b if lacking is a else a).scope.facts:
        return unwatched(path, lacking)
    return one_sided_gap(path, before, after) or is_left_open(path, lacking)


def unused_changes(pair: Pair) -> Iterator[Change]:
    """What two fully observed runs did not use, and what only one of them has without using it."""
    a, b = pair.a, pair.b
    for section in sorted({*a.scope.unused, *b.scope.unused}):
        left, right = a.scope.unused.get(section, {}), b.scope.unused.get(section, {})
        for path, before, after in _leafwise(left, right, section):
            # What one of them used is a difference of use, and told as that.
            if (isinstance(before, Absent) and a.at(path) is not ABSENT) or (
                isinstance(after, Absent) and b.at(path) is not ABSENT
            ):
                continue
            yield Change(path=path, before=before, after=after, kind=ChangeClass.NUISANCE, why=_why_unused(path))


def _leafwise(left: JSON, right: JSON, section: str) -> Iterator[tuple[str, JSON | Absent, JSON | Absent]]:
    """Differences one by one, also of a table that only one side has."""
    sides = [dict(leaves_of(side, section)) for side in (left, right)]
    for path in sorted({*sides[0], *sides[1]}):
        before, after = sides[0].get(path, ABSENT), sides[1].get(path, ABSENT)
        if {} not in (before, after) and not same(before, after):
            yield path, before, after


def _why_unused(path: str) -> str:
    if path.startswith("env.variables"):
        return "unused: neither run looked it up"
    return "unused: neither run imported it" if path.startswith("env.packages") else "unused: nothing that ran uses it"


def moved_changes(pair: Pair) -> Iterator[Change]:
    """Files that lay elsewhere, with equal content."""
    a, b = pair.a, pair.b
    for side, of, other in (("a", a, b), ("b", b, a)):
        for path, new in of.scope.moved.items():
            digest = (of.files or {}).get(new[5:], ABSENT) if new.startswith("code.") else of.at(new)
            if other.at(new) is ABSENT and not new.startswith("code."):
                continue
            yield Change(path=path, before=digest if side == "a" else ABSENT, after=digest if side == "b" else ABSENT,
                         kind=ChangeClass.NUISANCE, why=f"equal content, told as {new}")  # fmt: skip


def seed_unproven(found: Sequence[Change], pair: Pair) -> Sequence[Change]:
    """A declared seed that differs, where both programs were seen to seed alike and no word gave it to them, is no
    change of seed. That it may have acted unseen is a gap."""
    a, b = pair.a, pair.b
    if not seeded_alike(a.run, b.run) or (a.seed_word and b.seed_word):
        return found
    return [
        replace(change, kind=ChangeClass.NUISANCE, role=Role.TREATMENT,
                why="declared only: both runs were seen to seed their generators with equal values")
        if change.path == "seed" and change.kind is ChangeClass.FACTOR else change
        for change in found
    ]  # fmt: skip
