"""From recorded cohorts to a verdict on a metric: what `stats`, `report`, `claims` and Python share.

The unit is the run. A metric is the run's final value, or the mean over its sequences (`full_frame/psnr/<sequence>`)
where only those were recorded; sequences are shown side by side and never counted as n. Runs without a value stay in
their place.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from runaudit.diff import Comparison, Verdict, compare_cohorts
from runaudit.diff.measure import UNSAID
from runaudit.errors import UsageError
from runaudit.factors.cohort import Cohort
from runaudit.factors.corrected import corrected_runs
from runaudit.factors.forgotten import forgotten_runs, of_no_cohort, unattributed
from runaudit.factors.seedsread import unread_seeds
from runaudit.factors.unwritten import unwritten_runs
from runaudit.judge.bench import Bench
from runaudit.judge.campaigns import picked_of_campaign
from runaudit.judge.circumstances import circumstances
from runaudit.judge.lateplan import late_plan
from runaudit.judge.origin import Taken, in_percent, off_curve, taken, unlike
from runaudit.judge.values import (
    declared_direction,
    declared_plan,
    left_out,
    measure,
    require_metric,
    runs_left_out,
    values_of,
)
from runaudit.metrics.direction import settle_direction
from runaudit.metrics.quantity import Quantity
from runaudit.settings import Settings
from runaudit.system.progress import work
from runaudit.text.words import ended, head, listed, plural

if TYPE_CHECKING:
    from runaudit.metrics.catalogue import Direction
    from runaudit.stats.answer import ArmComparison, ArmSummary, StatsAnswer, StatsVerdict
    from runaudit.stats.values import ArmValues, Comparability, StatsPlan


def compare_arms(settings: Settings, arms: Sequence[Cohort]) -> tuple[Comparison, ...]:
    """The designs of all arms against that of the last, once for all metrics that are judged on them."""
    return tuple(compare_cohorts(arms[-1], arm, settings=settings) for arm in arms[:-1])


def judge_cohorts(
    bench: Bench,
    arms: Sequence[Cohort],
    *,
    metric: str,
    direction: str | None = None,
    designs: Sequence[Comparison] | None = None,
    launched: Sequence[Cohort] | None = None,
    count: bool = False,
    beside: Sequence[float | None] = (),
) -> "StatsAnswer":
    """Every arm against the last, on one metric.

    designs: what `compare_arms` said of them; launched: the whole cohorts, in the store, of their runs; either is read
    anew if None. count: this is a look, and the log counts it. beside: p of the comparisons of one family with these
    that are judged by themselves. Raises UsageError where none has the metric.
    """
    from runaudit.stats.judge import judge

    _check_disjoint(arms)
    designs = designs or compare_arms(bench.settings, arms)
    home = {run.id: one for one in (bench.homes(arms) if launched is None else launched) for run in one.runs}
    typed, quantity = metric, require_metric(bench.settings, arms, metric, direction=direction)
    metric, values = quantity.name, values_of(arms, quantity)

    def judged(policy: Settings, plan: "StatsPlan", held: "Sequence[ArmValues]", why: Sequence[str]) -> "StatsAnswer":
        way = _direction(policy, metric, typed, direction)
        each = [replace(design_of(found), unlike=own, picked=chosen)
                for found, own, chosen in zip(designs, ways, why, strict=True)]  # fmt: skip
        return judge(
            held, metric=metric, direction=way, plan=plan, beside=beside, design=weakest(designs), designs=each
        )

    taken_so = [taken(bench.store, arm, quantity) for arm in arms]
    ways = _unlike(taken_so, values, quantity)
    around = circumstances(
        bench.store, arms, values, left_out(bench.store, arms, home, quantity),
        direction=settle_direction(metric, _direction(bench.settings, metric, typed, direction)),
        quantity=quantity, plan=declared_plan(bench.settings), home=home, count=count,
    )  # fmt: skip
    whole = partial(_whole, bench, arms, values, home, quantity)
    answer, picked = _held_to_all(partial(judged, bench.settings, around.plan), values, whole, around.chosen)
    overtaken = _overtaken(
        answer, arms, bench.settings, lambda then: judged(then, _planned(around.plan, then), values, picked)
    )
    notes = (
        *_before(bench, arms, designs),
        *map(ended, filter(None, [overtaken])),
        *_forgotten(arms, home),
        *around.notes, *map(ended, picked_of_campaign(bench.store, arms, answer)),
        *_off_curve(taken_so, values), *_of_numbers(arms, designs, quantity), *answer.notes,
    )  # fmt: skip
    told = replace(answer, notes=tuple(dict.fromkeys(notes)), looks=around.looks, late_plan=overtaken)
    return _with_interaction(told, values, designs, around.plan)


def _before(bench: Bench, arms: Sequence[Cohort], designs: Sequence[Comparison]) -> Iterator[str]:
    """What was stated of these arms, or came after their runs, as sentences."""
    yield from _stated(designs)
    yield from map(ended, unread_seeds([run for arm in arms for run in arm.runs], bench.settings))
    yield from (ended(found.policy.note) for found in designs if found.policy)
    yield from map(ended, _unmeasured(designs))


def _unmeasured(designs: Sequence[Comparison]) -> Iterator[str]:
    """What changed that may be the measure itself, where no record says what measures."""
    for found in designs:
        if found.verdict is not Verdict.INCOMPARABLE:
            yield from (note for note in found.notes if note.startswith(UNSAID))


def _unlike(taken_so: Sequence[Sequence[Taken]], values: "Sequence[ArmValues]", quantity: Quantity) -> list[str]:
    """Of every arm but the last, whether its numbers were taken from their curves in another way than those of that, or
    are written in another unit."""
    *own, theirs = taken_so
    *before, last = values

    def numbers(arm: "ArmValues", of: Sequence[Taken]) -> list[float]:
        return [*(float(value) for value in arm.values if value is not None), *(one.highest for one in of)]

    return [
        unlike(arm.label, of, last.label, theirs)
        or in_percent(quantity.name, arm.label, numbers(arm, of), last.label, numbers(last, theirs))
        for arm, of in zip(before, own, strict=True)
    ]


def _off_curve(taken_so: Sequence[Sequence[Taken]], values: "Sequence[ArmValues]") -> Iterator[str]:
    """Which arms have numbers that their curves do not show, beside another that has the ends of its own."""
    *own, theirs = taken_so
    *before, last = values
    for arm, of in zip(before, own, strict=True):
        if told := off_curve(arm.label, of, last.label, theirs):
            yield told


def _whole(
    bench: Bench, arms: Sequence[Cohort], values: "Sequence[ArmValues]", home: Mapping[str, Cohort], quantity: Quantity
) -> "tuple[ArmValues, ...]":
    """The numbers of the arms with those of the runs launched with them and not named; empty where all are."""
    left = runs_left_out(arms, home)
    if not any(left):
        return ()
    wholes = [bench.arm((*arm.runs, *rest)) for arm, rest in zip(arms, left, strict=True)]
    return tuple(replace(all_of, label=own.label)
                 for all_of, own in zip(values_of(wholes, quantity), values, strict=True))  # fmt: skip


def _held_to_all(
    judged: "Callable[[Sequence[ArmValues], Sequence[str]], StatsAnswer]",
    values: "Sequence[ArmValues]",
    whole: "Callable[[], Sequence[ArmValues]]",
    picked: Sequence[str],
) -> "tuple[StatsAnswer, Sequence[str]]":
    """The judgement on the runs that were named, held to all that were launched (whole: their numbers, asked for where
    a claim is made), and why their choice flatters each comparison."""
    answer = judged(values, picked)
    every = whole() if any(map(_is_claim, answer.comparisons)) else ()
    chosen = [*_rests_on_choice(answer, judged(every, picked), values, every)] if every else ()
    if not any(chosen):
        return answer, picked
    picked = tuple(one or other for one, other in zip(picked, chosen, strict=True))
    return judged(values, picked), picked


def _is_claim(one: "ArmComparison") -> bool:
    from runaudit.stats.answer import StatsVerdict

    return _held(one) in (StatsVerdict.IMPROVED, StatsVerdict.REGRESSED, StatsVerdict.EQUIVALENT)


def _held(one: "ArmComparison") -> "StatsVerdict":
    """The verdict of a comparison if all that is missing were equal."""
    return one.conditional or one.verdict


def _rests_on_choice(
    answer: "StatsAnswer", whole: "StatsAnswer", values: "Sequence[ArmValues]", wholes: "Sequence[ArmValues]"
) -> Iterator[str]:
    """Of every comparison, that a claim on a part of what was launched does not hold for all of it, in a sentence part,
    else nothing. Whoever leaves the best run out as well as the worst ones has chosen all the same."""
    out = {some.label: f"{gone} of {len(all_of.values)} launched runs of {some.label}"
           for some, all_of in zip(values, wholes, strict=True)
           if (gone := len(all_of.values) - len(some.values))}  # fmt: skip
    for part, full in zip(answer.comparisons, whole.comparisons, strict=True):
        own, then = _held(part), _held(full)
        left = listed([out[label] for label in (part.arm, part.baseline) if label in out])
        is_chosen = left and _is_claim(part) and then != own
        yield f"{_said(own)} without {left}, and {_said(then)} with them" if is_chosen else ""


def _with_interaction(
    answer: "StatsAnswer", values: "Sequence[ArmValues]", designs: Sequence[Comparison], plan: "StatsPlan"
) -> "StatsAnswer":
    """An answer with how much two factors change each other's effect, where its arms are a 2 x 2 of them."""
    from runaudit.stats.factorial import two_by_two

    if (crossed := _crossed(designs)) is None:
        return answer
    cells, factors = crossed
    return replace(answer, interaction=two_by_two([values[i] for i in cells], factors=factors, alpha=plan.alpha))


def summaries(bench: Bench, arms: Sequence[Cohort], metric: str) -> "tuple[ArmSummary | None, ...]":
    """Every arm by itself on one metric as a comparison of them takes it; None for one of which
    no run has it, or one has a value that cannot be reckoned with."""
    quantity, plan = measure(metric, arms), declared_plan(bench.settings)
    found = []
    with work("summing up", len(arms), "arms") as advance:
        for arm in arms:
            found.append(_alone(arm, quantity, plan))
            advance(1)
    return tuple(found)


def _alone(arm: Cohort, quantity: Quantity, plan: "StatsPlan") -> "ArmSummary | None":
    from runaudit.stats.judge import summarise
    from runaudit.stats.values import OutOfReachError

    try:
        (values,) = values_of([arm], quantity)
    except OutOfReachError:
        return None
    return summarise(values, plan=plan) if any(value is not None for value in values.values) else None


def _direction(settings: Settings, metric: str, typed: str, direction: str | None) -> "Direction | None":
    """What counts as better: what a policy declares of a metric holds for each of its names."""
    return declared_direction(settings, metric, direction) or declared_direction(settings, typed, None)


def _planned(plan: "StatsPlan", then: Settings) -> "StatsPlan":
    """The plan as the store corrects it, with what was declared another time."""
    declared = declared_plan(then)
    return replace(plan, alpha=declared.alpha, margin=declared.margin, is_paired=declared.is_paired,
                   best_of=max(plan.best_of, declared.best_of))  # fmt: skip


def _overtaken(
    answer: "StatsAnswer", arms: Sequence[Cohort], settings: Settings, under: Callable[[Settings], "StatsAnswer"]
) -> str | None:
    """What the plan said that was declared at the launches, where it is another and says another thing."""
    earlier = late_plan([run for arm in arms for run in arm.runs], settings)
    if earlier is None or (without := _verdicts(under(earlier.settings))) == _verdicts(answer):
        return None
    return earlier.note(without)


def _verdicts(answer: "StatsAnswer") -> str:
    """The verdict of every comparison, in words."""
    return ", ".join(_said(_held(one)) for one in answer.comparisons)


def _said(verdict: object) -> str:
    return str(verdict).replace("_", " ")


def _stated(designs: Sequence[Comparison]) -> Iterator[str]:
    """What the user vouches for; where nobody does yet and somebody could, how."""
    for found in designs:
        if found.assumed:
            yield ended(found.assumed.note)
        if found.lifted_by:
            yield ended(found.lifted_by[:1].upper() + found.lifted_by[1:])


def _forgotten(arms: Sequence[Cohort], home: Mapping[str, Cohort]) -> Iterator[str]:
    """Which runs of these cohorts were forgotten on purpose, named or not, that others may have been of them, and whose
    result was corrected."""
    for arm in arms:
        whole = {run.id: run for own in arm.runs for run in (home[own.id].runs if own.id in home else (own,))}
        if told := forgotten_runs(whole.values()):
            yield f"{arm.label}: {told}."
    if gone := unattributed(run for arm in arms for run in arm.runs):
        yield ended(of_no_cohort(gone))
    runs = [run for arm in arms for run in arm.runs]
    yield from map(ended, (*corrected_runs(runs), *unwritten_runs(runs)))


def _check_disjoint(arms: Sequence[Cohort]) -> None:
    """Raises UsageError where a run stands in an arm and in the baseline, or one arm is given twice: a run cannot
    differ from itself, and counted on both sides it makes them look alike."""
    base = {run.id for run in arms[-1].runs}
    for arm in arms[:-1]:
        shared = [run.short for run in arm.runs if run.id in base]
        if shared:
            what = plural(len(shared), "run")
            raise UsageError(
                f"{what} of {arm.label} {'is' if len(shared) == 1 else 'are'} in the baseline as well: {head(shared)}",
                remedy="name runs that are not the baseline's; `runaudit list` shows the cohorts",
            )
    kept = [frozenset(run.id for run in arm.runs) for arm in arms]
    if len(set(kept)) < len(kept):
        raise UsageError("the same runs are named as two arms", remedy="name each arm once")


def weakest(designs: Sequence[Comparison]) -> "Comparability":
    """The design of a family: as good as its worst comparison."""
    return design_of(min(designs, key=lambda found: found.verdict.rank))


def design_of(found: Comparison) -> "Comparability":
    """A comparison as the judge of numbers takes it."""
    from runaudit.stats.values import Comparability

    is_open = found.verdict is Verdict.PROVENANCE_INCOMPLETE and found.conditional is not None
    return Comparability(
        verdict=str(found.verdict),
        factors=tuple(f.factor for f in found.treatments),
        reason=found.reason,
        idle=found.idle,
        with_length=found.with_length,
        same_training=found.same_training,
        conditional=str(found.conditional) if is_open else None,
        on_record=found.on_record if found.tells_what_is_recorded else "",
        missing=tuple(row.factor for row in found.missing),
        assumed=found.assumed.sections if found.assumed and found.standing is not found.verdict else (),
    )


def _crossed(designs: Sequence[Comparison]) -> tuple[tuple[int, ...], tuple[str, str]] | None:
    """The arms, baseline first, that are the cells of a 2 x 2, and its factors: two change one each, one both."""
    single = [i for i, d in enumerate(designs) if str(d.standing) == "single_factor" and len(d.treatments) == 1]
    both = [i for i, d in enumerate(designs) if str(d.verdict) == "confounded" and len(d.treatments) == 2]
    if len(designs) != 3 or len(single) != 2 or len(both) != 1:
        return None
    changed = [{(f.factor, repr(f.after)) for f in designs[i].treatments} for i in (*single, *both)]
    if changed[0] | changed[1] != changed[2]:
        return None
    first, second = (designs[i].treatments[0].factor for i in single)
    return (-1, *single, *both), (first, second)


def _of_numbers(arms: Sequence[Cohort], designs: Sequence[Comparison], quantity: Quantity) -> tuple[str, ...]:
    """Where results contradict what the designs say, and which measure is taken of them, in sentences."""
    of_designs = (note for design in designs for note in design.contradictions)
    contradicted = map(ended, (*of_designs, *(note for arm in arms for note in arm.contradictions)))
    return (*contradicted, *quantity.notes(run.metrics for arm in arms for run in arm.finished))
