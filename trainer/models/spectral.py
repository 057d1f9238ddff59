"""Blocks that work on the spectra of small patches: attention by a product of spectra, and a gated feed-forward.

    FSAS   q, k, v from the features; per patch, the spectra of q and k multiplied (a circular convolution of the two,
           in place of a matrix of all pairs), back to pixels, normalised over the channels, and that times v
    DFFN   features, their spectra weighed by learned numbers, back to pixels, one half gating the other

Spectra of a patch of p x p are sums of p^2 numbers, and a product of two such sums leaves the range of fp16 as soon as
q and k pass 65504^(1/2) / p^2, 4 at p = 8. So under autocast all of it is computed and kept in fp32, up to the
normalised product: the islands. Without them each result is rounded to the autocast's type, as a transform in half
precision would store it; the two ways differ in nothing else.

Patches are counted from the top left corner of what comes in. A tile is cut from its frame where it happens to be cut,
so tiles and frames see other patches.
Source: Kong et al. 2023, "Efficient frequency domain-based transformers for high-quality image deblurring".
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainer.models.normalisation import PixelNorm


def to_patches(x: Tensor, patch: int) -> Tensor:
    """(B, C, H, W) -> (B, C, H', W', p, p); sides that are no multiple of p are continued by their last row."""
    for axis in (-2, -1):
        missing = -x.shape[axis] % patch
        if missing:
            last = x.narrow(axis, x.shape[axis] - 1, 1)
            x = torch.cat([x, *[last] * missing], axis)
    B, C, H, W = x.shape
    return x.reshape(B, C, H // patch, patch, W // patch, patch).transpose(3, 4)


def from_patches(x: Tensor, height: int, width: int) -> Tensor:
    """(B, C, H', W', p, p) -> (B, C, height, width): the patches side by side, what they were continued by cut off."""
    return x.transpose(-3, -2).flatten(-2).flatten(-3, -2)[..., :height, :width]


def as_stored(x: Tensor, dtype: torch.dtype) -> Tensor:
    """Real or complex fp32 numbers, rounded to those that `dtype` can hold (too large: infinite)."""
    if dtype == torch.float32:
        return x
    if x.is_complex():
        return torch.view_as_complex(torch.view_as_real(x).to(dtype).float())
    return x.to(dtype).float()


class Fsas(nn.Module):
    """Frequency-domain self-attention between patches' pixels: (B, C, H, W) -> the same."""

    def __init__(self, channels: int, *, patch: int, expansion: int, norm_eps: float, fp32_islands: bool) -> None:
        super().__init__()
        wide = expansion * channels
        self.patch, self.fp32_islands = patch, fp32_islands
        self.enter = nn.Conv2d(channels, 3 * wide, 1)
        self.spread = nn.Conv2d(3 * wide, 3 * wide, 3, padding=1, groups=3 * wide)
        self.norm = PixelNorm(wide, eps=norm_eps, in_fp32=fp32_islands)
        self.leave = nn.Conv2d(wide, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Attend within each patch."""
        q, k, v = self.spread(self.enter(x)).chunk(3, 1)
        return self.leave(v * self.norm(self.product(q, k)))  # type: ignore[no-any-return]

    def product(self, q: Tensor, k: Tensor) -> Tensor:
        """(B, C, H, W) twice -> the circular convolution of each pair of patches: fp32, or the type of q."""
        kept = torch.float32 if self.fp32_islands else q.dtype
        with torch.autocast(q.device.type, enabled=False):
            spectra = [as_stored(torch.fft.rfft2(to_patches(part.float(), self.patch)), kept) for part in (q, k)]
            both = as_stored(spectra[0] * spectra[1], kept)
            back = torch.fft.irfft2(both, s=(self.patch, self.patch))
            return from_patches(back, *q.shape[-2:]).to(kept)


class Dffn(nn.Module):
    """Feed-forward whose hidden spectra are weighed, one number a channel and frequency: (B, C, H, W) -> the same."""

    def __init__(self, channels: int, *, patch: int, expansion: int, fp32_islands: bool) -> None:
        super().__init__()
        wide = 2 * expansion * channels
        self.patch, self.fp32_islands = patch, fp32_islands
        self.enter = nn.Conv2d(channels, wide, 1)
        self.frequencies = nn.Parameter(torch.ones(wide, patch, patch // 2 + 1))
        self.spread = nn.Conv2d(wide, wide, 3, padding=1, groups=wide)
        self.leave = nn.Conv2d(wide // 2, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Weigh the frequencies, then let one half of the channels gate the other."""
        gate, value = self.spread(self.weighed(self.enter(x))).chunk(2, 1)
        return self.leave(F.gelu(gate) * value)  # type: ignore[no-any-return]

    def weighed(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same with its patches' frequencies weighed: fp32, or the type of x."""
        kept = torch.float32 if self.fp32_islands else x.dtype
        with torch.autocast(x.device.type, enabled=False):
            spectrum = as_stored(torch.fft.rfft2(to_patches(x.float(), self.patch)), kept)
            weighed = as_stored(spectrum * as_stored(self.frequencies, kept)[:, None, None], kept)
            back = torch.fft.irfft2(weighed, s=(self.patch, self.patch))
            return from_patches(back, *x.shape[-2:]).to(kept)


class SpectralBlock(nn.Module):
    """Normalisation, FSAS, plus the input; normalisation, DFFN, plus that: (B, C, H, W) -> the same."""

    def __init__(self, channels: int, *, patch: int, expansion: int, norm_eps: float, fp32_islands: bool) -> None:
        super().__init__()
        self.norm_attention = PixelNorm(channels, eps=norm_eps, in_fp32=fp32_islands)
        self.attention = Fsas(channels, patch=patch, expansion=expansion, norm_eps=norm_eps, fp32_islands=fp32_islands)
        self.norm_feed = PixelNorm(channels, eps=norm_eps, in_fp32=fp32_islands)
        self.feed = Dffn(channels, patch=patch, expansion=expansion, fp32_islands=fp32_islands)

    def forward(self, x: Tensor) -> Tensor:
        """First the attention, then the feed-forward: each on normalised features, each added."""
        x = x + self.attention(self.norm_attention(x))
        return x + self.feed(self.norm_feed(x))  # type: ignore[no-any-return]
