"""Checkpoints of a run on its way: what goes into one, where it lies, and how a run goes on from it."""

from dataclasses import replace
from typing import Literal

import torch

from trainer.amp import Precision
from trainer.checkpoint import Checkpoint, decoded, encoded, optimiser_tensors, write
from trainer.context import Progress, RunContext
from trainer.ema import Ema
from trainer.resolved import resolve
from trainer.resume import put_weights
from trainer.seeding import restore_rng, rng_state
from trainer.stages import Stage


def save(
    work: RunContext,
    progress: Progress,
    precision: Precision,
    optimiser: torch.optim.Optimizer | None = None,
    ema: Ema | None = None,
    *,
    kind: Literal["best", "last"],
) -> None:
    """Write a checkpoint of now. Where a stage averages its weights, those of the best are the average."""
    if not work.ranks.leads:
        return
    tensors, plain = rng_state()
    if optimiser is not None:
        tensors |= optimiser_tensors(optimiser)
    weights = dict(work.model.state_dict())
    if ema is not None:
        averaged, beside = ema.stored(as_weights=kind == "best")
        weights, tensors = weights | averaged, tensors | beside
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
    file = encoded(Checkpoint(weights=weights, state=tensors, facts=facts, best=best))
    if kind == "best":
        progress.best_file = file
    keep(work, file, kind, progress.done)


def keep(work: RunContext, file: bytes, kind: Literal["best", "last"], step: int) -> None:
    """Put a checkpoint's file in its place, and have it recorded."""
    if not work.ranks.leads:
        return
    path = work.folder / f"{kind}.safetensors"
    write(path, file)
    work.run.checkpoint(path, step=step, kind=kind)


def restore(
    work: RunContext,
    precision: Precision,
    progress: Progress,
    resume: Checkpoint,
    stages: tuple[Stage, ...],
) -> None:
    """Go on from a checkpoint. Raises as `put_weights` does."""
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
        keep(work, progress.best_file, "best", found)
    keep(work, encoded(replace(resume, best=progress.best_file)), "last", progress.done)
    work.run.event(progress.done, "resume", {"stage_at": progress.stage_at, "step": progress.step})
