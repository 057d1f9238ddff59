"""Whole frame, tiles, baselines and pictures: what a network is told about itself."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image as Png
from torch import Tensor

from runaudit.errors import ConfigError, UsageError
from trainer import baseline
from trainer import tiling as tiling_module
from trainer.baseline import Protocol, baseline_of
from trainer.classical import bicubic
from trainer.data.scenes import Burst
from trainer.data.simulate import SimulatorConfig
from trainer.data.synthetic import DatasetConfig, judging_bursts
from trainer.evaluate import EvaluationConfig, evaluate_sequence
from trainer.metrics import psnr
from trainer.panels import CROP_HR_PX, ERROR_GAIN, panels
from trainer.recording import PANEL_NAMES, keep_pictures
from trainer.tiling import TilingConfig, reference_copies, tile_origins, tiled_frame, whole_frame

CONFIG = EvaluationConfig(protocol=Protocol(ibp_iterations=3), tiling=TilingConfig(tile=32, overlap=12, margin=4))


@pytest.fixture(scope="module")
def burst() -> Burst:
    config = DatasetConfig(train=(), test=("camera.png",), max_test_hr_px=240)
    return next(judging_bursts(config, 0))


@pytest.fixture(scope="module")
def small() -> Burst:
    """Enough to register and to score: 30x30 low-res pixels, three frames."""
    config = DatasetConfig(simulator=SimulatorConfig(frames=3), train=(), test=("camera.png",), max_test_hr_px=90)
    return next(judging_bursts(config, 0))


class Memory(dict[str, bytes]):
    """A shelf of this process."""

    def find(self, key: str) -> bytes | None:
        return self.get(key)

    def keep(self, key: str, data: bytes) -> None:
        self[key] = data


@pytest.fixture(scope="module")
def shelf() -> Memory:
    return Memory()


def bicubic_net(lr: Tensor) -> Tensor:
    """Bicubic of the reference, (1, T, h, w) -> (1, 1, H, W)."""
    return F.interpolate(lr[:, :1], scale_factor=3, mode="bicubic", align_corners=False)


def mean_net(lr: Tensor) -> Tensor:
    """The unaligned mean: a network that uses all frames, badly. (1, T, h, w) -> (1, H, W)."""
    return bicubic_net(lr.mean(dim=1, keepdim=True))[:, 0]


def global_net(lr: Tensor) -> Tensor:
    """Global pooling: sees another mean in every tile."""
    return bicubic_net(lr - lr.mean((1, 2, 3), keepdim=True))


@pytest.mark.parametrize("blend", ["linear", "hann"])
@pytest.mark.parametrize("shape", [(57, 80), (32, 33), (20, 100)])
def test_tiles_of_a_local_network_give_the_whole_picture(blend: str, shape: tuple[int, int]):
    """Bicubic reaches two pixels and the margin is four, so both agree to rounding.

    torch holds sample positions in float32: up to 100 px they are good to 2^-18 = 4e-6, as are the weights.
    """
    lr = np.random.default_rng(0).random((3, *shape)).astype(np.float32)
    tiling = TilingConfig(tile=32, overlap=12, margin=4, blend=blend)

    tiled = tiled_frame(bicubic_net, lr, scale=3, tiling=tiling)

    assert np.abs(tiled - whole_frame(bicubic_net, lr)).max() < 2e-5


@pytest.mark.parametrize("at_once", [1, 4, 100])
def test_tiles_are_judged_one_by_one_however_many_go_at_once(monkeypatch: pytest.MonkeyPatch, at_once: int):
    """16 tiles of a network that looks at each as a whole: in batches of one, of four, and all together."""
    monkeypatch.setattr(tiling_module, "TILES_AT_ONCE", at_once)
    seen: list[int] = []
    lr = np.random.default_rng(0).random((2, 90, 90)).astype(np.float32)

    def net(batch: Tensor) -> Tensor:
        seen.append(len(batch))
        return global_net(batch)

    tiled = tiled_frame(net, lr, scale=3, tiling=CONFIG.tiling)

    assert seen == [min(16, at_once)] * (16 // min(16, at_once))
    monkeypatch.setattr(tiling_module, "TILES_AT_ONCE", 1)
    assert np.abs(tiled - tiled_frame(global_net, lr, scale=3, tiling=CONFIG.tiling)).max() < 1e-6


def test_tiles_of_a_network_with_global_pooling_do_not(burst: Burst):
    tiled = tiled_frame(global_net, burst.lr, scale=3, tiling=CONFIG.tiling)

    assert np.abs(tiled - whole_frame(global_net, burst.lr)).max() > 0.01


def test_the_registered_measure_forgives_where_a_picture_lies_and_says_where(small: Burst):
    """The truth itself, a high-res pixel too low and two to the right, and brighter: perfect once it is registered."""
    moved = torch.from_numpy(np.roll(small.hr, (1, 2), (0, 1)).astype(np.float32) * 0.9 + 0.05)

    result = evaluate_sequence(lambda lr: moved[None], small, CONFIG).result

    assert result.cpsnr_shift == (-1, -2)
    assert result.gain_db < 0
    assert result.registered_gain_db > 0
    assert result.baseline.bicubic_cpsnr >= result.baseline.bicubic_psnr


@pytest.mark.parametrize("length", [1, 31, 32, 33, 52, 53, 171])
def test_tiles_cover_a_side_to_its_end(length: int):
    tiling = TilingConfig(tile=32, overlap=12, margin=4)
    covered = np.zeros(length, bool)

    for start in tile_origins(length, tiling):
        assert start >= 0 and start + min(32, length) <= length
        covered[start : start + 32] = True

    assert covered.all()


@pytest.mark.parametrize("wrong", [{"overlap": 64}, {"overlap": 16}, {"margin": -1}, {"blend": "box"}])
def test_tiles_that_cannot_be_blended_are_refused(wrong: dict[str, int]):
    with pytest.raises(ConfigError):
        TilingConfig(**wrong)  # type: ignore[arg-type]


def test_a_network_that_is_bicubic_gains_nothing(burst: Burst, shelf: Memory):
    result = evaluate_sequence(bicubic_net, burst, CONFIG, shelf=shelf).result

    assert result.gain_db == pytest.approx(0.0, abs=1e-4)
    assert result.psnr - result.single_frame_psnr == 0.0
    assert result.ssim == pytest.approx(result.baseline.bicubic_ssim, abs=1e-5)
    assert result.tiled_minus_whole_db == pytest.approx(0.0, abs=1e-4)
    assert result.tiled_difference < 1e-6
    assert result.cpsnr >= result.psnr
    assert result.cpsnr_shift == (0, 0)
    assert result.baseline.ibp_psnr > result.psnr + 1
    assert result.baseline.registration_error_px is not None
    assert result.baseline.registration_error_px < 0.02


def test_a_network_harmed_by_its_frames_has_a_negative_fusion_gain(burst: Burst, shelf: Memory):
    """The unaligned mean of nine copies of the reference is bicubic; of the frames it is blurred."""
    result = evaluate_sequence(mean_net, burst, CONFIG, shelf=shelf).result

    assert result.single_frame_psnr == pytest.approx(result.baseline.bicubic_psnr, abs=1e-3)
    assert result.psnr - result.single_frame_psnr < -2


def test_a_picture_made_to_agree_with_its_frames_is_nearer_to_the_truth(burst: Burst, shelf: Memory):
    """Back-projection from bicubic of the reference: more of nine frames than of nine copies, and nothing of none."""
    plain, kept = (
        evaluate_sequence(bicubic_net, burst, replace(CONFIG, consistency_steps=steps), shelf=shelf).result
        for steps in (0, 3)
    )

    assert kept.psnr > plain.psnr + 1
    assert plain.single_frame_psnr + 0.1 < kept.single_frame_psnr < kept.psnr - 0.5
    assert kept.tiled_psnr == pytest.approx(kept.psnr, abs=0.1)
    assert kept.baseline == plain.baseline


def test_nine_copies_are_the_reference_and_as_many_frames(burst: Burst):
    copies = reference_copies(burst)

    assert copies.shape == burst.lr.shape
    assert (copies == burst.lr[0]).all()


def test_predictions_are_clipped_before_they_are_judged(burst: Burst, shelf: Memory):
    """Overshoot beyond the range of the file costs nothing: it cannot be stored."""
    result = evaluate_sequence(lambda lr: 3 * bicubic_net(lr) - 1, burst, CONFIG, shelf=shelf).result

    expected = np.clip(3 * bicubic(burst.lr[0], 3) - 1, 0, 1)

    assert result.psnr == pytest.approx(psnr(expected, burst.hr, data_range=1.0, border=9), abs=1e-3)


def test_a_masked_truth_is_judged_where_it_is_clear(burst: Burst):
    spoilt, clear = burst.hr.copy(), burst.clear_hr.copy()
    spoilt[100:130, 100:130], clear[100:130, 100:130] = 1.0, False

    first, second = (
        evaluate_sequence(bicubic_net, replace(burst, hr=hr, clear_hr=clear), CONFIG).result
        for hr in (burst.hr, spoilt)
    )

    assert second.psnr == first.psnr
    assert second.baseline.ibp_psnr == first.baseline.ibp_psnr


def test_the_mean_over_tiles_is_told_apart_from_the_frame(burst: Burst, shelf: Memory):
    """Mean of dB over tiles of 96: the mean of logarithms is not the logarithm of the mean."""
    result = evaluate_sequence(bicubic_net, burst, CONFIG, shelf=shelf).result
    whole = np.clip(whole_frame(bicubic_net, burst.lr), 0, 1)

    corners = [(y, x) for y in (0, 96) for x in (0, 96)]
    parts = [-10 * np.log10(np.mean((whole - burst.hr)[y : y + 96, x : x + 96] ** 2)) for y, x in corners]

    assert result.mean_tile_psnr == pytest.approx(float(np.mean(parts)), abs=1e-9)


def test_a_baseline_is_computed_once(small: Burst, monkeypatch: pytest.MonkeyPatch):
    memory = Memory()
    first = baseline_of(small, CONFIG.protocol, shelf=memory)
    monkeypatch.setattr(baseline, "_computed", lambda *_: pytest.fail("computed again"))

    assert baseline_of(small, CONFIG.protocol, shelf=memory) == first


def test_a_baseline_of_other_pixels_another_protocol_or_other_code_is_another(
    small: Burst, monkeypatch: pytest.MonkeyPatch
):
    pixel = small.lr.copy()
    pixel[1, 14, 14] = 0.0
    assert small.motion is not None
    moved = small.motion.copy()
    moved[1, 0] += 1e-9
    memory = Memory()

    baseline_of(small, CONFIG.protocol, shelf=memory)
    baseline_of(replace(small, lr=pixel), CONFIG.protocol, shelf=memory)
    baseline_of(replace(small, motion=moved), CONFIG.protocol, shelf=memory)
    baseline_of(small, replace(CONFIG.protocol, ibp_iterations=4), shelf=memory)
    monkeypatch.setattr(baseline, "digest_files", lambda _: "sha256:other code")
    baseline._makers.cache_clear()
    baseline_of(small, CONFIG.protocol, shelf=memory)
    baseline._makers.cache_clear()

    assert len(memory) == 5


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"made_from": {}, "baseline": {}}', b"[]", b"\xff"])
def test_a_baseline_that_does_not_say_what_it_was_made_from_is_computed_again(small: Burst, damage: bytes):
    memory = Memory()
    first = baseline_of(small, CONFIG.protocol, shelf=memory)
    ((key, data),) = memory.items()
    memory[key] = damage

    assert baseline_of(small, CONFIG.protocol, shelf=memory) == first
    assert memory == {key: data}


def test_panels_show_one_place_whatever_the_network(burst: Burst, shelf: Memory, tmp_path: Path):
    """The place is chosen on the truth alone."""
    one, other = (evaluate_sequence(n, burst, CONFIG, shelf=shelf).images for n in (bicubic_net, mean_net))

    first, second = panels(one, crop=96), panels(other, crop=96)

    assert list(first) == ["low", "bicubic", "super_resolved", "truth", "error"]
    assert {p.shape for p in first.values()} == {(96, 96)}
    assert {p.dtype for p in first.values()} == {np.dtype(np.uint8)}
    assert all(np.array_equal(first[name], second[name]) for name in ("low", "bicubic", "truth"))
    # One is computed in float32, the other in float64: a value on the fence may round to its neighbour.
    difference = first["super_resolved"].astype(int) - first["bicubic"]
    assert np.abs(difference).max() <= 1
    assert second["error"].mean() > first["error"].mean()


@dataclass
class Shelf:
    """The two things a recording is asked for when pictures are kept."""

    run_dir: Path
    kept: list[tuple[Path, str]] = field(default_factory=list)

    def artifact(self, path: Path, kind: str, *, about: str) -> None:
        assert str(CROP_HR_PX) in about and f"times {ERROR_GAIN:g}" in about
        self.kept.append((path, kind))


def test_kept_pictures_are_read_back(burst: Burst, shelf: Memory, tmp_path: Path):
    judged = evaluate_sequence(bicubic_net, burst, CONFIG, shelf=shelf)
    shelf = Shelf(tmp_path)

    keep_pictures(cast(Any, shelf), (judged,))

    shown = panels(judged.images)
    assert {path.stem for path, _ in shelf.kept} == {PANEL_NAMES[name] for name in shown}
    for name, pixels in shown.items():
        with Png.open(tmp_path / "panels" / "camera" / f"{PANEL_NAMES[name]}.png") as picture:
            assert np.array_equal(np.asarray(picture), pixels)


def test_pictures_that_cannot_be_written_are_one_line(burst: Burst, shelf: Memory, tmp_path: Path):
    (tmp_path / "panels").write_text("")
    judged = evaluate_sequence(bicubic_net, burst, CONFIG, shelf=shelf)

    with pytest.raises(UsageError, match="pictures cannot be written to"):
        keep_pictures(cast(Any, Shelf(tmp_path)), (judged,))


def test_a_network_can_train_on_with_what_it_cached_during_evaluation(burst: Burst, shelf: Memory):
    """Validation in the middle of training must leave nothing behind that autograd refuses."""
    weight = torch.ones((), requires_grad=True)
    cached: list[Tensor] = []

    def net(lr: Tensor) -> Tensor:
        if not cached:
            cached.append(torch.full((1,), 2.0) * 1.0)
        return weight * cached[0] * bicubic_net(lr)

    evaluate_sequence(net, burst, CONFIG, shelf=shelf)
    assert weight.grad is None
    net(torch.ones(1, 2, 8, 8)).sum().backward()

    # bicubic keeps a constant of 1, so the derivative is 2 for each of 24 x 24 pixels
    assert weight.grad is not None
    assert float(weight.grad) == pytest.approx(2 * 24 * 24, rel=1e-5)


def test_the_default_camera_is_the_one_back_projection_assumes():
    """The protocol's PSF has to be the simulator's, or the baseline is weakened."""
    assert Protocol().psf_sigma_hr_px == SimulatorConfig().psf_sigma_hr_px
