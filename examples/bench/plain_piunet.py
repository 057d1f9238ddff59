"""PIUnet written straight down from its paper, as what our own implementation is measured and compared with.

Frames lie along an axis of their own (B, C, T, H, W); convolutions are `Conv3d` of 1 x 3 x 3, attention over the frames
is `nn.MultiheadAttention` with a sequence per pixel, and the loss walks through its 49 shifts one after the other.
`copy_weights` gives it the weights of ours, so that both are the same function.
Source: Valsesia & Magli 2022, "Permutation invariance and uncertainty in multitemporal image super-resolution".
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEAK = 0.01


class PlainConv(nn.Module):
    """Convolution, normalisation, leaky ReLU, attention over the frames added, normalisation (and leaky ReLU)."""

    def __init__(self, channels_in: int, channels: int, *, heads: int, activate: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv3d(channels_in, channels, (1, 3, 3), padding=(0, 1, 1))
        self.norm = nn.BatchNorm3d(channels)
        self.attention = nn.MultiheadAttention(channels, heads)
        self.norm_mixed = nn.BatchNorm3d(channels)
        self.activate = activate

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_in, T, H, W) -> (B, C, T, H, W)."""
        x = F.leaky_relu(self.norm(self.conv(x)), LEAK)
        B, C, T, H, W = x.shape
        tokens = x.permute(2, 0, 3, 4, 1).reshape(T, B * H * W, C)
        mixed, _ = self.attention(tokens, tokens, tokens)
        x = self.norm_mixed(x + mixed.view(T, B, H, W, C).permute(1, 4, 0, 2, 3))
        return F.leaky_relu(x, LEAK) if self.activate else x


class PlainTefa(nn.Module):
    """Two of them, a gate from the mean over time and space, and the input added."""

    def __init__(self, channels: int, *, heads: int, squeeze: int) -> None:
        super().__init__()
        self.first = PlainConv(channels, channels, heads=heads)
        self.second = PlainConv(channels, channels, heads=heads, activate=False)
        narrow = max(1, channels // squeeze)
        self.gate = nn.Sequential(nn.Linear(channels, narrow), nn.ReLU(), nn.Linear(narrow, channels), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) -> the same."""
        deep = self.second(self.first(x))
        return x + deep * self.gate(deep.mean((2, 3, 4)))[:, :, None, None, None]


class PlainPIUnet(nn.Module):
    """The whole network: features, one filter per frame, mean over the frames, mean and log-scale of the image."""

    def __init__(self, *, channels: int, blocks: int, heads: int, squeeze: int, scale: int, kernel: int) -> None:
        super().__init__()
        self.scale, self.kernel = scale, kernel
        self.embed = PlainConv(1, channels, heads=heads, activate=False)
        self.blocks = nn.ModuleList(PlainTefa(channels, heads=heads, squeeze=squeeze) for _ in range(blocks))
        self.close = PlainConv(channels, channels, heads=heads)
        self.register = PlainConv(channels, channels, heads=heads)
        self.filters = nn.Linear(channels, kernel * kernel)
        self.mean = nn.Conv2d(channels, scale * scale, 3, padding=1)
        self.spread = nn.Conv2d(channels, channels, 3, padding=1)
        self.spread_norm = nn.BatchNorm2d(channels)
        self.log_scale = nn.Conv2d(channels, 1, 1)

    def forward(self, lr: Tensor) -> tuple[Tensor, Tensor]:
        """lr (B, T, h, w) -> mean and log-scale (B, 1, H, W)."""
        first = x = self.embed(lr[:, None])
        for block in self.blocks:
            x = block(x)
        x = self._registered(first + self.close(x)).mean(2)
        up = F.interpolate(lr.mean(1, keepdim=True), scale_factor=self.scale, mode="bilinear", align_corners=False)
        wide = F.interpolate(x, scale_factor=self.scale, mode="bilinear", align_corners=False)
        wide = F.leaky_relu(self.spread_norm(self.spread(wide)), LEAK)
        return up + F.pixel_shuffle(self.mean(x), self.scale), self.log_scale(wide)

    def _registered(self, x: Tensor) -> Tensor:
        """Every frame filtered by the kernel that was predicted for it: one grouped convolution."""
        B, C, T, H, W = x.shape
        k = self.kernel
        kernels = self.filters(self.register(x).mean((3, 4)).transpose(1, 2)).reshape(B * T, 1, k, k)
        frames = x.transpose(1, 2).reshape(1, B * T * C, H, W)
        padded = F.pad(frames, (k // 2,) * 4, mode="replicate")
        out = F.conv2d(padded, kernels.repeat_interleave(C, 0), groups=B * T * C)
        return out.view(B, T, C, H, W).transpose(1, 2)


def plain_loss(mean: Tensor, log_scale: Tensor, target: Tensor, clear: Tensor, border: int) -> Tensor:
    """Laplace likelihood of the best of all shifts within `border`, the brightness of each removed: a mean over B."""
    H, W = mean.shape[-2] - 2 * border, mean.shape[-1] - 2 * border
    mean, log_scale = (x[..., border : border + H, border : border + W] for x in (mean, log_scale))
    losses = []
    for y in range(2 * border + 1):
        for x in range(2 * border + 1):
            truth, seen = (z[..., y : y + H, x : x + W] for z in (target, clear))
            count = seen.sum((1, 2, 3), keepdim=True)
            bias = ((truth - mean) * seen).sum((1, 2, 3), keepdim=True) / count
            value = log_scale + (truth - mean - bias).abs() * torch.exp(-log_scale)
            losses.append((value * seen).sum((1, 2, 3)) / count[:, 0, 0, 0])
    return torch.stack(losses).amin(0).mean()


def copy_weights(ours: nn.Module, plain: PlainPIUnet) -> None:
    """Give the plain network the weights of a `trainer.models.paper.PaperPIUNet`."""
    theirs = {name: value.clone() for name, value in ours.state_dict().items()}
    names = {
        "fusion.embed.": "embed.", "fusion.blocks.": "blocks.", "fusion.close.": "close.",
        "alignment.features.": "register.", "alignment.project.": "filters.", "head.": "",
        ".gate.gate.": ".gate.", "attention.qkv.weight": "attention.in_proj_weight",
        "attention.qkv.bias": "attention.in_proj_bias", "attention.project.": "attention.out_proj.",
    }  # fmt: skip
    wanted = plain.state_dict()
    for name, value in theirs.items():
        for old, new in names.items():
            name = name.replace(old, new)
        wanted[name] = value.reshape(wanted[name].shape)
    plain.load_state_dict(wanted)
