"""A sampled batch is looked at: data as people have it, with what is wrong with it, and with what only looks so."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from runaudit.guard.lint import RULES, looking
from runaudit.guard.lint.facts import Facts, lint_facts
from runaudit.guard.lint.looks import look_at
from runaudit.guard.lint.shift import shift_of
from runaudit.records.manifest import Manifest, Unknown
from runaudit.rules import check_all

POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)


def scene(seed: int, side: int = 144) -> np.ndarray:
    """An image with the spectrum of photographs, from 0 to 1."""
    rng = np.random.default_rng(seed)
    f = np.fft.fftfreq(side)
    slope = 1 / np.maximum(np.hypot(f[:, None], f[None]), 1 / side) ** 1.2
    found = np.real(np.fft.ifft2(np.fft.fft2(rng.standard_normal((side, side))) * slope))
    return (found - found.min()) / np.ptp(found)


def smaller(image: np.ndarray, scale: int) -> np.ndarray:
    """The means of its blocks, with a little noise."""
    found = image.reshape(image.shape[0] // scale, scale, image.shape[1] // scale, scale).mean((1, 3))
    return np.clip(found + 0.005 * np.random.default_rng(1).standard_normal(found.shape), 0, 1)


def png(path: Path, image: np.ndarray, high: float = 65535) -> None:
    """An image of 16 bits up to `high`, of 8 where that is enough."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((image * high).round().astype(np.uint8 if high <= 255 else np.uint16)).save(path)


def pairs_below(root: Path, *, shift: int = 0, scale: int = 3, given: float = 60000, truth: float = 60000) -> None:
    """Four scenes: `hr/i.png` and `lr/i.png`, whose input lies `shift` pixels down and right of its truth."""
    for number in range(4):
        large = scene(number)
        png(root / "hr" / f"{number}.png", large, truth)
        png(root / "lr" / f"{number}.png", smaller(np.roll(large, (shift, shift), (0, 1)), scale), given)


def asked(config: dict | None = None, cache: Path | None = None, **data: Path) -> dict[str, list[str]]:
    """Code -> messages of what the lint says of these datasets."""
    entries = {
        name: {"path": str(place), "digest": f"sha256:{index:064d}"} for index, (name, place) in enumerate(data.items())
    }
    draft = Manifest.of({"config": config or {}, "data": entries})
    makers = lint_facts(draft, Unknown("no code"), look=lambda: look_at(entries, cache))
    found: dict[str, list[str]] = {}
    for one in check_all(RULES, Facts({}, makers)).findings:
        found.setdefault(one.code, []).append(one.message)
    return found


def test_pairs_that_are_in_order_draw_no_word(tmp_path):
    pairs_below(tmp_path)

    assert asked(train=tmp_path) == {}


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_pair_a_pixel_apart_is_found_with_its_shift(tmp_path, scale):
    pairs_below(tmp_path, shift=1, scale=scale)

    (message,) = asked(train=tmp_path)["RA565"]
    down, right = map(float, re.findall(r"([\d.]+) pixels", message))
    assert (down, right) == pytest.approx((1, 1), abs=0.11)
    assert "down and" in message
    assert "right of their truth, in 4 of 4 pairs" in message


def test_a_pair_is_found_across_two_datasets(tmp_path):
    pairs_below(tmp_path, shift=2)

    found = asked(train_lr=tmp_path / "lr", train_hr=tmp_path / "hr")
    assert list(found) == ["RA565"]


def test_the_frames_of_a_burst_lie_where_they_like(tmp_path):
    for number in range(4):
        large = scene(number)
        png(tmp_path / f"scene{number}" / "HR.png", large)
        for frame, move in enumerate([(0, 0), (2, -1), (-2, 1), (1, 2)]):
            png(tmp_path / f"scene{number}" / f"LR{frame:03}.png", smaller(np.roll(large, move, (0, 1)), 3))

    assert "RA565" not in asked(train=tmp_path)


def test_noise_and_flat_images_and_odd_scales_have_no_shift():
    rng = np.random.default_rng(0)

    found = shift_of(rng.random((64, 64)), rng.random((192, 192)))
    assert found is not None
    assert found[2] < 0.2
    assert shift_of(np.zeros((64, 64)), rng.random((192, 192))) is None
    assert shift_of(rng.random((64, 64)), rng.random((150, 150))) is None


@pytest.mark.parametrize(("scale", "move"), [(1, (1, -2)), (2, (1, 0)), (3, (0, 2)), (4, (-3, 1))])
def test_a_shift_is_measured_to_a_tenth_of_a_pixel(scale, move):
    large = scene(5, 240)

    found = shift_of(smaller(np.roll(large, move, (0, 1)), scale), large)
    assert found is not None
    assert found[:2] == pytest.approx(move, abs=0.11)
    assert found[2] > 0.8


def test_a_truth_of_8_bits_beside_frames_of_16_is_found(tmp_path):
    pairs_below(tmp_path, truth=255)

    assert list(asked(train=tmp_path)) == ["RA563"]


def test_a_mask_of_8_bits_is_no_truth(tmp_path):
    pairs_below(tmp_path)
    for number in range(4):
        png(tmp_path / "mask" / f"{number}.png", scene(number) > 0.5, 255)

    assert asked(train=tmp_path) == {}


def test_counts_of_12_bits_in_files_of_16_are_found_unless_the_range_is_stated(tmp_path):
    pairs_below(tmp_path, given=4000, truth=4000)

    (message,) = asked(train=tmp_path)["RA564"]
    assert "counts up to 4000 (12 bits)" in message
    assert "24.3 dB" in message
    assert asked({"eval": {"x": 1}, "data_range": 4095}, train=tmp_path) == {}
    assert "RA564" in asked({"data_range": 65535}, train=tmp_path)


def test_depths_are_no_counts_of_light(tmp_path):
    for number in range(3):
        png(tmp_path / "depth" / f"{number}.png", scene(number), 4000)

    assert asked(train=tmp_path) == {}


def test_pointers_of_git_lfs_are_no_data(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.npy").write_text(POINTER)
    np.save(tmp_path / "9.npy", scene(1))

    (message,) = asked(train=tmp_path)["RA560"]
    assert message == "3 files of train are pointers of Git LFS, not the data: 0.npy, 1.npy, 2.npy"


def test_a_page_of_a_server_is_no_image(tmp_path):
    (tmp_path / "a.png").write_text("<!DOCTYPE html><html><body>404 Not Found</body></html>")

    assert asked(train=tmp_path)["RA560"] == ["1 file of train is a page of text, not the data: a.png"]


def test_a_text_that_is_called_one_is_no_stub(tmp_path):
    (tmp_path / "a.csv").write_text("1,2\n3,4\n")
    (tmp_path / "page.html").write_text("<html></html>")

    assert asked(train=tmp_path) == {}


def test_a_held_out_file_that_is_trained_on_is_found_under_whatever_name(tmp_path):
    for number in range(4):
        png(tmp_path / "train" / "a" / f"{number}.png", scene(number))
        png(tmp_path / "test" / f"x{number}.png", scene(number + 10))
    (tmp_path / "test" / "other.png").write_bytes((tmp_path / "train" / "a" / "2.png").read_bytes())

    message = "1 file of test is trained on, byte for byte: other.png is train/a/2.png"
    assert asked(train=tmp_path / "train", test=tmp_path / "test") == {"RA561": [message]}
    assert list(asked(all=tmp_path)) == ["RA561"]


@pytest.mark.parametrize("name", ["mask0.png", "README.png.txt", "empty.png"])
def test_masks_texts_and_empty_tiles_are_equal_by_nature(tmp_path, name):
    for part in ("train", "val"):
        if name.endswith(".txt"):
            (tmp_path / part).mkdir()
            (tmp_path / part / name).write_text("the licence " * 20)
        else:
            png(tmp_path / part / name, np.zeros((64, 64)) if name == "empty.png" else scene(1) > 0.5, 255)

    assert asked(train=tmp_path / "train", val=tmp_path / "val") == {}


def test_a_dead_channel_is_counted_unless_it_is_declared(tmp_path):
    for number in range(3):
        image = np.stack([scene(number), *[np.zeros((144, 144))] * 3]).astype(np.float32)
        np.save(tmp_path / f"{number}.npy", image)

    (message,) = asked(train=tmp_path)["RA562"]
    assert message == "3 of 4 channels are one value in all 3 images of train that were looked at"
    assert asked({"model": {"condition_channels": [1, 2, 3]}}, train=tmp_path) == {}


@pytest.mark.parametrize("values", [(0.0, 0.0, 0.0), (0.5, 0.5, 0.5)])
def test_images_of_nothing_are_told_whatever_their_channels(tmp_path, values):
    for number, value in enumerate(values):
        np.save(tmp_path / f"{number}.npy", np.full((3, 144, 144), value, np.float32))
        png(tmp_path / "gray" / f"{number}.png", np.full((64, 64), value))

    said = "every pixel is one value in all 3 images of train that were looked at"
    assert asked(train=tmp_path)["RA562"] == [said, said]


def test_images_that_are_each_of_a_colour_of_their_own_say_something(tmp_path):
    for number in range(3):
        np.save(tmp_path / f"{number}.npy", np.full((3, 144, 144), number / 10, np.float32))

    assert asked(train=tmp_path) == {}


def test_one_array_of_many_images_is_many_images(tmp_path):
    many = np.random.default_rng(0).random((40, 4, 16, 16)).astype(np.float32)
    many[:, 2] = 0.5
    np.savez(tmp_path / "train.npz", x=many, y=np.arange(40))

    (message,) = asked(train=tmp_path / "train.npz")["RA562"]
    assert message.startswith("1 of 4 channels is one value in all 8 images")


def test_an_alpha_channel_that_hides_nothing_is_no_dead_input(tmp_path):
    for number in range(3):
        image = np.dstack(
            [np.stack([scene(3 * number + band) for band in range(3)], -1) * 255, np.full((144, 144), 255)]
        )
        Image.fromarray(image.astype(np.uint8)).save(tmp_path / f"{number}.png")

    assert asked(train=tmp_path) == {}


def test_what_is_not_finite_is_counted(tmp_path):
    image = scene(0).astype(np.float32)
    image[:2, :3] = np.nan
    np.save(tmp_path / "a.npy", image)

    assert asked(train=tmp_path)["RA566"] == ["6 values of train/a.npy are NaN or infinite"]


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.npy", b"\x93NUMPY\x01\x00 torn"), ("a.png", b"\x89PNG\r\n\x1a\n torn"), ("a.npz", b"PK torn"),
     ("a.safetensors", b"\xff" * 64)],
)  # fmt: skip
def test_what_cannot_be_read_is_said_and_never_passed(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)

    assert list(asked(train=tmp_path)) == ["RA567"]


def test_of_how_many_files_how_many_were_looked_at_is_said(tmp_path):
    for number in range(14):
        np.save(tmp_path / f"{number:03}.npy", scene(number).astype(np.float32))
    (tmp_path / "labels.csv").write_text("a,1\n")

    (message,) = asked(train=tmp_path)["RA567"]
    assert message.startswith("of the data a sample was looked at: none of 1 .csv file of train, ")
    assert message.endswith(" of 14 .npy files of train")


def test_no_pickle_is_opened(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)

    assert list(asked(train=tmp_path)) == ["RA567"]


def test_the_same_data_is_looked_at_once(tmp_path, monkeypatch):
    pairs_below(tmp_path / "data", shift=1)
    first = asked(cache=tmp_path / "cache", train=tmp_path / "data")

    monkeypatch.setattr(looking, "looked_at", lambda datasets: pytest.fail("looked at again"))
    assert asked(cache=tmp_path / "cache", train=tmp_path / "data") == first


def test_data_that_does_not_lie_here_is_not_passed(tmp_path):
    entries = {"train": {"path": str(tmp_path / "gone"), "digest": "sha256:" + "a" * 64}}

    found = look_at(entries, None)
    assert isinstance(found, Unknown)
    assert found.reason == "no recorded data lies here"
