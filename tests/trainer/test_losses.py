"""Losses: clear pixels only, and the laws of the registered loss."""

import math

import numpy as np
import pytest
import torch

from trainer.config import LossConfig
from trainer.losses import (
    _all_shifts,
    _each_shift,
    alignment_loss,
    elementwise,
    reconstruction_loss,
    registered_loss,
    spectral_loss,
)
from trainer.models.piunet import Prediction

ONES = torch.ones(2, 1, 14, 14)


def test_the_alignment_loss_compares_with_the_reference_as_it_was_taken() -> None:
    """The same blur on all frames must not look like a registration."""
    reference = torch.rand(1, 1, 8, 8)
    blurred = torch.full((1, 3, 8, 8), 0.5)

    assert float(alignment_loss(blurred, reference, torch.ones(1, 3, 8, 8))) > 0.1
    assert float(alignment_loss(reference.expand(1, 3, 8, 8), reference, torch.ones(1, 3, 8, 8))) == 0


def test_unclear_pixels_do_not_count() -> None:
    clear = torch.ones(1, 2, 2, 2)
    clear[0, 1, 0, 0] = 0
    registered, reference = torch.zeros(1, 2, 2, 2), torch.zeros(1, 1, 2, 2)
    registered[0, 1, 0, 0], registered[0, 1, 1, 1] = 9.0, 0.7

    assert float(alignment_loss(registered, reference, clear)) == pytest.approx(0.7 / 7)


def test_shifting_the_target_within_the_border_changes_nothing() -> None:
    mean = torch.rand(2, 1, 14, 14)
    moved = torch.roll(mean, (2, -1), (2, 3))

    loss = registered_loss(mean, moved, ONES, log_scale=None, element=elementwise("l1", 0), border=3)

    assert torch.allclose(loss, torch.zeros(2), atol=1e-6)


@pytest.mark.parametrize("kind", ["l1", "l2", "laplace"])
def test_all_shifts_at_once_are_each_shift_in_its_turn(kind: str) -> None:
    """Value and gradient, with a third of the truth hidden and one sample hidden altogether."""
    draw = torch.Generator().manual_seed(0)
    mean, spread = torch.randn(3, 1, 8, 9, generator=draw), torch.randn(3, 1, 8, 9, generator=draw)
    target = torch.randn(3, 1, 14, 15, generator=draw)
    clear = (torch.rand(3, 1, 14, 15, generator=draw) > 1 / 3).float()
    clear[2] = 0

    found = []
    for by_shift in (_all_shifts, _each_shift):
        at = mean.clone().requires_grad_()
        losses = by_shift(at, target, clear, spread=spread, element=elementwise(kind, 0))
        (gradient,) = torch.autograd.grad(losses.amin(0).sum(), at)
        found.append((losses.detach(), gradient))

    assert found[0][0].shape == (49, 3)
    torch.testing.assert_close(found[0], found[1], rtol=1e-5, atol=1e-6)


def test_a_constant_brightness_changes_nothing() -> None:
    mean, target = torch.rand(2, 1, 14, 14), torch.rand(2, 1, 14, 14)
    element = elementwise("l1", 0)

    plain = registered_loss(mean, target, ONES, log_scale=None, element=element, border=2)
    brighter = registered_loss(mean + 0.3, target, ONES, log_scale=None, element=element, border=2)

    assert torch.allclose(plain, brighter, atol=1e-6)


def test_the_laplace_likelihood_is_smallest_at_the_true_scale() -> None:
    # d/ds (s + |e| exp(-s)) = 0 at s = ln |e|.
    error = torch.full((1, 1, 2, 2), 0.25)
    element = elementwise("laplace", 0)

    at = {s: float(element(error, torch.full_like(error, s)).mean()) for s in (-2.0, math.log(0.25), -0.5)}

    assert min(at, key=at.__getitem__) == math.log(0.25)
    assert at[math.log(0.25)] == pytest.approx(math.log(0.25) + 1)


@pytest.mark.parametrize(("kind", "value"), [("l1", 0.3), ("l2", 0.09), ("charbonnier", math.hypot(0.3, 0.4) - 0.4)])
def test_pixel_losses_by_hand(kind: str, value: float) -> None:
    prediction = Prediction(torch.zeros(1, 1, 4, 4), None)
    target = torch.full((1, 1, 4, 4), 0.3)

    terms = reconstruction_loss(
        prediction, target, torch.ones(1, 1, 4, 4), config=LossConfig(kind=kind, charbonnier=0.4), warm=False
    )

    assert float(terms["reconstruction"]) == pytest.approx(value, rel=1e-5)


def test_laplace_begins_as_plain_l1() -> None:
    prediction = Prediction(torch.zeros(1, 1, 4, 4), torch.full((1, 1, 4, 4), -1.0))
    target, clear = torch.full((1, 1, 4, 4), 0.3), torch.ones(1, 1, 4, 4)
    config = LossConfig(kind="laplace")

    warm = reconstruction_loss(prediction, target, clear, config=config, warm=True)["reconstruction"]
    later = reconstruction_loss(prediction, target, clear, config=config, warm=False)["reconstruction"]

    assert float(warm) == pytest.approx(0.3)
    assert float(later) == pytest.approx(-1 + 0.3 * math.e, rel=1e-5)


def fft_terms(normalised: bool, dtype: torch.dtype = torch.float32) -> dict[str, float]:
    config = LossConfig(fft_weight=2.0, fft_normalised=normalised)
    mean, target = torch.zeros(1, 1, 6, 8, dtype=dtype), torch.full((1, 1, 6, 8), 0.3)
    terms = reconstruction_loss(Prediction(mean, None), target, torch.ones(1, 1, 6, 8), config=config, warm=False)
    return {name: float(value) for name, value in terms.items()}


def test_the_spectrum_of_a_constant_error_by_hand() -> None:
    """One of 2 x 6 x 8 real and imaginary parts is not zero: 6 x 8 x 0.3, or 0.3 normalised. Its weight is 2."""
    assert fft_terms(normalised=True) == pytest.approx({"reconstruction": 0.3, "fft": 2 * 0.3 / 96}, rel=1e-5)
    assert fft_terms(normalised=False) == pytest.approx({"reconstruction": 0.3, "fft": 2 * 0.3 / 2}, rel=1e-5)


def test_the_spectrum_is_that_of_numpy() -> None:
    mean, target = torch.rand(2, 1, 6, 7), torch.rand(2, 1, 6, 7)
    spectrum = np.fft.fft2((mean - target).double().numpy())

    loss = spectral_loss(mean, target, torch.ones(2, 1, 6, 7), normalised=False)

    assert float(loss) == pytest.approx(np.mean([np.abs(spectrum.real), np.abs(spectrum.imag)]), rel=1e-5)


def test_what_is_not_clear_adds_nothing_to_the_spectrum() -> None:
    mean, clear = torch.rand(1, 1, 6, 7), torch.ones(1, 1, 6, 7)
    target = mean.clone()
    target[0, 0, 2, 3], clear[0, 0, 2, 3] = 50.0, 0.0

    assert float(spectral_loss(mean, target, clear, normalised=True)) == 0.0


def test_the_spectrum_is_fp32_whatever_the_autocast_is() -> None:
    """Its constant part, 64 x 64 x 20 = 81,920, is beyond fp16."""
    mean, target = torch.zeros(1, 1, 64, 64, dtype=torch.float16), torch.full((1, 1, 64, 64), 20.0)

    with torch.autocast("cpu", dtype=torch.float16):
        loss = spectral_loss(mean, target, torch.ones(1, 1, 64, 64), normalised=False)

    assert loss.dtype == torch.float32
    assert float(loss) == pytest.approx(10.0)


def test_without_a_weight_there_is_no_spectrum() -> None:
    prediction = Prediction(torch.zeros(1, 1, 4, 4), None)
    terms = reconstruction_loss(
        prediction, torch.ones(1, 1, 4, 4), torch.ones(1, 1, 4, 4), config=LossConfig(), warm=False
    )

    assert terms.keys() == {"reconstruction"}
