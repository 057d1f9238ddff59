"""Bursts of low-resolution frames with their high-resolution truth: made, kept in a folder, read, and cut into tiles."""

from trainer.data.patches import Tiles, train_tiles
from trainer.data.scenes import Burst, Dataset, DatasetMeta

__all__ = ["Burst", "Dataset", "DatasetMeta", "Tiles", "train_tiles"]
