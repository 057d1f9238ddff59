"""The runs of plans as they were sealed: nothing of a plan's state lies anywhere else.

Every run of a plan bears the plan, its batch, its place in it and its cell. So an interrupted plan finds which cells
are done, and a page can tell a question that was answered weeks ago. A run that was stopped by hand is no outcome of
its cell and is run again.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from runaudit.factors.cohort import HYBRID_LABEL, hybrid_mark
from runaudit.judge.bench import Bench
from runaudit.records.run import Run
from runaudit.runs.names import Names, has_store
from runaudit.store import Store
from runaudit.store.catalogue import load, manifest_of
from runaudit.untangle.answer import UntangleAnswer
from runaudit.untangle.finding import Finding
from runaudit.untangle.plan import Plan
from runaudit.untangle.trial import Attempt, Batch, Done

ATTEMPTS = 2
"""A cell whose run fails is run once more with the next seed; both count."""
STOPS = 2
"""A run that was killed is run again; a cell that is killed this often is taken at its word."""
Marks = Mapping[str, Mapping[str, Any]]
"""Run id -> what `untangle` sealed of it, in the order of their launch."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A sealed run of a plan: its batch, its place in it, and what came of it."""

    run: Run
    batch: int
    place: int
    attempt: Attempt


def mark_of(plan: Plan) -> dict[str, Any]:
    """What every run of a plan says of it: the plan, and what it was asked with that its id does not depend on."""
    return {
        "id": plan.id,
        "question": plan.asked,
        "plan": plan.body,
        "asked": {
            "budget": plan.budget,
            "anyway": plan.anyway,
            "seeds": plan.seeds,
            "sequences": list(plan.quantity.sequences),
            "is_mean": plan.quantity.is_mean,
            "notes": list(plan.notes),
            "why": [unit.why for unit in plan.units],
        },
    }


def marks_of(bench: Bench) -> dict[str, Mapping[str, Any]]:
    """Every run that was made to answer such a question, in the order of their launch, with its place in the plan.

    The index knows them by their label, so that a store of many runs is not read for a few."""
    if not has_store(bench.store):
        return {}
    with Names(bench.store, bench.settings) as names:
        ids = names.labelled(HYBRID_LABEL)
    marks = {run_id: hybrid_mark(manifest_of(bench.store, run_id)) for run_id in ids}
    return {run_id: mark for run_id, mark in marks.items() if mark}


def runs_of(store: Store, plan: Plan, marks: Marks) -> Iterator[Ran]:
    """The runs of a plan that are sealed, in the order of their launch."""
    for run_id, mark in marks.items():
        if mark.get("id") == plan.id and (run := load(store, run_id)).outcome is not None:
            yield ran_of(run, plan)


def _errors(ran: Sequence[Ran]) -> dict[str, int]:
    """Why runs failed, the most frequent first, with how many did so."""
    found = Counter(
        str(one.run.outcome.body.get("error") or one.run.status)
        for one in ran
        if one.attempt.value is None and one.run.outcome is not None
    )
    return dict(found.most_common())


def rounds_of(plan: Plan, marks: Marks) -> int:
    """How often the plan's question was begun afresh: the latest round of it, 0 where it was asked once or never."""
    return max((int(mark["plan"]["round"]) for mark in marks.values() if mark.get("question") == plan.asked), default=0)


def ran_of(run: Run, plan: Plan) -> Ran:
    """A sealed run with its place in the plan and its number."""
    mark = hybrid_mark(run.manifest)
    value = plan.quantity.of(run.metrics) if run.finished else None
    usable = value if value is not None and isfinite(value) else None
    return Ran(run, int(mark["batch"]), int(mark["place"]), Attempt(tuple(int(x) for x in mark["cell"]), usable))


def done_of(batch: Batch, number: int, ran: Sequence[Ran]) -> Done:
    """A batch with the attempts at it."""
    return Done(batch, tuple(one.attempt for one in ran if one.batch == number and _counts(one)))


def open_places(batch: Batch, number: int, ran: Sequence[Ran]) -> set[int]:
    """The places of a batch that are still to be run."""
    mine: dict[int, list[Ran]] = {place: [] for place in range(len(batch.cells))}
    for one in ran:
        if one.batch == number:
            mine[one.place].append(one)
    return {place for place, those in mine.items() if not _is_done(those)}


def answer_of(plan: Plan, finding: Finding | None, history: Sequence[Done], ran: Sequence[Ran]) -> UntangleAnswer:
    """What a plan's runs told."""
    return UntangleAnswer(plan=plan, finding=finding, history=tuple(history), runs=tuple(one.run.id for one in ran),
                          errors=_errors(ran))  # fmt: skip


def _is_done(mine: Sequence[Ran]) -> bool:
    """Whether a place has its number, or has failed as often as it may."""
    counted = [one for one in mine if _counts(one)]
    stopped = len(mine) - len(counted)
    return any(one.attempt.value is not None for one in counted) or len(counted) >= ATTEMPTS or stopped > STOPS


def _counts(one: Ran) -> bool:
    return one.run.status != "killed"
