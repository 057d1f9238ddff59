"""How often `untangle` names the true factors, how often an innocent one, and with how many runs: in the engine alone.

Run it: `python examples/bench/untangle_bench.py [--problems 100]`. A problem draws one to three culprits of one size
with signs that do not cancel; a run adds noise of sd 1. Asked at an effect of 3: exact in 95 % or more, an innocent
factor named in 2 % or fewer, mean runs within 10 % of the published table (TABLE).
"""

import argparse
import random
from collections.abc import Callable
from functools import partial
from typing import Any

from runaudit.untangle.cells import Cell
from runaudit.untangle.finding import Finding
from runaudit.untangle.procedure import Question, decide
from runaudit.untangle.trial import PAIRS, Attempt, Done, spent

TABLE = {2: 16, 3: 23, 4: 27, 5: 36, 8: 39, 12: 45}
Truth = Callable[[Cell], float]


def linear(effects: dict[int, float]) -> Truth:
    """A metric to which each culprit adds its effect."""
    return lambda cell: sum(effect * cell[unit] / 2 for unit, effect in effects.items())


def drawn(units: int, size: float, rng: random.Random) -> tuple[Truth, set[int]]:
    """One to three culprits whose effects do not sum to none."""
    while True:
        culprits = rng.sample(range(units), rng.randint(1, min(3, units)))
        effects = {unit: size * rng.choice((-1, 1)) for unit in culprits}
        if sum(effects.values()):
            return linear(effects), set(culprits)


def solved(
    units: int,
    truth: Truth,
    rng: random.Random,
    *,
    drift: float = 0.0,
    crash: float = 0.0,
    noise: Callable[[random.Random], float] = lambda rng: rng.gauss(0, 1),
    anyway: bool = False,
) -> tuple[Finding, list[Done]]:
    """Batches until there is an answer; a run that fails is run once more."""
    question = Question(units=units, seed=rng.randrange(1 << 30), anyway=anyway)
    history: list[Done] = []
    while not isinstance(move := decide(question, history), Finding):
        shift, attempts = rng.gauss(0, drift), []
        for cell in move.cells:
            for _ in range(2):
                failed = rng.random() < crash
                attempts.append(Attempt(cell, None if failed else truth(cell) + noise(rng) + shift))
                if not failed:
                    break
        history.append(Done(move, tuple(attempts)))
    return move, history


def heavy(rng: random.Random) -> float:
    """Student's t with 3 degrees of freedom, scaled to sd 1."""
    return rng.gauss(0, 1) / (sum(rng.gauss(0, 1) ** 2 for _ in range(3)) / 3) ** 0.5 / 3**0.5


def row(
    name: str, problems: int, draw: Callable[[random.Random], tuple[Truth, set[int]]], units: int, **options: Any
) -> None:
    """Solve so many problems and print their shares; `runs` leaves out those for pairs alone, as the table does."""
    rng = random.Random(name)
    exact = innocent = false = core = 0
    runs = []
    for _ in range(problems):
        truth, culprits = draw(rng)
        found, history = solved(units, truth, rng, **options)
        named = set(found.named)
        exact += named == culprits
        innocent += bool(named - culprits)
        false += found.verdict == "attributed" and named != culprits
        runs.append(spent(history))
        core += sum(len(done.attempts) for done in history if done.batch.purpose != PAIRS)
    runs.sort()
    shares = [100 * count / problems for count in (exact, innocent, false)]
    print(
        f"  {name:32}"
        + "".join(f"{share:10.1f} %" for share in shares)
        + f"{core / problems:8.1f}{runs[int(0.9 * problems)]:6}"
    )


def traps(problems: int) -> None:
    """What breaks the obvious ways, with eight factors."""
    pair: Truth = lambda cell: 4.0 * (cell[1] == cell[5] == 1)  # noqa: E731
    triple: Truth = lambda cell: 12.0 * (cell[1] == cell[5] == cell[6] == 1)  # noqa: E731
    one = linear({2: 3.0})
    row("two only together, 4 sd", problems, lambda rng: (pair, {1, 5}), 8)
    row("three only together, 12 sd", problems, lambda rng: (triple, {1, 5, 6}), 8)
    row("nothing acts", problems, lambda rng: (linear({}), set()), 8)
    row("nothing acts, no gate", problems, lambda rng: (linear({}), set()), 8, anyway=True)
    row("drift of 1 sd a batch", problems, lambda rng: (one, {2}), 8, drift=1.0)
    row("t3 tails", problems, lambda rng: (one, {2}), 8, noise=heavy)
    row("10 % crash", problems, lambda rng: (one, {2}), 8, crash=0.1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=int, default=100)
    problems = parser.parse_args().problems
    print(f"{problems} problems a row".ljust(34) + "     exact    innocent  false close    runs   p90")
    for size in (3.0, 5.0, 2.0):
        for units, published in TABLE.items():
            beside = f" (table: {published} runs)" if size == 3.0 else ""
            row(f"{size:.0f} sd, {units} factors{beside}", problems, partial(drawn, units, size), units)
    traps(problems)


if __name__ == "__main__":
    main()
