"""Small pictures for the cases, the same ones on every machine: a few waves each, 12 x 12 pixels, mean 0, deviation 1.

    python images.py data            data/train.npy and data/val.npy

numpy's generator gives the same bits everywhere; the sine may not, so the values are rounded to four digits.
"""

import sys
from pathlib import Path

import numpy as np

SIDE = 12
TRAIN, VAL = 1000, 200


def pictures(count: int, rng: np.random.Generator) -> np.ndarray:
    """(count, SIDE, SIDE) float32: four plane waves each, of any direction, phase and strength."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    along, across = rng.normal(0, 0.6, (2, count, 4, 1, 1))
    phase, strength = rng.uniform(0, 2 * np.pi, (count, 4, 1, 1)), rng.normal(0, 0.7, (count, 4, 1, 1))
    made = (strength * np.sin(along * rows + across * columns + phase)).sum(axis=1)
    return np.round(made, 4).astype(np.float32)


def main() -> None:
    """Write both parts into the folder that is named."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "data")
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(20)
    np.save(folder / "train.npy", pictures(TRAIN, rng))
    np.save(folder / "val.npy", pictures(VAL, rng))


if __name__ == "__main__":
    main()
