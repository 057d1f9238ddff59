"""What training minimises. Everything is computed in fp32 and over clear pixels only.

With a shift border b > 0 the target may lie anywhere within b pixels and may be brighter or darker: the
loss is the smallest over all (2b+1)^2 shifts, each with its mean difference removed. That is for real
data, whose truth is not registered to the reference.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from trainer.config import LossConfig
from trainer.models.piunet import Prediction

Elementwise = Callable[[Tensor, Tensor | None], Tensor]  # error, log-scale -> loss per pixel


def alignment_loss(registered: Tensor, reference: Tensor, clear: Tensor) -> Tensor:
    """Mean absolute difference between every registered frame and the reference, where both are clear.

    registered: (B, T, h, w), frame 0 among them; reference: (B, 1, h, w), the frame as it was taken;
    clear: (B, T, h, w) in {0, 1}. Were the frames compared among themselves, the same blur for all of
    them would be a solution.
    """
    difference = (registered - reference).float().abs()
    return masked_mean(difference, clear * clear[:, :1])


def reconstruction_loss(
    prediction: Prediction, target: Tensor, clear: Tensor, *, config: LossConfig, warm: bool
) -> dict[str, Tensor]:
    """The loss's terms, to be summed: `reconstruction`, and `fft` where it has a weight.

    target, clear: (B, 1, H, W). `warm` asks for plain L1 where the Laplace likelihood is not yet trusted.
    """
    kind = "l1" if warm and config.kind == "laplace" else config.kind
    element = elementwise(kind, config.charbonnier)
    mean, log_scale = prediction
    if config.shift_border:
        value = registered_loss(
            mean, target, clear, log_scale=log_scale, element=element, border=config.shift_border
        ).mean()
    else:
        value = masked_mean(element(target - mean.float(), log_scale), clear)
    terms = {"reconstruction": config.weight * value}
    if config.fft_weight:
        terms["fft"] = config.fft_weight * spectral_loss(mean, target, clear, normalised=config.fft_normalised)
    return terms


def spectral_loss(mean: Tensor, target: Tensor, clear: Tensor, *, normalised: bool) -> Tensor:
    """Mean absolute real and imaginary part of the error's spectrum: (B, 1, H, W) each -> a number, always in fp32.

    An unclear pixel has no error, as if the truth there were what the network says. normalised: divide by H * W, so
    that the spectrum of a constant error is that error whatever the size; the raw one is H * W times as large.
    """
    with torch.autocast(mean.device.type, enabled=False):
        error = (mean.float() - target.float()) * clear.float()
        spectrum = torch.view_as_real(torch.fft.fft2(error))
        scale = error.shape[-2] * error.shape[-1] if normalised else 1
        return spectrum.abs().mean() / scale


def elementwise(kind: str, charbonnier: float) -> Elementwise:
    """The loss of one pixel, by name."""

    def laplace(error: Tensor, log_scale: Tensor | None) -> Tensor:
        if log_scale is None:
            raise ValueError("the Laplace likelihood needs a log-scale")
        return log_scale + error.abs() * torch.exp(-log_scale)

    table: dict[str, Elementwise] = {
        "l1": lambda error, _: error.abs(),
        "l2": lambda error, _: error.square(),
        "charbonnier": lambda error, _: (error.square() + charbonnier**2).sqrt() - charbonnier,
        "laplace": laplace,
    }
    return table[kind]


def registered_loss(
    mean: Tensor,
    target: Tensor,
    clear: Tensor,
    *,
    log_scale: Tensor | None,
    element: Elementwise,
    border: int,
) -> Tensor:
    """Smallest loss over all shifts of the target within `border`: (B, 1, H, W) each -> (B,).

    The brightness bias is removed per shift, so adding a constant to `mean` changes nothing. It is no part of the
    log-scale. Source: Märtens et al. 2019 (shift and bias); Valsesia & Magli 2022 (as a loss).
    """
    H, W = mean.shape[-2] - 2 * border, mean.shape[-1] - 2 * border
    inner = (slice(None), slice(None), slice(border, border + H), slice(border, border + W))
    mean = mean.float()[inner]
    spread = None if log_scale is None else log_scale.float()[inner]
    # A GPU takes all shifts at once (49 of them one by one were 30 ms of a step on an H100, together 1.2); a CPU is
    # quicker with one shift's numbers in its cache.
    by_shift = _all_shifts if mean.is_cuda else _each_shift
    # Only the best shift has a gradient, so it alone is computed with one: less than half the time, the same bits.
    with torch.no_grad():
        best = by_shift(mean, target, clear, spread=spread, element=element).argmin(0)
    sample, side = torch.arange(len(best), device=best.device), 2 * border + 1
    truth, seen = (
        x[:, 0].unfold(1, H, 1).unfold(2, W, 1)[sample, best // side, best % side][:, None] for x in (target, clear)
    )
    return _each_shift(mean, truth, seen, spread=spread, element=element)[0]


def _each_shift(mean: Tensor, target: Tensor, clear: Tensor, *, spread: Tensor | None, element: Elementwise) -> Tensor:
    """The loss of every shift, one after the other: mean (B, 1, H, W) -> ((2b+1)^2, B)."""
    H, W = mean.shape[-2:]
    values = []
    for y in range(target.shape[-2] - H + 1):
        for x in range(target.shape[-1] - W + 1):
            seen = clear[:, :, y : y + H, x : x + W]
            error = target[:, :, y : y + H, x : x + W] - mean
            count = seen.sum((1, 2, 3), keepdim=True).clamp_min(1.0)
            bias = (error * seen).sum((1, 2, 3), keepdim=True) / count
            values.append((element(error - bias, spread) * seen).sum((1, 2, 3)) / count[:, 0, 0, 0])
    return torch.stack(values)


def _all_shifts(mean: Tensor, target: Tensor, clear: Tensor, *, spread: Tensor | None, element: Elementwise) -> Tensor:
    """The same in one go: windows of the target are views, (B, 2b+1, 2b+1, H, W), in the order of `_each_shift`."""
    H, W = mean.shape[-2:]
    seen, truth = (x[:, 0].unfold(1, H, 1).unfold(2, W, 1) for x in (clear, target))
    error = truth - mean[:, :, None]
    count = seen.sum((3, 4), keepdim=True).clamp_min(1.0)
    bias = (error * seen).sum((3, 4), keepdim=True) / count
    values = element(error - bias, None if spread is None else spread[:, :, None]) * seen
    return (values.sum((3, 4)) / count[..., 0, 0]).flatten(1).T


def masked_mean(values: Tensor, clear: Tensor) -> Tensor:
    """Mean over the clear entries; 0 where nothing is clear."""
    return (values * clear).sum() / clear.sum().clamp_min(1.0)
