"""What the stages of a run share: its settings and data, where it stands, and where it is recorded."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from trainer.build import Normalised
from trainer.config import TrainConfig
from trainer.ranks import ALONE, Ranks
from trainer.samples import Samples, TileSet

EventKind = Literal["stage", "resume", "skipped", "stage_end"]


class RunLog(Protocol):
    """Where a run is recorded. Steps count optimiser steps over all stages."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Series values of one step."""

    def event(self, step: int, kind: EventKind, detail: Mapping[str, Any]) -> None:
        """Something that happened between steps: a stage began or ended, a step was not taken."""

    def checkpoint(self, path: Path, *, step: int, kind: Literal["best", "last", "stage"]) -> None:
        """A checkpoint lies at `path` now."""


@dataclass(slots=True, kw_only=True)
class Progress:
    """Where the run is. `stage_at` counts planned stages, `step` steps within it, `done` steps over all stages.

    skips: the last steps that were not taken; skipped: how many of all. usual, usual_loss: how long the stage's
    gradients and how large its losses are by now. untrained: the validation error before the first step on an image.
    first, identity, validated: of the stage, the validation error before its first step, that of frames left as they
    are, and all since, in order. stage_best, stale: its lowest, and how many came after it. averaged: steps in the
    average of its weights. ended_early: the stages that did. unfit: why no stage should be built on the last one.
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
    first: float | None = None
    identity: float | None = None
    validated: list[float] = field(default_factory=list)
    stage_best: float | None = None
    stale: int = 0
    averaged: int = 0
    ended_early: list[str] = field(default_factory=list)
    unfit: str = ""
    best: float | None = None
    frozen: dict[str, str] = field(default_factory=dict)
    best_file: bytes = b""

    def count_validation(self, found: float) -> None:
        """Take in a validation error of the stage."""
        self.validated.append(found)
        if math.isfinite(found) and (self.stage_best is None or found < self.stage_best):
            self.stage_best, self.stale = found, 0
        else:
            self.stale += 1

    def begin_next(self) -> None:
        """The stage is over."""
        self.stage_at, self.step = self.stage_at + 1, 0
        self.usual = self.usual_loss = self.first = self.identity = self.stage_best = None
        self.validated, self.stale, self.averaged = [], 0, 0

    def facts(self) -> dict[str, Any]:
        """All but the file, in plain JSON."""
        return {name: getattr(self, name) for name in Progress.__dataclass_fields__ if name != "best_file"}


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
