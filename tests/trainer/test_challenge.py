"""The published score of the PROBA-V challenge: its peak, its shifts, its baseline."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.metrics import structural_similarity

from runaudit.errors import UsageError
from trainer.challenge import challenge_score
from trainer.data import Burst, read_dataset
from trainer.metrics import cssim


def burst(norm: float | None, *, data_range: float = 65535.0, scale: int = 3) -> Burst:
    rng = np.random.default_rng(3)
    hr = rng.uniform(0.2, 0.8, (24 * scale, 24 * scale)).astype(np.float32)
    lr = np.zeros((1, 24, 24), np.float32)
    return Burst(
        name="imgset0594", lr=lr, hr=hr, clear_lr=np.ones(lr.shape, bool), clear_hr=np.ones(hr.shape, bool),
        scale=scale, data_range=data_range, norm_db=norm,
    )  # fmt: skip


def test_the_score_is_the_baseline_over_the_picture_at_the_best_shift_with_its_brightness_free():
    """Moved by (2, -1), brighter by 0.05, and off by +-0.01: cPSNR is -20 log10(0.01) = 40 dB, 45 / 40 the score."""
    scene = burst(45.0)
    signs = np.where(np.indices(scene.hr.shape).sum(0) % 2, 1, -1)
    picture = np.roll(scene.hr.astype(np.float64), (-2, 1), (0, 1)) + 0.05 + 0.01 * signs

    found = challenge_score(picture, scene)

    assert found is not None
    assert found.cpsnr == pytest.approx(40.0, abs=0.01)
    assert found.score == pytest.approx(45 / 40.0, abs=1e-3)


def test_the_peak_is_sixteen_bits_whatever_the_images_use():
    """14 bits of 16: 20 log10(65535 / 16383) = 12.04 dB more than against their own range."""
    own, challenge = (
        challenge_score(scene.hr + 0.01 * (np.indices(scene.hr.shape).sum(0) % 2 - 0.5), scene)
        for scene in (burst(45.0), burst(45.0, data_range=16383.0))
    )

    assert own is not None and challenge is not None
    assert challenge.cpsnr - own.cpsnr == pytest.approx(12.04, abs=0.01)


def test_a_scene_without_a_baseline_or_of_another_scale_has_no_score():
    assert challenge_score(burst(None).hr, burst(None)) is None
    assert challenge_score(burst(45.0, scale=2).hr, burst(45.0, scale=2)) is None


def test_cssim_is_the_best_ssim_of_all_shifts_without_the_brightness():
    """scikit-image's own value at the shift that the picture was moved by."""
    truth = np.random.default_rng(0).uniform(0.2, 0.8, (48, 48))
    noise = np.random.default_rng(1).normal(0, 0.03, truth.shape)
    picture = np.roll(truth, (-1, 2), (0, 1)) + noise + 0.1

    inner, there = picture[3:-3, 3:-3], truth[4:-2, 1:-5]
    bias = (there - inner).mean()
    expected = structural_similarity(
        inner + bias, there, data_range=1.0, gaussian_weights=True, sigma=1.5, truncate=3.5,
        use_sample_covariance=False,
    )  # fmt: skip
    assert cssim(picture, truth, data_range=1.0) == pytest.approx(expected, abs=1e-9)
    with pytest.raises(UsageError, match="does not fit into a border of 1"):
        cssim(picture, truth, data_range=1.0, border=1)


def scene_folder(root: Path, name: str) -> None:
    folder = root / name
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(1, 2**14, (12, 12)).astype(np.uint16)).save(folder / "LR000.png")
    Image.fromarray(rng.integers(1, 2**14, (36, 36)).astype(np.uint16)).save(folder / "HR.png")


def test_norm_csv_gives_each_scene_its_baseline(tmp_path: Path):
    for name in ("train/NIR/imgset0594", "val/NIR/imgset0600", "val/NIR/imgset0601"):
        scene_folder(tmp_path, name)
    (tmp_path / "norm.csv").write_text("imgset0594 45.1\nimgset0600,46.25\n\n")

    dataset = read_dataset(tmp_path, frames=1)

    assert [b.norm_db for b in (*dataset.train, *dataset.test)] == [45.1, 46.25, None]


@pytest.mark.parametrize("line", ["imgset0594", "imgset0594 high", "imgset0594 -1", "imgset0594 45 46", "a nan"])
def test_a_line_of_norm_csv_that_is_no_baseline_is_named(tmp_path: Path, line: str):
    scene_folder(tmp_path, "imgset0594")
    (tmp_path / "norm.csv").write_text(f"imgset0593 45.0\n{line}\n")

    with pytest.raises(UsageError, match=r"norm\.csv, line 2 is "):
        read_dataset(tmp_path, frames=1)
