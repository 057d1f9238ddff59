"""A stage trains the blocks it names and nothing else, and can prove it.

Freezing by `requires_grad` alone leaves holes: the running statistics of a normalisation layer keep
moving in training mode, and an optimiser with weight decay still moves what it was given. Here a frozen
block is in evaluation mode, without gradients, and not in the optimiser; and the digest of each of its
tensors, buffers included, is compared before and after, also when a stage is resumed.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from runaudit.errors import IntegrityError
from trainer.build import Normalised
from trainer.config import OptimConfig, TrainConfig, stage_steps
from trainer.resolved import inherited_by

BLOCKS = ("alignment", "fusion", "head")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stretch of training. `index` is its place among all stages, run or not, and seeds its sample order.

    optim: with what the stage says of its own. patience, ema_decay: see `StageConfig`.
    """

    name: str
    index: int
    trains: tuple[str, ...]
    loss: str
    lr: float
    steps: int
    optim: OptimConfig
    grad_clip: float
    patience: int = 0
    ema_decay: float = 0.0

    @property
    def alignment_frozen(self) -> bool:
        """May what the alignment says be computed once?"""
        return "alignment" not in self.trains


def plan(config: TrainConfig) -> tuple[Stage, ...]:
    """The stages that get steps, in running order."""
    stages = []
    for index, (name, steps) in enumerate(stage_steps(config).items()):
        if steps:
            settings, acting = getattr(config.stages, name), inherited_by(config, name)
            optim = replace(
                config.optim,
                kind=acting["optimiser"],
                schedule=acting["schedule"],
                weight_decay=acting["weight_decay"],
                warmup_fraction=acting["warmup_fraction"],
            )
            stages.append(
                Stage(
                    name=name,
                    index=index,
                    trains=tuple(settings.trains),
                    loss=settings.loss,
                    lr=settings.lr,
                    steps=steps,
                    optim=optim,
                    grad_clip=acting["grad_clip"],
                    patience=settings.patience,
                    ema_decay=settings.ema_decay,
                )
            )
    return tuple(stages)


def prepare_blocks(model: Normalised, trains: tuple[str, ...]) -> list[nn.Parameter]:
    """Freeze every block not named. Returns the parameters that stay free."""
    free: list[nn.Parameter] = []
    for name in BLOCKS:
        block, trained = model.block(name), name in trains
        block.train(trained).requires_grad_(trained)
        free += [p for p in block.parameters() if trained]
    return free


def tensor_digest(tensor: Tensor) -> str:
    """sha256 over dtype, shape and bytes."""
    plain = tensor.detach().cpu().contiguous()
    head = f"{plain.dtype}{tuple(plain.shape)}".encode()
    return "sha256:" + hashlib.sha256(head + plain.reshape(-1).view(torch.uint8).numpy().tobytes()).hexdigest()


def frozen_digests(model: Normalised, trains: tuple[str, ...]) -> dict[str, str]:
    """Digest of every parameter and buffer outside the trained blocks, by name."""
    return digests_outside(model.state_dict(), trains)


def digests_outside(tensors: Mapping[str, Tensor], trains: tuple[str, ...]) -> dict[str, str]:
    """The same of a network's tensors by name."""
    prefixes = tuple(f"net.{name}." for name in trains)
    return {name: tensor_digest(tensor) for name, tensor in tensors.items() if not name.startswith(prefixes)}


def weights_digest(model: nn.Module) -> str:
    """One digest for all parameters and buffers."""
    h = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        h.update(f"{name} {tensor_digest(tensor)}\n".encode())
    return f"sha256:{h.hexdigest()}"


def require_frozen(model: Normalised, stage: Stage, before: Mapping[str, str]) -> None:
    """Raise IntegrityError naming the first tensor that a stage moved though it does not train it."""
    after = frozen_digests(model, stage.trains)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            raise IntegrityError(
                f"stage {stage.name} trains {', '.join(stage.trains)}, but {name} has changed",
                remedy="freeze that block, or name it in the stage's `trains`",
            )


def build_optimiser(
    parameters: list[nn.Parameter], lr: float, config: OptimConfig, *, fused: bool
) -> torch.optim.Optimizer:
    """The optimiser over exactly the free parameters."""
    if config.kind == "sgd":
        return torch.optim.SGD(
            parameters, lr=lr, momentum=config.beta1, weight_decay=config.weight_decay, fused=fused
        )  # fmt: skip
    return torch.optim.AdamW(
        parameters,
        lr=lr,
        betas=(config.beta1, config.beta2),
        eps=config.eps,
        weight_decay=config.weight_decay,
        fused=fused,
    )


def lr_at(step: int, steps: int, lr: float, config: OptimConfig) -> float:
    """Learning rate of step `step` of `steps`: a linear rise from lr / warmup_divisor, then the schedule."""
    rise = config.warmup_fraction * steps
    if step < rise:
        low = 1 / config.warmup_divisor
        return lr * (low + (1 - low) * step / rise)
    progress = (step - rise) / max(1.0, steps - rise)
    if config.schedule == "milestones":
        passed = sum(step >= share * steps for share in config.milestones)
        return lr * float(config.milestone_factor**passed)
    if config.schedule == "cosine":
        low = config.final_fraction
        return lr * (low + (1 - low) * (1 + math.cos(math.pi * progress)) / 2)
    return lr
