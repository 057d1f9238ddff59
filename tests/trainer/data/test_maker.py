"""Writing a dataset: the same bytes from the same seed, and all of it or nothing."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from runaudit.errors import UsageError
from trainer.data import DatasetConfig, make_dataset, maker, read_dataset
from trainer.data.synthetic import judging_bursts, training_bursts


def tree(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_another_process_writes_the_same_bytes_from_the_same_seed(made: Path, tmp_path: Path):
    """With other thread settings and another hash seed, as on another day."""
    script = (
        "import sys; from trainer.data import DatasetConfig, make_dataset;"
        "make_dataset(sys.argv[1], DatasetConfig(train=('coins.png', 'page.png'), test=('camera.png',),"
        " bursts_per_scene=1, max_tiles=2, max_test_hr_px=150), 0)"
    )
    environment = os.environ | {"OMP_NUM_THREADS": "2", "PYTHONHASHSEED": "7", "PYTHONPATH": os.getcwd()}

    subprocess.run([sys.executable, "-c", script, str(tmp_path / "again")], check=True, env=environment)

    assert tree(tmp_path / "again") == tree(made)


def test_another_seed_writes_other_bytes(made: Path, tiny: DatasetConfig, tmp_path: Path):
    other = make_dataset(tmp_path / "other", tiny, 1)

    assert tree(other).keys() == tree(made).keys()
    assert tree(other)["train/coins-0/LR001.png"] != tree(made)["train/coins-0/LR001.png"]


def test_what_is_read_is_what_was_made_to_the_last_bit(made: Path, tiny: DatasetConfig):
    """Frames, truth, masks and motion survive 16-bit files and JSON exactly."""
    dataset = read_dataset(made)

    expected = [*training_bursts(tiny, 0), *judging_bursts(tiny, 0)]
    for read, want in zip([*dataset.train, *dataset.test], expected, strict=True):
        assert read.name == want.name
        assert read.lr.dtype == np.float32 and read.lr.tobytes() == want.lr.tobytes()
        assert read.hr.tobytes() == want.hr.tobytes()
        assert np.array_equal(read.clear_lr, want.clear_lr)
        assert read.motion is not None and read.motion.tobytes() == want.motion.tobytes()


def test_the_description_says_how_the_dataset_was_made(made: Path):
    said = json.loads((made / "dataset.json").read_text())

    assert said["schema"] == "runaudit-dataset/1"
    assert (said["scale"], said["frames"], said["tile"], said["data_range"]) == (3, 9, 32, 65535)
    assert said["splits"] == {"train": ["coins-0", "page-0"], "test": ["camera"]}
    assert said["simulator"]["noise_sigma"] == 0.01
    assert said["seed"] == 0
    assert said["bursts"]["camera"]["motion"][0] == [0.0, 0.0, 0.0]
    assert "altitude_m" in said["bursts"]["camera"]


def test_progress_counts_every_burst(tiny: DatasetConfig, tmp_path: Path):
    seen: list[tuple[int, int, str]] = []

    make_dataset(tmp_path / "d", tiny, 0, progress=lambda *now: seen.append(now))

    assert seen == [(1, 3, "coins-0"), (2, 3, "page-0"), (3, 3, "camera")]


def test_an_interrupt_leaves_nothing_behind(tiny: DatasetConfig, tmp_path: Path):
    def interrupt(done: int, total: int, name: str) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_dataset(tmp_path / "d", tiny, 0, progress=interrupt)

    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_line_and_leaves_nothing_behind(
    tiny: DatasetConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    written = []

    def full(path: Path, counts: object) -> None:
        written.append(path)
        if len(written) > 12:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        path.write_bytes(b"x")

    monkeypatch.setattr(maker, "write_counts", full)
    with pytest.raises(UsageError, match="No space left on device; free some space") as told:
        make_dataset(tmp_path / "d", tiny, 0)

    assert "\n" not in str(told.value)
    assert list(tmp_path.iterdir()) == []


def test_a_taken_target_is_left_alone(tiny: DatasetConfig, tmp_path: Path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "mine.txt").write_text("mine")

    with pytest.raises(UsageError, match="exists already; remove it first"):
        make_dataset(tmp_path / "d", tiny, 0)

    assert tree(tmp_path) == {"d/mine.txt": b"mine"}


def test_a_target_below_a_file_is_one_line(tiny: DatasetConfig, tmp_path: Path):
    (tmp_path / "file").write_text("")

    with pytest.raises(UsageError, match=r"cannot be written: .*; choose a folder you may write to"):
        make_dataset(tmp_path / "file" / "d", tiny, 0)
