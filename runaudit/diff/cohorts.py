"""Two cohorts side by side. Seeds are replicates here, so they may differ; what must not differ is the runs of one arm.

Each arm is held against its own first run before the arms are held against each other: an odd run is named. A machine
that varies within both arms alike is a balanced block, not a factor.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from runaudit.diff.changes import changes
from runaudit.diff.comparison import (
    compare,
    declared_intent,
    derivations,
    evaluation_barriers,
    faults,
    intent_met,
    mark_intended,
    missing_rows,
    of_class,
)
from runaudit.diff.contradiction import cohort_contradictions
from runaudit.diff.result import Comparison, FactorChange, Missing, Side
from runaudit.diff.summary import factor_changes
from runaudit.diff.verdict import Grounds, judge
from runaudit.diff.words import notes_on
from runaudit.factors.cohort import Cohort
from runaudit.factors.compute_budget import budget_barriers
from runaudit.factors.factor import Change, ChangeClass, Role
from runaudit.factors.gaps import status_gap
from runaudit.factors.levels import Levels, levels
from runaudit.factors.negative_control import control_barriers
from runaudit.factors.policy import shared_policy
from runaudit.factors.together import beside
from runaudit.records.run import Run
from runaudit.settings import Settings

REPLICATED = (Role.SEED, Role.STOCHASTIC)


def compare_cohorts(a: Cohort, b: Cohort, *, settings: Settings, intent: Sequence[str] = ()) -> Comparison:
    """What changed from arm `a` to arm `b`, and whether a conclusion is allowed. Two single runs are a pair."""
    if a.n == b.n == 1:
        pair = compare(a.runs[0], b.runs[0], settings=settings, intent=intent)
        return replace(pair, a=side_of(a), b=side_of(b))
    settings = replace(settings, factors=shared_policy(settings.factors, (*a.runs, *b.runs)))
    left, right = beside(typical(a), typical(b), settings.factors)
    found = _seeds_aside(changes(left, right, settings.factors), a, b, settings)
    factors = factor_changes(of_class(found, ChangeClass.FACTOR), left, right)
    odd, blocks = _arms(a, b, settings)
    declared = declared_intent((*a.runs, *b.runs), intent)
    factors = mark_intended(_without_blocks(factors, blocks), declared)
    missing = _all_missing(a, b, factors, settings)
    verdict, conditional, reason = judge(
        Grounds(
            faults=faults((*a.runs, *b.runs)),
            barriers=(
                *_no_results(a, b),
                *evaluation_barriers(factors),
                *_controls(a, b),
                *budget_barriers(typical(a), typical(b), found),
            ),
            factors=factors,
            missing=missing,
            odd=odd,
            replicated=True,
        )
    )
    against = cohort_contradictions(a, b, factors, verdict, conditional)
    return Comparison(
        a=side_of(a),
        b=side_of(b),
        verdict=verdict,
        conditional=conditional,
        reason=reason,
        factors=factors,
        derived=derivations(found),
        nuisance=of_class(found, ChangeClass.NUISANCE),
        cosmetic=of_class(found, ChangeClass.COSMETIC),
        missing=missing,
        intent=intent_met(declared, factors),
        notes=(*against.notes, *a.notes, *b.notes, *_single(a, b), *_blocked(blocks),
               *notes_on(left, right, found, settings.factors)),
        contradictions=against.notes,
        idle=against.idle,
    )  # fmt: skip


def side_of(cohort: Cohort) -> Side:
    """A cohort as one side of a comparison."""
    return Side(id=cohort.id, label=cohort.label, runs=tuple(run.id for run in cohort.runs), n=cohort.n,
                effective_n=cohort.effective_n, seeds=cohort.seeds)  # fmt: skip


def typical(cohort: Cohort) -> Run:
    """The run that stands for an arm: the first that finished, else the first."""
    return cohort.finished[0] if cohort.finished else cohort.runs[0]


def _seeds_aside(found: Sequence[Change], a: Cohort, b: Cohort, settings: Settings) -> tuple[Change, ...]:
    """Seeds are replicated within the arms. One that stood still in an arm while the other had others moved with the
    arm, and is a factor like any other."""
    arms = [[levels(run, settings.factors) for run in arm.runs] for arm in (a, b)]
    return tuple(
        replace(change, kind=ChangeClass.NUISANCE, why="replicated within the arms")
        if change.kind is ChangeClass.FACTOR
        and change.role in REPLICATED
        and not _moved_with_the_arm(change.path, arms)
        else change
        for change in found
    )


def _moved_with_the_arm(path: str, arms: Sequence[Sequence[Levels]]) -> bool:
    """Whether a seed was fixed in an arm of several runs, at a value that the other arm did not have in every run."""
    seen = [{repr(of.at(path)) for of in arm} for arm in arms]
    if seen[0] == seen[1]:
        return False
    return any(len(values) == 1 < len(arm) for values, arm in zip(seen, arms, strict=True))


def _inner(first: Run, other: Run, settings: Settings) -> tuple[FactorChange, ...]:
    """What differs between two runs of one arm beside the seed."""
    left, right = beside(first, other, settings.factors)
    found = factor_changes(of_class(changes(left, right, settings.factors), ChangeClass.FACTOR), left, right)
    return tuple(factor for factor in found if factor.role not in REPLICATED)


def _arms(a: Cohort, b: Cohort, settings: Settings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Sentences on arms that are not one design, and the environment factors that vary within both arms alike."""
    deviations = {arm.id: [(run, _inner(typical(arm), run, settings)) for run in arm.runs] for arm in (a, b)}
    varying = {f.factor for rows in deviations.values() for _, found in rows for f in found}
    blocks = tuple(sorted(name for name in varying if name.startswith("env.") and _balanced(a, b, name, settings)))
    odd = []
    for arm in (a, b):
        rows = [(run, [f for f in found if f.factor not in blocks]) for run, found in deviations[arm.id]]
        for run, found in (row for row in _minority(rows) if row[1]):
            told = ", ".join(f.summary for f in found[:3])
            odd.append(f"the arm {arm.label} is not one design: {run.label} ({run.short}) differs in {told}")
    return tuple(odd), blocks


def _minority(rows: list[tuple[Run, list[FactorChange]]]) -> list[tuple[Run, list[FactorChange]]]:
    """The odd runs. Where the run that stands for the arm is itself the odd one, it is named instead of the rest."""
    deviating = [row for row in rows if row[1]]
    if len(deviating) > 1 and len(deviating) == len(rows) - 1:
        kinds = Counter(tuple((f.factor, repr(f.after)) for f in found) for _, found in deviating)
        if len(kinds) == 1:
            first = next(run for run, found in rows if not found)
            return [(first, deviating[0][1])]
    return deviating


def _balanced(a: Cohort, b: Cohort, factor: str, settings: Settings) -> bool:
    """Whether the levels of an environment factor are spread over both arms in equal shares."""
    counts = [Counter(repr(_environment(levels(run, settings.factors), factor)) for run in arm.runs) for arm in (a, b)]
    shares = [
        {level: count / arm.n for level, count in found.items()} for found, arm in zip(counts, (a, b), strict=True)
    ]
    return shares[0] == shares[1] and len(shares[0]) > 1


def _environment(of: Levels, factor: str) -> object:
    return of.tree.get("env") if factor in ("env.software", "env.hardware") else of.at(factor)


def _without_blocks(factors: Sequence[FactorChange], blocks: Sequence[str]) -> tuple[FactorChange, ...]:
    return tuple(factor for factor in factors if factor.factor not in blocks)


def _single(a: Cohort, b: Cohort) -> tuple[str, ...]:
    """An arm of one run has no replicate: what its seed did cannot be told from what the factor did."""
    return tuple(f"{arm.label} is a single run, without a replicate" for arm in (a, b) if arm.n == 1)


def _blocked(blocks: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{name} varies within both arms in equal shares: a block, not a factor" for name in blocks)


def _no_results(a: Cohort, b: Cohort) -> tuple[str, ...]:
    return tuple(
        f"no run of {arm.label} finished"
        for arm in (a, b)
        if not arm.finished and all(status_gap(run) is None for run in arm.runs)
    )


def _controls(a: Cohort, b: Cohort) -> tuple[str, ...]:
    """The control must agree over every run of both arms."""
    runs = (*a.runs, *b.runs)
    found = (barrier for run in runs[1:] for barrier in control_barriers(runs[0], run))
    return tuple(dict.fromkeys(found))[:1]


def _all_missing(a: Cohort, b: Cohort, factors: Sequence[FactorChange], settings: Settings) -> tuple[Missing, ...]:
    """The gaps of every run, by the arm that has them."""
    rows: dict[str, Missing] = {}
    pairs = [(a.runs[min(i, a.n - 1)], b.runs[min(i, b.n - 1)]) for i in range(max(a.n, b.n))]
    for left, right in pairs:
        sides = beside(left, right, settings.factors)
        for row in missing_rows(*sides, factors or _ANY, settings, with_status=True):
            known = rows.get(row.factor)
            side = row.side if known is None or known.side == row.side else "both"
            rows[row.factor] = replace(row, side=side)
    return tuple(rows[path] for path in sorted(rows))


_ANY = (FactorChange(factor="seed", section="seed", before=None, after=None, summary="seed", role=Role.SEED),)
"""Seeds differ between the runs of two arms, so another start is explained."""
