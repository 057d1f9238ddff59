"""The figures themselves: hand calculations, laws, and scikit-image as the second opinion."""

import numpy as np
import pytest
from scipy import ndimage
from skimage.metrics import structural_similarity

from runaudit.errors import UsageError
from trainer.data.sources import photograph
from trainer.metrics import cpsnr, psnr, ssim


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    return photograph("camera.png")[100:228, 180:308]


@pytest.fixture(scope="module")
def pred(truth: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 0.02, truth.shape)
    return ndimage.gaussian_filter(truth, 0.8) + noise


def test_an_error_of_a_tenth_of_the_range_is_twenty_decibel(truth: np.ndarray):
    """10 log10(1² / 0.1²) = 20."""
    assert psnr(truth + 0.1, truth, data_range=1.0) == pytest.approx(20.0, abs=1e-9)


def test_declaring_255_for_a_range_of_one_moves_psnr_by_48_decibel(pred: np.ndarray, truth: np.ndarray):
    """20 log10(255) = 48.1308."""
    moved = psnr(pred, truth, data_range=255.0) - psnr(pred, truth, data_range=1.0)

    assert moved == pytest.approx(48.1308, abs=1e-4)


def test_scaling_images_and_range_together_changes_nothing(pred: np.ndarray, truth: np.ndarray):
    a, b = 65535 * pred, 65535 * truth

    assert psnr(a, b, data_range=65535) == pytest.approx(psnr(pred, truth, data_range=1.0), abs=1e-9)
    assert ssim(a, b, data_range=65535) == pytest.approx(ssim(pred, truth, data_range=1.0), abs=1e-9)


def test_float32_images_are_compared_in_float64():
    """A float32 sum of many squares of 1e-12 drifts; here every digit stands."""
    truth = np.full((20, 20), 0.5, np.float32)
    pred = truth + np.float32(2**-20)  # exactly representable beside 0.5

    # 20 log10(2^20) = 120.4120
    assert psnr(pred, truth, data_range=1.0) == pytest.approx(120.4120, abs=1e-4)


def test_equal_images_have_infinite_psnr_and_an_ssim_of_one(truth: np.ndarray):
    assert psnr(truth, truth, data_range=1.0) == float("inf")
    assert ssim(truth, truth, data_range=1.0) == pytest.approx(1.0, abs=1e-12)


def test_what_lies_in_the_border_or_under_the_mask_has_no_say(pred: np.ndarray, truth: np.ndarray):
    spoilt = pred.copy()
    spoilt[:9] = spoilt[-9:] = spoilt[:, :9] = spoilt[:, -9:] = 7.0
    spoilt[40:50, 40:60] = -3.0
    clear = np.ones(truth.shape, bool)
    clear[40:50, 40:60] = False

    arguments = {"data_range": 1.0, "border": 9, "clear": clear}

    assert psnr(spoilt, truth, **arguments) == psnr(pred, truth, **arguments)
    assert psnr(spoilt, truth, data_range=1.0, border=9) < psnr(pred, truth, data_range=1.0, border=9) - 10
    spoilt[:9] = pred[:9]
    assert cpsnr(spoilt, truth, **arguments).db == pytest.approx(cpsnr(pred, truth, **arguments).db, abs=1e-9)


def test_adding_a_constant_brightness_leaves_cpsnr_unchanged(pred: np.ndarray, truth: np.ndarray):
    plain, bright = cpsnr(pred, truth, data_range=1.0), cpsnr(pred + 0.07, truth, data_range=1.0)

    assert bright.db == pytest.approx(plain.db, abs=1e-9)
    assert bright.shift == plain.shift
    assert bright.bias == pytest.approx(plain.bias - 0.07, abs=1e-9)
    assert psnr(pred + 0.07, truth, data_range=1.0) < psnr(pred, truth, data_range=1.0) - 3


@pytest.mark.parametrize("shift", [(0, 0), (2, -1), (-3, 3)])
def test_cpsnr_finds_the_shift_of_the_truth(pred: np.ndarray, truth: np.ndarray, shift: tuple[int, int]):
    """truth[y + dy, x + dx] is compared with pred[y, x]."""
    moved = np.roll(truth, shift, axis=(0, 1))

    found = cpsnr(pred, moved, data_range=1.0, border=9)

    assert found.shift == shift
    assert found.db == pytest.approx(cpsnr(pred, truth, data_range=1.0, border=9).db, abs=1e-9)


def test_cpsnr_is_never_below_psnr(pred: np.ndarray, truth: np.ndarray):
    assert cpsnr(pred, truth, data_range=1.0, border=9).db >= psnr(pred, truth, data_range=1.0, border=9)


def test_cpsnr_by_hand_on_four_pixels():
    """One inner pixel row: pred 0, 0; truth 1, 3 (bias 2, residuals -1, +1): MSE 1, range 10 -> 20 dB."""
    found = cpsnr(np.zeros((1, 2)), np.array([[1.0, 3.0]]), data_range=10.0, border=0, max_shift=0)

    assert (found.db, found.bias) == (pytest.approx(20.0), pytest.approx(2.0))


def test_one_pixel_of_misregistration_costs_more_than_bicubic_and_cpsnr_forgives_it():
    """Astronaut's own truth, one pixel off both ways, has 22.7 dB; bicubic at x3 has 26.5 dB."""
    truth = photograph("astronaut.png")
    shifted = np.roll(truth, (1, 1), axis=(0, 1))

    assert psnr(shifted, truth, data_range=1.0, border=9) == pytest.approx(22.7, abs=0.05)
    assert cpsnr(shifted, truth, data_range=1.0, border=9).db == float("inf")


def test_ssim_is_that_of_scikit_image(pred: np.ndarray, truth: np.ndarray):
    window = slice(9, -9), slice(9, -9)

    expected = structural_similarity(
        pred[window],
        truth[window],
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=1.0,
    )

    assert ssim(pred, truth, data_range=1.0, border=9) == expected


def test_ssim_is_the_formula_of_its_paper(pred: np.ndarray, truth: np.ndarray):
    """Wang et al. 2004, equation 13, over 11 Gaussian taps; the 5 pixels at the edge left out."""

    def mean(image: np.ndarray) -> np.ndarray:
        return ndimage.gaussian_filter(image, 1.5, radius=5)

    a, b = mean(pred), mean(truth)
    va, vb, cov = mean(pred**2) - a * a, mean(truth**2) - b * b, mean(pred * truth) - a * b
    c1, c2 = 0.01**2, 0.03**2
    formula = (2 * a * b + c1) * (2 * cov + c2) / ((a * a + b * b + c1) * (va + vb + c2))

    assert ssim(pred, truth, data_range=1.0) == pytest.approx(formula[5:-5, 5:-5].mean(), abs=1e-9)


def test_a_mask_keeps_ssim_to_the_clear_pixels(pred: np.ndarray, truth: np.ndarray):
    spoilt = pred.copy()
    spoilt[:40] = 0.5
    clear = np.zeros(truth.shape, bool)
    clear[60:] = True

    assert ssim(spoilt, truth, data_range=1.0, clear=clear) == ssim(pred, truth, data_range=1.0, clear=clear)


def test_what_cannot_be_compared_is_told(truth: np.ndarray):
    with pytest.raises(UsageError, match="cannot be compared"):
        psnr(truth[:-1], truth, data_range=1.0)
    with pytest.raises(UsageError, match="no clear pixel"):
        psnr(truth, truth, data_range=1.0, clear=np.zeros(truth.shape, bool))
    with pytest.raises(UsageError, match="no clear pixel"):
        psnr(truth, truth, data_range=1.0, border=64)
    with pytest.raises(UsageError, match="window of 11"):
        ssim(truth[:10], truth[:10], data_range=1.0)
    with pytest.raises(UsageError, match="does not fit into a border"):
        cpsnr(truth, truth, data_range=1.0, border=2, max_shift=3)
