"""What the pixels of a dataset say: a truth beside its frames, in another unit, in both splits, under a mask."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from trainer.data import check_dataset


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "copy")


def change(path: Path, edit: Callable[[np.ndarray], np.ndarray]) -> None:
    with Image.open(path) as image:
        pixels = np.asarray(image)
    Image.fromarray(edit(pixels)).save(path)


def every(root: Path, pattern: str, edit: Callable[[np.ndarray], np.ndarray]) -> None:
    for path in root.rglob(pattern):
        change(path, edit)


def moved(dy: float, dx: float) -> Callable[[np.ndarray], np.ndarray]:
    """By so many high-res pixels, down and right."""

    def edit(pixels: np.ndarray) -> np.ndarray:
        shifted = ndimage.shift(pixels.astype(np.float64), (dy, dx), order=3, mode="nearest")
        return np.clip(np.rint(shifted), 0, 65535).astype(np.uint16)

    return edit


def edit_index(root: Path, **changes: object) -> None:
    path = root / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def remark(root: Path, words: str) -> str:
    """The one remark with these words."""
    report = check_dataset(root)
    assert report.problems == ()
    (found,) = [line for line in report.remarks if words in line]
    return found


def test_a_truth_beside_all_its_references_is_told_with_where_it_lies(copy: Path):
    """1.5 high-res pixels down and 0.9 left are +0.50 and -0.30 low-res pixels; the registered length is 1.7."""
    every(copy, "HR.png", moved(1.5, -0.9))

    line = remark(copy, "1 test burst looked at")

    down, right = (float(word.strip(",")) for word in line.split()[3:5])
    assert (down, right) == pytest.approx((0.5, -0.3), abs=0.03)
    assert "1.7 high-res pixels off" in line or "1.8 high-res pixels off" in line


def test_truths_that_lie_each_elsewhere_are_no_common_offset(copy: Path):
    change(copy / "train/coins-0/HR.png", moved(1.5, 0))
    change(copy / "train/page-0/HR.png", moved(-1.5, 0))

    assert "each in another direction (2 train bursts looked at)" in remark(copy, "truths lie 0.5")


def test_a_truth_of_another_scene_is_told(copy: Path):
    change(copy / "train/coins-0/HR.png", lambda pixels: np.ascontiguousarray(pixels[::-1, ::-1]))

    assert remark(copy, "something else than its reference").startswith("coins-0: ")


def test_a_truth_in_another_unit_than_its_frames_is_a_problem(copy: Path):
    """8 bits read as counts of 16: 257 times too dark."""
    every(copy, "HR.png", lambda pixels: (pixels // 257).astype(np.uint8))

    report = check_dataset(copy)

    assert len(report.problems) == 3
    assert all("times as dark as its reference; frames are stored at 16 bits, the truth at 8 bits" in line
               for line in report.problems)  # fmt: skip
    assert any(" 25" in line or " 26" in line for line in report.problems)


def test_frames_of_eight_bits_beside_a_truth_of_sixteen_are_told(copy: Path):
    change(copy / "train/coins-0/LR004.png", lambda pixels: (pixels >> 8).astype(np.uint8))

    assert remark(copy, "beside a truth").startswith("coins-0: frames of 8 and 16 bits beside a truth of 16 bits")


def test_a_range_of_which_a_quarter_is_used_is_told_with_what_it_is_worth(copy: Path):
    """12 bits of 16 are a factor of 16: 20 log10(65535 / 4095) = 24.08 dB."""
    for pattern in ("LR*.png", "HR.png"):
        every(copy, pattern, lambda pixels: (pixels >> 4).astype(np.uint16))
    change(copy / "test/camera/HR.png", lambda pixels: np.where(pixels == pixels.max(), 4095, pixels).astype(np.uint16))

    line = remark(copy, "the highest count is")

    assert "4095 (12 bits), the data range 65535" in line
    assert "24.1 dB above one against 4095" in line


def test_a_brighter_truth_and_a_saturated_reference_are_told(copy: Path):
    every(copy, "HR.png", lambda pixels: np.minimum(pixels.astype(np.int64) * 2, 65535).astype(np.uint16))
    change(copy / "test/camera/LR000.png", lambda pixels: np.where(pixels > 45000, 65535, pixels).astype(np.uint16))

    assert "times as bright as its reference" in remark(copy, "the truth is up to")
    assert remark(copy, "at the top count, saturated").startswith("camera: ")


def test_frames_in_both_splits_are_a_problem_however_they_are_packed(copy: Path):
    """Other files, another truth: the pixels of two frames are those of a training burst."""
    leaked = shutil.copytree(copy / "train/coins-0", copy / "test/leaked")
    for path in leaked.glob("*.png"):
        change(path, lambda pixels: pixels if pixels.dtype == bool else np.roll(pixels, 1, axis=1))
    for name in ("LR003.png", "LR005.png"):
        with Image.open(copy / "train/coins-0" / name) as image:
            Image.fromarray(np.asarray(image)).save(leaked / name, compress_level=9)
    splits = json.loads((copy / "dataset.json").read_text())["splits"]
    edit_index(copy, splits=splits | {"test": ["camera", "leaked"]})

    assert check_dataset(copy).problems == ("leaked in test shares 2 frames with coins-0 in train",)


def test_equal_frames_of_one_burst_are_told(copy: Path):
    shutil.copy(copy / "train/page-0/LR002.png", copy / "train/page-0/LR006.png")

    assert remark(copy, "equal to the bit").startswith("page-0: ")


def test_masks_that_cover_are_told_and_inverted_ones_are_suspected(copy: Path):
    change(copy / "train/coins-0/QM000.png", lambda clear: np.arange(clear.size).reshape(clear.shape) % 3 == 0)

    assert "(the reference of coins-0: 33%)" in remark(copy, "less than half is clear")

    every(copy, "QM*.png", lambda clear: np.arange(clear.size).reshape(clear.shape) % 20 == 0)

    assert "are they inverted?" in remark(copy, "half of the bursts")


def test_what_nobody_said_is_told_as_assumed(copy: Path):
    """Without its index the same folder is a foreign one, and without masks all of it is clear."""
    (copy / "dataset.json").unlink()
    for path in copy.rglob("QM*.png"):
        path.unlink()

    assert check_dataset(copy).assumed == (
        "x3, from the sizes of the first burst",
        "a count of 65535 stands for 1, the highest its files can hold",
        "the 9 clearest frames are taken, the clearest as reference",
        "'test' or 'val' in a path makes a burst judge",
        "every pixel counts as clear: no burst has a mask of its frames",
    )


def test_a_sound_dataset_gives_no_remark_and_nothing_is_assumed(made: Path):
    report = check_dataset(made)

    assert (report.problems, report.remarks, report.assumed) == ((), (), ())
