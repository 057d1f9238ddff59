"""Bursts by the trainer's simulator: eight photographs, and corners of three more to judge by."""

import sys
from pathlib import Path

from trainer.data import DatasetConfig, make_dataset

SCENES = ("brick.png", "chelsea.png", "coffee.png", "coins.png", "grass.png", "moon.png", "page.png", "text.png")


def main() -> None:
    """Write the dataset, where it is not there yet: it follows from the seed."""
    root = Path(sys.argv[1])
    if not root.exists():
        make_dataset(root, DatasetConfig(train=SCENES, bursts_per_scene=1, max_tiles=2, max_test_hr_px=96), 0)


if __name__ == "__main__":
    main()
