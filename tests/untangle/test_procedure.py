"""The planted problems of the method, in the engine alone: what is named, what is left open, what is never claimed.

Effects are in sds of a run between seeds. Each law is held over problems with their own noise; how often an answer is
exact over hundreds of them is measured in examples/bench/untangle_bench.py.
"""

import random

import pytest

from runaudit.untangle.finding import ATTRIBUTED, INCONCLUSIVE, NO_DIFFERENCE, NOT_SEPARATED, Finding
from runaudit.untangle.procedure import Question, decide, least_runs
from runaudit.untangle.trial import INSIDE, Attempt, Done, spent


def solve(question, truth, *, seed, fails=lambda cell: 0.0, drift=0.0):
    """Run batches until there is an answer, a failed run once more."""
    draw, history = random.Random(seed), []
    while not isinstance(move := decide(question, history), Finding):
        shift, attempts = draw.gauss(0, drift), []
        for cell in move.cells:
            for _ in range(2):
                failed = draw.random() < fails(cell)
                attempts.append(Attempt(cell, None if failed else truth(cell) + draw.gauss(0, 1) + shift))
                if not failed:
                    break
        history.append(Done(move, tuple(attempts)))
    return move, history


def linear(*effects):
    return lambda cell: sum(effect * level / 2 for effect, level in zip(effects, cell, strict=True))


def together(units, size):
    return lambda cell: size * all(cell[unit] == 1 for unit in units)


def share(problem, right, times=20):
    return sum(right(problem(seed)[0]) for seed in range(times)) / times


@pytest.mark.parametrize(
    ("effects", "named"),
    [
        ((3, 0), {0}),
        ((5, -2.5, 0), {0, 1}),
        ((0, 0, 3, 0, 0, 0, 0, 0), {2}),
        ((4, 0, 3, 0, -3, 0, 0, 0, 0, 0, 0, 0), {0, 2, 4}),
    ],
)
def test_planted_effects_are_named_and_no_innocent_unit_is(effects, named):
    found = [solve(Question(units=len(effects), seed=s), linear(*effects), seed=s)[0] for s in range(20)]

    assert sum(set(one.named) == named for one in found) >= 15
    assert sum(bool(set(one.named) - named) for one in found) <= 1


def test_where_nothing_acts_the_gate_ends_it_after_ten_runs():
    ended = [solve(Question(units=5, seed=s), linear(0, 0, 0, 0, 0), seed=s) for s in range(20)]

    assert sum(one.verdict == NO_DIFFERENCE and spent(history) == 10 for one, history in ended) >= 16
    assert sum(bool(one.named) for one, _ in ended) == 0


def test_effects_that_cancel_are_found_where_one_goes_on_anyway():
    cancel = linear(4, -4, 0, 0, 0)

    assert (
        share(lambda s: solve(Question(units=5, seed=s), cancel, seed=s), lambda f: f.verdict == NO_DIFFERENCE) >= 0.8
    )
    anyway = [solve(Question(units=5, seed=s, anyway=True), cancel, seed=s)[0] for s in range(10)]
    assert all(set(one.named) == {0, 1} for one in anyway)


def test_two_units_that_only_act_together_are_both_named_with_their_pair():
    found = [solve(Question(units=4, seed=s), together((1, 2), 5), seed=s)[0] for s in range(20)]

    assert sum(set(one.named) == {1, 2} and any(pair.acts for pair in one.pairs) for one in found) >= 17
    assert not any(set(one.named) - {1, 2} for one in found)


def test_a_machine_that_drifts_between_batches_names_nobody():
    found = [solve(Question(units=8, seed=s), linear(0, 0, 3, 0, 0, 0, 0, 0), seed=s, drift=1.0)[0] for s in range(20)]

    assert sum(set(one.named) == {2} for one in found) >= 16
    assert sum(bool(set(one.named) - {2}) for one in found) == 0


def test_a_unit_that_makes_runs_fail_is_told_and_nothing_is_claimed_of_the_survivors():
    def fails(cell):
        return 0.6 if cell[3] == 1 else 0.02

    found = [solve(Question(units=6, seed=s), linear(3, 0, 0, 0, 0, 0), seed=s, fails=fails)[0] for s in range(20)]

    assert sum(one.verdict == INCONCLUSIVE and one.why == "failing" for one in found) >= 16
    for one in found:
        if one.why == "failing":
            assert not one.named and one.looks[-1].failing[3] <= 0.02


def test_runs_that_fail_now_and_then_keep_nobody_from_an_answer():
    found = [solve(Question(units=6, seed=s), linear(3, 0, 3, 0, 0, 0), seed=s, fails=lambda cell: 0.05)[0]
             for s in range(20)]  # fmt: skip
    assert sum(set(one.named) == {0, 2} for one in found) >= 17


def test_ends_that_always_fail_are_no_end():
    found, history = solve(Question(units=2, seed=1), linear(3, 0), seed=1, fails=lambda cell: 1.0)

    assert (found.verdict, found.why) == (INCONCLUSIVE, "ends fail")
    assert spent(history) == 20


def test_of_a_unit_that_moves_as_a_whole_the_part_that_did_it_is_found_by_its_mixed_cell():
    def first_part(cell):
        return 4 / 2 * (1 if cell[0] == 0 else cell[0])

    question = Question(units=4, seed=5, split=frozenset({0}))
    found = [solve(question, first_part, seed=s) for s in range(10)]

    assert sum(one.parts[0].did == (True, False) for one, _ in found) >= 9
    for _, history in found:
        (inside,) = [done.batch for done in history if done.batch.purpose == INSIDE]
        # Whole runs of both ends beside the mixed ones: without them a drift of this batch would be the file's.
        assert {(-1,) * 4, (1,) * 4} <= set(inside.cells)


def test_seeds_that_move_nothing_say_nothing_of_chance():
    history = []
    question = Question(units=2, seed=1)
    while not isinstance(move := decide(question, history), Finding):
        history.append(Done(move, tuple(Attempt(cell, linear(3, 0)(cell)) for cell in move.cells)))
    assert (move.verdict, move.why) == (INCONCLUSIVE, "no spread")


def test_the_same_runs_ask_for_the_same_batch_and_a_larger_budget_goes_on_from_them():
    small = Question(units=8, seed=4, budget=24)
    found, history = solve(small, linear(3, 0, 0, 0, 0, 0, 0, 0), seed=1)

    assert (found.verdict, found.why) == (NOT_SEPARATED, "budget")
    assert found.deciding is not None and spent(history) + len(found.deciding.cells) > 24
    assert decide(Question(units=8, seed=4), history) == found.deciding
    assert decide(small, history).deciding == found.deciding


def test_what_is_attributed_bounds_every_other_unit_below_half_of_it():
    for s in range(10):
        found, _ = solve(Question(units=5, seed=s), linear(5, 0, 0, 0, 0), seed=s)
        if found.verdict == ATTRIBUTED:
            fit = found.looks[-1].fit
            limit = min(abs(fit.effects[unit]) for unit in found.named) / 2
            others = [unit for unit in range(5) if unit not in found.named]
            bounds = [fit.interval(fit.alone(unit)) for unit in others]
            whole = fit.interval([1.0 if unit in others else 0.0 for unit in range(5)])
            assert all(max(map(abs, one)) < limit for one in bounds) or max(map(abs, whole)) < limit


@pytest.mark.parametrize(("units", "runs"), [(2, 10), (3, 14), (4, 22), (8, 30), (12, 38)])
def test_no_answer_is_within_reach_of_fewer_runs(units, runs):
    assert least_runs(Question(units=units, seed=0)) == runs
