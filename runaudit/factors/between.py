"""What two records beside each other do not say: the gaps of each, and what only the other one says.

What a leaf is in one record and nobody knows of the other may be equal or not. It is told with the side that lacks it.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from runaudit.factors.addresses import without_addresses
from runaudit.factors.arguments import ROOT
from runaudit.factors.classes import standing
from runaudit.factors.code_state import APART, PROGRAM, lay_apart, may_be_one
from runaudit.factors.factor import ABSENT, Absent, ChangeClass, section_of
from runaudit.factors.gaps import (
    COUNTED_BY_DIGEST,
    began_at_random,
    gaps,
    one_sided_gap,
    status_gap,
    unobserved,
)
from runaudit.factors.lineage import PREFIX, compared
from runaudit.factors.observed import seeded_alike
from runaudit.factors.pair import Pair
from runaudit.factors.path import matches, steps
from runaudit.factors.together import beside
from runaudit.factors.tree import differences, same
from runaudit.factors.unknowns import is_digest, no_sections
from runaudit.factors.unwritten import METRICS, unwritten_gap

SEED_UNPROVEN = ("the declared seeds differ, and both runs were seen to seed their generators with equal values: "
                 "that the seed acted is not shown")  # fmt: skip


class Gap(NamedTuple):
    """Something that could have changed and is not in a record: `side` is a, b or both."""

    path: str
    side: str
    reason: str


def gaps_between(pair: Pair, *, with_status: bool) -> tuple[Gap, ...]:
    """The gaps of two runs that are compared, and of the parents that they began from; each path once."""
    sides = [dict(gaps(of, pair.settings)) for of in (pair.a, pair.b)]
    for of, found in zip((pair.a, pair.b), sides, strict=True):
        if with_status and (why := status_gap(of.run)):
            found["runtime.status"] = why
        if with_status and (why := unwritten_gap(of.run)):
            found[METRICS] = why
    for found in sides:
        for path in [path for path in found if _differs_for_all_that(path, pair)]:
            del found[path]
    for path in _equal_though_forgotten(pair):
        for of, found in zip((pair.a, pair.b), sides, strict=True):
            if found.get(path) == of.run.forgotten[path]:  # Not one that is unknown for another reason as well.
                del found[path]
    rows: dict[str, Gap] = {}
    for path in sorted({*sides[0], *sides[1]}):
        side = "both" if path in sides[0] and path in sides[1] else "a" if path in sides[0] else "b"
        rows[path] = Gap(path, side, sides[1 if side == "b" else 0][path])
    for gap in recorded_by_one(pair):
        if not any(matches(gap.path, known) for known in rows):
            rows[gap.path] = gap
    return (*rows.values(), *_of_parents(pair))


def _differs_for_all_that(path: str, pair: Pair) -> bool:
    """Whether two values that are known in part are known to differ."""
    values = pair.a.at(path), pair.b.at(path)
    if path == PROGRAM and may_be_one(pair.a, pair.b):
        return False
    if any(path in of.untold for of in (pair.a, pair.b)):
        return not same(*(value if isinstance(value, Absent) else without_addresses(value) for value in values))
    in_part = any(path in of.run.manifest.section("unknown") for of in (pair.a, pair.b))
    return in_part and not any(isinstance(value, Absent) for value in values) and not same(*values)


def _equal_though_forgotten(pair: Pair) -> Iterator[str]:
    """Files of which the content was forgotten, and that it was one content is known still: the digest stays."""
    ours, theirs = pair.a.files or {}, pair.b.files or {}
    for path in pair.a.run.forgotten:
        name = path.removeprefix("code.")
        digest = ours.get(name)
        if path in pair.b.run.forgotten and is_digest(digest) and digest == theirs.get(name):
            yield path


def _of_parents(pair: Pair) -> Iterator[Gap]:
    if not compared(pair.a, pair.b) or pair.a.parent is None or pair.b.parent is None:
        return
    parents = beside(pair.a.parent, pair.b.parent, pair.settings)
    for gap in gaps_between(parents, with_status=False):
        yield gap._replace(path=PREFIX + gap.path)


def recorded_by_one(pair: Pair) -> tuple[Gap, ...]:
    """What only the other record says, beyond what each alone lacks."""
    return tuple({gap.path: gap for find in _SAID_BY_ONE for gap in find(pair)}.values())


def _seen_of_one(pair: Pair) -> Iterator[Gap]:
    """What only one of two runs was seen to use, where the other was not watched: it may have used another."""
    for side, of, other in (("a", pair.a, pair.b), ("b", pair.b, pair.a)):
        if (ROOT in other.tree) and ROOT not in of.tree:
            yield Gap(ROOT, side, "the command line is in the other record only")
        for path in sorted(other.scope.facts - of.scope.facts):
            if section_of(path) != "code" and unobserved(path, of) and of.at(path) is ABSENT:
                yield Gap(path, side, "the other run used it, and this one was not watched")


def not_reached(pair: Pair) -> Iterator[Gap]:
    """What one of two runs was seen to use and the other would have, had it not broken off before."""
    for side, of, other in (("a", pair.a, pair.b), ("b", pair.b, pair.a)):
        for path in sorted(other.scope.facts - of.scope.facts) if of.broke_off else ():
            if section_of(path) != "code" and of.at(path) is ABSENT:
                yield Gap(path, side, f"the other run used it, and this one broke off ({of.run.status}) before")


def _seed_unproven(pair: Pair) -> Iterator[Gap]:
    if seeded_alike(pair.a.run, pair.b.run):
        yield Gap("seed", "both", SEED_UNPROVEN)


def _leaves_of_one(pair: Pair) -> Iterator[Gap]:
    """Leaves that every run has, whether they are written down or not."""
    a, b = pair.a, pair.b
    for section in ("data", "env", "init", "eval", "code"):
        left, right = a.tree.get(section), b.tree.get(section)
        if not isinstance(left, Mapping) or not isinstance(right, Mapping):
            continue
        if section == "init" and began_at_random(a, b):
            continue
        for path, before, after in differences(left, right, section):
            if section == "code" and path != PROGRAM:
                continue
            if one_sided_gap(path, before, after) and not _covered(path, pair):
                lacking, having = (a, b) if isinstance(before, Absent) else (b, a)
                value = after if lacking is a else before
                if isinstance(value, Absent):
                    continue
                if standing(path, value, having, pair.settings).kind is ChangeClass.FACTOR:
                    yield Gap(path, "a" if lacking is a else "b", lacking.run.manifest.reason(path))


def _covered(path: str, pair: Pair) -> bool:
    keys = steps(path)
    if keys[0] != "data" or keys[2] not in COUNTED_BY_DIGEST:
        return False
    return bool(pair.a.at(f"data.{keys[1]}.digest")) and bool(pair.b.at(f"data.{keys[1]}.digest"))


def _scripts_apart(pair: Pair) -> Iterator[Gap]:
    """Scripts of one name whose folders nobody knows, but that something beside them lay elsewhere."""
    if lay_apart((pair.a, pair.b)):
        yield Gap(PROGRAM, "both", APART)


def _files_of_one(pair: Pair) -> Iterator[Gap]:
    a, b = pair.a, pair.b
    if "code" in no_sections(a.run) | no_sections(b.run):
        return
    commits = a.at("code.commit"), b.at("code.commit")
    if (a.files is None) != (b.files is None) and not all(commits):
        side = "a" if a.files is None else "b"
        yield Gap("code.files", side, "the files of the tree are in the other record only")
    listed = a.files and b.files and a.files != b.files
    if listed and commits[0] != commits[1] and not (a.files_judged and b.files_judged):
        yield Gap("code.files", "both", "the commits differ, and not all of their files are in the records")


_SAID_BY_ONE: tuple[Callable[[Pair], Iterator[Gap]], ...] = (
    _seen_of_one,
    _seed_unproven,
    _leaves_of_one,
    _scripts_apart,
    _files_of_one,
)
