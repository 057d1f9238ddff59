"""Maps between grids whose gradients are summed in a fixed order, also on a GPU.

There, torch's own backward passes of padding, resizing and warping add with atomics: whichever thread comes first. Two
runs of one seed then part after a few steps (seen on an H100: from step 2 to 21 on, 0.05 dB apart at the end). Each map
here is linear in the values it spreads, so its gradient is its transpose, written as products and slices; the gradient
of a warp with respect to *where* it looks is a gather. On a CPU torch's own passes run in order and are taken as they
are.
"""

from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

A = -0.75  # of the cubic convolution kernel, as torch's bicubic has it (Keys 1981 gives -0.5)


def in_fixed_order(x: Tensor) -> bool:
    """Must gradients be summed by our own passes here? On a GPU, where determinism was asked for."""
    return x.is_cuda and torch.are_deterministic_algorithms_enabled()


def replicate_pad(x: Tensor, width: int) -> Tensor:
    """(..., C, H, W) -> (..., C, H + 2 width, W + 2 width); the border is repeated."""
    if in_fixed_order(x):
        return ReplicatePad.apply(x, width)  # type: ignore[no-any-return]
    return F.pad(x, (width,) * 4, mode="replicate")


def resize(x: Tensor, scale: int, mode: str) -> Tensor:
    """(B, C, h, w) -> (B, C, scale*h, scale*w), "bilinear" or "bicubic" with half-pixel geometry."""
    if in_fixed_order(x):
        return Resize.apply(x, scale, mode)  # type: ignore[no-any-return]
    return F.interpolate(x, scale_factor=scale, mode=mode, align_corners=False)


def sample(images: Tensor, points: Tensor) -> Tensor:
    """Bicubic values of images (N, 1, h, w) at points (N, H, W, 2) in px, (x, y); the border is repeated.

    Images that need a gradient themselves get torch's, which has no fixed order on a GPU.
    """
    if in_fixed_order(points) and not images.requires_grad:
        return Warp.apply(images, points)  # type: ignore[no-any-return]
    return _sampled(images, points)


def _sampled(images: Tensor, points: Tensor) -> Tensor:
    h, w = images.shape[-2:]
    size = torch.tensor([w, h], dtype=points.dtype, device=points.device)
    return F.grid_sample(
        images, (2 * points + 1) / size - 1, mode="bicubic", padding_mode="border", align_corners=False
    )


def line_weights(length: int, fine: int, stride: int, like: Tensor) -> Tensor:
    """Bilinear weights (fine, length): what each of `length` samples, `stride` apart, gives to each of `fine` places.

    Places beyond the last sample repeat it.
    """
    places = torch.arange(fine, dtype=torch.float32, device=like.device) / stride
    places = places.clamp(max=length - 1.0)
    every = torch.arange(length, dtype=torch.float32, device=like.device)
    return (1 - (places[:, None] - every).abs()).clamp_min(0.0)


class ReplicatePad(torch.autograd.Function):
    """Repeats the border; its gradient folds what fell on the copies back onto the border."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, width: int) -> Tensor:
        ctx.width = width
        return F.pad(x, (width,) * 4, mode="replicate")

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return _folded(_folded(grad, ctx.width, -2), ctx.width, -1), None


def _folded(grad: Tensor, width: int, axis: int) -> Tensor:
    if not width:
        return grad
    inner = grad.shape[axis] - 2 * width
    before, middle, after = grad.split([width, inner, width], axis)
    folded: Tensor = middle.clone()
    folded.select(axis, 0).add_(before.sum(axis))
    folded.select(axis, inner - 1).add_(after.sum(axis))
    return folded


class Resize(torch.autograd.Function):
    """torch's resizing by a whole factor; its gradient is the product with the transposed weights of both axes."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: int, mode: str) -> Tensor:
        ctx.shape, ctx.scale, ctx.mode, ctx.dtype = x.shape[-2:], scale, mode, x.dtype
        return F.interpolate(x, scale_factor=scale, mode=mode, align_corners=False)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        h, w = ctx.shape
        rows, columns = (_axis_weights(n, ctx.scale, ctx.mode, grad.device) for n in (h, w))
        return (rows.T @ grad.float() @ columns).to(ctx.dtype), None, None


@lru_cache(maxsize=64)  # asked for in every backward pass, of a few sizes
def _axis_weights(length: int, scale: int, mode: str, device: torch.device) -> Tensor:
    """(scale * length, length): how torch's own resizing, along one axis, sees each unit vector."""
    # The second axis has one entry and is resized by 1: it stands still.
    units = torch.eye(length, device=device)[:, None, :, None]
    out: Tensor = F.interpolate(units, scale_factor=(float(scale), 1.0), mode=mode, align_corners=False)
    return out[:, 0, :, 0].T


class Warp(torch.autograd.Function):
    """torch's bicubic warp; its gradient with respect to the points is gathered, image by image and tap by tap."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, points: Tensor) -> Tensor:
        ctx.save_for_backward(images, points)
        return _sampled(images, points)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor]:
        images, points = ctx.saved_tensors
        N, C, h, w = images.shape
        flat = images.float().reshape(N, C, h * w)
        x, y = points.float().reshape(N, -1, 2).unbind(-1)
        wx, dx, columns = _taps(x, w)
        wy, dy, rows = _taps(y, h)
        upstream = grad.float().reshape(N, C, -1)
        along_x, along_y = torch.zeros_like(x), torch.zeros_like(y)
        for i in range(4):
            for j in range(4):
                at = (rows[i] * w + columns[j])[:, None].expand(N, C, -1)
                value = (flat.gather(2, at) * upstream).sum(1)
                along_x += wy[i] * dx[j] * value
                along_y += dy[i] * wx[j] * value
        return None, torch.stack([along_x, along_y], -1).view(points.shape).to(points.dtype)


def _taps(place: Tensor, length: int) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """Of the four neighbours of each place: cubic weights, their derivatives, and where they lie."""
    left = place.floor()
    t = place - left
    near = [t, 1 - t]  # distance to the left and the right neighbour
    far = [t + 1, 2 - t]
    weights = [_far(far[0]), _near(near[0]), _near(near[1]), _far(far[1])]
    slopes = [_far_slope(far[0]), _near_slope(near[0]), -_near_slope(near[1]), -_far_slope(far[1])]
    where = [(left + step).clamp(0, length - 1).long() for step in (-1, 0, 1, 2)]
    return weights, slopes, where


def _near(d: Tensor) -> Tensor:
    return ((A + 2) * d - (A + 3)) * d * d + 1


def _far(d: Tensor) -> Tensor:
    return ((A * d - 5 * A) * d + 8 * A) * d - 4 * A


def _near_slope(d: Tensor) -> Tensor:
    return (3 * (A + 2) * d - 2 * (A + 3)) * d


def _far_slope(d: Tensor) -> Tensor:
    return (3 * A * d - 10 * A) * d + 8 * A
