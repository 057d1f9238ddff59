"""The factor table of a study: runs as rows, independently chosen inputs as columns, their levels as small integers.

Leaves that are one choice are one column, by the same rules by which a comparison counts factors. Runs of one row are a
cell: they differ in nothing but their seeds.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from runaudit.factors.arguments import ROOT
from runaudit.factors.between import SEED_UNPROVEN
from runaudit.factors.factor import ABSENT, Absent, Change, Role
from runaudit.factors.gaps import gaps, status_gap
from runaudit.factors.grouping import counted
from runaudit.factors.levels import Levels, levels
from runaudit.factors.negative_control import control_barriers, controls
from runaudit.factors.observed import seeded_alike
from runaudit.factors.pair import Pair
from runaudit.factors.path import last_key
from runaudit.factors.policy import shared_policy
from runaudit.factors.together import together
from runaudit.factors.tree import differences
from runaudit.records.canonical import JSON
from runaudit.records.run import Run
from runaudit.settings import FactorSettings, Settings
from runaudit.study.leaf import UNKNOWN, Leaf, Level, Sentinel, covered_by_digest, leaves_among, token
from runaudit.study.lone import explained

FAILED = ("crashed", "diverged", "killed", "lost")
"""Statuses of runs that give no result. They stay in every count and separate nothing."""


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


@dataclass(frozen=True, kw_only=True)
class Cell:
    """The runs that share every level; `codes` has one entry a column."""

    codes: tuple[int, ...]
    rows: tuple[int, ...]
    results: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    """The runs in the order of their ids, the columns that vary, and what is not in the records.

    `missing`: path -> the rows that lack it, with the reason of the first. `known`: of what only observation tells, the
    rows that say it: it is missing beside one of those. `seeded_alike`: rows whose declared seeds differ and whose
    generators were seeded alike.
    """

    runs: tuple[Run, ...]
    columns: tuple[Column, ...]
    never_varied: tuple[str, ...]
    missing: Mapping[str, tuple[frozenset[int], str]]
    replicating: tuple[Leaf, ...] = ()
    known: Mapping[str, frozenset[int]] = field(default_factory=dict)
    seeded_alike: tuple[frozenset[int], ...] = ()

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The distinct rows, in the order of their codes."""
        rows: dict[tuple[int, ...], list[int]] = {}
        for row in range(len(self.runs)):
            rows.setdefault(tuple(column.codes[row] for column in self.columns), []).append(row)
        return tuple(
            Cell(
                codes=codes, rows=tuple(rows[codes]), results=tuple(row for row in rows[codes] if self.has_result(row))
            )
            for codes in sorted(rows)
        )

    @cached_property
    def informative(self) -> tuple[Cell, ...]:
        """The cells with at least one run that gives a result, or still may."""
        return tuple(cell for cell in self.cells if cell.results)

    def has_result(self, row: int) -> bool:
        """Whether a run gives a result. How a foreign run ended may be unknown: that is a gap, not a failure."""
        run = self.runs[row]
        return run.status not in FAILED or status_gap(run) is not None

    @cached_property
    def measures(self) -> tuple[int | None, ...]:
        """For each run the place of the first run whose control agrees with its own; None where it has no control."""
        founders: list[int] = []
        found: list[int | None] = []
        for row, run in enumerate(self.runs):
            if not controls(run):
                found.append(None)
                continue
            place = next((place for place in founders if not control_barriers(self.runs[place], run)), row)
            found.append(place)
            founders += [row] if place == row else []
        return tuple(found)

    def measured_alike(self, rows: Iterable[int]) -> bool:
        """Whether the controls of these runs agree, as far as they have any."""
        return len({self.measures[row] for row in rows} - {None}) < 2

    @cached_property
    def seed_columns(self) -> tuple[Column, ...]:
        """The seed, and settings that act like one, as columns: those that are known to differ between results."""
        rows = [row for cell in self.informative for row in cell.results]
        moved = (leaf for leaf in self.replicating if len({leaf.tokens[row] for row in rows} - {token(UNKNOWN)}) > 1)
        return tuple(_column(leaf.path, (leaf,)) for leaf in moved)

    def reseeded(self, a: int, b: int) -> bool:
        """Whether the seed, or a setting that acts like one, is known to differ between two runs."""
        return any(
            leaf.tokens[a] != leaf.tokens[b] and UNKNOWN not in (leaf.levels[a], leaf.levels[b])
            for leaf in self.replicating
            if leaf.path != "seed" or not any({a, b} <= group for group in self.seeded_alike)
        )

    def seed_moved(self, a: "Cell", b: "Cell") -> bool:
        """Whether a seed was fixed in a cell of several runs while the other had others: it moved with the cell."""
        typical = [(cell.results or cell.rows)[0] for cell in (a, b)]
        if not self.reseeded(*typical):
            return False
        for leaf in self.replicating:
            sides = [{leaf.tokens[row] for row in cell.rows} for cell in (a, b)]
            fixed = any(len(side) == 1 < len(cell.rows) for side, cell in zip(sides, (a, b), strict=True))
            if sides[0] != sides[1] and fixed and leaf.tokens[typical[0]] != leaf.tokens[typical[1]]:
                return True
        return False

    def gaps_of(self, rows: Iterable[int]) -> tuple[str, ...]:
        """What any of these runs does not say."""
        wanted = set(rows)
        found = [
            path
            for path, (lacking, _) in self.missing.items()
            if wanted & lacking
            and (path not in self.known or wanted & self.known[path])
            and not (path == "seed" and self.seeded_alike and wanted & lacking <= frozenset().union(*self.seeded_alike))
        ]
        alike = any(len(wanted & group) > 1 for group in self.seeded_alike)
        return tuple(sorted({*found, "seed"})) if alike else tuple(found)


def table_of(runs: Sequence[Run], settings: Settings) -> Table:
    """The table of these runs, whatever their order; a run that is named twice counts once."""
    unique = tuple(sorted({run.id: run for run in runs}.values(), key=lambda run: run.id))
    policy = shared_policy(settings.factors, unique)
    found = together(tuple(levels(run, policy) for run in unique))
    among = leaves_among(found, policy)
    leaves = tuple(leaf for leaf in among.varying if not covered_by_digest(leaf, found))
    really = explained(tuple(leaf for leaf in leaves if len(leaf.known) > 1), found)
    return Table(
        runs=unique,
        columns=tuple(_column(name, members) for name, members in _blocks(really, found, policy).items()),
        never_varied=_never_varied(among.held, found),
        missing=_missing(found, leaves, policy),
        replicating=among.replicating,
        known=_known(found, leaves),
        seeded_alike=_seeded_alike(found),
    )


# ── what is one choice is one column ─────────────────────────────────────────────────────────────────────────────


def _blocks(leaves: Sequence[Leaf], runs: Sequence[Levels], policy: FactorSettings) -> Mapping[str, tuple[Leaf, ...]]:
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


def _column(name: str, members: Sequence[Leaf]) -> Column:
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
        return (2, float(level)) if abs(level) < 1e300 and level == level else (3, 0.0)
    return (5, 0.0) if level is UNKNOWN else (4, 0.0)


# ── what is not in the records, and what was held ────────────────────────────────────────────────────────────────


def _missing(
    runs: Sequence[Levels], leaves: Sequence[Leaf], policy: FactorSettings
) -> Mapping[str, tuple[frozenset[int], str]]:
    rows: dict[str, dict[int, str]] = {}
    for row, of in enumerate(runs):
        for path, reason in gaps(of, policy).items():
            rows.setdefault(path, {})[row] = reason
        if (why := status_gap(of.run)) is not None:
            rows.setdefault("runtime.status", {})[row] = why
    for row in sorted({row for group in _seeded_alike(runs) for row in group}):
        rows.setdefault("seed", {}).setdefault(row, SEED_UNPROVEN)
    for leaf in leaves:
        for row, level in enumerate(leaf.levels):
            if level is UNKNOWN and not any(
                row in rows[path] for path in rows if leaf.path == path or leaf.path.startswith(f"{path}.")
            ):
                rows.setdefault(leaf.path, {})[row] = runs[row].run.manifest.reason(leaf.path)
    return {path: (frozenset(rows[path]), min(rows[path].items())[1]) for path in sorted(rows)}


def _known(runs: Sequence[Levels], leaves: Sequence[Leaf]) -> Mapping[str, frozenset[int]]:
    """Of every leaf that only observation or the command line tells, the rows that have it."""
    told = {path for of in runs for path in of.scope.facts}
    return {
        leaf.path: frozenset(row for row, level in enumerate(leaf.levels) if level is not UNKNOWN)
        for leaf in leaves
        if leaf.path in told or leaf.path.startswith(ROOT)
    }


def _seeded_alike(runs: Sequence[Levels]) -> tuple[frozenset[int], ...]:
    """Rows of equal seeding calls and other declared seeds, where no word of the command line gave the seed."""
    groups: dict[str, list[int]] = {}
    for row, of in enumerate(runs):
        if of.observed is not None and of.observed.seeded and of.seed_word is None:
            groups.setdefault(repr(of.observed.seeded), []).append(row)
    return tuple(
        frozenset(rows)
        for rows in groups.values()
        if any(seeded_alike(runs[rows[0]].run, runs[row].run) for row in rows[1:])
    )


def _never_varied(constant: Iterable[str], runs: Sequence[Levels]) -> tuple[str, ...]:
    """What was held in all runs; packages and the facts of a data set each in one word."""
    seeds = {token(of.at("seed")) for of in runs}
    named = {_collapsed(path) for path in constant}
    if any(of.files is None for of in runs) and any(isinstance(of.at("code.commit"), Absent) for of in runs):
        named.discard("code")
    if len(seeds) == 1 and token(ABSENT) not in seeds:
        named.add("seed")
    return tuple(sorted(named))


def _collapsed(path: str) -> str:
    for root in ("env.packages", "env.variables"):
        if path.startswith((f"{root}.", f"{root}[")):
            return root
    return ".".join(path.split(".")[:2]) if path.startswith("data.") else path


def inner_changes(a: Level, b: Level) -> int:
    """How many leaves of one column's levels differ: more than one only where whole tables are its levels."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return sum(1 for _ in differences(a, b, "level"))
    return 1
