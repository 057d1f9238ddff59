"""Frames looking at each other, one pixel at a time.

There is no positional code, so the block cannot tell the frames apart: permuting them permutes its output.
Frames travel folded into the batch, (B*T, C, H, W) in channels_last: on CPUs a 2-D convolution in that layout
costs about half of the 3-D one it replaces (measured: 16 ms against 35 ms at C = 24, 36 images of 32 x 32).
"""

import torch.nn.functional as F
from torch import Tensor, nn


class TemporalAttention(nn.Module):
    """Self-attention over the T frames at each pixel.

    Source: Valsesia & Magli 2022, "Permutation invariance and uncertainty in multitemporal image super-resolution".
    """

    def __init__(self, channels: int, heads: int = 1) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(channels, 3 * channels)
        self.project = nn.Linear(channels, channels)
        nn.init.xavier_uniform_(self.qkv.weight)
        nn.init.zeros_(self.qkv.bias)
        nn.init.zeros_(self.project.bias)

    def forward(self, x: Tensor, frames: int) -> Tensor:
        """x (B*T, C, H, W) with T = `frames` -> the same shape; equivariant to a permutation of the frames."""
        _, C, H, W = x.shape
        tokens = x.permute(0, 2, 3, 1).reshape(-1, frames, H * W, C).transpose(1, 2)  # (B, H*W, T, C)
        q, k, v = self.qkv(tokens).unflatten(-1, (3, self.heads, C // self.heads)).unbind(-3)
        mixed = F.scaled_dot_product_attention(
            q.flatten(0, 1).transpose(1, 2), k.flatten(0, 1).transpose(1, 2), v.flatten(0, 1).transpose(1, 2)
        )  # (B*H*W, heads, T, C / heads)
        mixed = self.project(mixed.transpose(1, 2).reshape(-1, H * W, frames, C))
        out: Tensor = mixed.transpose(1, 2).reshape(-1, H, W, C).permute(0, 3, 1, 2)
        return out
