"""Alignment by local matching: where does the neighbourhood of each reference pixel lie in every other frame?

First the squared differences for every whole-pixel offset form a matching surface, whose soft minimum is
the motion to about a tenth of a pixel; then a few Gauss-Newton passes on the warped frame close the rest.
Two small networks correct what both leave over, and their numbers are learned: how sharp the minimum is,
how far a weak texture is believed. Nothing is pooled over the whole field without regard to distance, so
a tile and a full frame are treated alike; the window has long tails, by which a plain wall borrows its
motion from the nearest texture (measured against the known motion, mean over a full frame: 0.03 / 0.04 /
0.02 px, with a box of 25 px instead 0.12 / 0.29 / 0.04).

The frames are resampled on the high-res grid of the reference, where sub-pixel phase is still worth something, and a
sample near a real pixel of its frame is trusted more than one interpolated between pixels.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainer.models.alignment import Aligned
from trainer.models.resampling import line_weights, resize, sample


def sampling_grid(height: int, width: int, like: Tensor) -> Tensor:
    """Pixel centres (height, width, 2) as (x, y)."""
    y = torch.arange(height, dtype=torch.float32, device=like.device)
    x = torch.arange(width, dtype=torch.float32, device=like.device)
    return torch.stack(torch.broadcast_tensors(x[None, :], y[:, None]), -1)


def spread(coarse: Tensor, *, height: int, width: int, stride: int) -> Tensor:
    """Values at every `stride`-th pixel -> every pixel, bilinear: (N, C, h', w') -> (N, C, height, width)."""
    rows = line_weights(coarse.shape[-2], height, stride, coarse)
    columns = line_weights(coarse.shape[-1], width, stride, coarse)
    return rows @ coarse @ columns.T


class Window:
    """Weighted sums around every `stride`-th pixel, weight 1 / (1 + (d / reach)^2) along each axis."""

    def __init__(self, *, height: int, width: int, reach_px: float, stride: int, like: Tensor) -> None:
        self.rows = self._weights(height, reach_px, stride, like)
        self.columns = self._weights(width, reach_px, stride, like)

    @staticmethod
    def _weights(length: int, reach_px: float, stride: int, like: Tensor) -> Tensor:
        every = torch.arange(length, dtype=torch.float32, device=like.device)
        return 1 / (1 + ((every[::stride, None] - every[None]) / reach_px).square())

    def sum(self, x: Tensor) -> Tensor:
        """(..., h, w) -> (..., h', w'). Two matrix products: twenty times faster here than pooling layers."""
        return self.rows @ (x @ self.columns.T)


class Correction(nn.Module):
    """A small pixel-wise network whose answer starts at zero."""

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(features, hidden)
        self.out = nn.Linear(hidden, 2)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(..., features) -> (..., 2) px."""
        return self.out(F.leaky_relu(self.hidden(x), 0.1))  # type: ignore[no-any-return]


class Matching(nn.Module):
    """Whole-pixel matching surface -> motion, by soft minimum and correction."""

    def __init__(self, *, radius: int, hidden: int, sharpness: float) -> None:
        super().__init__()
        self.radius = radius
        self.log_sharpness = nn.Parameter(torch.tensor(float(sharpness)).log())
        self.correct = Correction((2 * radius + 1) ** 2, hidden)

    def surface(self, reference: Tensor, moved: Tensor, window: Window) -> Tensor:
        """Mean squared difference: (B, 1, h, w), (B, S, h, w) -> (B, S, h', w', K); partners outside do not count."""
        h, w = reference.shape[-2:]
        r = self.radius
        padded = F.pad(moved, (r,) * 4, mode="replicate")
        inside = F.pad(torch.ones_like(reference[:1]), (r,) * 4)
        costs = []
        for y in range(2 * r + 1):
            for x in range(2 * r + 1):
                valid = inside[:, :, y : y + h, x : x + w]
                squared = (padded[:, :, y : y + h, x : x + w] - reference).square_().mul_(valid)
                costs.append(window.sum(squared) / window.sum(valid))
        return torch.stack(costs, -1)

    def forward(self, reference: Tensor, moved: Tensor, window: Window) -> Tensor:
        """-> motion (B, S, h', w', 2) as (x, y) px."""
        with torch.no_grad():  # the surface is measured; what is learned is how to read it
            cost = self.surface(reference, moved, window)
            low = cost.amin(-1, keepdim=True)
            cost = (cost - low) / (cost.mean(-1, keepdim=True) - low).clamp_min(1e-8)  # free of contrast
            side = 2 * self.radius + 1
            offsets = sampling_grid(side, side, cost).view(-1, 2) - self.radius
        minimum = torch.softmax(-self.log_sharpness.exp() * cost, -1) @ offsets
        motion: Tensor = minimum + self.correct(cost)
        return motion


class Refinement(nn.Module):
    """One Gauss-Newton step on the frames as warped so far, damped and corrected by learned numbers."""

    def __init__(self, *, hidden: int, damping: float) -> None:
        super().__init__()
        self.log_damping = nn.Parameter(torch.tensor(float(damping)).log())
        self.correct = Correction(5, hidden)

    def forward(self, reference: Tensor, warped: Tensor, inside: Tensor, window: Window) -> Tensor:
        """reference (B, 1, h, w); warped, inside (B, S, h, w) -> what is left of the motion (B, S, h', w', 2)."""
        with torch.no_grad():
            middle, change = (reference + warped) / 2, warped - reference
            dx = F.pad((middle[..., 2:] - middle[..., :-2]) / 2, (1, 1)) * inside
            dy = F.pad((middle[..., 2:, :] - middle[..., :-2, :]) / 2, (0, 0, 1, 1)) * inside
            products = torch.stack([dx * dx, dx * dy, dy * dy, dx * change, dy * change], 2)
            sums = window.sum(products) / window.sum(torch.ones_like(reference))[:, :, None]
            xx, xy, yy, xt, yt = sums.unbind(2)
        damping = self.log_damping.exp()
        xx_, yy_ = xx + damping, yy + damping
        determinant = xx_ * yy_ - xy * xy
        step = torch.stack([xy * yt - yy_ * xt, xy * xt - xx_ * yt], -1) / determinant[..., None]
        scale_free = sums.movedim(2, -1) / (xx + yy + 2 * damping.detach())[..., None]
        left: Tensor = step.clamp(-1, 1) + self.correct(scale_free)
        return left


class FlowAlign(nn.Module):
    """Dense sub-pixel motion of every frame against frame 0: matching, then `refinements` Gauss-Newton passes."""

    def __init__(
        self,
        *,
        scale: int,
        radius: int,
        refinements: int,
        reach_px: float,
        stride: int,
        hidden: int,
        sharpness: float,
        damping: float,
        nearness_px: float,
    ) -> None:
        super().__init__()
        self.scale, self.stride = scale, stride
        self.reach_px, self.nearness_px = reach_px, nearness_px
        self.matching = Matching(radius=radius, hidden=hidden, sharpness=sharpness)
        self.refinements = nn.ModuleList(Refinement(hidden=hidden, damping=damping) for _ in range(refinements))

    def register(self, lr: Tensor) -> tuple[Tensor, Tensor]:
        """lr (B, T, h, w) -> frames on the low-res grid of frame 0 (B, T, h, w), shift (B, T, 2, h, w)."""
        with torch.autocast(lr.device.type, enabled=False):  # squared differences of noise underflow in fp16
            lr = lr.float()
            flow = self._flow(lr)
            return self._warp(lr[:, 1:], flow, lr[:, :1]), F.pad(flow, (0, 0, 0, 0, 0, 0, 1, 0))

    def forward(self, lr: Tensor) -> Aligned:
        """lr (B, T, h, w) -> the burst registered to frame 0; equivariant to a permutation of the other frames."""
        with torch.autocast(lr.device.type, enabled=False):
            lr = lr.float()
            shift = F.pad(self._flow(lr), (0, 0, 0, 0, 0, 0, 1, 0))
            frames, weights = self._resample(lr, shift)
            return Aligned(frames, weights, shift)

    def _flow(self, lr: Tensor) -> Tensor:
        """(B, T - 1, 2, h, w): where in each other frame the reference's pixel is found."""
        B, T, h, w = lr.shape
        if T == 1:
            return lr.new_zeros(B, 0, 2, h, w)
        reference, moved = lr[:, :1], lr[:, 1:]
        window = Window(height=h, width=w, reach_px=self.reach_px, stride=self.stride, like=lr)
        coarse = self.matching(reference, moved, window)
        for refine in self.refinements:
            with torch.no_grad():
                flow = self._dense(coarse, h, w)
                points = sampling_grid(h, w, lr) + flow.movedim(2, -1)
                edge = torch.tensor([w - 1.0, h - 1.0], device=lr.device)
                inside = ((points >= 0) & (points <= edge)).all(-1).to(lr.dtype)
                warped = self._warp(moved, flow, reference)[:, 1:]
            coarse = coarse + refine(reference, warped, inside, window)
        return self._dense(coarse, h, w)

    def _dense(self, coarse: Tensor, h: int, w: int) -> Tensor:
        flat = coarse.flatten(0, 1).permute(0, 3, 1, 2)
        dense: Tensor = spread(flat, height=h, width=w, stride=self.stride).unflatten(0, coarse.shape[:2])
        return dense

    @staticmethod
    def _warp(moved: Tensor, flow: Tensor, reference: Tensor) -> Tensor:
        """The reference as it is, then the other frames on its grid: (B, T, h, w)."""
        h, w = moved.shape[-2:]
        points = sampling_grid(h, w, moved) + flow.movedim(2, -1)
        warped = sample(moved.reshape(-1, 1, h, w), points.flatten(0, 1)) if moved.shape[1] else moved
        return torch.cat([reference, warped.view(moved.shape)], 1)

    def _resample(self, lr: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
        """Frames and trust on the high-res grid: (B, T, H, W) each."""
        B, T, h, w = lr.shape
        H, W = h * self.scale, w * self.scale
        fine = resize(shift.flatten(0, 1), self.scale, "bilinear")
        points = (sampling_grid(H, W, lr) + 0.5) / self.scale - 0.5 + fine.permute(0, 2, 3, 1)
        distance = (points - points.detach().round()).square().sum(-1)
        trust = torch.exp(-distance / (2 * self.nearness_px**2)) + 1e-3
        edge = torch.tensor([w - 0.5, h - 0.5], device=lr.device)
        outside = ((points < -0.5) | (points > edge)).any(-1)
        frames = sample(lr.reshape(-1, 1, h, w), points)
        return frames.view(B, T, H, W), torch.where(outside, 1e-3, trust).view(B, T, H, W)
