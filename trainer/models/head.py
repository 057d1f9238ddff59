"""From fused features to the high-res image: convolutions at low resolution, pixel shuffle at the very end."""

import torch.nn.functional as F
from torch import Tensor, nn

from trainer.models.fusion import LEAK
from trainer.models.resampling import resize


class ResidualBlock(nn.Module):
    """conv, LReLU, conv, plus the input; the second convolution starts small so that depth costs no early steps."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.kaiming_normal_(self.first.weight, a=0.1)
        nn.init.kaiming_normal_(self.second.weight, a=0.1)
        self.second.weight.data.mul_(0.1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same."""
        return x + self.second(F.leaky_relu(self.first(x), 0.1))  # type: ignore[no-any-return]


class ResidualHead(nn.Module):
    """Residual blocks at low resolution, then `scale`^2 channels per output plane, shuffled into pixels."""

    def __init__(self, channels_in: int, *, channels: int, blocks: int, scale: int, planes: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(channels_in, channels, 3, padding=1)
        self.blocks = nn.Sequential(*(ResidualBlock(channels) for _ in range(blocks)))
        self.leave = nn.Conv2d(channels, planes * scale * scale, 3, padding=1)
        self.shuffle = nn.PixelShuffle(scale)
        nn.init.zeros_(self.leave.weight)  # the first prediction is the residual's base itself
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_in, h, w) -> (B, planes, scale*h, scale*w)."""
        return self.shuffle(self.leave(self.blocks(self.enter(x))))  # type: ignore[no-any-return]


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
