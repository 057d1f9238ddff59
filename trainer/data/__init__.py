"""Bursts of low-resolution frames with their high-resolution truth: made, kept, read, and cut into tiles."""

from trainer.data.check import DatasetReport, check_dataset, read_checked
from trainer.data.dataset import Dataset, read_dataset
from trainer.data.maker import make_dataset
from trainer.data.patches import Tiles, train_tiles
from trainer.data.scenes import Burst, DatasetMeta, true_flow
from trainer.data.simulate import SimulatorConfig
from trainer.data.synthetic import PRESETS, DatasetConfig

__all__ = [
    "PRESETS",
    "Burst",
    "Dataset",
    "DatasetConfig",
    "DatasetMeta",
    "DatasetReport",
    "SimulatorConfig",
    "Tiles",
    "check_dataset",
    "make_dataset",
    "read_checked",
    "read_dataset",
    "train_tiles",
    "true_flow",
]
