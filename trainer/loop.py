"""The loop: stages in order, one step at a time, everything that happens told to a `RunLog`.

A step is a pure function of the weights, the optimiser's moments, the loss scale and its number, so a run
that is interrupted anywhere and resumed computes the very same losses.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import torch

from trainer import skips
from trainer.amp import Precision
from trainer.build import Normalised
from trainer.checkpoint import Checkpoint, decoded, encoded, optimiser_tensors, restore_optimiser, write
from trainer.config import TrainConfig, resolve
from trainer.ranks import ALONE, Ranks
from trainer.resume import put_weights
from trainer.samples import Batch, Samples, TileSet, draw, queue
from trainer.seeding import restore_rng, rng_state
from trainer.stages import (
    Stage,
    build_optimiser,
    frozen_digests,
    lr_at,
    prepare_blocks,
    require_frozen,
    weights_digest,
)
from trainer.step import Cache, StepMetrics, train_step, validation
from trainer.vitals import (
    WINDOW,
    cause_of_death,
    nothing_learned,
    spike_from,
    too_many_skipped,
    usual_size,
)

EventKind = Literal["stage", "resume", "skipped"]
Status = Literal["completed", "diverged", "killed"]
AHEAD = 4  # steps of which the bursts are read before they begin


class RunLog(Protocol):
    """Where a run is recorded. Steps count optimiser steps over all stages."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Series values of one step."""

    def event(self, step: int, kind: EventKind, detail: Mapping[str, Any]) -> None:
        """Something that happened between steps, or a step that was not taken."""

    def checkpoint(self, path: Path, *, step: int, kind: Literal["best", "last", "stage"]) -> None:
        """A checkpoint lies at `path` now."""


class StopRequested(Exception):  # noqa: N818 - a request, not an error
    """Someone asked the run to end; it saves itself first. `signal` is the signal's number."""

    def __init__(self, signal: int) -> None:
        super().__init__(f"signal {signal}")
        self.signal = signal


@dataclass(slots=True, kw_only=True)
class Progress:
    """Where the run is. `stage_at` counts planned stages, `step` steps within it, `done` steps over all stages.

    skips: the last steps that were not taken; skipped: how many of all. usual, usual_loss: how long the stage's
    gradients and how large its losses are by now. untrained: the validation error before the first step on an image.
    best, best_file: the lowest validation error so far and the
    checkpoint of that moment; none before the first.
    """

    stage_at: int = 0
    step: int = 0
    done: int = 0
    bad_batches: int = 0
    skipped_in_a_row: int = 0
    skips: list[int] = field(default_factory=list)
    skipped: int = 0
    usual: float | None = None
    usual_loss: float | None = None
    untrained: float | None = None
    best: float | None = None
    frozen: dict[str, str] = field(default_factory=dict)
    best_file: bytes = b""

    def facts(self) -> dict[str, Any]:
        """All but the file, in plain JSON."""
        return {name: getattr(self, name) for name in Progress.__dataclass_fields__ if name != "best_file"}


class Ending(NamedTuple):
    """How the stages ended. signal: the one that ended them, or 0. reason: why the run is dead; empty else."""

    status: Status
    progress: Progress
    signal: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """What all stages share."""

    config: TrainConfig
    seed: int
    model: Normalised
    train: TileSet
    val: Samples
    data_digest: str
    run: RunLog
    folder: Path
    stop: Callable[[], int] = lambda: 0  # number of the signal that asked the run to end, or 0
    ranks: Ranks = ALONE  # the processes that share the steps; the first one's `run` and `folder` are written to


def run_stages(work: RunContext, stages: tuple[Stage, ...], resume: Checkpoint | None = None) -> Ending:
    """Train through all stages, or until nothing can come of it.

    Raises IntegrityError if a stage moved what it does not train, ConfigError if `resume` is of another run.
    """
    progress, precision = Progress(), Precision(work.config.amp, work.config.device)
    if resume is not None:
        _restore(work, precision, progress, resume, stages)
    try:
        while progress.stage_at < len(stages):
            stage = stages[progress.stage_at]
            fitting = resume is not None and resume.facts["progress"]["stage_at"] == progress.stage_at
            if reason := _run_stage(work, stage, progress, precision, resume if fitting else None):
                return Ending("diverged", progress, reason=reason)
    except StopRequested as request:
        return Ending("killed", progress, request.signal)
    reason = too_many_skipped(work.config.loop, done=progress.done, skips=progress.skips)
    if work.config.eval.checkpoint == "best":
        reason = reason or nothing_learned(work.config.loop, first=progress.untrained, best=progress.best)
    return Ending("diverged" if reason else "completed", progress, reason=reason)


def _run_stage(
    work: RunContext,
    stage: Stage,
    progress: Progress,
    precision: Precision,
    resume: Checkpoint | None,
) -> str:
    """Train one stage from where `progress` stands. Returns why the run is dead, or nothing."""
    config, model = work.config, work.model
    free = prepare_blocks(model, stage.trains)
    optimiser = build_optimiser(free, stage.lr, config.optim, fused=True)
    if progress.step and resume is not None:
        restore_optimiser(optimiser, resume.state)
        require_frozen(model, stage, progress.frozen)
    else:
        progress.frozen = frozen_digests(model, stage.trains)
        work.run.event(progress.done, "stage", {"stage": stage.name, "trains": list(stage.trains)})
    cache = Cache(model, work.train, config) if _caches(work, stage) else None
    checking = Cache(model, work.val, config) if stage.alignment_frozen else None
    _look_at_the_untrained(work, stage, progress, checking)
    while progress.step < stage.steps:
        began = time.perf_counter()
        lr = lr_at(progress.step, stage.steps, stage.lr, config.optim)
        for group in optimiser.param_groups:
            group["lr"] = lr
        metrics = train_step(
            model, _batches(work, stage, progress.step), optimiser, precision, stage, config,
            ranks=work.ranks, free=free, cache=cache, warm=progress.step < config.loss.l1_steps,
            longest=spike_from(config.optim.spike_factor, usual=progress.usual, step=progress.step),
            largest=spike_from(config.optim.loss_spike_factor, usual=progress.usual_loss, step=progress.step),
        )  # fmt: skip
        if not metrics.fault:
            progress.usual = usual_size(progress.usual, metrics.grad_norm)
            progress.usual_loss = usual_size(progress.usual_loss, metrics.loss)
        progress.step, progress.done = progress.step + 1, progress.done + 1
        log_step(work, progress, precision, metrics, lr=lr, seconds=time.perf_counter() - began)
        if reason := _dead(work, progress, precision):
            _save(work, progress, precision, optimiser, kind="last")
            return reason
        validate_and_save(work, stage, progress, precision, optimiser, checking=checking)
    with work.ranks.agreed():
        require_frozen(model, stage, progress.frozen)
        work.ranks.require_equal(weights_digest(model), what=f"after stage {stage.name} the weights")
    progress.stage_at, progress.step = progress.stage_at + 1, 0
    progress.usual = progress.usual_loss = None
    _save(work, progress, precision, None, kind="last")
    return ""


def _look_at_the_untrained(work: RunContext, stage: Stage, progress: Progress, checking: Cache | None) -> None:
    """What an image is worth before any step was taken on one: what training is to better."""
    if stage.loss == "alignment" or progress.step or progress.untrained is not None:
        return
    values = validation(work.model, work.val, stage, work.config, checking)
    if math.isfinite(found := values["val/l1"]):
        progress.untrained = found
        work.run.log(progress.done, values)


def _dead(work: RunContext, progress: Progress, precision: Precision) -> str:
    return cause_of_death(
        work.config.loop, done=progress.done, skips=progress.skips, in_a_row=progress.skipped_in_a_row,
        scale_at_floor=precision.scale if precision.at_floor else None, first_scale=work.config.amp.init_scale,
    )  # fmt: skip


def _caches(work: RunContext, stage: Stage) -> bool:
    return stage.alignment_frozen and _cache_mb(work) <= work.config.data.cache_mb


def _cache_mb(work: RunContext) -> float:
    """Size of the merged bursts of all training tiles."""
    T, h, w = work.train.shape
    model = work.config.model
    if model.topology == "paper":
        return 0.0  # the frames themselves: nothing new is kept
    planes = 5 + (2 * T if model.fusion.blocks else 0)
    return len(work.train) * planes * h * w * model.scale**2 * 4 / 2**20


def _batches(work: RunContext, stage: Stage, step: int) -> list[Batch]:
    """The micro-batches of a step: consecutive pieces of the queue, so 2 x 4 draws what 1 x 8 would, and so do two
    ranks. What the next steps need begins to be read."""
    data, batch = work.config.data, work.config.optim.batch
    drawn = [
        draw(
            work.train, data, seed=work.seed, stage=stage.index, first=first, count=batch,
            turn_frames=not stage.alignment_frozen,
        )
        for first in _firsts(work, step)
    ]  # fmt: skip
    if data.readers:
        coming = (first for later in range(step + 1, step + 1 + AHEAD) for first in _firsts(work, later))
        work.train.ahead(
            position
            for first in coming
            for position in queue(work.train, data, seed=work.seed, stage=stage.index, first=first, count=batch)
        )
    return drawn


def _firsts(work: RunContext, step: int) -> list[int]:
    """Where in the queue the micro-batches of a step begin for this rank."""
    optim, ranks = work.config.optim, work.ranks
    return [((step * optim.accumulate + i) * ranks.size + ranks.rank) * optim.batch for i in range(optim.accumulate)]


def log_step(
    work: RunContext,
    progress: Progress,
    precision: Precision,
    metrics: StepMetrics,
    *,
    lr: float,
    seconds: float,
) -> None:
    """Log a step, and count it where it was not taken."""
    progress.bad_batches += metrics.fault in ("input", "loss")
    progress.skipped_in_a_row = progress.skipped_in_a_row + 1 if metrics.fault else 0
    if metrics.fault:
        progress.skips = [*(step for step in progress.skips if step > progress.done - WINDOW), progress.done]
        progress.skipped += 1
        _tell_skip(work, progress, metrics)
    values = {f"train/loss/{name}": value for name, value in metrics.terms.items()}
    if metrics.terms:
        values["train/loss"] = metrics.loss
    values |= {"train/lr": lr, "time/step_s": seconds, "train/bad_batches": float(progress.bad_batches)}
    values["train/skipped"] = float(progress.skipped)
    if metrics.fault not in ("input", "loss"):
        values["train/grad_norm"] = metrics.grad_norm
    if precision.scales:
        values |= {"amp/scale": precision.scale, "amp/skipped": float(precision.skipped)}
    work.run.log(progress.done, values)


def _tell_skip(work: RunContext, progress: Progress, metrics: StepMetrics) -> None:
    """Say which step was not taken and what was to blame, on every rank."""
    if progress.skipped > skips.MOST_TOLD:
        return
    parts = work.ranks.gathered((metrics.what, metrics.tiles))
    value = {"spike": metrics.grad_norm, "loss_spike": metrics.loss}.get(metrics.fault)
    work.run.event(
        progress.done, "skipped", skips.detail(metrics.fault, ranks=parts, ids=work.train.ids, value=value)
    )  # fmt: skip


def validate_and_save(
    work: RunContext,
    stage: Stage,
    progress: Progress,
    precision: Precision,
    optimiser: torch.optim.Optimizer,
    *,
    checking: Cache | None,
) -> None:
    """Between steps: validate, save, and check for a stop request. Raises StopRequested."""
    loop, last = work.config.loop, progress.step == stage.steps
    if last or progress.step % loop.val_every == 0:
        values = validation(work.model, work.val, stage, work.config, checking)
        work.run.log(progress.done, values)
        found = values.get("val/l1", float("nan"))
        if math.isfinite(found) and (progress.best is None or found < progress.best):
            progress.best = found
            _save(work, progress, precision, optimiser, kind="best")
    signal = work.ranks.highest(work.stop())
    if signal or (progress.step % loop.save_every == 0 and not last):
        _save(work, progress, precision, optimiser, kind="last")
    if signal:
        raise StopRequested(signal)


def _save(
    work: RunContext,
    progress: Progress,
    precision: Precision,
    optimiser: torch.optim.Optimizer | None,
    *,
    kind: Literal["best", "last"],
) -> None:
    if not work.ranks.leads:
        return
    tensors, plain = rng_state()
    if optimiser is not None:
        tensors |= optimiser_tensors(optimiser)
    facts = {
        "config": resolve(work.config),
        "seed": work.seed,
        "data": work.data_digest,
        "progress": progress.facts(),
        "precision": precision.state(),
        "rng": plain,
    }
    # The last one carries the best along: whoever goes on with it, wherever it lies, may end with that one.
    best = progress.best_file if kind == "last" else b""
    file = encoded(Checkpoint(weights=work.model.state_dict(), state=tensors, facts=facts, best=best))
    if kind == "best":
        progress.best_file = file
    _keep(work, file, kind, progress.done)


def _keep(work: RunContext, file: bytes, kind: Literal["best", "last"], step: int) -> None:
    if not work.ranks.leads:
        return
    path = work.folder / f"{kind}.safetensors"
    write(path, file)
    work.run.checkpoint(path, step=step, kind=kind)


def _restore(
    work: RunContext,
    precision: Precision,
    progress: Progress,
    resume: Checkpoint,
    stages: tuple[Stage, ...],
) -> None:
    put_weights(
        resume, work.model, config=work.config, seed=work.seed, data=work.data_digest, stages=stages
    )  # fmt: skip
    precision.restore(resume.facts["precision"])
    restore_rng(resume.state, resume.facts["rng"])
    for name, value in resume.facts["progress"].items():
        setattr(progress, name, value)
    # The child is whole from its first moment on: killed at any time, it can be continued itself.
    if progress.best is not None:
        progress.best_file = resume.best or encoded(resume)
        found = decoded(progress.best_file, where="the best checkpoint").facts["progress"]["done"]
        _keep(work, progress.best_file, "best", found)
    _keep(work, encoded(replace(resume, best=progress.best_file)), "last", progress.done)
    work.run.event(progress.done, "resume", {"stage_at": progress.stage_at, "step": progress.step})
