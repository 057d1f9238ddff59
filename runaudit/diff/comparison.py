"""Two sides beside each other: every changed leaf once, counted into factors, and the verdict over them.

There is one engine. It compares cohorts, whose seeds are replicates and whose runs must be one design; two runs are
two cohorts of one, between which no seed is replicated.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from runaudit.diff.arms import Beside, arms_beside
from runaudit.diff.barriers import evaluation_barriers, result_barriers, without_results
from runaudit.diff.contradiction import Against, contradictions
from runaudit.diff.intent import held_against_intent
from runaudit.diff.lengths import length_notes, moves_the_length
from runaudit.diff.measure import Measured, measured_alike
from runaudit.diff.missing import attributed, missing_rows
from runaudit.diff.result import Comparison, Derivation, FactorChange, Missing, Side
from runaudit.diff.verdict import Grounds, judge
from runaudit.diff.words import notes_on
from runaudit.factors.addresses import UNTOLD
from runaudit.factors.cohort import Cohort
from runaudit.factors.factor import Absent, Change, ChangeClass
from runaudit.factors.foreseen import foreseen
from runaudit.factors.hindsight import Answer, Hindsight, hindsight
from runaudit.factors.never import IN_FILES, config_unseen, on_record, open_code
from runaudit.factors.policy import shared_policy
from runaudit.factors.seedsread import unread_seeds
from runaudit.factors.vouched import assumption
from runaudit.records.run import Run, faults
from runaudit.settings import Settings


def compare(a: Run, b: Run, *, settings: Settings, intent: Sequence[str] = ()) -> Comparison:
    """What changed from `a` to `b`, and whether a conclusion is allowed.

    `intent` adds to what the runs declared before launch.
    """
    return _of_two(a, b, settings=settings, intent=intent, design_only=False)


def compare_designs(a: Run, b: Run, *, settings: Settings, intent: Sequence[str] = ()) -> Comparison:
    """As `compare`, how the runs ended left out: where `b` is a launch that has not begun, it is taken to use what `a`
    was seen to use."""
    return _of_two(a, foreseen(b, a), settings=settings, intent=intent, design_only=True)


def _alone(run: Run) -> Cohort:
    """A run as a cohort of one."""
    return Cohort(id=run.id, label=run.label, runs=(run,))


def _of_two(a: Run, b: Run, *, settings: Settings, intent: Sequence[str], design_only: bool) -> Comparison:
    found = _compared(_alone(a), _alone(b), settings=settings, intent=intent, design_only=design_only)
    sides = [Side(id=run.id, label=run.label, runs=(run.id,)) for run in (a, b)]
    return replace(found, a=sides[0], b=sides[1])


def compare_cohorts(a: Cohort, b: Cohort, *, settings: Settings, intent: Sequence[str] = ()) -> Comparison:
    """What changed from arm `a` to arm `b`, and whether a conclusion is allowed. Two single runs are a pair."""
    return _compared(a, b, settings=settings, intent=intent, design_only=False)


def _compared(a: Cohort, b: Cohort, *, settings: Settings, intent: Sequence[str], design_only: bool) -> Comparison:
    runs = (*a.runs, *b.runs)
    arms = arms_beside(a, b, shared_policy(settings.factors, runs))
    factors, met = held_against_intent(arms.factors, runs, intent)
    measured = Measured() if design_only else measured_alike(arms)
    missing = attributed(missing_rows(arms, measured, with_status=not design_only), arms, settings)
    lacking, lost = _lacking(arms, missing), [row.factor for row in missing]
    foreign, unread, damage = on_record(lacking), open_code(lost, runs), faults(runs)
    grounds = Grounds(
        faults=damage,
        barriers=evaluation_barriers(factors) if design_only else result_barriers(arms),
        factors=factors,
        missing=missing,
        odd=arms.odd,
        replicated=arms.is_replicated,
        blind=config_unseen({row.factor: _lacking(arms, [row]) for row in missing}),
        half_told=_half_told(arms, missing),
        untold=tuple(row.factor for row in missing if row.reason == UNTOLD),
        open_code=unread,
        beside_code=foreign if foreign != IN_FILES and unread else "",
    )
    found = judge(grounds)
    late = None if design_only else _late(a, b, settings, str(found.verdict), factors, intent)
    against = Against() if design_only else contradictions(a, b, factors, found.verdict, gaps=lost)
    filled = [row.factor for row in missing if row.assumed]
    seeds = unread_seeds(runs, settings)
    assumed = assumption(runs, settings, filled, [row.factor for row in missing if not row.assumed])
    return Comparison(
        a=_side_of(a),
        b=_side_of(b),
        verdict=found.verdict,
        conditional=found.conditional,
        reason=found.reason,
        factors=factors,
        derived=_derivations(arms.found),
        nuisance=_of_class(arms.found, ChangeClass.NUISANCE),
        cosmetic=_of_class(arms.found, ChangeClass.COSMETIC),
        missing=missing,
        intent=met,
        policy=late,
        notes=_once(*([late.note] if late else ()), *against.notes, *_notes(arms, design_only=design_only), *seeds),
        contradictions=against.notes,
        idle=against.idle,
        on_record=foreign,
        recorded=found.recorded,
        open_code=grounds.open_code,
        assumed=assumed,
        odd=arms.odd,
        with_length=not design_only and moves_the_length(arms),
        same_training=bool(measured.after),
        unfinished=not design_only and bool(grounds.barriers) and grounds.barriers == tuple(without_results(arms)),
    )


def _notes(arms: Beside, *, design_only: bool) -> Iterator[str]:
    """What a reader should know of the arms, of the runs that stand for them, and of how long all of them are."""
    yield from arms.notes
    yield from () if design_only else length_notes(arms)
    yield from notes_on(arms.pair, arms.found)


def _once(*notes: str) -> tuple[str, ...]:
    """Each note once: of an arm held against itself both sides say the same."""
    return tuple(dict.fromkeys(notes))


def _lacking(arms: Beside, rows: Iterable[Missing]) -> tuple[Run, ...]:
    """The runs of the sides on which these gaps are."""
    sides = {row.side for row in rows}
    both = (("a", arms.a), ("b", arms.b))
    return tuple(run for side, arm in both if sides & {side, "both"} for run in arm.cohort.runs)


def _half_told(arms: Beside, missing: Sequence[Missing]) -> tuple[str, ...]:
    """The settings that the record of one side left open, `optimizer: auto` against SGD: to take them for equal would
    be to assume what was changed."""
    sides = {"a": (arms.a.typical, arms.b.typical), "b": (arms.b.typical, arms.a.typical)}
    found = []
    for row in missing:
        own, other = sides.get(row.side, (None, None))
        if own is not None and other is not None and row.factor.startswith("config.") and row.factor in own.left_open:
            found += [] if isinstance(other.at(row.factor), Absent | Mapping) else [row.factor]
    return tuple(found)


def _late(
    a: Cohort, b: Cohort, settings: Settings, verdict: str, factors: Sequence[FactorChange], intent: Sequence[str]
) -> Hindsight | None:
    """What a policy excused that did not hold when the runs were launched."""

    def under(other: Settings) -> Answer:
        plain = _compared(a, b, settings=other, intent=intent, design_only=False)
        return str(plain.verdict), [row.factor for row in plain.factors]

    return hindsight((*a.runs, *b.runs), settings, (verdict, [row.factor for row in factors]), under)


def _side_of(cohort: Cohort) -> Side:
    """A cohort as one side of a comparison."""
    return Side(id=cohort.id, label=cohort.label, runs=tuple(run.id for run in cohort.runs), n=cohort.n,
                effective_n=cohort.effective_n, seeds=cohort.seeds)  # fmt: skip


def _of_class(found: Iterable[Change], kind: ChangeClass) -> tuple[Change, ...]:
    """The changes of one class."""
    return tuple(change for change in found if change.kind is kind)


def _derivations(found: Iterable[Change]) -> tuple[Derivation, ...]:
    """The derived leaves as an answer lists them."""
    return tuple(
        Derivation(factor=change.path, before=change.before, after=change.after, follows=change.follows)
        for change in _of_class(found, ChangeClass.DERIVED)
    )
