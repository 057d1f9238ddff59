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
    """The loss's terms, to be summed: `reconstruction`.

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
    return {"reconstruction": config.weight * value}


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
    values = []
    for y in range(2 * border + 1):
        for x in range(2 * border + 1):
            seen = clear[:, :, y : y + H, x : x + W]
            error = target[:, :, y : y + H, x : x + W] - mean
            count = seen.sum((1, 2, 3), keepdim=True).clamp_min(1.0)
            bias = (error * seen).sum((1, 2, 3), keepdim=True) / count
            values.append((element(error - bias, spread) * seen).sum((1, 2, 3)) / count[:, 0, 0, 0])
    return torch.stack(values).amin(0)


def masked_mean(values: Tensor, clear: Tensor) -> Tensor:
    """Mean over the clear entries; 0 where nothing is clear."""
    return (values * clear).sum() / clear.sum().clamp_min(1.0)
