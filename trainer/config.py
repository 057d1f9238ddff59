"""Every number of a run, in one frozen tree. What is not a field here cannot differ between two runs unnoticed.

The arms of a study differ in one leaf each: `staging` says whether the alignment is trained by itself first, and
`model.alignment.kind` says which alignment. The settings of both choices are always present, so choosing moves nothing
else. What follows from them (how many steps each stage gets) follows by the rules of `trainer.resolved`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from runaudit.errors import ConfigError
from trainer.modelconfig import ModelConfig, ranged, unusable


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """Which tiles are trained on. `frames_mode` = copies feeds the reference T times: the control without fusion.

    Tiles that do not fit in `memory_mb` are cut from bursts as they come up, read ahead by `readers` threads; neither
    changes a bit. `reshuffle` does: it numbers the orders, of tiles and of their turns, that one seed has.
    `shuffle_bursts` does, too: so many bursts are read and shuffled together, 0 shuffles all tiles. Where
    they do not fit, each tile of a full shuffle costs the reading of a burst.
    """

    root: str = "data/bursts"
    frames_mode: Literal["burst", "copies"] = "burst"
    tile: int = ranged(32, 8)
    fraction: float = ranged(1.0, 0.0, 1.0, above=True)
    fraction_seed: int = ranged(0)
    min_clear: float = ranged(0.0, 0.0, 1.0)
    val_fraction: float = ranged(0.05, 0.0, 0.5, above=True)
    val_seed: int = ranged(0)
    augment: bool = True
    cache_mb: int = ranged(1024)
    memory_mb: int = ranged(4096, 1)
    readers: int = ranged(0, 0, 64)
    shuffle_bursts: int = ranged(0)
    reshuffle: int = ranged(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetConfig:
    """Optimiser steps. Those of both stagings stand here, whichever is chosen."""

    align_steps: int = ranged(100)
    sr_steps: int = ranged(450)
    finetune_steps: int = ranged(0)
    end_to_end_steps: int = ranged(500)


def inherited(low: float = 0.0, high: float = math.inf, *, above: bool = False) -> Any:
    """A numeric field of a stage that is that of all stages where it is left out."""
    return field(default=None, metadata={"low": low, "high": high, "above": above})


@dataclass(frozen=True, slots=True, kw_only=True)
class StageConfig:
    """A stage trains the blocks named in `trains` with one loss; everything else is frozen.

    `alignment` makes the registered frames look like frame 0; `motion` holds the estimated motion against the true one,
    in low-res pixels, where the dataset knows it; `reconstruction` is of the image.

    What is left out is that of all stages: `optim` and `grad_clip`; "inherit" says so, too. A stage ends early after
    `patience` validations in a row that were not its best; 0 never ends one. With `ema_decay` the weights that are
    validated, kept as the best and handed on are a moving average of those that are trained; 0 takes those themselves.
    """

    trains: tuple[Literal["alignment", "fusion", "head"], ...] = ("alignment", "fusion", "head")
    loss: Literal["alignment", "motion", "reconstruction"] = "reconstruction"
    lr: float = ranged(2e-3, 0.0, above=True)
    optimiser: Literal["adamw", "sgd"] | None = None
    schedule: Literal["cosine", "milestones", "constant"] | None = None
    weight_decay: float | None = inherited()
    warmup_fraction: float | None = inherited(high=1.0)
    grad_clip: float | None = inherited(above=True)
    patience: int = ranged(0)
    ema_decay: float = ranged(0.0, 0.0, 0.999999)


@dataclass(frozen=True, slots=True, kw_only=True)
class StagesConfig:
    """All stages there are, in the order in which they run; one that gets no steps does nothing.

    A stage that ends has converged where its validation error is below what it began with and its last quarter brought
    no more than `converged_share` of what it gained. With `require_converged` = stop the next one is not begun else.
    """

    alignment: StageConfig = StageConfig(trains=("alignment",), loss="alignment")
    sr: StageConfig = StageConfig(trains=("fusion", "head"))
    finetune: StageConfig = StageConfig(lr=1e-4)
    end_to_end: StageConfig = StageConfig()
    require_converged: Literal["warn", "stop"] = "warn"
    converged_share: float = ranged(0.1, 0.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LossConfig:
    """Reconstruction loss. `laplace` needs the log-scale head; its first `l1_steps` steps of a stage are plain L1.

    `weight` multiplies it. AdamW forgets it, the clip norm and its epsilon do not: a squared error of 1e-4 has
    gradients so small that nothing is clipped (measured: without its weight of 50, l2 ends 1.1 dB lower).

    `fft_weight` adds the mean absolute error of the image's spectrum, in fp32, as a term of its own. With
    `fft_normalised` it is divided by the number of pixels, as is right; without, it grows with the tile and drives the
    loss scale down.
    """

    kind: Literal["l1", "l2", "charbonnier", "laplace"] = "l1"
    weight: float = ranged(1.0, 0.0, above=True)
    charbonnier: float = ranged(0.02, 0.0, above=True)
    l1_steps: int = ranged(0)
    shift_border: int = ranged(0)
    fft_weight: float = ranged(0.0)
    fft_normalised: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimConfig:
    """The optimiser and its schedule. Milestones are shares of a stage; warm-up runs from LR / warmup_divisor.

    A step whose gradient is more than `spike_factor` times as long as is usual in its stage is not taken, nor one whose
    loss is more than `loss_spike_factor` times the usual; 0 takes all.
    Clipping bounds a step, not its direction: a head of 64 x 8 at 1.5e-3 left for losses of 4e5 to 4e11 (3 of 3 seeds).

    Of sgd, `beta1` is the momentum.

    A step is of batch x accumulate x world_size tiles: `batch` is what one process takes at once, and `world_size` how
    many processes the launcher has started, filled in by it.
    """

    batch: int = ranged(8, 1)
    accumulate: int = ranged(1, 1)
    world_size: int = ranged(1, 1)
    kind: Literal["adamw", "sgd"] = "adamw"
    weight_decay: float = ranged(1e-4)
    beta1: float = ranged(0.9, 0.0, 0.999999)
    beta2: float = ranged(0.999, 0.0, 0.999999)
    eps: float = ranged(1e-8, 0.0, above=True)
    warmup_fraction: float = ranged(0.05, 0.0, 1.0)
    warmup_divisor: float = ranged(10.0, 1.0)
    schedule: Literal["cosine", "milestones", "constant"] = "cosine"
    milestones: tuple[float, ...] = (0.7,)
    milestone_factor: float = ranged(0.2, 0.0, 1.0, above=True)
    final_fraction: float = ranged(0.0, 0.0, 1.0)
    spike_factor: float = ranged(0.0)
    loss_spike_factor: float = ranged(0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AmpConfig:
    """Precision of training. `auto` is measured on a GPU, off elsewhere, and settled before the run is sealed.

    `off` is fp32. Whether its products may round their factors to ten bits (TF32) is a choice of its own. A scale that
    would have to fall below `min_scale` is given up: there a loss of 1 is a subnormal of fp16.
    """

    dtype: Literal["auto", "off", "fp16", "bf16"] = "auto"
    tf32: bool = False
    init_scale: float = ranged(65536.0, 0.0, above=True)
    growth_factor: float = ranged(2.0, 1.0, above=True)
    backoff_factor: float = ranged(0.5, 0.0, 1.0, above=True)
    growth_interval: int = ranged(2000, 1)
    min_scale: float = ranged(2.0**-14, 0.0, above=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalConfig:
    """Full-frame evaluation. Border in high-res pixels; tile, overlap and margin of the tiled one in low-res ones.

    `precision` is that of the judged pictures, whatever training used: so trainings of different precision compare.
    """

    crop_border: int = ranged(9)
    tile: int = ranged(64, 1)
    overlap: int = ranged(24, 1)
    margin: int = ranged(8)
    blend: Literal["linear", "hann"] = "linear"
    psf_sigma_hr_px: float = ranged(1.0)
    ibp_iterations: int = ranged(15, 1)
    self_ensemble: bool = False
    precision: Literal["off", "fp16", "bf16"] = "off"
    checkpoint: Literal["best", "last"] = "best"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopConfig:
    """Housekeeping of the loop, all of it able to change what is reported.

    Every `conflict_every` steps the gradients of the alignment's own loss and of the image's are held against each
    other, where a stage trains the alignment on images; 0 never does. It takes a copy of the network through two
    passes and moves no bit.

    A run that ends as dead, or at a stage on which none may be built, is begun again at its best healthy checkpoint, up
    to `restarts` times: as a child run, its learning rates times `restart_lr_factor`, its tiles in another order.

    The last three say when a run is dead: steps in a row that were not taken, their share of the last hundred, and how
    many times the untrained network's error the best validation may be.
    """

    val_every: int = ranged(50, 1)
    val_batch: int = ranged(16, 1)
    save_every: int = ranged(100, 1)
    conflict_every: int = ranged(0)
    restarts: int = ranged(0, 0, 100)
    restart_lr_factor: float = ranged(0.5, 0.0, 1.0, above=True)
    max_skipped_in_a_row: int = ranged(25, 1)
    max_skipped_share: float = ranged(0.3, 0.0, 1.0)
    max_error_ratio: float = ranged(2.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class InitConfig:
    """Where the weights begin: at random, or for `blocks` at another run's `checkpoint`.

    It is named by digest ("sha256:…"), by RUN (its last one) or by path, and settled to the digest before the seal.
    """

    checkpoint: str = ""
    blocks: tuple[Literal["alignment", "fusion", "head"], ...] = ("alignment", "fusion", "head")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """The whole run. One that is `quick` is a search for ideas: it is sealed so, and compares with its like alone."""

    staging: Literal["staged", "end_to_end"] = "staged"
    quick: bool = False
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int = ranged(1, 1)
    deterministic: bool = True
    grad_clip: float = ranged(0.5, 0.0, above=True)
    init: InitConfig = field(default_factory=InitConfig)
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    budget: BudgetConfig = field(default_factory=BudgetConfig)
    stages: StagesConfig = field(default_factory=StagesConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    amp: AmpConfig = field(default_factory=AmpConfig)
    eval: EvalConfig = field(default_factory=EvalConfig)
    loop: LoopConfig = field(default_factory=LoopConfig)

    def __post_init__(self) -> None:
        """Raise ConfigError for values that are possible alone but not together."""
        head, loss = self.model.head, self.loss
        wrong: Mapping[str, tuple[bool, str]] = {
            **unusable(self.model),
            "model.head.window": (
                head.pooling == "local" and head.window > self.data.tile,
                f"set it to the side of the training tile, data.tile = {self.data.tile}",
            ),
            "loss.kind": (
                loss.kind == "laplace" and not (self.model.log_scale or self.model.topology == "paper"),
                "set model.log_scale = true, or choose another loss",
            ),
            "optim.loss_spike_factor": (
                self.loss.kind == "laplace" and self.optim.loss_spike_factor > 0,
                "set it to 0 and use optim.spike_factor: a likelihood may be below zero, where no factor says anything",
            ),
            "loss.fft_weight": (
                loss.fft_weight > 0 and loss.shift_border > 0,
                "set loss.fft_weight = 0 or loss.shift_border = 0: a spectrum knows where its image lies",
            ),
            "optim.milestones": (
                list(self.optim.milestones) != sorted(self.optim.milestones)
                or not all(0 < m < 1 for m in self.optim.milestones),
                "give rising shares of a stage between 0 and 1",
            ),
            "init.blocks": (
                not self.init.blocks or (self.init.blocks != InitConfig().blocks and not self.init.checkpoint),
                "name the blocks to take and set init.checkpoint, or leave init.blocks out",
            ),
            "eval.overlap": (
                not 2 * self.eval.margin < self.eval.overlap < self.eval.tile,
                "make the overlap smaller than the tile and larger than twice the margin",
            ),
            "budget": (sum(stage_steps(self).values()) == 0, f"give the {self.staging} stages steps"),
            "eval.checkpoint": (
                self.eval.checkpoint == "best" and not _validates_images(self),
                'set eval.checkpoint = "last": no stage with steps validates an image, so none is the best',
            ),
            "model.topology": (
                _asks_for_frame_0(self),
                "set model.anchor, or give no steps to a stage with the alignment loss, which asks for frame 0",
            ),
            **_motion_label(self),
        }
        for path, (broken, remedy) in wrong.items():
            if broken:
                raise ConfigError(f"config: {path} cannot be used with the rest", remedy=remedy)


# What `staging` makes of the steps: stage -> its leaf of the budget, and the staging that it is of.
STAGING_OF = {
    "alignment": ("align_steps", "staged"),
    "sr": ("sr_steps", "staged"),
    "finetune": ("finetune_steps", "staged"),
    "end_to_end": ("end_to_end_steps", "end_to_end"),
}


def stage_steps(config: TrainConfig) -> dict[str, int]:
    """Optimiser steps of every stage, in running order."""
    return {
        name: int(getattr(config.budget, budget)) if config.staging == staging else 0
        for name, (budget, staging) in STAGING_OF.items()
    }


def _validates_images(config: TrainConfig) -> bool:
    return bool(stages_with(config, "reconstruction"))


def stages_with(config: TrainConfig, loss: str) -> tuple[str, ...]:
    """The stages with steps that are trained with this loss, in running order."""
    return tuple(
        name for name, steps in stage_steps(config).items() if steps and getattr(config.stages, name).loss == loss
    )


def _motion_label(config: TrainConfig) -> dict[str, tuple[bool, str]]:
    """Where a stage that is trained on the true motion asks for what the rest does not give.

    TERN filters a frame by a kernel of 25 numbers, of whose centre of mass alone a label speaks. Trained on that, 150
    steps left frames 0.84 times as far from frame 0 as they came, the alignment loss 0.57 times (one seed each), at
    equal error in px: its centre was right, and the filter none that registers.
    """
    found: dict[str, tuple[bool, str]] = {}
    other = 'model.topology = "aligned"' if config.model.topology == "paper" else 'model.alignment.kind = "flow"'
    is_tern = config.model.topology == "paper" or config.model.alignment.kind == "tern"
    for name in stages_with(config, "motion"):
        found |= {
            f"stages.{name}.loss": (
                is_tern,
                f'set it to "alignment", or {other}: of a filter of TERN a label tells the centre alone',
            ),
            f"stages.{name}.trains": (
                "alignment" not in getattr(config.stages, name).trains,
                'name "alignment" in it, or choose another loss',
            ),
            "data.frames_mode": (
                config.data.frames_mode != "burst",
                f'set it to "burst", or stages.{name}.loss = "alignment": copies of a frame do not move',
            ),
        }
    return found


def _asks_for_frame_0(config: TrainConfig) -> bool:
    """Does a stage with steps hold the frames of a network without a reference against frame 0?"""
    return config.model.topology == "paper" and config.model.anchor == "none" and bool(stages_with(config, "alignment"))


def settled(config: TrainConfig, *, gpu: bool, ranks: int = 1) -> TrainConfig:
    """The same config with the device and the processes decided, and the precision where it needs no measurement.

    gpu: is there one to use? On one, `amp.dtype` = auto stays for `trainer.rehearsal` to measure. ranks: how many
    processes train together.
    """
    if config.optim.world_size not in (1, ranks):
        raise ConfigError(
            f"config: optim.world_size is {config.optim.world_size}, but the launcher started {ranks}",
            remedy="leave it out: torchrun --nproc-per-node N says it",
        )
    device: Literal["cpu", "cuda"] = ("cuda" if gpu else "cpu") if config.device == "auto" else config.device
    if device == "cuda" and not gpu:
        raise ConfigError("config: device is cuda, but no CUDA device is visible", remedy='set device = "cpu"')
    amp = replace(config.amp, dtype="off") if config.amp.dtype == "auto" and device == "cpu" else config.amp
    return replace(config, device=device, amp=amp, optim=replace(config.optim, world_size=ranks))
