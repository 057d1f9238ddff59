"""Features scaled and shifted by what is known of a whole burst: one number in, two for each channel at each site out.

How much a camera blurs the ground changes with its altitude; a network that is told it need not guess it.
It starts as the identity, to the bit, so that it can be added to trained weights.
Source: Perez et al. 2018, "FiLM: visual reasoning with a general conditioning layer".
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Film(nn.Module):
    """The scales and shifts of `sites` places in a network of `channels` channels, by a net with one hidden layer.

    The number is taken in units of the training data's deviation from its mean, which are kept beside the weights: what
    the weights mean depends on them, wherever they go.
    """

    def __init__(self, channels: int, *, sites: int, hidden: int) -> None:
        super().__init__()
        self.sites, self.channels = sites, channels
        self.mean: Tensor
        self.deviation: Tensor
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("deviation", torch.ones(()))
        self.hidden = nn.Linear(1, hidden)
        self.out = nn.Linear(hidden, sites * 2 * channels)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, number: Tensor) -> Tensor:
        """(B,) -> (B, sites, 2, channels), fp32: what is added to a scale of 1, and the shift."""
        with torch.autocast(number.device.type, enabled=False):
            standard = ((number.float() - self.mean) / self.deviation)[:, None]
            return self.out(F.silu(self.hidden(standard))).view(-1, self.sites, 2, self.channels)  # type: ignore[no-any-return]


def modulated(x: Tensor, tuning: Tensor) -> Tensor:
    """x (B, C, H, W) scaled and shifted by one site's tuning (B, 2, C) -> the same shape."""
    scale, shift = tuning.to(x.dtype)[..., None, None].unbind(1)
    return x * (1 + scale) + shift
