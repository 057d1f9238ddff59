"""Many runs judged together: `study` says what varied, what cannot be told apart, and which runs would tell."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import combinations
from math import isfinite
from statistics import median

import numpy as np

from runaudit.errors import IntegrityError, NothingToJudgeError
from runaudit.factors.code_state import COMMIT
from runaudit.factors.factor import SEED_ROLES, Role, section_of
from runaudit.factors.forgotten import FORGOTTEN, of_no_cohort, unattributed
from runaudit.factors.hindsight import Hindsight
from runaudit.factors.negative_control import control_barriers
from runaudit.factors.seedsread import unread_seeds
from runaudit.factors.vouched import Assumption, assumption, vouched
from runaudit.metrics.quantity import Quantity, measured
from runaudit.records.run import Run, faults
from runaudit.settings import Settings
from runaudit.study.columns import Column
from runaudit.study.design import Design, design_of
from runaudit.study.interactions import Interaction, interactions
from runaudit.study.launchable import effort_of, is_one_tree
from runaudit.study.leaf import UNKNOWN, Level
from runaudit.study.pairs import Chain, Judge, Pair, chains_of, pairs_of
from runaudit.study.projects import Project
from runaudit.study.suggest import Extension, Move, Row, extension
from runaudit.study.table import Cell, Table, table_of

MAX_CONTRASTED = 64
"""Levels of a factor whose differences are gone through one by one."""
SEEDS = 3
"""Runs of a new cell: below three seeds no interval of use exists, so no claim either."""


@dataclass(frozen=True, kw_only=True)
class Study:
    """A judged set of runs.

    `model`: the table whose columns the design is made of. Seeds replicate, and so are no columns of `table`; where no
    run is left over to show what they do, they are columns of `model`, or a factor would be credited with their work.
    `drawn`: the places in `model.columns` of the factors that vary among the runs with results, in the order of the
    design's factors; `codes[i]` translates the level codes of the i-th of them into the design's. `policy`:
    what a policy excused that did not hold when the runs were launched. `assumed`: what the user vouches for. `unread`:
    the seeds that a policy names and these records were not read by. `metric`: the one that these runs are judged
    on, where one is. `project`: which of several these runs are, where nobody named any; `beside`: the others.
    """

    table: Table
    model: Table
    design: Design
    drawn: tuple[int, ...]
    codes: tuple[tuple[int, ...], ...]
    extensions: tuple[Extension, ...]
    interactions: tuple[Interaction, ...]
    pairs: tuple[Pair, ...]
    single_factor_pairs: int
    chains: tuple[Chain, ...]
    policy: Hindsight | None = None
    assumed: Assumption | None = None
    unread: tuple[str, ...] = ()
    metric: str | None = None
    project: Project | None = None
    beside: tuple[Project, ...] = ()

    @cached_property
    def missing(self) -> Mapping[str, tuple[tuple[Run, ...], str]]:
        """Path -> the runs whose record lacks it, with the reason of the first; runs that may have been of these cells
        and were forgotten among them. A run without a result separates nothing, whatever its record lacks: one that
        was lost before its end was sealed is the usual case."""
        telling = {row for cell in self.table.cells for row in cell.results}
        rows = {
            path: (tuple(self.table.runs[row] for row in sorted(lacking & telling)), why)
            for path, (lacking, why) in self.table.missing.items()
            if lacking & telling
        }
        doubted = [pair for pair in self.pairs if pair.doubt]
        if doubted and "eval" not in rows:
            smaller = (min((self.table.cells[p.a], self.table.cells[p.b]), key=lambda cell: len(cell.rows))
                       for p in doubted)  # fmt: skip
            lacking = sorted({row for cell in smaller for row in cell.results})
            rows["eval"] = (tuple(self.table.runs[row] for row in lacking), doubted[0].doubt)
        gone = unattributed(self.table.runs)
        return rows | ({FORGOTTEN: ((), of_no_cohort(gone))} if gone else {})

    @cached_property
    def doubted(self) -> frozenset[str]:
        """The factors that part cells by themselves and may be a part of the measure: what they do is not known to be
        an effect."""
        return frozenset(pair.factors[0] for pair in self.pairs if pair.doubt and len(pair.factors) == 1)

    @property
    def faults(self) -> tuple[str, ...]:
        """Records that do not match their digest."""
        return faults(self.table.runs)

    @property
    def launched(self) -> int:
        """All runs, those that were forgotten among them."""
        return len(self.table.runs) + len(self.table.forgotten)

    @cached_property
    def alias_sets(self) -> tuple[tuple[str, ...], ...]:
        """The factors that these runs cannot separate, set by set."""
        return tuple(tuple(self.name(f) for f in members) for members in self.design.alias_sets)

    @cached_property
    def results(self) -> int:
        """Runs that give a result, or still may."""
        return sum(len(cell.results) for cell in self.table.cells)

    @cached_property
    def with_result(self) -> int:
        """Runs with a result, as a listing counts them: none where not one holds a number and nobody says that it was
        completed. What varied among such runs is judged all the same."""
        return self.results if self.table.have_numbers else sum(run.finished for run in self.table.runs)

    @property
    def residual_df(self) -> int:
        """Runs beyond what the effects take: what an estimate of the spread is made of."""
        return self.results - self.design.rank

    @cached_property
    def drift(self) -> str:
        """Where the control of two runs disagrees: no training moves it, so the data or the metric changed."""
        rows = [row for cell in self.table.cells for row in cell.results]
        places = sorted({place for row in rows if (place := self.table.measures[row]) is not None})
        runs = self.table.runs
        return "; ".join(control_barriers(runs[places[0]], runs[places[1]])) if len(places) > 1 else ""

    @cached_property
    def barriers(self) -> tuple[str, ...]:
        """Factors of the evaluation that vary: with another measure there is nothing to compare."""
        return tuple(c.factor for c in (self.model.columns[i] for i in self.drawn) if c.role is Role.EVALUATION)

    def name(self, factor: int) -> str:
        """The name of a factor of the design."""
        return self.column(factor).factor

    def column(self, factor: int) -> Column:
        """The column of a factor of the design."""
        return self.model.columns[self.drawn[factor]]

    def levels_of(self, row: Sequence[int]) -> Mapping[str, Level]:
        """A row of the design as factor -> level."""
        return {self.name(f): self.column(f).levels[self.codes[f][code]] for f, code in enumerate(row)}

    def cell_of(self, row: Sequence[int]) -> Cell:
        """The cell of the model that a row of the design stands for."""
        return next(cell for cell in self.model.informative if self._row(cell) == tuple(row))

    def _row(self, cell: Cell) -> tuple[int, ...]:
        return tuple(self.codes[f].index(cell.codes[at]) for f, at in enumerate(self.drawn))

    def is_estimable(self, column: Column) -> bool:
        """Whether every difference between levels of this factor is determined."""
        names = {self.name(f) for f in range(len(self.drawn))}
        return column.factor in names and not any(column.factor in members for members in self.alias_sets)

    @cached_property
    def unmeasured(self) -> Mapping[str, tuple[Level, ...]]:
        """Factor -> its levels of which no run gives a result, or a finite number of the metric, for each factor that
        has such; the inputs may part them from the others all the same. Seeds are drawn, not chosen. Code and machine
        that differ in no run with a result are a first attempt that was mended, not a level somebody asked about."""
        told = [row for cell in self.model.informative for row in cell.results if self._has_number(row)]
        drawn = {self.name(f) for f in range(len(self.drawn))}
        found = {}
        for column in self.model.columns:
            is_asked = column.factor in drawn or section_of(column.factor) not in ("code", "env")
            seen = {column.codes[row] for row in told} | {column.unknown}
            bare = tuple(value for code, value in enumerate(column.levels) if code not in seen)
            if bare and is_asked and column.role not in SEED_ROLES:
                found[column.factor] = bare
        return found

    @property
    def is_measured(self) -> bool:
        """Whether each factor that varies has two levels or more that gave something: between these its effect is
        estimated, and a level that only crashed takes nothing from them."""
        drawn = {self.name(f) for f in range(len(self.drawn))}
        columns = (column for column in self.model.columns if column.factor in drawn)
        return all(
            len(column.levels) - (column.unknown is not None) - len(self.unmeasured.get(column.factor, ())) >= 2
            for column in columns
        )

    def _has_number(self, row: int) -> bool:
        """Whether a run has a finite number of the metric, or of all the sequences it is the mean of."""
        if self.metric is None:
            return True
        value = self._measure(self.metric).of(self.table.runs[row].metrics)
        return value is not None and isfinite(value)

    @cached_property
    def _measure(self) -> Callable[[str], Quantity]:
        return measured(run.metrics for run in self.table.runs if run.finished)

    def contrasts(self, factor: int) -> tuple[tuple[int, int], ...]:
        """The pairs of design levels of a factor whose difference is determined."""
        if self.design.saturated is not None or self.design.sizes[factor] > MAX_CONTRASTED:
            return ()
        levels = range(self.design.sizes[factor])
        return tuple((a, b) for a, b in combinations(levels, 2) if self.design.estimable(factor, a, b))

    @cached_property
    def inflation(self) -> Mapping[str, float]:
        """Variance inflation of each estimable factor, runs weighed by their number."""
        rows = Counter(self._row(cell) for cell in self.model.informative for _ in cell.results)
        weights = np.array([rows[tuple(row)] for row in self.design.cells.tolist()], dtype=np.float64)
        return {self.name(f): value for f, value in self.design.inflation(weights).items()}

    def seeds_for(self, found: Extension) -> int:
        """Runs of each new cell of an extension; one where the cell itself says which seed."""
        return 1 if any(self.column(factor).role in SEED_ROLES for factor in found.factors) else SEEDS

    def hours(self, runs: int) -> float | None:
        """What so many runs cost, by the median of the recorded durations."""
        found = [duration for run in self.table.runs if (duration := duration_s(run)) is not None]
        return runs * median(found) / 3600 if found else None


def duration_s(run: Run) -> float | None:
    """How long a finished run took."""
    value = run.outcome.body.get("duration_s") if run.outcome and run.finished else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None


def study(runs: Sequence[Run], *, settings: Settings, judge: Judge | None = None) -> Study:
    """Everything that these runs, in whatever order, allow to say about their factors.

    `judge` compares the runs of two cells, for runs that were observed. Raises NothingToJudgeError for fewer than two
    runs, or fewer than two that give a result.
    """
    if (given := len({run.id for run in runs})) < 2:
        raise NothingToJudgeError(f"a study needs at least 2 runs, {given} given", remedy="name more runs")
    table = table_of(runs, settings)
    with_result = sum(len(cell.results) for cell in table.cells)
    if with_result < 2 and not any(run.fault for run in table.runs):
        few = f"1 of {given} runs gives a result, and one alone separates nothing"
        none = f"none of {given} runs gives a result"
        raise NothingToJudgeError(few if with_result else none, remedy="name runs that finished")
    if with_result == 0:
        raise IntegrityError(
            f"none of {len(table.runs)} runs gives a result: {next(run.fault for run in table.runs if run.fault)}",
            remedy="see what `runaudit verify` says",
        )
    model = table
    design, drawn, codes = _design(model)
    if drawn and not design.alias_sets and (seeds := _fixed_seeds(table, with_result)):
        model = replace(table, columns=(*table.columns, *seeds))
        design, drawn, codes = _design(model)
    sizes = Counter(
        tuple(codes[f].index(cell.codes[at]) for f, at in enumerate(drawn))
        for cell in model.informative
        for _ in cell.rows
    )
    pairs, clean = pairs_of(table, judge)
    found = Study(
        table=table,
        model=model,
        design=design,
        drawn=drawn,
        codes=codes,
        extensions=tuple(
            extension(design, members, sizes, partial(_effort, model, drawn, codes)) for members in design.alias_sets
        ),
        interactions=tuple(
            found
            for found in interactions(design)
            if not any(model.columns[drawn[factor]].role in SEED_ROLES for factor in found.factors)
        ),
        pairs=pairs,
        single_factor_pairs=clean,
        chains=tuple(chains_of(table)),
    )
    filled = [
        path for path, (lacking, _) in found.missing.items() if vouched(path, lacking, settings, among=table.runs)
    ]
    left = [path for path in found.missing if path not in filled]
    able = tuple(_able_to_run(found, one) for one in found.extensions)
    return replace(found, assumed=assumption(table.runs, settings, filled, left), extensions=able,
                   unread=unread_seeds(table.runs, settings))  # fmt: skip


def _effort(model: Table, drawn: Sequence[int], codes: Sequence[Sequence[int]], move: Move) -> int:
    """What it takes to launch a run at either level of a move."""
    column = model.columns[drawn[move.factor]]
    both = (column.levels[codes[move.factor][code]] for code in (move.before, move.after))
    return max(effort_of(column, level, model.columns) for level in both)


def _able_to_run(study: Study, found: Extension) -> Extension:
    """The cells that somebody could run: an unknown level is none that can be chosen, and no commit has the files that
    a work tree at another one was edited to."""
    placed = list(zip(found.cells, found.bases, strict=True))
    known = [pair for pair in placed if not _is_open(study, pair)]
    pairs = [pair for pair in known if _moves_alone(study, pair)]
    taken = [pair for pair in found.taken if not _is_open(study, pair)]
    blocked = len(placed) + len(found.taken) - len(known) - len(taken)
    return replace(found, cells=tuple(c for c, _ in pairs), bases=tuple(b for _, b in pairs), blocked=blocked,
                   taken=(*(pair for pair in known if pair not in pairs), *taken))  # fmt: skip


def _is_open(study: Study, pair: tuple[Row, Row]) -> bool:
    return any(level is UNKNOWN for row in pair for level in study.levels_of(row).values())


def _moves_alone(study: Study, pair: tuple[Row, Row]) -> bool:
    new, old = (study.levels_of(row) for row in pair)
    return new.get(COMMIT) == old.get(COMMIT) or is_one_tree(new)


def _fixed_seeds(table: Table, results: int) -> tuple[Column, ...]:
    """The seeds that stand still where a factor does, though several runs were made: they moved with it. Seeds that
    differ from run to run are noise, and no columns. Of two single runs nothing tells the seed from the factor."""
    rows = [row for cell in table.informative for row in cell.results]
    if results == 2:
        return table.seed_columns
    cells = [place for place, cell in enumerate(table.informative) for _ in cell.results]
    chosen = [[c.codes[row] for row in rows] for c in table.columns if not c.factor.startswith("env.")]
    found = []
    for seed in table.seed_columns:
        codes = [seed.codes[row] for row in rows]
        if any(_fixed(codes, cells)) or any(_all_fixed(codes, levels) for levels in chosen):
            found.append(seed)
    return tuple(found)


def _fixed(seeds: Sequence[int], levels: Sequence[int]) -> Iterator[bool]:
    """For each level whether several runs have it, and all of them one seed."""
    at: dict[int, list[int]] = {}
    for seed, level in zip(seeds, levels, strict=True):
        at.setdefault(level, []).append(seed)
    yield from (len(set(found)) == 1 < len(found) for found in at.values())


def _all_fixed(seeds: Sequence[int], levels: Sequence[int]) -> bool:
    """Whether every level of a factor has one seed, and not every run a level of its own."""
    pairs = set(zip(levels, seeds, strict=True))
    return 1 < len(set(levels)) == len(pairs) < len(seeds)


def _design(table: Table) -> tuple[Design, tuple[int, ...], tuple[tuple[int, ...], ...]]:
    """The design of the runs with results, over the levels that occur among them."""
    used = [sorted({cell.codes[at] for cell in table.informative}) for at in range(len(table.columns))]
    drawn = tuple(at for at, codes in enumerate(used) if len(codes) > 1)
    codes = tuple(tuple(used[at]) for at in drawn)
    places = [{code: place for place, code in enumerate(levels)} for levels in codes]
    rows = [[places[f][cell.codes[at]] for f, at in enumerate(drawn)] for cell in table.informative]
    return design_of(rows, [len(levels) for levels in codes]), drawn, codes
