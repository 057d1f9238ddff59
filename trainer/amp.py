"""Mixed precision that reports on itself: which dtype, at which loss scale, and every step the scaler refused.

The loss scale halves when a gradient overflows and doubles after `growth_interval` clean steps. A batch
with bad *inputs* never reaches the scaler: it would halve the scale for a fault that is not the scale's
(measured: 2 % of NaN tiles drove 65536 to 256 within 350 steps, because recovery needs 2000 clean steps).
A loss that overflows on good inputs does halve it; were it only skipped, a scale that is too high would
never come down. It comes down to a floor: a scale that wants to fall further is no search any more (measured: weights
that were not finite halved it to 0 over 398 steps, none of which was taken).
"""

import math
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from trainer.config import AmpConfig

DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}


class Precision:
    """Autocast and, under fp16, gradient scaling. `skipped` counts the steps that were not taken.

    at_floor: a step overflowed though the scale was at `min_scale`; the next one that fits takes it back.
    """

    def __init__(self, config: AmpConfig, device: str) -> None:
        if config.dtype == "auto":
            raise ValueError("the precision is not settled yet: see trainer.rehearsal")
        self.config, self.device = config, device
        self.dtype = DTYPES.get(config.dtype)
        self.scaler = torch.amp.GradScaler(
            device,
            init_scale=config.init_scale,
            growth_factor=config.growth_factor,
            backoff_factor=config.backoff_factor,
            growth_interval=config.growth_interval,
            enabled=config.dtype == "fp16",
        )
        self.skipped = 0
        self.at_floor = False

    @property
    def scales(self) -> bool:
        """Is the loss scaled at all?"""
        return bool(self.scaler.is_enabled())

    @property
    def scale(self) -> float:
        """The loss scale of the next step; 1 where nothing is scaled."""
        return float(self.scaler.get_scale()) if self.scales else 1.0

    def autocast(self) -> AbstractContextManager[Any]:
        """The context in which the network runs."""
        return nullcontext() if self.dtype is None else torch.autocast(self.device, dtype=self.dtype)

    def backward(self, loss: Tensor) -> None:
        """Accumulate the gradients of one scaled loss."""
        self.scaler.scale(loss).backward()

    def step(
        self,
        optimiser: torch.optim.Optimizer,
        parameters: Iterable[Tensor],
        clip: float,
        *,
        longest: float = math.inf,
        leapt: bool = False,
    ) -> tuple[float, str]:
        """Unscale, then clip, then step. Returns the gradient's norm before clipping, and why the step was not taken:
        `gradient` where it was not finite, `loss_spike` where the loss `leapt`, `spike` where the gradient was longer
        than `longest`; empty where it was.

        Clipping scaled gradients would clip at `clip / scale`, so the order matters. A spike is no overflow: the scale
        keeps its count of clean steps. Of a step that is not taken the gradients are left as they are, to be looked at.
        """
        if self.scales:
            self.scaler.unscale_(optimiser)
        free = list(parameters)
        total = torch.nn.utils.get_total_norm([p.grad for p in free if p.grad is not None])
        norm = float(total)
        fault = ("loss_spike" if leapt else "spike" if norm > longest else "") if math.isfinite(norm) else "gradient"
        if not fault:
            torch.nn.utils.clip_grads_with_norm_(free, clip, total)
            if self.scales:
                self.scaler.step(optimiser)
            else:
                optimiser.step()
        if self.scales:
            self.scaler.update()
            self._hold(fell=fault == "gradient")
        self.skipped += bool(fault)
        return norm, fault

    def overflow(self) -> None:
        """The loss itself was not finite on good inputs: no step, and a lower scale next time."""
        self.skipped += 1
        if self.scales:
            # By state, because `update` wants a scaled backward pass before it, and there was none.
            state = dict(self.scaler.state_dict())
            state |= {"scale": self.scale * self.config.backoff_factor, "_growth_tracker": 0}
            self.scaler.load_state_dict(state)
            self._hold(fell=True)

    def _hold(self, *, fell: bool) -> None:
        """Keep the scale from falling through its floor."""
        floor = self.config.min_scale
        self.at_floor = fell and self.scale < floor
        if self.at_floor:
            self.scaler.load_state_dict(dict(self.scaler.state_dict()) | {"scale": floor})

    def state(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"scaler": dict(self.scaler.state_dict()), "skipped": self.skipped}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue with the scale, its growth count, and the skips so far."""
        if self.scales and state["scaler"]:
            self.scaler.load_state_dict(dict(state["scaler"]))
        self.skipped = int(state["skipped"])
