"""A gate a channel from what is seen around a pixel: everywhere, or within a window as large as a training tile.

A gate that pools the whole field is trained on tiles and used on frames, where a mean means something else: the known
cause of a tile's PSNR rising while the full frame's falls. A window of the training tile's side sees in the middle of a
frame what it saw in training; at an edge it is moved inwards, so that it is as large everywhere.
Source: Hu et al. 2018, "Squeeze-and-excitation networks"; Chu et al. 2022, "Improving image restoration by revisiting
global information aggregation".
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def window_mean(x: Tensor, side: int) -> Tensor:
    """(B, C, H, W) -> the same: at each pixel the mean of `side` x `side` pixels about it, all inside the image.

    An image of no more than `side` pixels is one window: the mean of all of it. Two products with a matrix, whose
    gradient has a fixed order.
    """
    rows, columns = (_window(length, side, like=x) for length in x.shape[-2:])
    return rows @ x @ columns.T


def _window(length: int, side: int, *, like: Tensor) -> Tensor:
    """(length, length): row i has 1 / n at the n = min(side, length) places of the window of place i."""
    n = min(side, length)
    at = torch.arange(length, device=like.device)
    first = (at - n // 2).clamp(0, length - n)[:, None]
    return ((at >= first) & (at < first + n)).to(like.dtype) / n


class ChannelAttention(nn.Module):
    """Squeeze and excite. window: side in px of what is pooled; None pools the whole field."""

    def __init__(self, channels: int, *, squeeze: int, window: int | None) -> None:
        super().__init__()
        self.window = window
        narrow = max(1, channels // squeeze)
        self.narrow, self.wide = nn.Conv2d(channels, narrow, 1), nn.Conv2d(narrow, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> each channel times a number in (0, 1), one for the field or one for each pixel."""
        with torch.autocast(x.device.type, enabled=False):  # a sum over a field leaves the range of fp16
            wide = x.float()
            pooled = wide.mean((2, 3), keepdim=True) if self.window is None else window_mean(wide, self.window)
        gated: Tensor = x * torch.sigmoid(self.wide(F.relu(self.narrow(pooled)))).to(x.dtype)
        return gated
