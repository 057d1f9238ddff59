"""Registration and the methods without training: geometry, recovery of what is known, and their order."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import ndimage

from runaudit.errors import UsageError
from trainer.classical import back_projection, bicubic, mean_of_aligned, median_of_aligned, sampling_matrix
from trainer.data.registration import Registration, register, registration_error_px
from trainer.data.scenes import Burst, true_flow
from trainer.data.simulate import SimulatorConfig
from trainer.data.synthetic import DatasetConfig, judging_bursts
from trainer.metrics import psnr


def simulated(**camera: float) -> Burst:
    config = DatasetConfig(
        simulator=SimulatorConfig(**camera),  # type: ignore[arg-type]
        train=(),
        test=("astronaut.png",),
        max_test_hr_px=270,
    )
    return next(judging_bursts(config, 0))


@pytest.fixture(scope="module")
def burst() -> Burst:
    return simulated()


@pytest.fixture(scope="module")
def found(burst: Burst) -> Registration:
    return register(burst)


def known(burst: Burst) -> Registration:
    assert burst.motion is not None
    return Registration(motion=burst.motion, gain=np.ones(burst.frames), offset=np.zeros(burst.frames))


def score(image: np.ndarray, burst: Burst) -> float:
    return psnr(np.clip(image, 0, 1), burst.hr, data_range=1.0, border=9)


def test_bicubic_keeps_a_ramp_a_ramp_without_a_shift():
    """Fine sample i lies at (i + 0.5) / 3 - 0.5 on the coarse grid.

    By hand, Keys with a = -0.75 at t = 1/3: weights -1/9, 43/54, 10/27, -1/18 on the samples -1, 0, 1, 2
    read a ramp of slope 1 as 1/9 + 10/27 - 2/18 = 10/27 where 9/27 is right. At t = 2/3 it is as much too
    low, at the sample itself exact: a bend of 1/27 within each pixel, and no shift.
    """
    ramp = np.add.outer(np.arange(20.0), 2 * np.arange(24.0))
    y, x = ((np.arange(3 * n) + 0.5) / 3 - 0.5 for n in ramp.shape)

    deviation = (bicubic(ramp, 3) - np.add.outer(y, 2 * x))[6:-6, 6:-6]

    assert np.abs(deviation).max() == pytest.approx((1 + 2) / 27, abs=1e-12)
    assert np.allclose(bicubic(ramp, 3)[1::3, 1::3][2:-2, 2:-2], ramp[2:-2, 2:-2], atol=1e-12)
    blocks = bicubic(ramp, 3).reshape(20, 3, 24, 3).mean(axis=(1, 3))
    assert np.allclose(blocks[2:-2, 2:-2], ramp[2:-2, 2:-2], atol=1e-12)  # no shift


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bicubic_is_that_of_torch(scale: int):
    image = np.random.default_rng(0).random((17, 23))

    theirs = F.interpolate(torch.from_numpy(image)[None, None], scale_factor=scale, mode="bicubic", align_corners=False)

    assert np.allclose(bicubic(image, scale), theirs[0, 0].numpy(), atol=1e-12)


def test_registration_recovers_the_known_motion(burst: Burst, found: Registration):
    """A hundredth of a pixel on 90x90 frames; the motion itself is 0.8 px long on average."""
    shape = burst.lr.shape[1:]

    assert registration_error_px(found.motion, burst.motion, shape=shape) < 0.01
    assert registration_error_px(np.zeros((9, 3)), burst.motion, shape=shape) > 0.5


def test_registration_reaches_motions_of_several_pixels():
    far = simulated(max_shift_lr_px=4.0, max_rotation_deg=1.0)

    error = registration_error_px(register(far).motion, far.motion, shape=far.lr.shape[1:])

    assert error < 0.02


def test_registration_finds_gain_and_offset_beside_the_motion():
    """The same seed without gain shows what the corrected frames have to look like."""
    plain, bright = simulated(noise_sigma=0.0), simulated(max_gain=0.03, max_offset=0.01, noise_sigma=0.0)

    found = register(bright)

    assert registration_error_px(found.motion, bright.motion, shape=bright.lr.shape[1:]) < 0.01
    corrected = found.gain[:, None, None] * bright.lr + found.offset[:, None, None]
    assert np.abs(bright.lr - plain.lr).mean() > 0.005
    assert np.abs(corrected - plain.lr).mean() < 0.0005


@pytest.mark.parametrize("masked", [True, False])
def test_registration_survives_occlusions_whether_masked_or_not(masked: bool):
    """Without a mask the residuals of a disc lose their weight."""
    hard = simulated(occluded_share=0.5)
    if not masked:
        hard = replace(hard, clear_lr=np.ones_like(hard.clear_lr))

    assert registration_error_px(register(hard).motion, hard.motion, shape=hard.lr.shape[1:]) < 0.03


def test_registration_does_not_look_at_the_truth(burst: Burst, found: Registration):
    blind = replace(burst, motion=None, hr=np.zeros_like(burst.hr))

    assert np.array_equal(register(blind).motion, found.motion)


def test_copies_of_one_frame_do_not_move(burst: Burst):
    still = replace(burst, lr=np.repeat(burst.lr[:1], 9, axis=0), motion=None)

    assert np.abs(register(still).motion).max() < 1e-9


def test_frames_too_small_to_register_are_told():
    small = np.zeros((2, 12, 12), np.float32)
    tiny = Burst(
        name="tiny",
        lr=small,
        hr=np.zeros((36, 36), np.float32),
        clear_lr=np.ones(small.shape, bool),
        clear_hr=np.ones((36, 36), bool),
        scale=3,
    )

    with pytest.raises(UsageError, match=r"tiny: frames of shape .* too small to register"):
        register(tiny)


def test_the_registration_error_is_the_length_of_the_difference():
    """(0.3, 0.4) is 0.5 px away from nothing: 3-4-5. The reference is not counted."""
    truth = np.array([[0.0, 0, 0], [0.3, 0.4, 0]])

    assert registration_error_px(np.zeros((2, 3)), truth, shape=(20, 30)) == pytest.approx(0.5, abs=1e-12)


def test_a_flow_and_its_motion_have_the_same_error(burst: Burst, found: Registration):
    shape = burst.lr.shape[1:]
    flow = true_flow(found.motion, *shape)

    by_motion = registration_error_px(found.motion, burst.motion, shape=shape)

    assert registration_error_px(flow, burst.motion, shape=shape) == pytest.approx(by_motion, abs=1e-12)
    with pytest.raises(UsageError, match="a flow of shape"):
        registration_error_px(flow[1:], burst.motion, shape=shape)


def test_back_projection_models_the_camera_of_the_simulator():
    """Its forward model, given the truth and the true motion, is the noiseless burst up to 16 bits."""
    clean = simulated(noise_sigma=0.0)
    blurred = ndimage.gaussian_filter(clean.hr.astype(np.float64), 1.0, mode="mirror", truncate=5.0)
    blurred = ndimage.uniform_filter(blurred, 3, mode="mirror")
    spline = ndimage.spline_filter(blurred, order=3, mode="mirror")

    frames = (sampling_matrix(clean, known(clean)) @ spline.ravel()).reshape(clean.lr.shape)

    inner = (slice(None), slice(6, -6), slice(6, -6))  # outside it the simulator saw more of the photograph
    assert np.abs(frames - clean.lr)[inner].max() < 1.0 / 65535


def test_the_order_of_the_classical_methods(burst: Burst, found: Registration):
    """unaligned mean < bicubic < mean of aligned < back-projection, which gains at least 2.5 dB here."""
    unaligned = np.mean([bicubic(frame, 3) for frame in burst.lr], axis=0)
    reference = score(bicubic(burst.lr[0], 3), burst)
    aligned = score(mean_of_aligned(burst, found), burst)
    projected = score(back_projection(burst, psf_sigma_hr_px=1.0, found=found), burst)

    assert score(unaligned, burst) < reference - 2
    assert reference < aligned
    assert projected > reference + 2.5


def test_an_occlusion_that_no_mask_names_moves_the_mean_and_not_the_median():
    """Discs of nearly white over 30 % of the frames; the masks say that all is seen."""
    hidden = simulated(occluded_share=0.3)
    blind = replace(hidden, clear_lr=np.ones_like(hidden.clear_lr))
    motion = known(hidden)

    lost = [
        score(combined(hidden, motion), hidden) - score(combined(blind, motion), hidden)
        for combined in (mean_of_aligned, median_of_aligned)
    ]

    assert lost[0] > 0.3
    assert lost[1] < lost[0] / 3


def test_the_median_of_one_clear_frame_is_that_frame_and_of_none_bicubic(burst: Burst, found: Registration):
    clear = np.zeros_like(burst.clear_lr)
    clear[3, :, :40] = True
    seen = median_of_aligned(replace(burst, clear_lr=clear), found)
    alone = replace(burst, lr=burst.lr[[0, 3]], clear_lr=np.stack([clear[0], clear[3]]), motion=None)
    pair = Registration(motion=found.motion[[0, 3]], gain=found.gain[[0, 3]], offset=found.offset[[0, 3]])

    assert np.allclose(seen, mean_of_aligned(alone, pair))
    assert np.allclose(seen[:, -20:], bicubic(burst.lr[0], 3)[:, -20:])


def test_estimated_motion_serves_as_well_as_known_motion(burst: Burst, found: Registration):
    by_estimate, by_truth = (
        score(back_projection(burst, psf_sigma_hr_px=1.0, found=motion), burst) for motion in (found, known(burst))
    )

    assert by_estimate == pytest.approx(by_truth, abs=0.05)


def test_more_frames_serve_back_projection_better(burst: Burst, found: Registration):
    single = replace(burst, lr=burst.lr[:1], clear_lr=burst.clear_lr[:1], motion=None)

    alone = score(back_projection(single, psf_sigma_hr_px=1.0, iterations=10), burst)

    assert score(back_projection(burst, psf_sigma_hr_px=1.0, found=found), burst) > alone + 1


def test_an_occluded_pixel_has_no_say_in_back_projection(burst: Burst, found: Registration):
    clear = burst.clear_lr.copy()
    clear[3, 20:40, 20:40] = False
    white = burst.lr.copy()
    white[3, 20:40, 20:40] = 1.0
    one, other = (replace(burst, lr=lr, clear_lr=clear) for lr in (burst.lr, white))

    first, second = (back_projection(b, psf_sigma_hr_px=1.0, found=found) for b in (one, other))

    # The spline that aligns a frame for the starting image reaches past its mask, falling by 0.27 a pixel.
    assert np.abs(first - second).max() < 0.05
    assert score(second, burst) == pytest.approx(score(first, burst), abs=0.02)
