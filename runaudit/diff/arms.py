"""The runs of one arm, held against the run that stands for it before the arms are held against each other.

An odd run is named. A machine that varies within both arms alike is a block, not a factor. A seed that varies within
the arms is replicated; one that stood still in an arm of several runs moved with the arm, and is a factor like any
other. An arm of one run has nothing within it: a pair is two such arms.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from runaudit.diff.result import FactorChange
from runaudit.diff.summary import factor_changes
from runaudit.factors.changes import changes
from runaudit.factors.cohort import Cohort
from runaudit.factors.corrected import corrected_runs
from runaudit.factors.factor import SEED_ROLES, Change, ChangeClass
from runaudit.factors.forgotten import notes_on_forgotten
from runaudit.factors.levels import Levels, levels
from runaudit.factors.observed import seeds_at_odds
from runaudit.factors.pair import Pair
from runaudit.factors.path import matches
from runaudit.factors.seedlike import ALONE
from runaudit.factors.unwritten import unwritten_runs
from runaudit.records.canonical import canonical_bytes
from runaudit.records.manifest import Unknown
from runaudit.records.run import Run
from runaudit.settings import FactorSettings
from runaudit.text.words import head, listed, plural

_MOST_KINDS = 3
"""Ways to differ that a sentence on an arm tells; the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """One run of an arm beside the run that stands for it: what changed, and the factors in that beside the seeds.

    Where it is that run itself there is no `pair`.
    """

    of: Levels
    pair: Pair | None = None
    found: tuple[Change, ...] = ()
    factors: tuple[FactorChange, ...] = ()

    @property
    def run(self) -> Run:
        """The run itself."""
        return self.of.run


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """A cohort with what its runs differ in, in the order of its runs. `typical` stands for it."""

    cohort: Cohort
    typical: Levels
    deviations: tuple[Deviation, ...]

    @property
    def is_replicated(self) -> bool:
        """Whether the arm has runs that repeat one another."""
        return self.cohort.n > 1

    @property
    def heard(self) -> tuple[Deviation, ...]:
        """The runs whose gaps are gaps of the arm: what one that broke off does not say has no result to spoil, where
        others went to their end."""
        return tuple(row for row in self.deviations if not row.of.broke_off) or self.deviations

    def at(self, index: int) -> Levels:
        """The run of these at a place; the last one beyond the end."""
        return self.heard[min(index, len(self.heard) - 1)].of


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Two arms beside each other. `pair`: the runs that stand for them; `found`: what changed between those, with the
    seeds that the arms replicate set aside; `factors`: the factors in that which are no `blocks`.
    """

    a: Arm
    b: Arm
    pair: Pair
    found: tuple[Change, ...]
    factors: tuple[FactorChange, ...]
    blocks: tuple[str, ...]

    @property
    def is_replicated(self) -> bool:
        """Whether one of the arms has several runs. Between two single runs nothing is replicated."""
        return self.a.is_replicated or self.b.is_replicated

    @property
    def runs(self) -> tuple[Run, ...]:
        """Every run of both arms."""
        return (*self.a.cohort.runs, *self.b.cohort.runs)

    @property
    def odd(self) -> tuple[str, ...]:
        """Sentences on the runs that make an arm more than one design."""
        return (*_odd_runs(self.a, self.blocks), *_odd_runs(self.b, self.blocks))

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know of the arms themselves. Of a pair there is nothing that is not said of its runs."""
        at_odds = (*_seeded_otherwise(self.a.cohort), *_seeded_otherwise(self.b.cohort))
        if not self.is_replicated:
            return (*at_odds, *notes_on_forgotten(self.runs), *corrected_runs(self.runs), *unwritten_runs(self.runs))
        # What the seed of an arm of one run did cannot be told from what the factor did.
        single = [arm.cohort.label for arm in (self.a, self.b) if not arm.is_replicated]
        return (
            *at_odds,
            *self.a.cohort.notes,
            *self.b.cohort.notes,
            *(f"{label} is a single run, without a replicate" for label in single),
            *(f"{name} varies within both arms in equal shares: a block, not a factor" for name in self.blocks),
        )


def _seeded_otherwise(arm: Cohort) -> Iterator[str]:
    """The runs whose program seeded with other numbers than they declare, all of an arm in one sentence."""
    rows = [(run, values) for run in arm.runs if (values := seeds_at_odds(run))]
    told = [(str(run.manifest.body.get("seed")), listed([*map(str, values)], 3)) for run, values in rows]
    if rows and arm.n == 1:
        yield f"{arm.label} declares the seed {told[0][0]}, and its program seeded with {told[0][1]}"
    elif rows:
        each = listed([f"{declared} → {seeded}" for declared, seeded in told], 4)
        yield f"{arm.label}: {len(rows)} of {arm.n} runs seeded otherwise than they declare ({each})"


def of_one_seed(a: Iterable[Levels], b: Iterable[Levels]) -> list[tuple[Levels, Levels]]:
    """The runs of both sides that declare one seed, the first of each."""
    left, right = _by_seed(a), _by_seed(b)
    return [(of, right[seed]) for seed, of in left.items() if seed in right]


def _by_seed(runs: Iterable[Levels]) -> dict[bytes, Levels]:
    found: dict[bytes, Levels] = {}
    for of in runs:
        seed = of.run.manifest.seed
        if seed is not None and not isinstance(seed, Unknown):
            found.setdefault(canonical_bytes(seed), of)
    return found


def arms_beside(a: Cohort, b: Cohort, settings: FactorSettings) -> Beside:
    """Two cohorts, each held against itself and then against the other."""
    left, right = _arm(a, settings), _arm(b, settings)
    pair, changed = changes(left.typical, right.typical, settings)
    blocks = _blocks(left, right)
    found = _seeds_aside(changed, left, right)
    factors = tuple(factor for factor in factor_changes(found, pair) if factor.factor not in blocks)
    return Beside(a=left, b=right, pair=pair, found=found, factors=factors, blocks=blocks)


def typical(cohort: Cohort) -> Run:
    """The run that stands for an arm: the first that finished, else the first."""
    known = [run for run in cohort.runs if not run.is_gone] or cohort.runs
    return next((run for run in known if run.finished), known[0])


def _arm(cohort: Cohort, settings: FactorSettings) -> Arm:
    """A cohort, each of its runs held against the one that stands for it."""
    first = typical(cohort)
    stands = levels(first, settings)
    rows = []
    for run in cohort.runs:
        if run is first:
            rows.append(Deviation(of=stands))
            continue
        if run.is_gone:
            continue  # Its tombstone says that it was of this design; there is no more to hold.
        pair, found = changes(stands, of := levels(run, settings), settings)
        factors = tuple(factor for factor in factor_changes(found, pair) if factor.role not in SEED_ROLES)
        rows.append(Deviation(of=of, pair=pair, found=found, factors=factors))
    return Arm(cohort=cohort, typical=stands, deviations=tuple(rows))


# ── seeds ────────────────────────────────────────────────────────────────────────────────────────────────────────


REPLICATED = "replicated within the arms"
"""Why a seed that differs between the runs that stand for two arms is no factor of the arms."""


def _seeds_aside(found: Iterable[Change], a: Arm, b: Arm) -> tuple[Change, ...]:
    """The changes, with the seeds that the arms replicate as no factors. In a pair, nothing is replicated."""
    if not (a.is_replicated or b.is_replicated):
        return tuple(found)
    return tuple(
        replace(change, kind=ChangeClass.NUISANCE, why=REPLICATED)
        if change.kind is ChangeClass.FACTOR and _is_replicated(change, a, b)
        else change
        for change in found
    )


def _is_replicated(change: Change, a: Arm, b: Arm) -> bool:
    """Whether a seed that differs between the arms varies within them: not where it was fixed in an arm of several
    runs, at a value that the other arm did not have in every run. One that did not move with the run's own between the
    two that stand for the arms has to vary in both."""
    if change.role not in SEED_ROLES and change.why != ALONE:
        return False
    seen = [_levels_within(change.path, change.before, a), _levels_within(change.path, change.after, b)]
    if change.role not in SEED_ROLES:
        return all(len(values) > 1 for values in seen)
    if seen[0] == seen[1]:
        return True
    return not any(len(values) == 1 < len(arm.deviations) for values, arm in zip(seen, (a, b), strict=True))


def _levels_within(path: str, of_typical: object, arm: Arm) -> set[str]:
    """The levels that a leaf has in the runs of an arm: what its typical run has, and what the others have instead.

    They are read from what the runs were found to differ in, which also knows what was only seen, and the parents.
    """
    other = {repr(c.after) for row in arm.deviations for c in row.found if matches(path, c.path)}
    return {repr(of_typical), *other}


# ── one design within an arm ─────────────────────────────────────────────────────────────────────────────────────


def _blocks(a: Arm, b: Arm) -> tuple[str, ...]:
    """The environment factors that vary within both arms alike."""
    varying = {f.factor for arm in (a, b) for row in arm.deviations for f in row.factors}
    return tuple(sorted(name for name in varying if name.startswith("env.") and _balanced(a, b, name)))


def _balanced(a: Arm, b: Arm, factor: str) -> bool:
    """Whether the levels of an environment factor are spread over both arms in equal shares."""
    counts = [Counter(repr(_environment(row.of, factor)) for row in arm.deviations) for arm in (a, b)]
    shares = [
        {level: count / len(arm.deviations) for level, count in found.items()}
        for found, arm in zip(counts, (a, b), strict=True)
    ]
    return shares[0] == shares[1] and len(shares[0]) > 1


def _environment(of: Levels, factor: str) -> object:
    return of.tree.get("env") if factor in ("env.software", "env.hardware") else of.at(factor)


def _odd_runs(arm: Arm, blocks: Sequence[str]) -> tuple[str, ...]:
    """The sentence on the runs that make an arm more than one design, where it is so. What several of them differ in
    is said once, with their count: an arm of 50 runs would bury it."""
    rows = [(row.run, tuple(f for f in row.factors if f.factor not in blocks)) for row in arm.deviations]
    alike: dict[tuple[str, ...], list[Run]] = {}
    for run, found in _minority(rows):
        alike.setdefault(tuple(f.summary for f in found), []).append(run)
    if not alike:
        return ()
    told = [f"{_told(runs, arm.cohort.n)} in {head(summaries, 3)}" for summaries, runs in alike.items()]
    rest = sum(map(len, [*alike.values()][_MOST_KINDS:]))
    more = [f"{plural(rest, 'more run')} otherwise"] if rest else []
    return (f"the arm {arm.cohort.label} is not one design: {'; '.join((*told[:_MOST_KINDS], *more))}",)


def _told(runs: Sequence[Run], of: int) -> str:
    if len(runs) == 1:
        return f"{runs[0].label} ({runs[0].short}) differs"
    labels = listed([*dict.fromkeys(run.label for run in runs)], 3)
    return f"{len(runs)} of {of} runs, {labels} ({head([run.short for run in runs], 3)}), differ"


def _minority(rows: list[tuple[Run, tuple[FactorChange, ...]]]) -> list[tuple[Run, tuple[FactorChange, ...]]]:
    """The odd runs. Where the run that stands for the arm is itself the odd one, it is named instead of the rest."""
    deviating = [row for row in rows if row[1]]
    if len(deviating) > 1 and len(deviating) == len(rows) - 1:
        kinds = Counter(tuple((f.factor, repr(f.after)) for f in found) for _, found in deviating)
        if len(kinds) == 1:
            first = next(run for run, found in rows if not found)
            return [(first, deviating[0][1])]
    return deviating
