"""What is said of the runs: no factor is called the whole of a difference that did not come back whole."""

import random
from dataclasses import replace

import pytest

from runaudit.errors import NothingToJudgeError
from runaudit.metrics.catalogue import Direction
from runaudit.metrics.quantity import Quantity
from runaudit.untangle.answer import UntangleAnswer
from runaudit.untangle.finding import Finding
from runaudit.untangle.moves import Move
from runaudit.untangle.plan import Arm, Plan
from runaudit.untangle.procedure import decide
from runaudit.untangle.trial import Attempt, Done, spent
from runaudit.untangle.units import Unit


def asked(*, recorded, immovable=None):
    """A plan over three factors whose two ends lay `recorded` apart."""
    arms = [
        Arm(run=None, runs=(name,), values=tuple(at + x for x in (-0.1, 0.0, 0.1)), seeds=(1, 2, 3), durations=(60.0,))
        for name, at in (("a", 0.0), ("b", recorded))
    ]
    units = tuple(
        Unit(moves=(Move(factor=name, how="as B has it"),)) for name in ("config.lr", "code.x.py", "data.train")
    )
    return Plan(a=arms[0], b=arms[1], metric="val/acc", quantity=Quantity("val/acc"),
                direction=Direction.HIGHER, units=units, immovable=immovable or {})  # fmt: skip


def answered(plan, *, effect, seed=1):
    """The first factor moves the metric by `effect`, on noise of 0.1."""
    draw, history = random.Random(seed), []
    while not isinstance(move := decide(plan.question, history), Finding):
        history.append(Done(move, tuple(Attempt(c, effect * c[0] / 2 + draw.gauss(0, 0.1)) for c in move.cells)))
    return UntangleAnswer(plan=plan, finding=move, history=tuple(history))


def test_a_difference_that_comes_back_whole_is_put_down_to_the_factor_that_moved_it():
    answer = answered(asked(recorded=1.0, immovable={"env.gpu": "this machine has one level of it"}), effect=1.0)

    assert (answer.verdict, answer.named, answer.drifted) == ("attributed", ("config.lr",), None)
    assert "every other factor that was moved" in " ".join(answer.reasons()).lower()


def test_a_difference_of_which_a_part_does_not_come_back_is_not_separated_from_what_could_not_be_moved():
    answer = answered(asked(recorded=2.0, immovable={"env.gpu": "this machine has one level of it"}), effect=1.0)

    assert (answer.verdict, answer.named, answer.open) == ("not_separated", ("config.lr",), (("env.gpu",),))
    told = answer.to_json()
    assert told["not_reproduced"] and told["culprits"] == ["config.lr"] and told["unresolved"] == [["env.gpu"]]
    assert "the rest is not reproduced, and env.gpu may be why" in told["reason"]


def test_ends_that_differ_in_the_record_and_not_here_name_what_cannot_be_moved():
    answer = answered(asked(recorded=2.0, immovable={"env.gpu": "this machine has one level of it"}), effect=0.0)

    assert (answer.verdict, answer.not_reproduced, answer.open) == ("no_difference", True, (("env.gpu",),))


def test_no_number_of_the_markdown_is_escaped_twice():
    lines = "\n".join(answered(asked(recorded=1.0), effect=1.0).markdown_lines())

    assert "&amp;lt;" not in lines and "\\`" not in lines and "config.lr" in lines


def test_a_run_that_was_stopped_by_hand_is_told_beside_those_that_count():
    answer = answered(asked(recorded=1.0), effect=1.0)
    counted = spent(answer.history)
    whole = replace(answer, runs=tuple(f"run {n}" for n in range(counted)))
    stopped = replace(answer, runs=tuple(f"run {n}" for n in range(counted + 1)))

    assert any(line.startswith(f"{counted} runs, 0 failed; seed sd ") for line in whole.text_lines())
    assert any(line.startswith(f"{counted} runs, 0 failed, 1 more stopped by hand;") for line in stopped.text_lines())


def test_a_metric_that_no_seed_moves_is_refused_before_anything_is_run():
    plan = asked(recorded=1.0)
    constant = replace(plan, a=replace(plan.a, values=(0.5,) * 3), b=replace(plan.b, values=(0.7,) * 3))

    with pytest.raises(
        NothingToJudgeError, match=r"in every run of A and 0\.7 in every run of B, whatever their seed"
    ) as refused:
        replace(constant, words=("the old way", "new")).check()
    assert "runaudit stats 'the old way' --vs new --metric val/acc" in refused.value.remedy
    replace(plan, b=constant.b).check()
