"""The loop: stages in order, one step at a time, everything that happens told to a `RunLog`.

A step is a pure function of the weights, the optimiser's moments, the loss scale and its number, so a run
that is interrupted anywhere and resumed computes the very same losses.
"""

import math
import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import nn

from trainer import skips
from trainer.amp import Precision
from trainer.checkpoint import Checkpoint, restore_optimiser
from trainer.conflict import SERIES, gradient_cosine, measures
from trainer.context import Progress, RunContext
from trainer.convergence import stage_verdict
from trainer.ema import Ema
from trainer.samples import Batch, draw, queue
from trainer.saving import restore, save
from trainer.stages import (
    Stage,
    build_optimiser,
    frozen_digests,
    lr_at,
    prepare_blocks,
    require_frozen,
    weights_digest,
)
from trainer.step import Cache, StepMetrics, identity_error, train_step, validation
from trainer.vitals import (
    WINDOW,
    cause_of_death,
    nothing_learned,
    spike_from,
    too_many_skipped,
    usual_size,
)

Status = Literal["completed", "early_stopped", "diverged", "killed"]
AHEAD = 4  # steps of which the bursts are read before they begin


class StopRequested(Exception):  # noqa: N818  (a request, not an error)
    """Someone asked the run to end; it saves itself first. `signal` is the signal's number."""

    def __init__(self, signal: int) -> None:
        super().__init__(f"signal {signal}")
        self.signal = signal


class Ending(NamedTuple):
    """How the stages ended. signal: the one that ended them, or 0. reason: why nothing is judged; empty else."""

    status: Status
    progress: Progress
    signal: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tools:
    """What a stage is trained with. checking: what its frozen alignment says of the held-out tiles."""

    free: list[nn.Parameter]
    optimiser: torch.optim.Optimizer
    ema: Ema | None
    cache: Cache | None
    checking: Cache | None


def run_stages(work: RunContext, stages: tuple[Stage, ...], resume: Checkpoint | None = None) -> Ending:
    """Train through all stages, or until nothing can come of it.

    Raises IntegrityError if a stage moved what it does not train, ConfigError if `resume` is of another run.
    """
    progress, precision = Progress(), Precision(work.config.amp, work.config.device)
    if resume is not None:
        restore(work, precision, progress, resume, stages)
    try:
        while progress.stage_at < len(stages):
            if progress.unfit and work.config.stages.require_converged == "stop":
                return Ending("early_stopped", progress, reason=progress.unfit)
            stage = stages[progress.stage_at]
            fitting = resume is not None and resume.facts["progress"]["stage_at"] == progress.stage_at
            if reason := _run_stage(work, stage, progress, precision, resume if fitting else None):
                return Ending("diverged", progress, reason=reason)
    except StopRequested as request:
        return Ending("killed", progress, request.signal)
    reason = too_many_skipped(work.config.loop, done=progress.done, skips=progress.skips)
    if work.config.eval.checkpoint == "best":
        reason = reason or nothing_learned(work.config.loop, first=progress.untrained, best=progress.best)
    ended: Status = "early_stopped" if progress.ended_early else "completed"
    return Ending("diverged" if reason else ended, progress, reason=reason)


def _run_stage(
    work: RunContext,
    stage: Stage,
    progress: Progress,
    precision: Precision,
    resume: Checkpoint | None,
) -> str:
    """Train one stage from where `progress` stands. Returns why the run is dead, or nothing."""
    tools = _begun(work, stage, progress, resume)
    while progress.step < stage.steps and not _is_spent(stage, progress):
        began = time.perf_counter()
        lr = lr_at(progress.step, stage.steps, stage.lr, stage.optim)
        for group in tools.optimiser.param_groups:
            group["lr"] = lr
        batches, warm = _batches(work, stage, progress.step), progress.step < work.config.loss.l1_steps
        _measure_conflict(work, stage, progress, batches[0], warm=warm)
        metrics = train_step(
            work.model, batches, tools.optimiser, precision, stage, work.config,
            ranks=work.ranks, free=tools.free, cache=tools.cache, warm=warm,
            longest=spike_from(stage.optim.spike_factor, usual=progress.usual, step=progress.step),
            largest=spike_from(stage.optim.loss_spike_factor, usual=progress.usual_loss, step=progress.step),
        )  # fmt: skip
        progress.step, progress.done = progress.step + 1, progress.done + 1
        if not metrics.fault:
            progress.usual = usual_size(progress.usual, metrics.grad_norm)
            progress.usual_loss = usual_size(progress.usual_loss, metrics.loss)
            if tools.ema is not None:
                progress.averaged += 1
                tools.ema.update(progress.averaged)
        log_step(work, progress, precision, metrics, lr=lr, seconds=time.perf_counter() - began)
        if reason := _dead(work, progress, precision):
            save(work, progress, precision, tools.optimiser, tools.ema, kind="last")
            return reason
        validate_and_save(work, stage, progress, precision, tools)
    _end_stage(work, stage, progress, tools.ema)
    save(work, progress, precision, kind="last")
    return ""


def _begun(work: RunContext, stage: Stage, progress: Progress, resume: Checkpoint | None) -> _Tools:
    """Freeze what the stage does not train, and have everything ready that it is trained with."""
    config, model = work.config, work.model
    free = prepare_blocks(model, stage.trains)
    optimiser = build_optimiser(free, stage.lr, stage.optim, fused=True)
    ema = Ema(model, stage.trains, stage.ema_decay) if stage.ema_decay else None
    if progress.step and resume is not None:
        restore_optimiser(optimiser, resume.state)
        if ema is not None:
            ema.restore(resume.state)
        require_frozen(model, stage, progress.frozen)
    else:
        progress.frozen = frozen_digests(model, stage.trains)
        work.run.event(progress.done, "stage", {"stage": stage.name, "trains": list(stage.trains)})
    cache = Cache(model, work.train, config) if _caches(work, stage) else None
    checking = Cache(model, work.val, config) if stage.alignment_frozen else None
    _look_before(work, stage, progress, checking)
    return _Tools(free=free, optimiser=optimiser, ema=ema, cache=cache, checking=checking)


def _is_spent(stage: Stage, progress: Progress) -> bool:
    """Has the stage had as many validations without a better one as it may?"""
    return bool(stage.patience) and progress.stale >= stage.patience


def _end_stage(work: RunContext, stage: Stage, progress: Progress, ema: Ema | None) -> None:
    """Hand on what the stage made, say how it ended, and hold it to what it was to train."""
    if ema is not None:
        ema.hand_on()
    with work.ranks.agreed():
        require_frozen(work.model, stage, progress.frozen)
        work.ranks.require_equal(weights_digest(work.model), what=f"after stage {stage.name} the weights")
    verdict = stage_verdict(
        progress.validated, first=progress.first, identity=progress.identity,
        most_late=work.config.stages.converged_share,
    )  # fmt: skip
    told: dict[str, Any] = {"stage": stage.name, "steps": progress.step, "planned": stage.steps, **verdict.facts()}
    if progress.step < stage.steps:
        progress.ended_early.append(stage.name)
        told["ended"] = f"early: the last {progress.stale} validations were not its best (patience {stage.patience})"
    seen = {"first": progress.first, "identity": progress.identity, "best": progress.stage_best}
    told |= {name: value for name, value in seen.items() if value is not None}
    work.run.event(progress.done, "stage_end", told)
    progress.unfit = f"stage {stage.name}: {verdict.unfit}" if verdict.unfit else ""
    progress.begin_next()


def _look_before(work: RunContext, stage: Stage, progress: Progress, checking: Cache | None) -> None:
    """What the network is worth before the stage: what its training is to better."""
    if progress.step:
        return
    values = validation(work.model, work.val, stage, work.config, checking)
    found = next(iter(values.values()))
    progress.first = found if math.isfinite(found) else None
    if stage.loss != "reconstruction":
        progress.identity = identity_error(work.model, work.val, stage, work.config)
    elif progress.untrained is None and progress.first is not None:  # before any step was taken on an image
        progress.untrained = found
        work.run.log(progress.done, values)


def _measure_conflict(work: RunContext, stage: Stage, progress: Progress, batch: Batch, *, warm: bool) -> None:
    every = work.config.loop.conflict_every
    if every and progress.step % every == 0 and measures(stage):
        cosine = gradient_cosine(work.model, batch, work.config, warm=warm, ranks=work.ranks)
        if cosine is not None:
            work.run.log(progress.done + 1, {SERIES: cosine})


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


def validate_and_save(work: RunContext, stage: Stage, progress: Progress, precision: Precision, tools: _Tools) -> None:
    """Between steps: validate, save, and check for a stop request. Raises StopRequested."""
    loop, last = work.config.loop, progress.step == stage.steps
    if last or progress.step % loop.val_every == 0:
        with nullcontext() if tools.ema is None else tools.ema.in_place():
            values = validation(work.model, work.val, stage, work.config, tools.checking)
        work.run.log(progress.done, values)
        progress.count_validation(next(iter(values.values())))
        found = values.get("val/l1", float("nan"))
        if math.isfinite(found) and (progress.best is None or found < progress.best):
            progress.best = found
            save(work, progress, precision, tools.optimiser, tools.ema, kind="best")
    signal = work.ranks.highest(work.stop())
    if signal or (progress.step % loop.save_every == 0 and not last):
        save(work, progress, precision, tools.optimiser, tools.ema, kind="last")
    if signal:
        raise StopRequested(signal)
