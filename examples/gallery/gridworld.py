"""A walker learns its way across a small field by Q-learning. Its return is judged.

The gallery changes two of its settings at once, so that its page says that neither can be credited.
"""

import argparse
import random
from pathlib import Path
from statistics import mean

import runaudit

MOVES = ((0, 1), (0, -1), (1, 0), (-1, 0))
LAST = 100
"""Episodes whose mean return is the result."""
Worth = dict[tuple[int, int], list[float]]
"""Cell -> what each move from it is thought to be worth."""


def main() -> None:
    """Learn for some episodes; after every tenth, walk once without chance."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--epsilon", type=float, default=0.3)
    parser.add_argument("--lr", type=float, default=0.2)
    parser.add_argument("--episodes", type=int, default=300)
    options = parser.parse_args()
    field = Path("field.txt").read_text().split()
    random.seed(options.seed)
    worth: Worth = {}
    earned = []
    for episode in range(options.episodes):
        earned.append(walk(field, worth, epsilon=options.epsilon, lr=options.lr))
        values = {"train/return": earned[-1]}
        if episode % 10 == 9:
            values["eval/return"] = walk(field, worth, epsilon=0.0, lr=0.0)
        runaudit.log(episode, values)
    runaudit.log(options.episodes, {"test/return": mean(earned[-LAST:])})


def walk(field: list[str], worth: Worth, *, epsilon: float, lr: float) -> float:
    """One walk from the upper left corner; what it earned. `#` is a wall, `x` costs, `o` is the end."""
    at, earned = (0, 0), 0.0
    for _ in range(60):
        known = worth.setdefault(at, [random.random() * 0.01 for _ in MOVES])
        move = random.randrange(4) if random.random() < epsilon else known.index(max(known))
        to = (at[0] + MOVES[move][0], at[1] + MOVES[move][1])
        inside = 0 <= to[0] < len(field) and 0 <= to[1] < len(field[0]) and field[to[0]][to[1]] != "#"
        to = to if inside else at
        cell = field[to[0]][to[1]]
        gain = 10.0 if cell == "o" else -5.0 if cell == "x" else -0.2
        best = max(worth.setdefault(to, [random.random() * 0.01 for _ in MOVES]))
        known[move] += lr * (gain + 0.95 * best * (cell != "o") - known[move])
        at, earned = to, earned + gain
        if cell == "o":
            break
    return earned


if __name__ == "__main__":
    main()
