"""The published PIUnet, from the same blocks: TEFA features, TERN on the deep features, mean over the frames."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainer.models.alignment import Aligned, KernelPredictor, apply_kernels, kernel_shift, upsample
from trainer.models.fusion import TefaTrunk, fuse
from trainer.models.head import PaperHead
from trainer.models.piunet import Features, Prediction


class PaperPIUNet(nn.Module):
    """828,355 parameters at 42 channels and 16 blocks, as many as the authors' code.

    No frame is a reference: the residual's base is the mean of all frames, unregistered, upsampled
    bilinearly, and the whole is invariant to a permutation of all frames. Unlike the authors' loss, the
    brightness bias is not added to the log-scale. The same function as theirs, in 2-D and channels_last.

    Its image therefore lies where the mean of the motions lies, which costs it 1.2 to 1.8 dB of plain PSNR on two of
    the demo's three frames. `anchor` "residual" takes frame 0 for the base instead, "token" also marks its features;
    both are ours, and then the order of the frames after the first is all that does not matter.
    Source: Valsesia & Magli 2022, "Permutation invariance and uncertainty in multitemporal image super-resolution".
    """

    def __init__(
        self,
        *,
        scale: int,
        channels: int,
        blocks: int,
        heads: int,
        squeeze: int,
        kernel: int,
        identity_start: bool,
        unit_gain: bool,
        anchor: str = "none",
        activation: str = "leaky_relu",
    ) -> None:
        super().__init__()
        self.scale, self.anchored = scale, anchor != "none"
        self.fusion = TefaTrunk(
            1, channels, blocks=blocks, heads=heads, squeeze=squeeze, token=anchor == "token", act=activation
        )
        self.alignment = KernelPredictor(
            channels, kernel=kernel, heads=heads, identity_start=identity_start, unit_gain=unit_gain
        )
        self.head = PaperHead(channels, scale=scale)

    def fused(self, lr: Tensor) -> Tensor:
        """lr (B, T, h, w) -> deep features of every frame (B*T, C, h, w)."""
        x = lr.flatten(0, 1)[:, None].contiguous(memory_format=torch.channels_last)
        return self.fusion(x, lr.shape[1])  # type: ignore[no-any-return]

    def register(self, lr: Tensor) -> tuple[Tensor, Tensor]:
        """The learned filters applied to the frames themselves (B, T, h, w), and their shift (B, T, 2, h, w)."""
        B, T, h, w = lr.shape
        kernels = self.alignment(self.fused(lr), T)
        with torch.autocast(lr.device.type, enabled=False):
            registered = apply_kernels(lr.float().flatten(0, 1)[:, None], kernels).view(B, T, h, w)
        return registered, kernel_shift(kernels).view(B, T, 2, 1, 1).expand(B, T, 2, h, w)

    def align(self, lr: Tensor) -> Aligned:
        """The registered frames on the high-res grid, every sample equally trusted."""
        registered, shift = self.register(lr)
        frames = upsample(registered, self.scale)
        return Aligned(frames, torch.ones_like(frames), shift)

    def features(self, lr: Tensor) -> Features:
        """The frames as they are: here fusion comes first, so nothing can be computed ahead of it."""
        return Features(lr[:, :0], lr)

    def reconstruct(self, features: Features) -> Prediction:
        """From the frames to the image."""
        lr = features.frames
        T = lr.shape[1]
        deep = self.fused(lr)
        merged = fuse(apply_kernels(deep, self.alignment(deep, T)), T)
        residual, log_scale = self.head(merged.contiguous(memory_format=torch.channels_last))
        low = lr[:, :1].float() if self.anchored else lr.float().mean(1, keepdim=True)
        base = F.interpolate(low, scale_factor=self.scale, mode="bilinear", align_corners=False)
        return Prediction(base + residual.float(), log_scale.float())

    def forward(self, lr: Tensor) -> Prediction:
        """lr (B, T, h, w), any T >= 1; no order of the frames matters, with an anchor of those after frame 0."""
        return self.reconstruct(self.features(lr))
