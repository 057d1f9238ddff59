"""Temporal enhancement and fusion (TEFA): features of every frame, enriched by what the other frames show.

Every block is equivariant to a permutation of the frames; `fuse` takes their mean, which makes the whole
invariant and lets any number of frames in.
"""

import torch
from torch import Tensor, nn

from trainer.models.activation import activation
from trainer.models.attention import TemporalAttention

LEAK = 0.01  # slope of the leaky ReLU in the authors' code


class TemporalConv(nn.Module):
    """3x3 convolution, BN, activation, plus temporal attention, BN, and (where `activate`) activation."""

    def __init__(
        self,
        channels_in: int,
        channels: int,
        *,
        heads: int = 1,
        stride: int = 1,
        activate: bool = True,
        act: str = "leaky_relu",
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels, 3, stride=stride, padding=1)
        self.norm = nn.BatchNorm2d(channels)
        self.attention = TemporalAttention(channels, heads)
        self.norm_mixed = nn.BatchNorm2d(channels)
        self.act = activation(act, channels=channels, slope=LEAK)
        self.last_act = activation(act, channels=channels, slope=LEAK) if activate else nn.Identity()

    def forward(self, x: Tensor, frames: int) -> Tensor:
        """x (B*T, C_in, H, W) -> (B*T, C, H / stride, W / stride)."""
        x = self.act(self.norm(self.conv(x)))
        return self.last_act(self.norm_mixed(x + self.attention(x, frames)))  # type: ignore[no-any-return]


class FrameGate(nn.Module):
    """Squeeze and excite over time and space together: one gate per channel, the same for every frame."""

    def __init__(self, channels: int, squeeze: int) -> None:
        super().__init__()
        narrow = max(1, channels // squeeze)
        self.gate = nn.Sequential(nn.Linear(channels, narrow), nn.ReLU(), nn.Linear(narrow, channels), nn.Sigmoid())

    def forward(self, x: Tensor, frames: int) -> Tensor:
        """x (B*T, C, H, W) -> x scaled per channel and sample."""
        pooled = x.float().mean((2, 3)).unflatten(0, (-1, frames)).mean(1)  # (B, C)
        gate = self.gate(pooled)[:, None].expand(-1, frames, -1).flatten(0, 1)
        gated: Tensor = x * gate[:, :, None, None]
        return gated


class Tefa(nn.Module):
    """One temporal enhancement and fusion block: two temporal convolutions, a gate, and the input added back."""

    def __init__(self, channels: int, *, heads: int = 1, squeeze: int = 8, act: str = "leaky_relu") -> None:
        super().__init__()
        self.first = TemporalConv(channels, channels, heads=heads, act=act)
        self.second = TemporalConv(channels, channels, heads=heads, activate=False, act=act)
        self.gate = FrameGate(channels, squeeze)

    def forward(self, x: Tensor, frames: int) -> Tensor:
        """x (B*T, C, H, W) -> the same shape; equivariant to a permutation of the frames."""
        return x + self.gate(self.second(self.first(x, frames), frames), frames)  # type: ignore[no-any-return]


class TefaTrunk(nn.Module):
    """Embedding, `blocks` TEFA blocks, a closing temporal convolution, and the long skip from the embedding.

    token: a learned vector is added to the embedding of frame 0, by which every block can tell it from the others.
    """

    def __init__(
        self,
        channels_in: int,
        channels: int,
        *,
        blocks: int,
        heads: int = 1,
        squeeze: int = 8,
        token: bool = False,
        act: str = "leaky_relu",
    ) -> None:
        super().__init__()
        self.embed = TemporalConv(channels_in, channels, heads=heads, activate=False, act=act)
        self.blocks = nn.ModuleList(Tefa(channels, heads=heads, squeeze=squeeze, act=act) for _ in range(blocks))
        self.close = TemporalConv(channels, channels, heads=heads, act=act)
        self.token = nn.Parameter(0.1 * torch.randn(channels)) if token else None

    def forward(self, x: Tensor, frames: int) -> Tensor:
        """x (B*T, C_in, H, W) -> (B*T, C, H, W)."""
        x = self.embed(x, frames)
        if self.token is not None:
            x = x + self._mark(self.token, len(x), frames, like=x)
        first = x
        for block in self.blocks:
            x = block(x, frames)
        return first + self.close(x, frames)  # type: ignore[no-any-return]

    @staticmethod
    def _mark(token: Tensor, images: int, frames: int, *, like: Tensor) -> Tensor:
        """(B*T, C, 1, 1): the token at frame 0 of every burst, 0 at the others."""
        is_reference = torch.arange(images, device=like.device) % frames == 0
        return (is_reference[:, None] * token).to(like.dtype)[:, :, None, None]


def fuse(x: Tensor, frames: int) -> Tensor:
    """Mean over the frames: x (B*T, C, H, W) -> (B, C, H, W)."""
    mean: Tensor = x.unflatten(0, (-1, frames)).mean(1)
    return mean
