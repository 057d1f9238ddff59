"""A toy of Hydra whose jobs record themselves: the callback stands in its config."""

import runaudit

runaudit.observe()

import os  # noqa: E402
import random  # noqa: E402
import signal  # noqa: E402
from pathlib import Path  # noqa: E402

import hydra  # noqa: E402


@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(settings):
    random.seed(settings.seed)
    with Path("data/train.csv").open() as file:
        weight, rows = 0.0, [float(line) for line in file]
    for step in range(20):
        weight += settings.sgd.lr * (random.choice(rows) - weight)
        runaudit.log(step, {"loss": abs(weight - 16)})
        if step == 5 and settings.ends == "raise":
            raise ValueError("exploded")
        if step == 5 and settings.ends == "interrupt":
            os.kill(os.getpid(), signal.SIGINT)
    return abs(weight - 16)


main()
