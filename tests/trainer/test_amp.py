"""The loss scale falls on overflow, says what it skipped, and is not moved by bad inputs."""

import pytest
import torch
from torch import nn

from trainer.amp import Precision
from trainer.config import AmpConfig


def setup(dtype: str, **changes: float) -> tuple[Precision, nn.Linear, torch.optim.SGD]:
    torch.manual_seed(0)
    layer = nn.Linear(2, 1)
    config = AmpConfig(dtype=dtype, **changes)  # type: ignore[arg-type]
    return Precision(config, "cpu"), layer, torch.optim.SGD(layer.parameters(), lr=1.0)


def test_an_infinite_gradient_halves_the_scale_and_takes_no_step() -> None:
    precision, layer, optimiser = setup("fp16")
    before = layer.weight.detach().clone()

    precision.backward((layer.weight * torch.tensor([float("inf"), 1.0])).sum())
    _, fault = precision.step(optimiser, layer.parameters(), 1.0)

    assert fault == "gradient"
    assert (precision.scale, precision.skipped) == (32768.0, 1)
    assert torch.equal(layer.weight, before)


def test_clean_steps_grow_the_scale_again() -> None:
    precision, layer, optimiser = setup("fp16", growth_interval=3, init_scale=1024.0)

    for _ in range(3):
        optimiser.zero_grad()
        precision.backward(layer(torch.ones(1, 2)).sum())
        precision.step(optimiser, layer.parameters(), 1.0)

    assert (precision.scale, precision.skipped) == (2048.0, 0)


def test_clipping_acts_on_unscaled_gradients() -> None:
    """Gradient (3, 4) has norm 5; clipped to 1 and stepped with rate 1 the weights move by (0.6, 0.8),
    not by less.
    """
    precision, layer, optimiser = setup("fp16")
    before = layer.weight.detach().clone()

    precision.backward((layer.weight * torch.tensor([3.0, 4.0])).sum())
    norm, fault = precision.step(optimiser, layer.parameters(), 1.0)

    assert fault == ""
    assert norm == pytest.approx(5.0)
    assert torch.allclose(before - layer.weight, torch.tensor([[0.6, 0.8]]), atol=1e-5)


def test_the_scale_has_a_floor_and_says_when_it_would_fall_through() -> None:
    precision, layer, optimiser = setup("fp16", init_scale=1.0, min_scale=0.5)
    said = []

    for factor in (float("inf"), float("inf"), 1.0):
        optimiser.zero_grad()
        precision.backward((layer.weight * torch.tensor([factor, 1.0])).sum())
        precision.step(optimiser, layer.parameters(), 1.0)
        said.append((precision.scale, precision.at_floor))
    precision.overflow()

    assert said == [(0.5, False), (0.5, True), (0.5, False)]
    assert (precision.scale, precision.at_floor) == (0.5, True)


@pytest.mark.parametrize("dtype", ["off", "fp16"])
def test_a_spike_is_not_taken_and_the_scale_is_none_the_wiser(dtype: str) -> None:
    """Gradient (3, 4) has norm 5: above 4.9 it is a spike, and all the same one clean step of three."""
    precision, layer, optimiser = setup(dtype, growth_interval=3)
    before = layer.weight.detach().clone()

    precision.backward((layer.weight * torch.tensor([3.0, 4.0])).sum())
    norm, fault = precision.step(optimiser, layer.parameters(), 1.0, longest=4.9)

    assert (norm, fault, precision.skipped) == (pytest.approx(5.0), "spike", 1)
    assert torch.equal(layer.weight, before)
    assert precision.scale == (65536.0 if dtype == "fp16" else 1.0)
    for _ in range(2):
        optimiser.zero_grad()
        precision.backward((layer.weight * torch.tensor([3.0, 4.0])).sum())
        assert precision.step(optimiser, layer.parameters(), 1.0, longest=5.1)[1] == ""
    assert precision.scale == (131072.0 if dtype == "fp16" else 1.0)
    assert not torch.equal(layer.weight, before)


def test_a_loss_that_overflows_lowers_the_scale() -> None:
    precision, _, _ = setup("fp16")

    precision.overflow()

    assert (precision.scale, precision.skipped) == (32768.0, 1)


@pytest.mark.parametrize("dtype", ["off", "bf16"])
def test_without_fp16_nothing_is_scaled_but_bad_steps_are_still_refused(dtype: str) -> None:
    precision, layer, optimiser = setup(dtype)
    before = layer.weight.detach().clone()

    precision.backward((layer.weight * torch.tensor([float("nan"), 1.0])).sum())
    _, fault = precision.step(optimiser, layer.parameters(), 1.0)

    assert fault == "gradient"
    assert (precision.scales, precision.scale, precision.skipped) == (False, 1.0, 1)
    assert torch.equal(layer.weight, before)


def test_autocast_gives_the_chosen_dtype() -> None:
    for dtype, expected in (("off", torch.float32), ("fp16", torch.float16), ("bf16", torch.bfloat16)):
        precision, layer, _ = setup(dtype)
        with precision.autocast():
            assert layer(torch.ones(1, 2)).dtype == expected


def test_a_restored_scaler_goes_on_where_it_was() -> None:
    precision, layer, optimiser = setup("fp16", growth_interval=3, init_scale=1024.0)
    precision.backward(layer(torch.ones(1, 2)).sum())
    precision.step(optimiser, layer.parameters(), 1.0)
    precision.overflow()

    other, _, _ = setup("fp16", growth_interval=3, init_scale=1024.0)
    other.restore(precision.state())

    assert other.state() == precision.state()
    assert other.scale == 512.0
