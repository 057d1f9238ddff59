"""A dataset small enough for a test: three bursts of real photographs, two of them for training."""

from pathlib import Path

import pytest

from trainer.data import DatasetConfig, make_dataset


@pytest.fixture(scope="session")
def tiny() -> DatasetConfig:
    return DatasetConfig(
        train=("coins.png", "page.png"),
        test=("camera.png",),
        bursts_per_scene=1,
        max_tiles=2,
        max_test_hr_px=150,
    )


@pytest.fixture(scope="session")
def made(tiny: DatasetConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read only: tests that damage a dataset copy it first."""
    return make_dataset(tmp_path_factory.mktemp("made") / "dataset", tiny, 0)
