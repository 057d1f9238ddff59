"""A question of `untangle` from its words to its answer: the plan is made and shown, allowed, and carried out.

Nothing is run before somebody allowed what it costs: by a budget, by an answer at the terminal.
"""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from runaudit.judge.bench import Bench
from runaudit.untangle.answer import UntangleAnswer
from runaudit.untangle.plan import Plan
from runaudit.untangle.planning import budget_in_runs, plan_of
from runaudit.untangle.ran import Marks, marks_of, rounds_of
from runaudit.untangle.running import answered
from runaudit.voice.saying import Manner, agreed


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How a question is to be answered. budget: runs, or hours as `2h`; seeds: runs of each end to see first that they
    differ here; anyway: go on where they do not; afresh: count no earlier run; trust: take an imported command."""

    metric: str | None
    direction: str | None
    budget: str | None
    seeds: int
    dry_run: bool
    anyway: bool
    jobs: int
    afresh: bool
    trust: bool


def untangled(bench: Bench, words: Sequence[str], wish: Wish, manner: Manner) -> UntangleAnswer | None:
    """Which of the factors between two runs or cohorts moved the metric; the plan alone with `dry_run`. None where the
    plan was shown and not allowed. Raises UsageError, NothingToJudgeError, GuardRefusedError, as `plan_of`."""
    with tempfile.TemporaryDirectory(prefix="runaudit-untangle-") as folder:
        plan, trees = plan_of(bench, words, metric=wish.metric, direction=wish.direction, folder=Path(folder),
                              is_trusted=wish.trust)  # fmt: skip
        marks = marks_of(bench)
        plan = _as_wished(plan, wish, marks)
        answer = UntangleAnswer(plan=plan)
        if wish.dry_run:
            return answer
        if plan.budget is not None:
            manner.tell_plan(answer)
        elif not agreed(manner, answer, f"Run it, about {plan.cost[0]} runs?", unasked=plan.unasked):
            return None
        return answered(plan, trees, bench, marks, environ=os.environ, progress=manner.note)


def _as_wished(plan: Plan, wish: Wish, marks: Marks) -> Plan:
    plan = replace(plan, round=rounds_of(plan, marks) + wish.afresh, jobs=wish.jobs, anyway=wish.anyway,
                   seeds=wish.seeds)  # fmt: skip
    plan = replace(plan, budget=budget_in_runs(wish.budget, plan.hours(1)))
    plan.check()
    return plan
