"""The columns of a study: leaves that are one choice are one, by the rules by which a comparison counts factors."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from runaudit.factors.factor import ABSENT, Absent, Change, Role
from runaudit.factors.grouping import counted
from runaudit.factors.levels import Levels
from runaudit.factors.pair import Pair
from runaudit.factors.path import last_key
from runaudit.factors.tree import differences
from runaudit.records.canonical import JSON
from runaudit.settings import FactorSettings
from runaudit.study.leaf import UNKNOWN, Leaf, Level, Sentinel


@dataclass(frozen=True, kw_only=True)
class Column:
    """A factor that varies. `codes`: one a run, an index into `levels`; `unknown` is the code of the unknown level.
    `lone`: a use by some of the runs, which counts only where nothing else differs."""

    factor: str
    role: Role
    leaves: tuple[str, ...]
    levels: tuple[Level, ...]
    codes: tuple[int, ...]
    lone: bool = False

    @cached_property
    def unknown(self) -> int | None:
        """The code of the level that is not in the record, where there is one."""
        return next((code for code, level in enumerate(self.levels) if level is UNKNOWN), None)


def blocks_of(leaves: Sequence[Leaf], runs: Sequence[Levels], policy: FactorSettings) -> Mapping[str, tuple[Leaf, ...]]:
    """Factor -> its leaves. A leaf joins a block that every comparison in which it changed counts it under."""
    votes: dict[str, set[str]] = {leaf.path: set() for leaf in leaves}
    first, *others = _spanning(leaves, runs)
    for other in others:
        changes = tuple(
            Change(path=leaf.path, before=_raw(leaf.levels[first]), after=_raw(leaf.levels[other]), role=leaf.role)
            for leaf in leaves
            if leaf.tokens[first] != leaf.tokens[other] and UNKNOWN not in (leaf.levels[first], leaf.levels[other])
        )
        for change in counted(changes, Pair(a=runs[first], b=runs[other], settings=policy)):
            votes[change.path].add(change.block)
    blocks: dict[str, list[Leaf]] = {}
    for leaf in leaves:
        names = votes[leaf.path]
        blocks.setdefault(names.pop() if len(names) == 1 else leaf.path, []).append(leaf)
    named = {name if len(members) > 1 or name.startswith(("data.", "env.files")) else members[0].path: tuple(members)
             for name, members in blocks.items()}  # fmt: skip
    return dict(sorted(named.items()))


def _spanning(leaves: Sequence[Leaf], runs: Sequence[Levels]) -> list[int]:
    """A few rows in which every level of every leaf occurs, the commonest row first; the same for any order of runs."""
    rows = [tuple(leaf.tokens[row] for leaf in leaves) for row in range(len(runs))]
    often = Counter(rows)
    distinct = {key: row for row, key in reversed(list(enumerate(rows)))}
    seen: set[tuple[int, str]] = set()
    chosen: list[int] = []
    for key, row in sorted(distinct.items(), key=lambda item: (-often[item[0]], item[0])):
        fresh = set(enumerate(key)) - seen
        if fresh or not chosen:
            chosen.append(row)
            seen |= fresh
    return chosen


def _raw(level: Level) -> JSON | Absent:
    return repr(level) if isinstance(level, Sentinel) else level


def column_of(name: str, members: Sequence[Leaf]) -> Column:
    """One column of the leaves that are one choice; its levels in an order that no order of the runs changes."""
    rows = list(zip(*(leaf.tokens for leaf in members), strict=True))
    value = {key: _level_of(name, members, row) for row, key in reversed(list(enumerate(rows)))}
    order = sorted(value, key=lambda key: (_rank(value[key]), key))
    code = {key: place for place, key in enumerate(order)}
    roles = {leaf.role for leaf in members}
    return Column(
        factor=name,
        role=Role.EVALUATION if Role.EVALUATION in roles else roles.pop() if len(roles) == 1 else Role.TREATMENT,
        leaves=tuple(leaf.path for leaf in members),
        levels=tuple(value[key] for key in order),
        codes=tuple(code[key] for key in rows),
        lone=all(leaf.lone for leaf in members),
    )


def _level_of(name: str, members: Sequence[Leaf], row: int) -> Level:
    if len(members) == 1:
        return members[0].levels[row]
    if any(leaf.levels[row] is UNKNOWN for leaf in members):
        return UNKNOWN
    pairs = ((_inner(name, leaf.path), leaf.levels[row]) for leaf in members)
    return {key: repr(level) if isinstance(level, Sentinel) else level for key, level in pairs if level is not ABSENT}


def _inner(name: str, path: str) -> str:
    return (path.removeprefix(name).lstrip(".") if path.startswith(name) else path) or last_key(path)


def _rank(level: Level) -> tuple[int, float]:
    """Absent, null, false, true, numbers by size, then the rest; the unknown last."""
    if isinstance(level, Absent):
        return 0, 0.0
    if level is None or isinstance(level, bool):
        return 1, -1.0 if level is None else float(level)
    if isinstance(level, int | float):
        return (2, float(level)) if abs(level) < 1e300 else (3, 0.0)
    return (5, 0.0) if level is UNKNOWN else (4, 0.0)


def inner_changes(a: Level, b: Level) -> int:
    """How many leaves of one column's levels differ: more than one only where whole tables are its levels."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return sum(1 for _ in differences(a, b, "level"))
    return 1


def one_level_a_design(column: Column, designs: Sequence[int]) -> Column:
    """The column with one level for all runs of a design: that of its first run that says it. Where the others of a
    study forbid to excuse what differs between two runs, the two are of one design all the same."""
    chosen: dict[int, int] = {}
    for design, code in zip(designs, column.codes, strict=True):
        if chosen.get(design, column.unknown) == column.unknown:
            chosen[design] = code
    if all(chosen[design] == code for design, code in zip(designs, column.codes, strict=True)):
        return column
    used = sorted(set(chosen.values()))
    return replace(
        column,
        levels=tuple(column.levels[code] for code in used),
        codes=tuple(used.index(chosen[design]) for design in designs),
    )
