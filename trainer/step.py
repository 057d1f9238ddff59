"""One step: draw nothing, decide nothing, move the weights once, and say what it was worth.

Here are the losses of a stage, the step on them, the look at the held-out tiles, and what a frozen alignment says,
kept so that it is computed once.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from trainer.amp import Precision
from trainer.build import Normalised
from trainer.config import TrainConfig
from trainer.losses import alignment_loss, masked_mean, reconstruction_loss
from trainer.models.piunet import Features
from trainer.motion import motion_error
from trainer.ranks import ALONE, Ranks
from trainer.samples import Batch, Samples, TileSet, augmented_features
from trainer.skips import bad_gradients, bad_inputs
from trainer.stages import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class StepMetrics:
    """What one step did. `fault` is empty, or says why no step was taken, in a word of `trainer.skips.REASONS`.

    what, tiles: what was not finite, and the positions of the tiles that were to blame, or of all that may be.
    """

    terms: Mapping[str, float]
    grad_norm: float
    fault: str = ""
    what: tuple[str, ...] = ()
    tiles: tuple[int, ...] = ()

    @property
    def loss(self) -> float:
        """The whole loss."""
        return sum(self.terms.values())


class Cache:
    """What a frozen alignment says about every tile, computed once, in the tiles' own orientation."""

    def __init__(self, model: Normalised, samples: TileSet, config: TrainConfig) -> None:
        size, total = config.loop.val_batch, len(samples)
        pieces = (range(i, min(i + size, total)) for i in range(0, total, size))
        with torch.no_grad(), Precision(config.amp, config.device).autocast():
            parts = [model.features(tiles.lr, tiles.altitude) for tiles in map(samples.take, pieces)]
        conditions = [p.condition for p in parts if p.condition is not None]
        self.features = Features(
            torch.cat([p.maps for p in parts]),
            torch.cat([p.frames for p in parts]),
            torch.cat(conditions) if conditions else None,
        )

    def at(self, positions: list[int]) -> Features:
        """The merged bursts at these positions."""
        maps, frames, condition = self.features
        return Features(maps[positions], frames[positions], None if condition is None else condition[positions])


def train_step(
    model: Normalised,
    batches: list[Batch],
    optimiser: torch.optim.Optimizer,
    precision: Precision,
    stage: Stage,
    config: TrainConfig,
    *,
    free: list[nn.Parameter],
    cache: Cache | None = None,
    warm: bool = False,
    longest: float = math.inf,
    largest: float = math.inf,
    ranks: Ranks = ALONE,
) -> StepMetrics:
    """One optimiser step over its micro-batches. A batch that is not finite costs the step, never the weights.

    longest, largest: the gradient and the loss from which on a step is a spike and not taken. ranks: who takes part in
    the step; a bad batch of one costs it for all, and the losses are the means.
    """
    optimiser.zero_grad(set_to_none=True)
    sums: dict[str, float] = {}
    for batch in batches:
        if ranks.any(not (torch.isfinite(batch.lr).all() and torch.isfinite(batch.hr).all())):
            optimiser.zero_grad(set_to_none=True)
            what, tiles = bad_inputs(batch)
            return StepMetrics(terms={}, grad_norm=math.nan, fault="input", what=what, tiles=tiles)
        with precision.autocast():
            terms = loss_terms(model, batch, stage, config, cache=cache, warm=warm)
        total = torch.stack(list(terms.values())).sum()
        values = ranks.mean(torch.stack([*terms.values(), total]).detach())
        for name, value in zip(terms, values, strict=False):
            sums[name] = sums.get(name, 0.0) + float(value) / len(batches)
        if not torch.isfinite(values).all():
            optimiser.zero_grad(set_to_none=True)
            precision.overflow()
            what = tuple(name for name, value in zip(terms, values, strict=False) if not torch.isfinite(value))
            return StepMetrics(terms=sums, grad_norm=math.nan, fault="loss", what=what, tiles=tuple(batch.ids))
        precision.backward(total / len(batches))
    ranks.average_gradients(free)
    norm, fault = precision.step(
        optimiser, free, stage.grad_clip, longest=longest, leapt=sum(sums.values()) > largest
    )  # fmt: skip
    if not fault:
        return StepMetrics(terms=sums, grad_norm=norm)
    what = bad_gradients(model.named_parameters()) if fault == "gradient" else ()
    tiles = tuple(position for batch in batches for position in batch.ids)
    return StepMetrics(terms=sums, grad_norm=norm, fault=fault, what=what, tiles=tiles)


def loss_terms(
    model: Normalised, batch: Batch, stage: Stage, config: TrainConfig, *, cache: Cache | None, warm: bool
) -> dict[str, Tensor]:
    """The terms of a stage's loss on one batch."""
    if stage.loss == "alignment":
        registered, _ = model.register(batch.lr)
        reference = model.inward(batch.lr[:, :1])
        return {"alignment": alignment_loss(registered, reference, batch.clear_lr)}
    if stage.loss == "motion":
        _, shift = model.register(batch.lr)
        return {"motion": motion_error(shift, known_motion(batch))}
    if stage.alignment_frozen:
        if cache is None:
            with torch.no_grad():
                features = model.features(batch.lr, batch.altitude)
        else:
            features = cache.at(batch.ids)
        features = augmented_features(features, batch.turns)
    else:
        features = model.features(batch.lr, batch.altitude)
    return reconstruction_loss(model.reconstruct(features), batch.hr, batch.clear_hr, config=config.loss, warm=warm)


def identity_error(model: Normalised, samples: Samples, stage: Stage, config: TrainConfig) -> float:
    """The loss of the held-out tiles with their frames left as they are: what an alignment stage is to better."""
    size, total = config.loop.val_batch, 0.0
    for i in range(0, len(samples), size):
        part = samples.take(range(i, min(i + size, len(samples))))
        if stage.loss == "motion":
            motion = known_motion(part)
            value = motion_error(motion.new_zeros(*motion.shape[:2], 2, *part.lr.shape[-2:]), motion)
        else:
            lr = model.inward(part.lr)
            value = alignment_loss(lr, lr[:, :1], part.clear_lr)
        total += float(value) * len(part)
    return total / len(samples)


def validation(
    model: Normalised, samples: Samples, stage: Stage, config: TrainConfig, cache: Cache | None
) -> dict[str, float]:
    """Errors of the held-out tiles, the first by what the stage is trained for: L1 of the image or of the registered
    frames, or the registration error; that one, in low-res px, wherever an alignment is trained and motion is known."""
    was = {m: m.training for m in model.modules()}
    model.eval()
    size, sums = config.loop.val_batch, dict[str, float]()
    with torch.no_grad(), Precision(config.amp, config.device).autocast():
        for i in range(0, len(samples), size):
            ids = list(range(i, min(i + size, len(samples))))
            for name, value in _errors(
                model, samples.take(ids), stage, cached=None if cache is None else cache.at(ids)
            ).items():
                sums[name] = sums.get(name, 0.0) + float(value) * len(ids)
    for module, training in was.items():
        module.training = training
    return {name: total / len(samples) for name, total in sums.items()}


def _errors(model: Normalised, part: Samples, stage: Stage, *, cached: Features | None) -> dict[str, Tensor]:
    """What `validation` says of a few tiles."""
    found: dict[str, Tensor] = {}
    if stage.loss == "reconstruction":
        features = model.features(part.lr, part.altitude) if cached is None else cached
        found["val/l1"] = masked_mean((model.reconstruct(features).mean - part.hr).abs(), part.clear_hr)
    knows = part.motion is not None and not stage.alignment_frozen
    if stage.loss != "reconstruction" or knows:
        registered, shift = model.register(part.lr)
        if stage.loss == "alignment":
            found["val/alignment"] = alignment_loss(registered, model.inward(part.lr[:, :1]), part.clear_lr)
        if knows or stage.loss == "motion":
            found["val/registration_error_px"] = motion_error(shift, known_motion(part))
    return found


def known_motion(tiles: Batch | Samples) -> Tensor:
    """Their true motion (B, T, 3). Raises ValueError where it is not known: a launch has seen to it that it is."""
    if tiles.motion is None:
        raise ValueError("the motion of these tiles is not known")
    return tiles.motion
