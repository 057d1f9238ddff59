"""Bursts by the trainer's simulator: one of each photograph; of three more, 255 x 255 pixels to judge by."""

import sys
from pathlib import Path

from trainer.data import DatasetConfig, make_dataset


def main() -> None:
    """Write the dataset, where it is not there yet: it follows from the seed."""
    root = Path(sys.argv[1])
    if not root.exists():
        make_dataset(root, DatasetConfig(bursts_per_scene=1, max_test_hr_px=255), 0)


if __name__ == "__main__":
    main()
