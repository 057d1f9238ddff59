"""PIUNet assembled: the frames are registered first, so that the alignment can be trained, frozen and exchanged alone.

`trainer.models.paper` has the published network, which registers deep features, from the same blocks.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainer.models.alignment import Aligned, upsample
from trainer.models.fusion import TefaTrunk, fuse
from trainer.models.head import Head
from trainer.models.resampling import replicate_pad


class Prediction(NamedTuple):
    """What the network says about the high-res image, in the units of its input."""

    mean: Tensor  # (B, 1, H, W)
    log_scale: Tensor | None  # (B, 1, H, W), of a Laplace distribution, or None where the head has none


class Features(NamedTuple):
    """What the alignment hands to fusion and head: all of it fixed once the alignment is frozen, hence cacheable."""

    # (B, 5, H, W): shift-and-add image, mean of the frames, coverage, bicubic of the reference, and the
    # shift-and-add image smoothed by a 5 x 5 box
    maps: Tensor
    # (B, 2T, H, W): registered frames, then weights; (B, 0, H, W) where no block looks at single frames
    frames: Tensor
    # (B,): a number of each burst that the head is told, or None where there is none
    condition: Tensor | None = None


def merge(aligned: Aligned, reference: Tensor, *, keep_frames: bool) -> Features:
    """Permutation-invariant maps of a registered burst. reference: (B, 1, h, w), the low-res reference frame."""
    frames, weights = aligned.frames, aligned.weights
    total, T = weights.sum(1, keepdim=True), frames.shape[1]
    added = (frames * weights).sum(1, keepdim=True) / total
    bicubic = upsample(reference, frames.shape[-1] // reference.shape[-1])
    smooth = F.avg_pool2d(replicate_pad(added, 2), 5, 1)
    maps = torch.cat([added, frames.mean(1, keepdim=True), total / T, bicubic, smooth], 1)
    return Features(maps, torch.cat([frames, weights], 1) if keep_frames else frames[:, :0])


class Fusion(nn.Module):
    """Maps, and features of the single frames where there are TEFA blocks, at low resolution: `channels` of them.

    The maps enter as differences to the residual's base and to a smoothed copy of it: what is to be
    learned is a sharpening, and raw sub-pixel phases are so alike that the first layer would spend its
    steps telling them apart.
    """

    MAPS = 5

    def __init__(
        self,
        *,
        scale: int,
        channels: int,
        blocks: int,
        heads: int,
        squeeze: int,
        detail_gain: float,
        activation: str = "leaky_relu",
    ) -> None:
        super().__init__()
        self.detail_gain = detail_gain
        self.fold = nn.PixelUnshuffle(scale)
        self.channels = self.MAPS * scale * scale
        self.trunk: TefaTrunk | None = None
        if blocks:
            self.trunk = TefaTrunk(
                2 * scale * scale, channels, blocks=blocks, heads=heads, squeeze=squeeze, act=activation
            )
            self.channels += channels

    def forward(self, features: Features) -> Tensor:
        """-> (B, self.channels, h, w); invariant to the order of the frames."""
        with torch.autocast(features.maps.device.type, enabled=False):
            added, mean, coverage, bicubic, smooth = features.maps.float().split(1, 1)
            gain = self.detail_gain
            maps = [
                gain * (added - smooth),
                gain * (mean - added),
                gain * (bicubic - added),
                coverage,
                smooth,
            ]
            folded = self.fold(torch.cat(maps, 1))
        if self.trunk is None:
            return folded.contiguous(memory_format=torch.channels_last)  # type: ignore[no-any-return]
        T = features.frames.shape[1] // 2
        planes = torch.stack(features.frames.split(T, 1), 2).flatten(0, 1)  # (B*T, 2, H, W)
        deep = self.trunk(self.fold(planes).contiguous(memory_format=torch.channels_last), T)
        return torch.cat([folded, fuse(deep, T)], 1).contiguous(memory_format=torch.channels_last)


class PIUNet(nn.Module):
    """Alignment (`tern` or `flow`) -> merging and fusion -> head."""

    def __init__(
        self,
        *,
        scale: int,
        alignment: nn.Module,
        fusion: Fusion,
        head: Head,
        residual: str,
        log_scale: bool,
    ) -> None:
        super().__init__()
        self.scale, self.residual, self.log_scale = scale, residual, log_scale
        self.alignment, self.fusion, self.head = alignment, fusion, head

    def align(self, lr: Tensor) -> Aligned:
        """lr (B, T, h, w), frame 0 the reference -> the registered burst."""
        return self.alignment(lr)  # type: ignore[no-any-return]

    def features(self, lr: Tensor) -> Features:
        """Everything the trained rest of the network needs, computed by the alignment alone."""
        return merge(self.align(lr), lr[:, :1].float(), keep_frames=self.fusion.trunk is not None)

    def reconstruct(self, features: Features) -> Prediction:
        """From the merged burst to the image."""
        out = self.head(self.fusion(features), features.condition).float()
        base = features.maps[:, {"registered": 0, "mean": 1, "reference": 3}[self.residual]][:, None].float()
        return Prediction(base + out[:, :1], out[:, 1:] if self.log_scale else None)

    def forward(self, lr: Tensor) -> Prediction:
        """lr (B, T, h, w), any T >= 1; invariant to a permutation of the frames after the first."""
        return self.reconstruct(self.features(lr))
