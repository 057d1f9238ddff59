"""Frames looking at each other, one pixel at a time.

There is no positional code, so the block cannot tell the frames apart: permuting them permutes its output.
Frames travel folded into the batch, (B*T, C, H, W) in channels_last: on CPUs a 2-D convolution in that layout
costs about half of the 3-D one it replaces (measured: 16 ms against 35 ms at C = 24, 36 images of 32 x 32).

The sequences are short (T = 9) and as many as there are pixels, the opposite of what attention kernels are made for. A
GPU gets one program over (batch, pixels) that reads the frames where they lie. torch's own would want a batch item per
pixel, which took 40 % of a step on an H100 and is refused from 65,536 pixels on in half precision.
"""

import importlib.util
from functools import cache

import torch
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
        return self._in_place(x, frames) if x.is_cuda else self._by_pixel(x, frames)

    def _in_place(self, x: Tensor, frames: int) -> Tensor:
        """Without moving a frame: of a channels_last image, everything here but the attention itself is a view."""
        _, C, H, W = x.shape
        qkv = self.qkv(x.permute(0, 2, 3, 1)).reshape(-1, frames, H * W, 3 * C)
        out: Tensor = self.project(attend(qkv, self.heads)).view(-1, H, W, C).permute(0, 3, 1, 2)
        return out

    def _by_pixel(self, x: Tensor, frames: int) -> Tensor:
        """A sequence per pixel, side by side in memory: what torch's kernels for CPUs like best."""
        _, C, H, W = x.shape
        tokens = x.permute(0, 2, 3, 1).reshape(-1, frames, H * W, C).transpose(1, 2)  # (B, H*W, T, C)
        q, k, v = self.qkv(tokens).unflatten(-1, (3, self.heads, C // self.heads)).unbind(-3)
        mixed = F.scaled_dot_product_attention(
            q.flatten(0, 1).transpose(1, 2), k.flatten(0, 1).transpose(1, 2), v.flatten(0, 1).transpose(1, 2)
        )  # (B*H*W, heads, T, C / heads)
        mixed = self.project(mixed.transpose(1, 2).reshape(-1, H * W, frames, C))
        out: Tensor = mixed.transpose(1, 2).reshape(-1, H, W, C).permute(0, 3, 1, 2)
        return out


def attend(qkv: Tensor, heads: int) -> Tensor:
    """Softmax attention between the T tokens of each pixel: qkv (B, T, P, 3C) -> (B, T, P, C).

    One kernel where Triton is (it comes with torch's CUDA builds), else products that `torch.compile` can fuse.
    """
    if _has_triton():
        from trainer.models.attention_kernel import attend_in_one_kernel

        return attend_in_one_kernel(qkv, heads)
    return attend_by_products(qkv, heads)


def attend_by_products(qkv: Tensor, heads: int) -> Tensor:
    """The same as pointwise products and sums, in fp32 within: no batched matrix product, so no limit on pixels."""
    B, T, P, C3 = qkv.shape
    q, k, v = qkv.view(B, T, P, 3, heads, C3 // 3 // heads).float().unbind(3)  # (B, T, P, heads, d)
    scores = torch.stack([(q * k[:, at : at + 1]).sum(-1) for at in range(T)], -1)  # (B, T, P, heads, T)
    weights = torch.softmax(scores * q.shape[-1] ** -0.5, -1)
    mixed = torch.zeros_like(q)
    for at in range(T):
        mixed = mixed + weights[..., at, None] * v[:, at : at + 1]
    return mixed.reshape(B, T, P, C3 // 3).to(qkv.dtype)


@cache
def _has_triton() -> bool:
    return importlib.util.find_spec("triton") is not None
