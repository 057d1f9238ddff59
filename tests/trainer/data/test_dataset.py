"""Bursts read as they come up: never more in memory than there is room for, never another pixel for it."""

import shutil
import threading
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from runaudit.errors import IntegrityError, UsageError
from trainer.data import DatasetConfig, make_dataset, read_checked
from trainer.data import dataset as module
from trainer.data.dataset import BurstPool, read_dataset
from trainer.data.layout import find_layout
from trainer.data.reader import read_burst
from trainer.data.scenes import Burst

ORDER = [0, 1, 2, 0, 2, 1, 1, 0, 2, 2, 0, 1]


class Scale:
    """Counts the bytes of the bursts that anyone still holds, and the most there ever were."""

    def __init__(self) -> None:
        self.held = self.peak = self.reads = 0
        self._lock = threading.Lock()

    def weigh(self, burst: Burst) -> Burst:
        for array in (burst.lr, burst.hr, burst.clear_lr, burst.clear_hr):
            weakref.finalize(array, self._add, -array.nbytes)
            self._add(array.nbytes)
        self.reads += 1
        return burst

    def _add(self, count: int) -> None:
        with self._lock:
            self.held += count
            self.peak = max(self.peak, self.held)


@pytest.fixture
def scale(monkeypatch: pytest.MonkeyPatch) -> Scale:
    scale = Scale()
    monkeypatch.setattr(module, "read_burst", lambda place, layout: scale.weigh(read_burst(place, layout)))
    return scale


def largest(made: Path) -> int:
    layout = find_layout(made)
    return max(read_burst(place, layout).nbytes for place in layout.places)


@pytest.mark.parametrize("bursts", [0, 1, 2, 100])
@pytest.mark.parametrize("readers", [0, 2])
def test_no_more_is_held_than_there_is_room_for_and_the_one_in_use(
    made: Path, scale: Scale, bursts: int, readers: int
) -> None:
    room = bursts * largest(made)
    pool = BurstPool(find_layout(made), room=room, readers=readers)

    for step, at in enumerate(ORDER):
        pool.ahead(ORDER[step + 1 : step + 3])
        pool.burst(at)

    assert scale.peak <= room + largest(made)
    assert scale.reads == 3 or bursts < 3
    assert scale.reads >= (len(ORDER) - 2 if bursts == 0 else 3)


@pytest.mark.parametrize(("bursts", "readers"), [(0, 0), (1, 1), (2, 3), (100, 2)])
def test_neither_room_nor_threads_change_a_pixel(made: Path, bursts: int, readers: int) -> None:
    layout = find_layout(made)
    pool = BurstPool(layout, room=bursts * largest(made), readers=readers)

    for step, at in enumerate(ORDER):
        pool.ahead(ORDER[step + 1 : step + 4])
        found, plain = pool.burst(at), read_burst(layout.places[at], layout)
        for name in ("lr", "hr", "clear_lr", "clear_hr"):
            np.testing.assert_array_equal(getattr(found, name), getattr(plain, name))


@pytest.mark.parametrize("readers", [0, 1])
def test_a_burst_that_changed_since_it_was_read_ends_the_run(made: Path, tmp_path: Path, readers: int) -> None:
    root = shutil.copytree(made, tmp_path / "copy")
    dataset = read_checked(root, tile=32, room=0, readers=readers)
    frame = root / "train/coins-0/LR001.png"
    shutil.copyfile(frame.with_name("LR002.png"), frame)

    dataset.train.ahead([0])
    with pytest.raises(IntegrityError, match=r"coins-0: its files have changed since this run first read them"):
        dataset.train[0]


def test_a_burst_that_a_thread_could_not_read_is_told_where_it_is_needed(made: Path, tmp_path: Path) -> None:
    root = shutil.copytree(made, tmp_path / "copy")
    dataset = read_checked(root, tile=32, room=10 * largest(made), readers=1)
    dataset.train.release()
    (root / "train/coins-0/HR.png").unlink()

    dataset.train.ahead([1, 0])
    assert dataset.train[1].name == "page-0"
    with pytest.raises(UsageError, match=r"HR\.png is missing"):
        dataset.train[0]


def test_looking_a_dataset_over_holds_one_burst_at_a_time(made: Path, scale: Scale) -> None:
    read_checked(made, tile=32, room=0)

    assert scale.peak <= 2 * largest(made)  # the next is read before the last is let go
    assert scale.held == 0


@pytest.fixture
def shards(tiny: DatasetConfig, tmp_path: Path) -> Callable[..., Path]:
    def make(*configs: DatasetConfig) -> Path:
        for seed, config in enumerate(configs or (tiny, tiny)):
            make_dataset(tmp_path / f"all/shard-{seed}", config, seed)
        return tmp_path / "all"

    return make


def test_shards_are_one_dataset(shards: Callable[..., Path]) -> None:
    root = shards()

    whole, parts = read_dataset(root), [read_dataset(root / name) for name in ("shard-0", "shard-1")]

    assert [burst.name for burst in whole.train] == [
        f"shard-{i}/{burst.name}" for i, part in enumerate(parts) for burst in part.train
    ]
    for joined, alone in zip(whole.test, [*parts[0].test, *parts[1].test], strict=True):
        np.testing.assert_array_equal(joined.lr, alone.lr)
        assert joined.motion is not None
        assert (joined.motion == alone.motion).all()
    assert (whole.meta.scale, whole.meta.seed) == (parts[0].meta.scale, None)


def test_shards_of_two_kinds_are_refused(tiny: DatasetConfig, shards: Callable[..., Path]) -> None:
    root = shards(tiny, replace(tiny, tile=24))

    with pytest.raises(UsageError, match=r"all: tile is 32 in shard-0 and 24 in shard-1; make the shards alike"):
        read_dataset(root)
