"""A small training program whose rate and momentum are arguments: fits a line to points by stochastic descent.

    runaudit campaign momentum.toml --jobs 2

runs it with and without momentum, three seeds each. It logs by one line, and trains without runaudit all the same.
"""

import argparse
import csv
import os
import random
from pathlib import Path

import runaudit


def main() -> None:
    """Read the data, train, log what is left of the error."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.02)
    parser.add_argument("--momentum", type=float, default=0.0)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--seed", type=int, required=True)
    options = parser.parse_args()
    points = [(float(x), float(y)) for x, y in csv.reader(Path("train.csv").read_text().splitlines())]
    held_out = [(float(x), float(y)) for x, y in csv.reader(Path("val.csv").read_text().splitlines())]
    rng = random.Random(options.seed)
    weights, speed = [rng.gauss(0, 1), rng.gauss(0, 1)], [0.0, 0.0]
    for step in range(options.steps):
        x, y = rng.choice(points)
        error = weights[0] + weights[1] * x - y
        for at, slope in enumerate((error, error * x)):
            speed[at] = options.momentum * speed[at] - options.lr * slope
            weights[at] += speed[at]
        loss = sum((weights[0] + weights[1] * a - b) ** 2 for a, b in held_out) / len(held_out)
        if "RUNAUDIT_RUN" in os.environ:
            runaudit.log(step, {"train/loss": error * error, "val/loss": loss})
    print(f"held-out loss {loss:.4f}")


if __name__ == "__main__":
    main()
