"""The maps that a GPU needs in a fixed order give torch's own values and torch's own gradients."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from trainer.models import resampling
from trainer.models.flow import sampling_grid, spread
from trainer.models.resampling import ReplicatePad, Resize, Warp, replicate_pad, resize, sample


def gradient(of: Callable[[Tensor], Tensor], at: Tensor) -> tuple[Tensor, Tensor]:
    """The value of a map, and the gradient of its sum weighted by noise."""
    x = at.clone().requires_grad_()
    value = of(x)
    weights = torch.randn(value.shape, generator=torch.Generator().manual_seed(1), dtype=value.dtype)
    (found,) = torch.autograd.grad((value * weights).sum(), x)
    return value.detach(), found


def noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("shape", [(2, 3, 5, 7), (1, 1, 1, 4), (2, 1, 2, 1)])
def test_padding_folds_back_what_torch_folds_back(shape: tuple[int, ...], width: int) -> None:
    ours = gradient(lambda x: ReplicatePad.apply(x, width), noise(*shape))
    torchs = gradient(lambda x: F.pad(x, (width,) * 4, mode="replicate"), noise(*shape))

    torch.testing.assert_close(ours, torchs)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_resizing_has_torchs_gradient(mode: str, scale: int) -> None:
    x = noise(2, 3, 6, 9)
    ours = gradient(lambda x: Resize.apply(x, scale, mode), x)
    torchs = gradient(lambda x: F.interpolate(x, scale_factor=scale, mode=mode, align_corners=False), x)

    torch.testing.assert_close(ours, torchs, rtol=1e-5, atol=1e-5)


def points_of_a_warp(h: int, w: int) -> Tensor:
    """Everywhere in the image, between pixels, and as far beyond its border as a motion may point."""
    return sampling_grid(h, w, noise(1))[None] + 3 * noise(3, h, w, 2)


def test_a_warp_has_torchs_gradient_where_it_looks() -> None:
    images, points = noise(3, 1, 8, 11), points_of_a_warp(8, 11)

    ours = gradient(lambda at: Warp.apply(images, at), points)
    torchs = gradient(lambda at: sample(images, at), points)

    torch.testing.assert_close(ours, torchs, rtol=1e-4, atol=1e-5)


def test_a_warp_moves_with_its_points_as_finite_differences_say() -> None:
    """Without torch's word for it: central differences in float64 at places that are no pixel centres."""
    images = noise(2, 1, 6, 6).double()
    points = (sampling_grid(6, 6, images.float())[None].expand(2, -1, -1, -1) + 0.3).double()
    step = 1e-4
    weights = torch.randn(2, 1, 6, 6, generator=torch.Generator().manual_seed(1))

    at = points.float().requires_grad_()
    (found,) = torch.autograd.grad((Warp.apply(images.float(), at) * weights).sum(), at)

    for axis in (0, 1):
        moved = torch.zeros(2, dtype=torch.float64)
        moved[axis] = step
        slope = (sample(images, points + moved) - sample(images, points - moved)) / (2 * step)
        torch.testing.assert_close(found[..., axis], (slope[:, 0] * weights[:, 0]).float(), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("height", "width", "stride"), [(32, 32, 4), (33, 30, 4), (7, 5, 3), (4, 4, 1)])
def test_spreading_is_bilinear_sampling_with_a_repeated_border(height: int, width: int, stride: int) -> None:
    coarse = noise(2, 2, -(-height // stride), -(-width // stride))
    points = sampling_grid(height, width, coarse) / stride
    size = torch.tensor([coarse.shape[-1], coarse.shape[-2]])
    grid = ((2 * points + 1) / size - 1)[None].expand(2, -1, -1, -1)

    torch.testing.assert_close(
        spread(coarse, height=height, width=width, stride=stride),
        F.grid_sample(coarse, grid, mode="bilinear", padding_mode="border", align_corners=False),
        rtol=1e-5, atol=1e-5,
    )  # fmt: skip


def test_the_ordered_passes_are_taken_where_a_gpu_must_be_deterministic(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CPU stands in for the GPU: each map then has our own gradient in its graph, and the same value."""
    x, points = noise(2, 1, 5, 5).requires_grad_(), points_of_a_warp(5, 5)[:2].requires_grad_()
    plain = [replicate_pad(x, 2), resize(x, 3, "bicubic"), sample(x.detach(), points)]

    monkeypatch.setattr(resampling, "in_fixed_order", lambda x: True)
    ordered = [replicate_pad(x, 2), resize(x, 3, "bicubic"), sample(x.detach(), points)]

    assert [type(out.grad_fn).__name__ for out in ordered] == [
        "ReplicatePadBackward", "ResizeBackward", "WarpBackward",
    ]  # fmt: skip
    for one, other in zip(plain, ordered, strict=True):
        assert torch.equal(one, other)
