"""A run as one row: every view of `list` and every table is made of the fields of `RunRow`, so a column is one field.

A field says how it is taken from a run, how it is shown and what it means; `--columns`, `--sort`, `--where`, `--csv`,
the JSON answer, the line of a terminal, the table of a page and `table()` follow from it.
"""

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from math import inf, isfinite
from typing import Any

from runaudit.factors.cohort import Cohort, hybrid_mark
from runaudit.factors.factor import ABSENT, Absent, section_of
from runaudit.factors.forgotten import forgotten_runs
from runaudit.factors.hindsight import Hindsight, merged
from runaudit.factors.levels import Levels, levels
from runaudit.factors.path import steps
from runaudit.factors.tree import leaves_of
from runaudit.metrics.catalogue import is_quantity
from runaudit.metrics.leading import Figure, in_order
from runaudit.metrics.quantity import Quantity, measured
from runaudit.records.canonical import JSON
from runaudit.records.manifest import Unknown
from runaudit.records.run import SHORT, Run
from runaudit.settings import FactorSettings, Settings
from runaudit.stats.told import result_text
from runaudit.text.words import level

METRIC = re.compile(r"metrics(?:\['(?P<quoted>.+)'\]|\.(?P<plain>.+))")
"""A metric by its full name, where a leaf of the design has the same."""


def column(
    take: Callable[[Run, Cohort], Any], words: str, *, show: Callable[[Any], str] = level, width: int = 0, **more: Any
) -> Any:
    """A field of `RunRow`. width: of its place in a terminal's line, 0 for none. paged: it stands in Markdown, too;
    title: what precedes it in the line."""
    return dataclasses.field(metadata={"take": take, "words": words, "show": show, "width": width, **more})


def _seed(run: Run) -> JSON:
    seed = run.manifest.seed
    return None if isinstance(seed, Unknown) else seed


def _seed_said(seed: JSON) -> str:
    """A seed in the word that `show` has for it: nobody saw one, which is not that there was none."""
    return "unknown" if seed is None else level(seed)


def _started(run: Run) -> JSON:
    started: JSON = run.manifest.section("launch").get("started")
    return started


def imported_from(run: Run) -> str | None:
    """Where the record of an imported run came from: its folder, or what its tracker calls it. None of our own runs."""
    source = run.manifest.section("origin").get("source")
    return source if isinstance(source, str) and source else None


def noted(run: Run) -> str:
    """What was wrong with the record of an imported run, so that not all of it was read; empty where nothing was."""
    note = run.manifest.section("origin").get("note")
    return note if isinstance(note, str) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """What is listed of a run, in the order in which a line shows it."""

    id: str = column(lambda run, _: run.id, "the run's id", show=lambda v: str(v)[:SHORT], width=SHORT, paged=True)
    label: str = column(lambda run, _: run.label, "its label", show=str, paged=True)
    cohort: str = column(lambda _, group: group.id, "the id of its cohort", show=str)
    seed: JSON = column(  # noqa: RUF009  (a field)
        lambda run, _: _seed(run), "its seed", show=_seed_said, width=7, paged=True, title="seed "
    )
    status: str = column(lambda run, _: run.status, "how it ended", show=str, width=13, paged=True)
    started: JSON = column(  # noqa: RUF009  (a field)
        lambda run, _: _started(run), "when it was launched", show=lambda v: str(v or "")[:19], width=19
    )
    fault: str | None = column(lambda run, _: run.fault, "what is damaged in its record", show=lambda v: str(v or ""))
    source: str | None = column(
        lambda run, _: imported_from(run), "where an imported run came from", show=lambda v: str(v or "")
    )

    @classmethod
    def of(cls, run: Run, group: Cohort) -> "RunRow":
        """The row of a run of this cohort."""
        return cls(**{name: about["take"](run, group) for name, about in _fields_of(cls).items()})  # type: ignore[arg-type]

    def to_json(self) -> dict[str, Any]:
        """Every field by its name."""
        return {name: getattr(self, name) for name in _fields_of(type(self))}  # type: ignore[arg-type]


def fields() -> Mapping[str, Mapping[str, Any]]:
    """The columns that are fields of a row, in order, with what their fields say of them."""
    return _fields_of(RunRow)  # mypy asks whether a row is hashable, not its class


def line_fields() -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    """The fields that a terminal's line has a place for, each with how it is shown."""
    return _line_fields_of(RunRow)  # as in `fields`


@cache
def _line_fields_of(kind: type["RunRow"]) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    every = _fields_of(kind)  # type: ignore[arg-type]
    return tuple((name, about["show"]) for name, about in every.items() if about["width"])


@cache
def _fields_of(kind: type["RunRow"]) -> Mapping[str, Mapping[str, Any]]:
    return {field.name: field.metadata for field in dataclasses.fields(kind)}


def shown(name: str, value: Any) -> str:
    """A column's value as a person reads it."""
    if isinstance(value, Absent):
        return ""
    show = fields()[name]["show"] if name in fields() else level
    return str(show(value))


def figures_of(run: Run, held: Mapping[str, float] | None = None) -> tuple[Figure, ...]:
    """A run's metrics, the one that matters first: the one that it declares, else the mean of sequences. held: what it
    and those beside it have together."""
    declared = run.manifest.section("eval").get("metric")
    return in_order(run.metrics if held is None else held, declared if isinstance(declared, str) else None)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A run with its row: what a name can mean of it."""

    run: Run
    row: RunRow
    policy: FactorSettings
    measure: Callable[[str], Quantity]
    """What stands for a metric in every run of its cohort."""

    @cached_property
    def figures(self) -> tuple[Figure, ...]:
        """Its metrics, the one that matters first, the mean of sequences before them."""
        return figures_of(self.run)

    @cached_property
    def levels(self) -> Levels:
        """The leaves of its design."""
        return levels(self.run, self.policy)

    def leaves(self) -> Iterator[tuple[str, JSON]]:
        """Every leaf of its design, with its path."""
        return (leaf for at, tree in self.levels.tree.items() for leaf in leaves_of(tree, at))

    def at(self, name: str) -> JSON | Absent:
        """What a name means here: a field, a leaf of the design, a metric in full. Other spellings are settled by
        `Vocabulary`, which knows all runs."""
        if name in fields():
            value: JSON = getattr(self.row, name)
            return value
        if match := METRIC.fullmatch(name):
            return self.metric(match["quoted"] or match["plain"])
        found = self.levels.at(name) if self._may_be_a_leaf(name) else ABSENT
        return self.metric(name) if isinstance(found, Absent) else found

    def _may_be_a_leaf(self, name: str) -> bool:
        """Whether the design can have such a leaf: most names are metrics, and a tree takes longer to make."""
        manifest, section = self.run.manifest, section_of(name)
        return (
            bool(self.policy.aliases) or not steps(name) or section in ("config", "seed")
            or any(part.startswith(section) for part in manifest.body)
            or section in (manifest.section("origin").get("known_none") or ())
        )  # fmt: skip

    def metric(self, name: str) -> JSON | Absent:
        """A metric of the run, as one measure with the other runs of its cohort."""
        found = self.measure(name).of(self.run.metrics) if name in self.run.metrics or is_quantity(name) else None
        return ABSENT if found is None else found


@dataclass(frozen=True, slots=True)
class Column:
    """A column that was asked for. title: as it was typed; name: what it means; metric: whether that is a metric."""

    title: str
    name: str
    metric: bool = False


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A metric over the replicates of a cohort: repetitions count once. `not_finite`: so many came to NaN or an
    infinity; they have no place in a mean and are counted beside it. `lost`: runs of the cohort that gave no number:
    the mean of the others is none of the cohort. `values`: those that count."""

    name: str
    mean: float
    sd: float | None
    n: int
    not_finite: int = 0
    lost: int = 0
    values: tuple[float, ...] = dataclasses.field(default=(), compare=False)

    @classmethod
    def of_draws(cls, name: str, draws: Sequence[Sequence[float]], lost: int = 0) -> "Spread | None":
        """Of draws, each with the numbers of its runs; None where none is finite. lost: runs that gave none at all. Of
        unlike numbers of one draw none is picked: both are told, and their middle stands for the draw, as in the
        judgement. Reckoned exactly, so that values near the largest float do not overflow on the way; an sd beyond it
        is infinite."""
        own = [sorted({value for value in draw if isfinite(value)}) for draw in draws]
        finite = [runs[0] if len(runs) == 1 else _mean(runs) for runs in own if runs]
        if not finite:
            return None
        sd = _sd(finite) if len(finite) > 1 else None
        bad = sum(not all(map(isfinite, draw)) for draw in draws)
        told = tuple(value for runs in own for value in runs)
        return cls(name=name, mean=_mean(finite), sd=sd, n=len(finite), not_finite=bad, lost=lost, values=told)

    @property
    def without(self) -> int:
        """How many gave no number that counts."""
        return self.lost + self.not_finite

    def to_json(self) -> dict[str, Any]:
        """For a program; as in the answer of `stats`, where a run gave no number there is a mean of survivors alone."""
        of = {"mean": self.mean, "sd": self.sd, "n": self.n}
        own = {"mean": None, "sd": None, "n": self.n} if self.without else of
        return {"name": self.name, **own, "not_finite": self.not_finite, "lost": self.lost,
                "survivors": of if self.without else None}  # fmt: skip

    def __str__(self) -> str:
        beside = f", {self.not_finite} not finite" if self.not_finite else ""
        n = f"{self.n} of {self.n + self.without}" if self.without else str(self.n)
        told = result_text(self.values or (self.mean,), n=self.n, mean=self.mean, sd=self.sd, lost=self.without)
        return f"{self.name} {told} (n = {n}{beside})"


def _sd(values: Sequence[float]) -> float:
    import statistics  # Fractions and random numbers come with it, which a run by itself does not need.

    try:
        return statistics.stdev(values)
    except OverflowError:
        return inf


def _mean(values: Sequence[float]) -> float:
    """The float nearest to the exact mean, as `statistics.mean` has it. Every float is a whole number over a power of
    two, so whole numbers do, where its fractions were a tenth of what describing a cohort costs."""
    ratios = [value.as_integer_ratio() for value in values]
    unit = max(denominator for _, denominator in ratios)
    return sum(number * (unit // denominator) for number, denominator in ratios) / (unit * len(ratios))


@dataclass(frozen=True, kw_only=True)
class Section:
    """A cohort with those of its runs that are shown. What is counted and averaged is the cohort: to keep the runs with
    good results is a choice of what to look at, and makes no better mean.

    every: all of its runs; by: the name by which the runs are sorted, so that a line shows it; late: what makes one
    cohort of several, where a policy does that came after the runs."""

    cohort: Cohort
    entries: tuple[Entry, ...]
    every: tuple[Entry, ...]
    by: str | None = None
    late: Hindsight | None = None

    @classmethod
    def of(cls, cohort: Cohort, settings: Settings) -> "Section":
        """All runs of a cohort."""
        measure = measured([run.metrics for run in cohort.finished or cohort.runs])
        entries = tuple(
            Entry(run=run, row=RunRow.of(run, cohort), policy=settings.factors, measure=measure) for run in cohort.runs
        )
        return cls(cohort=cohort, entries=entries, every=entries, late=merged(cohort, settings))

    @property
    def beside(self) -> tuple[str, ...]:
        """What a reader must know of the cohort beside its figure: that a policy alone makes it, what was forgotten,
        how many of its draws `untangle` made, which the arm's label does not name."""
        late = f"one cohort by a policy that came after the runs: without it {self.late.without}" if self.late else ""
        made = sum(bool(hybrid_mark(run.manifest)) for run in self.cohort.runs)
        mixed = f"{made} of them made by untangle: the label alone names the others" if 0 < made < self.cohort.n else ""
        return tuple(text for text in (late, forgotten_runs(self.cohort.runs), mixed) if text)

    @cached_property
    def metric(self) -> str | None:
        """The one name that matters here: by which the runs are sorted, else the first of all that finished runs have
        together, so that a run that lacks it hides it in no other; else of any run."""
        if self.by is not None:
            return self.by
        some = [entry for entry in self.every if entry.run.finished and entry.run.metrics]
        if len({tuple(entry.run.metrics) for entry in some}) > 1:
            held = {name: value for entry in some for name, value in entry.run.metrics.items()}
            return figures_of(some[0].run, held)[0].name
        return next((entry.figures[0].name for entry in some or self.every if entry.figures), None)

    @cached_property
    def spread(self) -> Spread | None:
        """Mean and standard deviation of that metric; None where no finished run has a finite one."""
        return None if self.metric is None else self.spread_of(self.metric)

    def spread_of(self, name: str) -> Spread | None:
        """Mean and standard deviation of a metric over the cohort; None where no finished run has a finite one."""
        values = {entry.run.id: value for entry in self.every if isinstance(value := entry.metric(name), int | float)}
        drawn = ([values[run.id] for run in group if run.id in values] for group in self.cohort.replicates)
        without = sum(not entry.run.finished or entry.run.id not in values for entry in self.every)
        return Spread.of_draws(name, [own for own in drawn if own], without)
