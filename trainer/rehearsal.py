"""One step of every stage, tried on the device before anything is sealed.

It answers two questions that no table can. Has every operation of this config a fixed order here, where determinism was
asked for? An H100 let two runs of one seed part while the config said `deterministic = true`. And which precision is
the fastest here, where `auto` asks? The answer is a measurement, so its figures are sealed beside the choice.

What is tried is a copy of the network on noise; weights, generators and statistics are left as they were.
"""

import copy
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch

from runaudit.errors import ConfigError
from trainer.amp import Precision
from trainer.build import Normalised
from trainer.config import TrainConfig
from trainer.samples import Batch
from trainer.seeding import restore_rng, rng_state
from trainer.stages import Stage, build_optimiser, prepare_blocks
from trainer.step import train_step

PREFERRED: tuple[Literal["bf16", "fp16", "off"], ...] = ("bf16", "fp16", "off")
"""Equally fast, the one with less to go wrong: bf16 has the range of fp32 and needs no loss scale."""
WORTH = 0.9  # a precision is chosen over a preferred one where it takes less than this share of its time
WARM, TIMED = 3, 5  # steps; the first ones choose and compile kernels


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Milliseconds a step of the slowest stage takes in each precision, and the one that was chosen."""

    chosen: Literal["off", "fp16", "bf16"]
    ms: Mapping[str, float]

    def facts(self) -> dict[str, Any]:
        """As a record keeps it."""
        return {"chosen": self.chosen, "step_ms": {name: round(value, 3) for name, value in self.ms.items()}}


def require_fixed_order(model: Normalised, stages: tuple[Stage, ...], config: TrainConfig, *, frames: int) -> None:
    """Try every stage where determinism was asked for. Raises ConfigError naming an operation without a fixed order."""
    if not config.deterministic:
        return
    for stage in stages:
        with undisturbed(model) as copied:
            try:
                _steps(copied, stage, config, frames=frames, count=1)
            except RuntimeError as error:
                if (operation := without_fixed_order(error)) is None:
                    raise
                raise ConfigError(
                    f"config: deterministic = true, but {operation} of stage {stage.name} has no fixed order on "
                    f"{config.device} with torch {torch.__version__}",
                    remedy="set deterministic = false, and let seeds tell how far runs of one seed part",
                ) from error


def without_fixed_order(error: RuntimeError) -> str | None:
    """The operation that torch refused for having no deterministic form, or None if it refused for another reason."""
    found = re.match(r"(\S+) does not have a deterministic implementation", str(error))
    return found[1] if found else None


def settle_precision(
    model: Normalised, stages: tuple[Stage, ...], config: TrainConfig, *, frames: int
) -> tuple[TrainConfig, Measured | None]:
    """The config with `amp.dtype` decided, and the figures it was decided by; none where it was given."""
    if config.amp.dtype != "auto":
        return config, None
    ms: dict[str, float] = {}
    for dtype in PREFERRED:
        if dtype != "bf16" or torch.cuda.is_bf16_supported(including_emulation=False):
            tried = replace(config, amp=replace(config.amp, dtype=dtype))
            ms[dtype] = max(_ms_of_a_step(model, stage, tried, frames=frames) for stage in stages)
    measured = Measured(chosen=fastest(ms), ms=ms)
    return replace(config, amp=replace(config.amp, dtype=measured.chosen)), measured


def fastest(ms: Mapping[str, float]) -> Literal["off", "fp16", "bf16"]:
    """The first of `PREFERRED` that no other beats by more than a tenth."""
    for name in PREFERRED:
        if name in ms and all(other >= WORTH * ms[name] for other in ms.values()):
            return name
    raise ValueError("nothing was measured")


def _ms_of_a_step(model: Normalised, stage: Stage, config: TrainConfig, *, frames: int) -> float:
    with undisturbed(model) as copied:
        step = _steps(copied, stage, config, frames=frames, count=WARM)
        _wait(config.device)
        began = time.perf_counter()
        for _ in range(TIMED):
            step()
        _wait(config.device)
        return (time.perf_counter() - began) / TIMED * 1e3


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def _steps(model: Normalised, stage: Stage, config: TrainConfig, *, frames: int, count: int) -> Callable[[], object]:
    """Take so many steps of a stage on noise. Returns what takes another one."""
    free = prepare_blocks(model, stage.trains)
    optimiser = build_optimiser(free, stage.lr, stage.optim, fused=True)
    precision, batch = Precision(config.amp, config.device), _noise(config, frames)

    def step() -> object:
        return train_step(model, [batch] * config.optim.accumulate, optimiser, precision, stage, config, free=free)

    for _ in range(count):
        step()
    return step


def _noise(config: TrainConfig, frames: int) -> Batch:
    B, h, H = config.optim.batch, config.data.tile, config.data.tile * config.model.scale
    draw = torch.Generator().manual_seed(0)
    lr, hr = torch.rand(B, frames, h, h, generator=draw), torch.rand(B, 1, H, H, generator=draw)
    tensors = (lr, torch.ones_like(lr), hr, torch.ones_like(hr))
    low, clear_low, high, clear_high = (tensor.to(config.device) for tensor in tensors)
    return Batch(
        list(range(B)), low, clear_low, high, clear_high, [0] * B, low.new_zeros(B, frames, 3), low.new_zeros(B)
    )


@contextmanager
def undisturbed(model: Normalised) -> Iterator[Normalised]:
    """A copy of the network to do with as one likes; afterwards every generator stands where it stood."""
    state = rng_state()
    try:
        yield copy.deepcopy(model)
    finally:
        restore_rng(*state)
