"""From fused features to the high-res image: convolutions at low resolution, pixel shuffle at the very end."""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from trainer.models.activation import activation
from trainer.models.film import Film, modulated
from trainer.models.fusion import LEAK
from trainer.models.normalisation import normalisation
from trainer.models.pooling import ChannelAttention
from trainer.models.resampling import resize

SLOPE = 0.1  # of the leaky ReLU in a residual block


class ResidualBlock(nn.Module):
    """conv, normalisation, activation, conv, gate, plus the input; the second convolution starts small so that depth
    costs no early steps, and nothing that would undo that comes after it.

    pooling: of the gate, see `ChannelAttention`; "none" has none.
    """

    def __init__(
        self,
        channels: int,
        *,
        act: str = "leaky_relu",
        norm: str = "none",
        groups: int = 1,
        norm_eps: float = 1e-5,
        pooling: str = "none",
        window: int = 1,
        squeeze: int = 1,
    ) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.kaiming_normal_(self.first.weight, a=SLOPE)
        nn.init.kaiming_normal_(self.second.weight, a=SLOPE)
        self.second.weight.data.mul_(0.1)
        self.norm = normalisation(norm, channels=channels, groups=groups, eps=norm_eps)
        self.act = activation(act, channels=channels, slope=SLOPE)
        self.gate: nn.Module = nn.Identity()
        if pooling != "none":
            self.gate = ChannelAttention(channels, squeeze=squeeze, window=window if pooling == "local" else None)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same."""
        return x + self.gate(self.second(self.act(self.norm(self.first(x)))))  # type: ignore[no-any-return]


class Head(nn.Module):
    """`blocks` blocks at low resolution, then `scale`^2 channels per output plane, shuffled into pixels.

    film: where there is one, a number of the burst scales and shifts the features before each block and after the last.
    """

    def __init__(
        self,
        channels_in: int,
        *,
        channels: int,
        blocks: int,
        block: Callable[[int], nn.Module],
        scale: int,
        planes: int,
    ) -> None:
        super().__init__()
        self.enter = nn.Conv2d(channels_in, channels, 3, padding=1)
        self.blocks = nn.Sequential(*(block(channels) for _ in range(blocks)))
        self.leave = nn.Conv2d(channels, planes * scale * scale, 3, padding=1)
        self.shuffle = nn.PixelShuffle(scale)
        self.film: Film | None = None
        nn.init.zeros_(self.leave.weight)  # the first prediction is the residual's base itself
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """(B, C_in, h, w) -> (B, planes, scale*h, scale*w). condition: the number of each burst (B,), where a film asks
        for it; raises ValueError without."""
        return self.shuffle(self.leave(self._features(self.enter(x), condition)))  # type: ignore[no-any-return]

    def _features(self, x: Tensor, condition: Tensor | None) -> Tensor:
        if self.film is None:
            return self.blocks(x)  # type: ignore[no-any-return]
        if condition is None:
            raise ValueError("the film of the head needs a number for each burst")
        *before, last = self.film(condition).unbind(1)
        for block, tuning in zip(self.blocks, before, strict=True):
            x = block(modulated(x, tuning))
        return modulated(x, last)


class PaperHead(nn.Module):
    """The authors' two heads: one convolution and a pixel shuffle for the mean; bilinear and two for the log-scale."""

    def __init__(self, channels: int, *, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.mean = nn.Conv2d(channels, scale * scale, 3, padding=1)
        self.shuffle = nn.PixelShuffle(scale)
        self.spread = nn.Conv2d(channels, channels, 3, padding=1)
        self.spread_norm = nn.BatchNorm2d(channels)
        self.log_scale = nn.Conv2d(channels, 1, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, h, w) -> mean residual and log-scale, each (B, 1, scale*h, scale*w)."""
        wide = resize(x, self.scale, "bilinear")
        wide = F.leaky_relu(self.spread_norm(self.spread(wide)), LEAK)
        return self.shuffle(self.mean(x)), self.log_scale(wide)
