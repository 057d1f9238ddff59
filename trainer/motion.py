"""The true motion of a tile's frames as a label: turned with the tile, spread to a flow, held against an estimate.

A simulated burst knows how each of its frames was moved. An alignment that is trained on that learns motion itself, and
not whatever makes noisy, aliased frames look alike.
Source: Molini et al. 2019, "DeepSUM: deep neural network for super-resolution of unregistered multitemporal images",
whose registration is trained first, on artificial shifts.
"""

import torch
from torch import Tensor

from trainer.losses import masked_mean
from trainer.models.flow import sampling_grid

TINY_PX = 1e-6  # under the root, so that a perfect estimate has a gradient, and it is zero


def turned_motion(motion: Tensor, turns: list[int]) -> Tensor:
    """The motion of tiles whose pixels were turned as `samples.augmented` does: (B, T, 3) -> the same.

    The motion is told from the tile's centre, so a quarter turn Q takes the shift d to Q d and leaves the angle; a
    mirror changes the sign of both x and angle.
    """
    moved = []
    for sample, turn in zip(motion, turns, strict=True):
        dy, dx, theta = sample.unbind(-1)
        for _ in range(turn % 4):
            dy, dx = -dx, dy
        moved.append(torch.stack([dy, -dx, -theta] if turn >= 4 else [dy, dx, theta], -1))
    return torch.stack(moved)


def flow_of(motion: Tensor, height: int, width: int) -> Tensor:
    """motion (B, T, 3): dy, dx in px and theta in degrees -> flow (B, T, 2, height, width) in px as (x, y).

    Where in frame t the reference's pixel is found: `trainer.data.scenes.true_flow` in tensors.
    """
    dy, dx, theta = (part[..., None, None] for part in motion.unbind(-1))
    centre = motion.new_tensor([(width - 1) / 2, (height - 1) / 2])
    x, y = (sampling_grid(height, width, motion) - centre).unbind(-1)
    cos, sin = torch.deg2rad(theta).cos(), torch.deg2rad(theta).sin()
    back_y, back_x = y - dy, x - dx
    return torch.stack([cos * back_x - sin * back_y - x, cos * back_y + sin * back_x - y], 2)


def motion_error(shift: Tensor, motion: Tensor) -> Tensor:
    """Mean end-point error in low-res px of shift (B, T, 2, h, w) as (x, y) against motion (B, T, 3): a number.

    The reference counts for nothing, nor does a pixel that lies outside the other frame: nothing there shows where it
    went. Zero where nothing is left.
    """
    h, w = shift.shape[-2:]
    with torch.autocast(shift.device.type, enabled=False):
        truth = flow_of(motion[:, 1:], h, w)
        places = sampling_grid(h, w, truth) + truth.movedim(2, -1)
        inside = ((places >= 0) & (places <= places.new_tensor([w - 1.0, h - 1.0]))).all(-1)
        distance = ((shift[:, 1:].float() - truth).square().sum(2) + TINY_PX**2).sqrt()
        return masked_mean(distance, inside.to(distance.dtype))
