"""The camera: what it may do to a scene, and what it must not."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from runaudit.errors import ConfigError, UsageError
from trainer.data.scenes import Burst, Doubles, motion_about, rotation, true_flow
from trainer.data.simulate import (
    SimulatorConfig,
    draw_motion,
    drawn_optics,
    generator,
    look,
    simulate_burst,
    spline_scene,
)
from trainer.data.sources import TEST_SCENES, TRAIN_SCENES, photograph
from trainer.data.synthetic import PRESETS, DatasetConfig, padded, training_bursts, training_window

SHAPE = (40, 50)


@pytest.fixture(scope="module")
def scene() -> Doubles:
    return photograph("camera.png")[120:300, 100:300]


def noiseless(scene: Doubles, motion: Doubles, config: SimulatorConfig | None = None) -> Doubles:
    config = SimulatorConfig() if config is None else config
    return look(spline_scene(scene, config), motion, corner=(24, 21), shape=SHAPE, scale=3)


def burst(scene: Doubles, config: SimulatorConfig, seed: int = 0) -> Burst:
    return simulate_burst(
        scene,
        config,
        name="b",
        corner=(0, 0),
        shape=SHAPE,
        coefficients=spline_scene(scene, config),
        rng=generator(seed, "b"),
    )


def test_without_optics_motion_and_noise_a_frame_is_the_mean_of_its_nine_pixels(scene: Doubles):
    """The simulator adds no blur of its own: what is left is the detector's square, exactly."""
    config = SimulatorConfig(psf_sigma_hr_px=0.0)

    frame = noiseless(scene, np.zeros((1, 3)), config)[0]

    window = scene[24 : 24 + 120, 21 : 21 + 150]
    assert np.allclose(frame, window.reshape(40, 3, 50, 3).mean(axis=(1, 3)), atol=1e-12)


def test_each_burst_of_a_spread_camera_has_optics_of_its_own_and_one_camera_draws_none():
    """Within the share that is named, and nothing is drawn for a camera without: its bursts keep their bits."""
    spread = SimulatorConfig(psf_spread=0.3, noise_spread=0.5)
    cameras = [drawn_optics(spread, generator(0, f"burst-{k}")) for k in range(200)]

    psf = [camera.psf_sigma_hr_px for camera in cameras]
    noise = [camera.noise_sigma for camera in cameras]
    assert len(set(psf)) == len(set(noise)) == 200
    assert 0.7 <= min(psf) < 0.72 and 1.28 < max(psf) <= 1.3
    assert 0.005 <= min(noise) < 0.0053 and 0.0147 < max(noise) <= 0.015
    rng, untouched = generator(0, "b"), generator(0, "b")
    assert drawn_optics(SimulatorConfig(), rng) == SimulatorConfig()
    assert rng.random() == untouched.random()


def test_a_frame_moved_by_whole_pixels_shows_the_reference_moved_by_whole_pixels(scene: Doubles):
    """Pixel p of frame k sees the point p + (dy, dx) of the reference."""
    frames = noiseless(scene, np.array([[0.0, 0, 0], [2.0, -1.0, 0]]))

    assert np.allclose(frames[1][:-2, 1:], frames[0][2:, :-1], atol=1e-12)


def test_the_true_flow_brings_every_frame_onto_the_reference(scene: Doubles):
    """frame_k(q + flow(q)) = reference(q), with the angle exaggerated so that its sign matters."""
    motion = np.array([[0.0, 0, 0], [1.2, -0.7, 3.0], [-0.4, 1.1, -2.0]])
    smooth = ndimage.gaussian_filter(scene, 4.0)  # free of aliasing, so that low-res frames can be resampled
    frames = noiseless(smooth, motion)

    flow = true_flow(motion, *SHAPE)
    at = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij")) + flow
    warped = np.stack([ndimage.map_coordinates(f, p, order=3) for f, p in zip(frames, at, strict=True)])

    inner = (slice(None), slice(6, -6), slice(6, -6))
    assert np.abs(warped - frames[0])[inner].max() < 2e-3
    assert np.abs(frames[1:] - frames[0])[inner].max() > 0.05  # unaligned, they differ


def test_motion_told_from_the_centre_of_a_tile_gives_the_same_flow():
    motion = np.array([[0.0, 0, 0], [1.0, 0.5, 0.15], [-1.4, 0.2, -0.1]])
    h, w, y, x, t = 100, 90, 11, 37, 32

    tile = motion_about(motion, (y + (t - h) / 2, x + (t - w) / 2))

    assert np.allclose(true_flow(tile, t, t), true_flow(motion, h, w)[:, :, y : y + t, x : x + t], atol=1e-12)


def test_a_detector_that_turns_with_its_frame_sees_almost_the_same(scene: Doubles):
    """The square is applied once, to the scene: the error is below a twentieth of the noise."""
    motion = np.array([[0.3, -0.8, 0.15]])
    config = SimulatorConfig()
    optics = ndimage.spline_filter(ndimage.gaussian_filter(scene, 1.0, mode="mirror", truncate=5.0))
    y, x = (np.arange(n) - (n - 1) / 2 for n in SHAPE)
    centre = np.array([24, 21]) + (3 * np.array(SHAPE) - 1) / 2

    turned = np.zeros(SHAPE)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):  # high-res offsets within the pixel, turned with the frame
            p = np.stack(np.meshgrid(3 * y + dy, 3 * x + dx, indexing="ij"))
            q = np.einsum("ij,jhw->ihw", rotation(0.15), p) + (centre + 3 * motion[0, :2])[:, None, None]
            turned += ndimage.map_coordinates(optics, q, order=3, mode="mirror", prefilter=False) / 9

    assert np.abs(noiseless(scene, motion, config)[0] - turned).max() < config.noise_sigma / 20


def test_motion_stays_within_its_limits_and_the_reference_does_not_move():
    config = SimulatorConfig(frames=2000)

    motion = draw_motion(config, generator(3, "limits"))

    assert not motion[0].any()
    assert np.abs(motion).max(axis=0) == pytest.approx([1.5, 1.5, 0.15], rel=0.01)
    assert (np.abs(motion) <= [1.5, 1.5, 0.15]).all()


def test_the_noise_has_the_stated_deviation(scene: Doubles):
    """Scene values near 0 and 1 would be clipped, so the scene is squeezed into the middle of the range."""
    middle = 0.4 + 0.2 * scene
    still = SimulatorConfig(max_shift_lr_px=0.0, max_rotation_deg=0.0, frames=9)

    frames = burst(middle, still).lr

    # 9 frames x 2000 pixels about their own mean: 16,000 degrees of freedom, so 0.01 is known to 0.6 %.
    assert frames.std(axis=0, ddof=1).mean() == pytest.approx(0.01 * 0.9693, rel=0.02)  # c4(9) = 0.9693


def test_the_same_seed_gives_the_same_burst_and_another_seed_another(scene: Doubles):
    first, again, other = (burst(scene, SimulatorConfig(), seed) for seed in (5, 5, 6))

    assert first.lr.tobytes() == again.lr.tobytes()
    assert first.lr.tobytes() != other.lr.tobytes()


def test_hard_frames_are_occluded_exactly_where_their_mask_says(scene: Doubles):
    """Without noise, gain and motion every frame equals the reference wherever it is clear."""
    config = replace(
        PRESETS["hard"].simulator,
        noise_sigma=0.0,
        max_gain=0.0,
        max_offset=0.0,
        max_shift_lr_px=0.0,
        max_rotation_deg=0.0,
    )

    hard = burst(scene * 0.5, config)

    assert hard.clear_lr[0].all()
    occluded = [k for k in range(9) if not hard.clear_lr[k].all()]
    assert len(occluded) == round(0.3 * 8)
    differs = hard.lr != hard.lr[0]
    assert np.array_equal(differs, ~hard.clear_lr)  # discs are at least 0.8 bright, the scene at most 0.5


def test_a_gain_changes_the_brightness_of_all_frames_but_the_reference(scene: Doubles):
    still = SimulatorConfig(noise_sigma=0.0, max_shift_lr_px=0.0, max_rotation_deg=0.0)

    plain, bright = burst(scene, still), burst(scene, replace(still, max_gain=0.03))

    ratio = bright.lr.mean(axis=(1, 2)) / plain.lr.mean(axis=(1, 2))
    assert ratio[0] == pytest.approx(1.0, abs=1e-6)
    assert (np.abs(ratio[1:] - 1) > 1e-4).all() and (np.abs(ratio[1:] - 1) < 0.031).all()


def test_adding_a_scene_changes_no_other_burst():
    few = DatasetConfig(train=("coins.png",), test=(), bursts_per_scene=1, max_tiles=1)
    more = replace(few, train=("page.png", "coins.png"))

    alone = next(training_bursts(few, 0))
    beside = next(b for b in training_bursts(more, 0) if b.name == "coins-0")

    assert alone.lr.tobytes() == beside.lr.tobytes()


def test_the_seventeen_scenes_give_675_tiles():
    """17 photographs, three bursts each, at most 4x4 tiles of 96 high-res pixels: 225 tiles per round."""
    config = DatasetConfig()
    tiles = 0
    for name in config.train:
        (h, w) = training_window(photograph(name), config, generator(0, name))[1]
        tiles += config.bursts_per_scene * (h // 32) * (w // 32)

    assert len(TRAIN_SCENES) == 17
    assert tiles == 675


def test_the_test_sequences_are_513_pixels_a_side():
    sides = {padded(photograph(name), multiple=3).shape for name in TEST_SCENES}

    assert sides == {(513, 513)}


def test_a_photograph_that_is_not_there_is_named():
    with pytest.raises(UsageError, match=r"photograph nowhere\.png is not in"):
        photograph("nowhere.png")


@pytest.mark.parametrize(
    "wrong",
    [{"scale": 0}, {"frames": 0}, {"noise_sigma": -1.0}, {"max_gain": float("nan")}, {"occluded_share": 1.1}],
)
def test_a_camera_that_cannot_exist_is_refused(wrong: dict[str, float]):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        SimulatorConfig(**wrong)  # type: ignore[arg-type]


def test_a_scene_cannot_both_train_and_judge():
    with pytest.raises(ConfigError, match="camera is named twice"):
        DatasetConfig(train=("camera.png",), test=("camera.png",))
