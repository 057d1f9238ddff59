"""Registering the frames of a burst: one interface, two ways of doing it.

An alignment block takes the low-res burst and returns `Aligned`: every frame on the high-res grid of the
reference (frame 0) and how far each sample may be trusted. Everything after it is the same whichever
block is plugged in, so that exchanging the block is one change and nothing else.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainer.models.fusion import TemporalConv
from trainer.models.resampling import replicate_pad, resize


class Aligned(NamedTuple):
    """A burst registered to its reference."""

    frames: Tensor  # (B, T, H, W) on the high-res grid
    weights: Tensor  # (B, T, H, W) > 0, trust in each sample
    shift: Tensor  # (B, T, 2, h, w) low-res px, (x, y): where in frame t the reference's pixel is found


def upsample(lr: Tensor, scale: int) -> Tensor:
    """Bicubic with half-pixel geometry: (B, C, h, w) -> (B, C, scale*h, scale*w)."""
    return resize(lr, scale, "bicubic")


class KernelPredictor(nn.Module):
    """One free-form k x k filter per frame, from features pooled over the whole field.

    Linear in the pooled features as in the paper, where it is unconstrained; `unit_gain` makes each
    filter sum to 1, so that a step in the weights does not change the brightness (without it, the
    alignment stage stays above the loss of doing nothing for its first hundred steps). It can express one
    translation and one blur per frame; a rotation or a local motion is beyond it by construction.
    """

    def __init__(
        self,
        channels: int,
        *,
        kernel: int = 5,
        heads: int = 1,
        identity_start: bool = True,
        unit_gain: bool = True,
    ) -> None:
        super().__init__()
        self.unit_gain = unit_gain
        self.features = TemporalConv(channels, channels, heads=heads)
        self.project = nn.Linear(channels, kernel * kernel)
        if identity_start:
            nn.init.zeros_(self.project.bias)
            with torch.no_grad():
                self.project.weight.mul_(0.1)
                self.project.bias[kernel * kernel // 2] = 1.0

    def forward(self, x: Tensor, frames: int) -> Tensor:
        """x (B*T, C, H, W) -> filters (B*T, k*k)."""
        pooled = self.features(x, frames).float().mean((2, 3))
        with torch.autocast(x.device.type, enabled=False):
            kernels: Tensor = self.project(pooled)
        if self.unit_gain:  # a frame keeps its brightness, whatever the features say
            kernels = kernels + (1 - kernels.sum(1, keepdim=True)) / kernels.shape[1]
        return kernels


def apply_kernels(x: Tensor, kernels: Tensor) -> Tensor:
    """Filter every channel of image n with kernel n: x (N, C, H, W), kernels (N, k*k) -> (N, C, H, W)."""
    N, C, H, W = x.shape
    k = round(kernels.shape[1] ** 0.5)
    padded = replicate_pad(x, k // 2)
    weight = kernels.to(x.dtype).view(N, 1, 1, k, k).expand(N, C, 1, k, k).reshape(N * C, 1, k, k)
    return F.conv2d(padded.reshape(1, N * C, H + k - 1, W + k - 1), weight, groups=N * C).view(N, C, H, W)


def kernel_shift(kernels: Tensor) -> Tensor:
    """Centroid of each kernel in px: (N, k*k) -> (N, 2) as (x, y). Correlation looks where the kernel's mass lies."""
    k = round(kernels.shape[1] ** 0.5)
    axis = torch.arange(k, dtype=kernels.dtype, device=kernels.device) - k // 2
    grid = kernels.view(-1, k, k)
    mass = grid.sum((1, 2))
    mass = torch.where(mass.abs() < 1e-3, torch.ones_like(mass), mass)
    return torch.stack([(grid.sum(1) * axis).sum(1) / mass, (grid.sum(2) * axis).sum(1) / mass], 1)


def beside_reference(lr: Tensor) -> Tensor:
    """lr (B, T, h, w) -> (B*T, 2, h, w): each frame's difference to frame 0, and frame 0, in units of its contrast."""
    reference = lr[:, :1] - lr[:, :1].mean((2, 3), keepdim=True)
    contrast = reference.std((2, 3), keepdim=True).clamp_min(1e-3)
    # What a shift changes, beside what it changes it against: small next to the brightness both share.
    pair = torch.stack([lr - lr[:, :1], reference.expand_as(lr)], 2).div(contrast[:, :, None]).flatten(0, 1)
    return pair.contiguous(memory_format=torch.channels_last)


class Tern(nn.Module):
    """Temporal registration (TERN): one learned filter per frame, then bicubic upsampling; every sample
    equally trusted.

    Here the block stands alone before the fusion, so that it can be trained by itself: its features come
    from each frame beside the reference. `PaperPIUNet` uses the same predictor on the deep features, as
    the authors do.
    """

    def __init__(
        self,
        *,
        scale: int,
        channels: int,
        kernel: int,
        stride: int,
        heads: int,
        identity_start: bool,
        unit_gain: bool,
    ) -> None:
        super().__init__()
        self.scale = scale
        self.embed = TemporalConv(2, channels, heads=heads, stride=stride)
        self.predict = KernelPredictor(
            channels, kernel=kernel, heads=heads, identity_start=identity_start, unit_gain=unit_gain
        )

    def register(self, lr: Tensor) -> tuple[Tensor, Tensor]:
        """lr (B, T, h, w) -> frames on the low-res grid of frame 0 (B, T, h, w), shift (B, T, 2, h, w)."""
        B, T, h, w = lr.shape
        kernels = self.predict(self.embed(beside_reference(lr), T), T)
        with torch.autocast(lr.device.type, enabled=False):
            registered = apply_kernels(lr.float().flatten(0, 1)[:, None], kernels).view(B, T, h, w)
        return registered, kernel_shift(kernels).view(B, T, 2, 1, 1).expand(B, T, 2, h, w)

    def forward(self, lr: Tensor) -> Aligned:
        """lr (B, T, h, w) -> the burst registered to frame 0; equivariant to a permutation of the other frames."""
        registered, shift = self.register(lr)
        frames = upsample(registered, self.scale)
        return Aligned(frames, torch.ones_like(frames), shift)
