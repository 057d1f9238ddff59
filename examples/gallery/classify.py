"""Two moons told apart by logistic regression on six features: a classifier, with the picture of what it learned."""

import argparse
import math
import os
import random
from pathlib import Path

import runaudit

FEATURES = 6


def features(x: float, y: float) -> tuple[float, ...]:
    """A point with its products, so that a curved border can be learned."""
    return (1.0, x, y, x * y, x * x, y * y)


def chance(weights: list[float], x: float, y: float) -> float:
    """The probability of the upper moon."""
    score = sum(w * f for w, f in zip(weights, features(x, y), strict=True))
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))


def accuracy(weights: list[float], points: list[tuple[float, ...]]) -> float:
    """The share of points on the right side of the border."""
    return sum((chance(weights, x, y) > 0.5) == bool(label) for x, y, label in points) / len(points)


def main() -> None:
    """Train by stochastic descent, validate once an epoch, keep a picture of the border."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--epochs", type=int, default=25)
    options = parser.parse_args()
    rows = [tuple(map(float, line.split(","))) for line in Path("moons.csv").read_text().split()]
    train, val, test = rows[:300], rows[300:450], rows[450:]
    random.seed(options.seed)
    weights = [random.gauss(0, 1) for _ in range(FEATURES)]
    step = 0
    for _ in range(options.epochs):
        random.shuffle(train)
        for x, y, label in train:
            error = chance(weights, x, y) - label
            weights = [w - options.lr * error * f for w, f in zip(weights, features(x, y), strict=True)]
            step += 1
            if step % 10 == 0:
                runaudit.log(step, {"train/loss": -math.log(max(1e-9, 1 - abs(error)))})
        runaudit.log(step, {"val/accuracy": accuracy(weights, val)})
    runaudit.log(step, {"test/accuracy": accuracy(weights, test)})
    draw(weights, test)


def draw(weights: list[float], points: list[tuple[float, ...]]) -> None:
    """The border that was learned, kept with the run."""
    from matplotlib.figure import Figure

    axes = (figure := Figure(figsize=(3.2, 2.4), dpi=100)).add_axes((0.1, 0.12, 0.86, 0.84))
    grid = [[chance(weights, -1.6 + 0.1 * i, -1.2 + 0.1 * j) for i in range(43)] for j in range(29)]
    axes.contourf(grid, levels=8, cmap="RdBu", extent=(-1.6, 2.7, -1.2, 1.7), alpha=0.7)
    axes.scatter([x for x, *_ in points], [y for _, y, _ in points], c=[c for *_, c in points], cmap="RdBu", s=5)
    figure.savefig(Path(os.environ.get("RUNAUDIT_RUN", ".")) / "border.png")


if __name__ == "__main__":
    main()
