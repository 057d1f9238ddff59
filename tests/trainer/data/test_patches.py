"""Tiles: aligned, named, and the same ones every time."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from runaudit.errors import ConfigError, UsageError
from trainer.data import Dataset, read_dataset, train_tiles, true_flow
from trainer.data.patches import chosen

IDS = tuple(f"scene-{i // 16}/{i % 16}/0" for i in range(675))


@pytest.fixture(scope="module")
def dataset(made: Path) -> Dataset:
    return read_dataset(made)


def test_a_tile_is_the_same_place_in_frames_and_truth(dataset: Dataset):
    tiles = train_tiles(dataset)
    bursts = {b.name: b for b in dataset.train}

    assert tiles.lr.shape == (6, 9, 32, 32) and tiles.hr.shape == (6, 96, 96)
    assert tiles.clear_lr.shape == (6, 9, 32, 32) and tiles.clear_hr.shape == (6, 96, 96)
    for i, sample in enumerate(tiles.ids):
        name, y, x = sample.rsplit("/", 2)
        y, x, burst = int(y), int(x), bursts[name]
        assert np.array_equal(tiles.lr[i], burst.lr[:, y : y + 32, x : x + 32])
        assert np.array_equal(tiles.hr[i], burst.hr[3 * y : 3 * y + 96, 3 * x : 3 * x + 96])


def test_the_motion_of_a_tile_is_the_burst_seen_from_the_tile(dataset: Dataset):
    tiles = train_tiles(dataset)
    burst = next(b for b in dataset.train if b.name == "coins-0")
    i = tiles.ids.index("coins-0/32/0")

    assert tiles.motion is not None
    whole = true_flow(burst.motion, *burst.lr.shape[1:])
    assert np.allclose(true_flow(tiles.motion[i], 32, 32), whole[:, :, 32:64, :32], atol=1e-12)


def test_five_percent_of_675_tiles_are_34():
    assert len(chosen(IDS, 0.05)) == 34


def test_a_smaller_fraction_is_a_part_of_a_larger_one():
    five, twenty = set(chosen(IDS, 0.05)), set(chosen(IDS, 0.2))

    assert five < twenty
    assert set(chosen(IDS, 0.05, seed=1)) != five


def test_the_choice_never_changes():
    """Written down, because a stored run names its tiles by these ids."""
    assert chosen(IDS, 0.01) == (153, 166, 198, 296, 303, 345, 396)


def test_a_fraction_keeps_the_order_and_at_least_one(dataset: Dataset):
    everything = train_tiles(dataset)
    half, least = (train_tiles(dataset, data_fraction=f) for f in (0.5, 1e-6))

    assert len(half) == 3 and len(least) == 1
    assert [i for i in everything.ids if i in half.ids] == list(half.ids)


@pytest.mark.parametrize("fraction", [0.0, -0.1, 1.5, float("nan")])
def test_an_impossible_fraction_is_refused(dataset: Dataset, fraction: float):
    with pytest.raises(ConfigError, match="data_fraction"):
        train_tiles(dataset, data_fraction=fraction)


def test_tiles_under_the_clearance_threshold_are_left_out(dataset: Dataset):
    first = dataset.train[0]
    covered = first.clear_hr.copy()
    covered[:96, :96] = False
    clouded = replace(dataset, train=(replace(first, clear_hr=covered),))

    kept = train_tiles(clouded, min_clear=0.85)

    assert set(train_tiles(clouded).ids) - set(kept.ids) == {"coins-0/0/0"}


def test_a_tile_larger_than_every_scene_is_told(dataset: Dataset):
    with pytest.raises(UsageError, match="no training tile of 200x200"):
        train_tiles(dataset, tile=200)
