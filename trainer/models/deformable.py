"""Alignment by deformable sampling: each pixel of the result is a weighted sum of taps that may each look elsewhere.

A k x k kernel lies on the frame; where each of its taps looks, and how much it counts there, is predicted for every
pixel from the frame beside the reference. Offsets are bounded: without a bound this block is known to run away, and a
tap far outside has no gradient by which to come back. It starts as the identity: no offset, and all of the kernel's
weight on its middle.
Source: Zhu et al. 2019, "Deformable ConvNets v2: more deformable, better results" (offsets and modulation).
"""

import torch
from torch import Tensor, nn

from trainer.models.alignment import Aligned, beside_reference, upsample
from trainer.models.flow import sampling_grid, spread
from trainer.models.fusion import TemporalConv
from trainer.models.resampling import sample


class DeformableAlign(nn.Module):
    """Modulated deformable sampling on the low-res grid, then bicubic upsampling; every sample equally trusted.

    Frame 0 is left as it is. kernel: side of the kernel, odd. stride: offsets are predicted at every so many-th pixel
    and spread between them. reach_px: the furthest that a tap moves along an axis.
    """

    def __init__(self, *, scale: int, channels: int, kernel: int, stride: int, heads: int, reach_px: float) -> None:
        super().__init__()
        self.scale, self.stride, self.reach_px, self.taps = scale, stride, reach_px, kernel * kernel
        self.embed = TemporalConv(2, channels, heads=heads, stride=stride)
        self.features = TemporalConv(channels, channels, heads=heads)
        self.predict = nn.Conv2d(channels, 3 * self.taps, 3, padding=1)
        nn.init.zeros_(self.predict.weight)
        nn.init.zeros_(self.predict.bias)  # type: ignore[arg-type]
        self.kernel = nn.Parameter(torch.zeros(self.taps))
        with torch.no_grad():
            self.kernel[self.taps // 2] = 1.0

    def register(self, lr: Tensor) -> tuple[Tensor, Tensor]:
        """lr (B, T, h, w) -> frames on the low-res grid of frame 0 (B, T, h, w), shift (B, T, 2, h, w).

        The shift is the mean of where the taps look, each counted by its weight.
        """
        B, T, h, w = lr.shape
        raw = self.predict(self.features(self.embed(beside_reference(lr), T), T))
        with torch.autocast(lr.device.type, enabled=False):
            lr = lr.float()
            dense = spread(raw.float(), height=h, width=w, stride=self.stride).unflatten(0, (B, T))[:, 1:]
            places, weights = self._taps(dense.flatten(0, 1))
            looks = sample(
                lr[:, 1:].reshape(-1, 1, h, w),
                (sampling_grid(h, w, lr) + places).flatten(1, 2),  # (N, K*h, w, 2): all taps in one call
            )
            moved = (looks.view(-1, self.taps, h, w) * weights).sum(1).view(B, T - 1, h, w)
            shift = (places * weights[..., None]).sum(1).movedim(-1, 1).view(B, T - 1, 2, h, w)
            return torch.cat([lr[:, :1], moved], 1), torch.cat([shift.new_zeros(B, 1, 2, h, w), shift], 1)

    def forward(self, lr: Tensor) -> Aligned:
        """lr (B, T, h, w) -> the burst registered to frame 0; equivariant to a permutation of the other frames."""
        registered, shift = self.register(lr)
        frames = upsample(registered, self.scale)
        return Aligned(frames, torch.ones_like(frames), shift)

    def _taps(self, raw: Tensor) -> tuple[Tensor, Tensor]:
        """raw (N, 3K, h, w) -> where each tap looks from its pixel (N, K, h, w, 2) px as (x, y), and its weight
        (N, K, h, w), which sum to 1 over the taps: a frame keeps its brightness."""
        offset, mask = raw.split([2 * self.taps, self.taps], 1)
        side = round(self.taps**0.5)
        at_rest = sampling_grid(side, side, raw).view(1, self.taps, 1, 1, 2) - side // 2
        places = at_rest + self.reach_px * torch.tanh(offset / self.reach_px).unflatten(1, (2, -1)).movedim(1, -1)
        weights = self.kernel[:, None, None] * 2 * torch.sigmoid(mask)
        return places, weights + (1 - weights.sum(1, keepdim=True)) / self.taps
