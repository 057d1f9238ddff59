"""The factor table of a study: runs as rows, independently chosen inputs as columns, their levels as small integers.

Leaves that are one choice are one column, by the same rules by which a comparison counts factors. The runs of one
design are a cell.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import isfinite

from runaudit.factors.gaps import status_gap
from runaudit.factors.levels import levels
from runaudit.factors.negative_control import control_barriers, controls
from runaudit.factors.policy import shared_policy
from runaudit.factors.together import together
from runaudit.records.run import Run
from runaudit.settings import Settings
from runaudit.study.columns import Column, blocks_of, column_of, one_level_a_design
from runaudit.study.designs import designs_of
from runaudit.study.leaf import UNKNOWN, Leaf, token
from runaudit.study.leaves import covered_by_digest, leaves_among
from runaudit.study.lone import explained
from runaudit.study.missing import alike_rows, known_rows, missing_of, never_varied

FAILED = ("crashed", "diverged", "killed", "lost", "forgotten", "running")
"""Statuses of runs that give no result. They stay in every count and separate nothing."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Runs that share every level; `codes` has one entry a column."""

    codes: tuple[int, ...]
    rows: tuple[int, ...]
    results: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    """The runs in the order of their ids, the columns that vary, and what is not in the records.

    `forgotten`: runs whose manifests were forgotten: launched, and in no row. `designs`: the number of each run's
    design. `missing`: path -> the rows that lack it, with the reason of the first.
    `known`: of what only observation tells, the rows that say it: it is missing beside one of those. `seeded_alike`:
    rows whose declared seeds differ and whose generators were seeded alike.
    """

    runs: tuple[Run, ...]
    columns: tuple[Column, ...]
    never_varied: tuple[str, ...]
    missing: Mapping[str, tuple[frozenset[int], str]]
    designs: tuple[int, ...]
    forgotten: tuple[Run, ...] = ()
    replicating: tuple[Leaf, ...] = ()
    known: Mapping[str, frozenset[int]] = field(default_factory=dict)
    seeded_alike: tuple[frozenset[int], ...] = ()

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The runs of each design, in the order of their codes."""
        return self._cells(self.designs)

    def _cells(self, designs: Sequence[int]) -> tuple[Cell, ...]:
        rows: dict[tuple[tuple[int, ...], int], list[int]] = {}
        for row, design in enumerate(designs):
            rows.setdefault((tuple(column.codes[row] for column in self.columns), design), []).append(row)
        return tuple(
            Cell(codes=key[0], rows=tuple(rows[key]), results=tuple(row for row in rows[key] if self.has_result(row)))
            for key in sorted(rows)
        )

    @cached_property
    def informative(self) -> tuple[Cell, ...]:
        """The distinct rows with at least one run that gives a result, or still may. Runs of several designs share one
        where only what a record lacks keeps the designs apart: of that there is no effect to estimate. A run of which
        nobody knows at what level of a factor it was made separates nothing, unless a level is known of it alone."""
        cells = tuple(cell for cell in self._cells((0,) * len(self.runs)) if cell.results)
        known = tuple(cell for cell in cells if not self.unplaced(cell))
        return known if self._shown_by(known) == self._shown_by(cells) else cells

    def unplaced(self, cell: Cell) -> tuple[str, ...]:
        """The factors of which a cell has no known level."""
        columns = zip(self.columns, cell.codes, strict=True)
        return tuple(column.factor for column, code in columns if code == column.unknown)

    def _shown_by(self, cells: Sequence[Cell]) -> list[set[int]]:
        """The known levels of every factor that these cells have."""
        return [{cell.codes[at] for cell in cells} - {column.unknown} for at, column in enumerate(self.columns)]

    def has_result(self, row: int) -> bool:
        """Whether a run gives a result. How a foreign run ended may be unknown: that is a gap, not a failure."""
        run = self.runs[row]
        if run.metrics and not any(map(isfinite, run.metrics.values())):
            return False  # What came to NaN in every number gave none.
        if self._have_numbers and not run.has_numbers:
            return False  # Where no run has one, it is asked of their inputs alone what can be told apart.
        return run.status not in FAILED or (status_gap(run) is not None and not run.withheld)

    @cached_property
    def _have_numbers(self) -> bool:
        return any(run.has_numbers for run in self.runs)

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

    @cached_property
    def _measured(self) -> Mapping[Cell, frozenset[int]]:
        """The measures of each cell's runs, as far as they have any."""
        return {cell: frozenset(place for row in cell.rows if (place := self.measures[row]) is not None)
                for cell in self.cells}  # fmt: skip

    def measured_alike(self, a: Cell, b: Cell) -> bool:
        """Whether the controls of the runs of two cells agree, as far as they have any."""
        return len(self._measured[a] | self._measured[b]) < 2

    @cached_property
    def seed_columns(self) -> tuple[Column, ...]:
        """The seed, and settings that act like one, as columns: those that are known to differ between results."""
        rows = [row for cell in self.informative for row in cell.results]
        moved = (leaf for leaf in self.replicating if len({leaf.tokens[row] for row in rows} - {token(UNKNOWN)}) > 1)
        return tuple(column_of(leaf.path, (leaf,)) for leaf in moved)

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
    named = tuple(sorted({run.id: run for run in runs}.values(), key=lambda run: run.id))
    unique = tuple(run for run in named if not run.is_gone) or named
    policy = shared_policy(settings.factors, unique)
    alone = tuple(levels(run, policy) for run in unique)
    found = together(alone)
    among = leaves_among(found, policy)
    leaves = tuple(leaf for leaf in among.varying if not covered_by_digest(leaf, found))
    really = explained(tuple(leaf for leaf in leaves if len(leaf.known) > 1), found)
    designs = designs_of(alone, among.varying, settings.factors)
    columns = (column_of(name, members) for name, members in blocks_of(really, found, policy).items())
    return Table(
        runs=unique,
        forgotten=() if unique is named else tuple(run for run in named if run.is_gone),
        columns=tuple(column for column in (one_level_a_design(c, designs) for c in columns) if len(column.levels) > 1),
        never_varied=never_varied(among.held, found, varying=(leaf.path for leaf in leaves)),
        missing=missing_of(found, leaves, policy),
        designs=designs,
        replicating=among.replicating,
        known=known_rows(found, leaves),
        seeded_alike=alike_rows(found),
    )
