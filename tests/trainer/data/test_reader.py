"""One reader for three kinds of folder, and one line for each way a folder can be wrong."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from runaudit.errors import UsageError
from trainer.data import check_dataset, read_dataset


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "copy")


@pytest.fixture
def proba_v(tmp_path: Path) -> Path:
    """Two scenes as the challenge ships them: 16-bit LR of 14-bit counts, masks of 0 and 255, HR, SM."""
    rng = np.random.default_rng(0)
    for name in ("train/NIR/imgset0594", "val/NIR/imgset0600"):
        folder = tmp_path / "probav" / name
        folder.mkdir(parents=True)
        for k in range(11):
            lr = rng.integers(0, 2**14, (12, 12)).astype(np.uint16)
            Image.fromarray(lr).save(folder / f"LR{k:03d}.png")
            mask = np.full((12, 12), 255, np.uint8)
            mask[: 11 - k] = 0  # frame 10 is clear but for a row, frame 0 nearly covered
            Image.fromarray(mask).save(folder / f"QM{k:03d}.png")
        Image.fromarray(rng.integers(0, 2**14, (36, 36)).astype(np.uint16)).save(folder / "HR.png")
        Image.fromarray(np.full((36, 36), 255, np.uint8)).save(folder / "SM.png")
    return tmp_path / "probav"


def test_the_proba_v_layout_is_read_with_its_clearest_frame_as_reference(proba_v: Path):
    dataset = read_dataset(proba_v)

    (train,), (test,) = dataset.train, dataset.test
    assert (train.name, test.name) == ("train/NIR/imgset0594", "val/NIR/imgset0600")
    assert (dataset.meta.scale, dataset.meta.data_range) == (3, 65535)
    assert train.lr.shape == (9, 12, 12) and train.hr.shape == (36, 36)
    assert train.motion is None
    clear = train.clear_lr.sum(axis=(1, 2))
    assert list(clear) == [12 * rows for rows in range(11, 2, -1)]  # 9 of 11 frames: the clearest, in that order
    with Image.open(proba_v / train.name / "LR010.png") as image:
        assert np.array_equal(np.rint(train.lr[0] * 65535), np.asarray(image))


def test_fewer_frames_can_be_asked_for(proba_v: Path, made: Path):
    assert read_dataset(proba_v, frames=4).train[0].frames == 4
    assert read_dataset(made, frames=1).test[0].lr.shape[0] == 1


def test_without_a_test_folder_every_tenth_burst_is_held_out(proba_v: Path, tmp_path: Path):
    for i in range(20):
        shutil.copytree(proba_v / "train/NIR/imgset0594", tmp_path / "mine" / f"scene{i:02d}")

    dataset = read_dataset(tmp_path / "mine")

    assert [b.name for b in dataset.test] == ["scene09", "scene19"]
    assert len(dataset.train) == 18


def test_a_folder_without_masks_is_all_clear(proba_v: Path):
    for path in proba_v.rglob("QM*.png"):
        path.unlink()

    burst = read_dataset(proba_v).train[0]

    assert burst.clear_lr.all()
    with Image.open(proba_v / burst.name / "LR000.png") as image:  # nothing to choose by: the order of numbers
        assert np.array_equal(np.rint(burst.lr[0] * 65535), np.asarray(image))


def test_eight_bit_images_have_the_range_of_eight_bits(proba_v: Path):
    for path in [*proba_v.rglob("LR*.png"), *proba_v.rglob("HR.png")]:
        with Image.open(path) as image:
            eight = (np.asarray(image) >> 6).astype(np.uint8)
        Image.fromarray(eight).save(path)

    dataset = read_dataset(proba_v)

    assert dataset.meta.data_range == 255
    assert dataset.train[0].lr.max() > 0.9


def change(path: Path, edit: Callable[[np.ndarray], np.ndarray]) -> None:
    with Image.open(path) as image:
        pixels = np.asarray(image)
    Image.fromarray(edit(pixels)).save(path)


def edit_json(root: Path, **changes: object) -> None:
    path = root / "dataset.json"
    document = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({k: v for k, v in document.items() if v is not None}))


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


BURST = Path("train/coins-0")
DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing truth": (lambda r: (r / BURST / "HR.png").unlink(), r"HR\.png is missing"),
    "missing burst": (lambda r: shutil.rmtree(r / BURST), r"coins-0 is missing"),
    "missing mask": (lambda r: (r / BURST / "QM003.png").unlink(), r"QM003\.png is missing"),
    "no frame": (lambda r: [p.unlink() for p in (r / BURST).glob("LR*")], r"holds no LR000\.png"),
    "frame cut short": (
        lambda r: cut_short(r / BURST / "LR002.png"),
        r"LR002\.png cannot be read as an image",
    ),
    "not an image": (
        lambda r: (r / BURST / "HR.png").write_text("no"),
        r"HR\.png cannot be read as an image",
    ),
    "colours": (
        lambda r: change(r / BURST / "LR001.png", lambda a: np.zeros((*a.shape, 3), np.uint8)),
        r"LR001\.png has colour mode RGB",
    ),
    "frame of another size": (
        lambda r: change(r / BURST / "LR004.png", lambda a: a[:-1]),
        r"frames have different sizes: 63x64, 64x64",
    ),
    "truth not a multiple": (
        lambda r: change(r / BURST / "HR.png", lambda a: a[:-1]),
        r"HR\.png is 191x192, not a multiple of the scale 3",
    ),
    "truth of another scale": (
        lambda r: change(r / BURST / "HR.png", lambda a: a[:-3]),
        r"the truth is 189x192, but 3 times 64x64 is 192x192",
    ),
    "mask of another size": (
        lambda r: change(r / BURST / "SM.png", lambda a: a[:-3]),
        r"a clearance mask differs in shape",
    ),
    "too few frames": (lambda r: (r / BURST / "LR008.png").unlink(), r"has 8 frames, 9 are declared"),
    "above the range": (lambda r: edit_json(r, data_range=1000), r"above the declared data range 1000"),
    "no JSON": (lambda r: (r / "dataset.json").write_text("{"), r"dataset\.json is not readable JSON"),
    "another schema": (lambda r: edit_json(r, schema="x/1"), r"does not say schema 'runaudit-dataset/1'"),
    "no scale": (lambda r: edit_json(r, scale=None), r"dataset\.json has no 'scale'"),
    "a scale in words": (lambda r: edit_json(r, scale="three"), r"has a value of the wrong kind"),
    "a scale of zero": (lambda r: edit_json(r, scale=0), r"must be positive"),
    "a way out": (
        lambda r: edit_json(r, splits={"train": ["../../x"], "test": []}),
        r"leaves the dataset's folder",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_each_damage_ends_in_one_line_that_names_it(copy: Path, damage: str):
    """What and where in the message, what to do next in the remedy, exit code 2."""
    harm, words = DAMAGES[damage]
    harm(copy)

    with pytest.raises(UsageError, match=words) as told:
        read_dataset(copy)

    assert "\n" not in str(told.value)
    assert told.value.remedy
    assert told.value.exit_code == 2


@pytest.mark.parametrize(("make", "words"), [(False, "does not exist"), (True, "holds no dataset.json and no folder")])
def test_a_folder_that_is_no_dataset_is_named(tmp_path: Path, make: bool, words: str):
    root = tmp_path / "nothing"
    if make:
        root.mkdir()

    with pytest.raises(UsageError, match=words):
        read_dataset(root)


def test_a_sound_dataset_is_told_in_one_line(made: Path):
    """coins: 2x2 tiles. page: 191 rows are one short of two tiles of 96, so 1x2."""
    report = check_dataset(made)

    assert report.problems == ()
    assert (report.train, report.test, report.tiles) == (2, 1, 4 + 2)
    (line,) = report.lines()
    assert "2 training bursts (6 tiles of 32x32), 1 test sequences, 9 frames, x3, data range 65535" in line


def test_a_check_names_every_problem_not_the_first(copy: Path):
    (copy / "train/coins-0/HR.png").unlink()
    (copy / "train/page-0/LR008.png").unlink()
    change(copy / "test/camera/LR003.png", np.zeros_like)

    report = check_dataset(copy)

    words = "\n".join(report.problems)
    assert "HR.png is missing" in words
    assert "has 8 frames" in words
    assert "camera: frame 3 is one flat value" in words
    assert "has no train burst" in words


def test_a_truth_in_both_splits_is_found(copy: Path):
    shutil.copytree(copy / "train/coins-0", copy / "test/leaked")
    document = json.loads((copy / "dataset.json").read_text())
    document["splits"]["test"].append("leaked")
    (copy / "dataset.json").write_text(json.dumps(document))

    assert check_dataset(copy).problems == ("leaked in test shows the same truth as coins-0 in train",)
