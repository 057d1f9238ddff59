"""Batch normalisation over all ranks: a batch that is shared out is normalised as if it were not.

torch's own does this on GPUs alone. With it two ranks of four samples and one process of eight compute the same step;
with each rank's own statistics they would differ in every layer, the running ones in what is judged.
"""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn


class SharedBatchNorm(nn.BatchNorm2d):
    """(B, C, H, W) normalised by the statistics of the batches of `ranks` processes, all equally large.

    total: the sum over the processes, with its gradient.
    """

    def __init__(self, channels: int, *, total: Callable[[Tensor], Tensor], ranks: int) -> None:
        super().__init__(channels)
        self._total, self._ranks = total, ranks

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name that torch gave it
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
