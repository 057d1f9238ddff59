"""Normalisation of feature maps: one sample's pixel, one sample's field, or a batch, all in fp32 within.

Batch normalisation goes over all ranks: a batch that is shared out is normalised as if it were not. torch's own does
this on GPUs alone. With it two ranks of four samples and one process of eight compute the same step; with each rank's
own statistics they would differ in every layer, the running ones in what is judged.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def normalisation(kind: str, *, channels: int, groups: int, eps: float) -> nn.Module:
    """`none`, `batch`, `layer`, `instance` or `group`, each with a learned scale and shift a channel."""
    if kind == "batch":
        return nn.BatchNorm2d(channels, eps=eps)  # this very type: `share_statistics` replaces it, and no other
    if kind == "layer":
        return PixelNorm(channels, eps=eps)
    if kind == "none":
        return nn.Identity()
    return FieldNorm(channels if kind == "instance" else groups, channels, eps=eps)


class PixelNorm(nn.Module):
    """Layer normalisation over the channels of each pixel: (B, C, H, W) -> the same, whatever else is in the image.

    in_fp32: compute and answer in fp32 whatever comes in. Without it the input's own type is kept throughout, and in
    fp16 a deviation of 256 has a square that is infinite. Source: Ba et al. 2016, "Layer normalization".
    """

    def __init__(self, channels: int, *, eps: float, in_fp32: bool = True) -> None:
        super().__init__()
        self.eps, self.in_fp32 = eps, in_fp32
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """In fp32, or with `in_fp32` off in the type of x."""
        with torch.autocast(x.device.type, enabled=False):
            x = x.float() if self.in_fp32 else x
            centred = x - x.mean(1, keepdim=True)
            variance = centred.square().mean(1, keepdim=True)
            scale, shift = (p.to(x.dtype)[:, None, None] for p in (self.weight, self.bias))
            return centred / (variance + self.eps).sqrt() * scale + shift


class FieldNorm(nn.GroupNorm):
    """Groups of channels normalised over the whole field: a group a channel is instance normalisation.

    What it subtracts is the mean of all pixels it is shown, so a tile and the frame that it was cut from come out
    unlike each other. The gap is in the record (`full_frame/psnr_tiled` beside `full_frame/psnr`), and `runaudit
    health` watches `tile/psnr` against the full frame.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  (the name that torch gave it)
        """(B, C, H, W) -> the same, of the same type, in fp32 within."""
        with torch.autocast(input.device.type, enabled=False):
            return F.group_norm(input.float(), self.num_groups, self.weight, self.bias, self.eps).to(input.dtype)


class SharedBatchNorm(nn.BatchNorm2d):
    """(B, C, H, W) normalised by the statistics of the batches of `ranks` processes, all equally large.

    total: the sum over the processes, with its gradient.
    """

    def __init__(self, channels: int, *, total: Callable[[Tensor], Tensor], ranks: int) -> None:
        super().__init__(channels)
        self._total, self._ranks = total, ranks

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  (the name that torch gave it)
        """In training by the batch, else by the running statistics."""
        if not self.training:
            return F.batch_norm(
                input, self.running_mean, self.running_var, weight=self.weight, bias=self.bias, eps=self.eps
            )
        x = input.float()
        count = x.numel() // x.shape[1] * self._ranks
        mean = self._total(x.sum((0, 2, 3))) / count
        centred = x - mean[:, None, None]
        variance = self._total(centred.square().sum((0, 2, 3))) / count
        self._remember(mean.detach(), variance.detach() * (count / max(1, count - 1)))
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(input.dtype)

    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        share = 0.1 if self.momentum is None else self.momentum
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance, share)


def share_statistics(model: nn.Module, *, total: Callable[[Tensor], Tensor], ranks: int) -> None:
    """Replace every batch normalisation of a network by one over all ranks, with the same tensors."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.BatchNorm2d:
                shared = SharedBatchNorm(child.num_features, total=total, ranks=ranks)
                shared.eps, shared.momentum = child.eps, child.momentum
                shared.weight, shared.bias = child.weight, child.bias
                for buffer, value in child.named_buffers():
                    setattr(shared, buffer, value)
                setattr(parent, name, shared.train(child.training))
