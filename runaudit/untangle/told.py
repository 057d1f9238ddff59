"""What the store's runs say of a question that was asked before: the same answer, without a run.

The plan is read back from its runs, and what `decide` would have run next is held against what was run: a plan that
was interrupted ends where its runs do.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from runaudit.diff.arms import typical
from runaudit.factors.cohort import Cohort, cohort_of
from runaudit.judge.bench import Bench
from runaudit.judge.values import measure
from runaudit.metrics.catalogue import Direction
from runaudit.metrics.quantity import Quantity
from runaudit.store.catalogue import load, run_ids
from runaudit.untangle.answer import UntangleAnswer
from runaudit.untangle.finding import Finding
from runaudit.untangle.moves import Move
from runaudit.untangle.plan import Plan, arm_of
from runaudit.untangle.procedure import decide
from runaudit.untangle.ran import Marks, answer_of, done_of, marks_of, open_places, runs_of
from runaudit.untangle.trial import Done
from runaudit.untangle.units import Unit


def answers_on(bench: Bench, arms: Collection[Collection[str]]) -> tuple[UntangleAnswer, ...]:
    """The answers to what was asked of any two of these arms, each metric's latest, in the order of their runs.

    arms: of each the ids of its runs. A question over runs that no arm holds together is not about these.
    """
    marks = marks_of(bench)
    held = [frozenset(arm) for arm in arms]
    latest: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for mark in marks.values():
        plan = mark["plan"]
        a, b = ({place for place, arm in enumerate(held) if arm.issuperset(plan[end])} for end in ("a", "b"))
        if a and b and not a & b:
            key = (min(a), min(b), plan["metric"])
            latest.pop(key, None)
            latest[key] = mark
    return tuple(_answer(bench, mark, marks) for mark in latest.values())


def _answer(bench: Bench, mark: Mapping[str, Any], marks: Marks) -> UntangleAnswer:
    plan = _plan(bench, mark)
    ran = list(runs_of(bench.store, plan, marks))
    history: list[Done] = []
    while not isinstance(move := decide(plan.question, history), Finding):
        if open_places(move, len(history), ran):
            return answer_of(plan, None, history, ran)
        history.append(done_of(move, len(history), ran))
    return answer_of(plan, move, history, ran)


def _plan(bench: Bench, mark: Mapping[str, Any]) -> Plan:
    body, asked = mark["plan"], mark.get("asked") or {}
    known = set(run_ids(bench.store))
    ends = ([load(bench.store, run, trajectory=False) for run in body[end] if run in known] for end in ("a", "b"))
    cohorts = [*map(cohort_of, ends)]
    quantity = _quantity(body["metric"], asked, cohorts)
    arms = [arm_of(end, typical(end), quantity) for end in cohorts]
    return Plan(
        a=arms[0],
        b=arms[1],
        metric=quantity.name,
        quantity=quantity,
        direction=Direction(body["direction"]),
        units=tuple(_units(body["units"], asked.get("why") or ())),
        immovable=dict(body["immovable"]),
        budget=asked.get("budget"),
        anyway=bool(asked.get("anyway")),
        seeds=int(asked.get("seeds") or 3),
        round=int(body["round"]),
        notes=tuple(asked.get("notes") or ()),
        sealed_id=str(mark["id"]),
    )


def _quantity(metric: str, asked: Mapping[str, Any], ends: Sequence[Cohort]) -> Quantity:
    """What stood for the metric when it was asked; of a plan that does not say it, what stands for it in its ends."""
    if "is_mean" not in asked:
        return measure(metric, ends)
    return Quantity(metric, tuple(map(str, asked.get("sequences") or ())), is_mean=bool(asked["is_mean"]))


def _units(bodies: Collection[Mapping[str, Any]], whys: Collection[str]) -> Iterator[Unit]:
    for body, why in zip(bodies, (*whys, *[""] * len(bodies)), strict=False):
        moves = (Move(factor=name, how=how) for name, how in zip(body["factors"], body["how"], strict=True))
        yield Unit(moves=tuple(moves), why=why, first=body.get("first"), is_one_word=bool(body.get("one_word")))
