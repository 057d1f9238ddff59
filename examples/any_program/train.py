"""A training program that knows nothing of runaudit but one line: it logs. Fits a quadratic by stochastic descent.

    runaudit run --config train.toml --data train=points.csv --init random --seed 1 --label "plain" --
        python train.py --seed 1

Run it without runaudit and it trains all the same.
"""

import argparse
import csv
import os
import random
import tomllib
from pathlib import Path

import runaudit


def main() -> None:
    """Read the config and the data, train, log, and leave a checkpoint in the run's folder."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, default=Path("train.toml"))
    parser.add_argument("--seed", type=int, required=True)
    options = parser.parse_args()
    config = tomllib.loads(options.config.read_text())
    with Path(config["data"]).open() as file:
        points = [(float(x), float(y)) for x, y in csv.reader(file)]
    rng = random.Random(options.seed)
    weights = [rng.gauss(0, 1) for _ in range(3)]
    loss = 0.0
    for step in range(config["steps"]):
        x, y = rng.choice(points)
        features = (1.0, x, x * x)
        error = sum(w * f for w, f in zip(weights, features, strict=True)) - y
        weights = [w - config["lr"] * error * f for w, f in zip(weights, features, strict=True)]
        loss = sum((sum(w * f for w, f in zip(weights, (1.0, a, a * a), strict=True)) - b) ** 2 for a, b in points)
        loss /= len(points)
        if "RUNAUDIT_RUN" in os.environ:
            runaudit.log(step, {"train/loss": error * error, "val/loss": loss})
    folder = Path(os.environ.get("RUNAUDIT_RUN", "."))
    (folder / "weights.txt").write_text(" ".join(map(repr, weights)))
    print(f"validation loss {loss:.4f}")


if __name__ == "__main__":
    main()
