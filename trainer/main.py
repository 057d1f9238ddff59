"""The whole of a training run, from config file to judged result. The only file that knows all the others.

The order matters: everything a user can get wrong is found before any training time is spent, and everything random is
settled in `prepare`, so that a record sealed after it describes exactly what will run.
"""

import hashlib
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch

from runaudit.errors import ConfigError, UsageError
from trainer.baseline import Protocol, Shelf
from trainer.build import Normalised, build_model, parameter_count
from trainer.checkpoint import Checkpoint, decoded
from trainer.config import TrainConfig, settled, stages_with
from trainer.configfile import load_config
from trainer.context import EventKind, Progress, RunContext, RunLog
from trainer.data import Dataset, read_checked, read_dataset
from trainer.evaluate import EvaluationConfig, Judged, evaluate_sequence
from trainer.loop import Status, run_stages
from trainer.models.normalisation import share_statistics
from trainer.predict import Predictor
from trainer.ranks import ALONE, Ranks
from trainer.rehearsal import Measured, require_fixed_order, settle_precision
from trainer.resume import Parent, load_weights, put_weights
from trainer.samples import Samples, TileSet, draw, open_samples, room_of
from trainer.seeding import rng_digest, seed_everything, settle_torch
from trainer.stages import Stage, plan, weights_digest
from trainer.tiling import TilingConfig
from trainer.warmstart import settled_start, take_blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A run that has everything but its first step.

    seed_proof: `rng`, `init` and `first_batch`, digests that differ between seeds that act.
    """

    config: TrainConfig
    seed: int
    dataset: Dataset
    model: Normalised
    train: TileSet
    val: Samples
    stages: tuple[Stage, ...]
    data_digest: str
    seed_proof: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainResult:
    """How a run ended. exit_code: 0, 128 + the signal that ended it, or 1 where it came to nothing: `reason`."""

    status: Status
    metrics: Mapping[str, float]
    checkpoints: Mapping[str, Path]
    events: tuple[Mapping[str, Any], ...]
    steps_done: int
    exit_code: int
    judged: tuple[Judged, ...] = ()
    reason: str = ""


def read_config(path: Path, overrides: tuple[str, ...] = (), *, ranks: int = 1) -> TrainConfig:
    """A config file with its overrides, the device decided for this machine: see `settled`."""
    return settled(load_config(path, overrides), gpu=torch.cuda.is_available(), ranks=ranks)


def open_dataset(config: TrainConfig, *, checked: bool = True) -> Dataset:
    """Read the dataset and check that this config can use it. Raises UsageError or ConfigError in one line.

    checked: hold every burst to what `data check` asks; without it, as where only the test bursts are used, it only has
    to be readable.
    """
    root = Path(config.data.root)
    room = room_of(config.data)
    dataset = (
        read_checked(root, tile=config.data.tile, room=room, readers=config.data.readers)
        if checked
        else read_dataset(root, room=room)
    )
    if dataset.meta.scale != config.model.scale:
        raise ConfigError(
            f"config: model.scale is {config.model.scale}, but {dataset.root} has scale {dataset.meta.scale}",
            remedy="correct model.scale, or make another dataset",
        )
    if not dataset.test:
        raise UsageError(f"{dataset.root}: needs bursts to judge by", remedy="fill its test split")
    require_altitude(config, dataset)
    if checked:
        require_labels(config, dataset)
    return dataset


def require_altitude(config: TrainConfig, dataset: Dataset) -> None:
    """Raise ConfigError where the network is told an altitude that the dataset does not know, or that never differs."""
    if config.model.film.input == "none":
        return
    remedy = 'set model.film.input = "none", or use bursts that have it (python -m trainer data make --preset altitude)'
    for split in ("train", "test"):
        if not dataset.altitudes(split):
            raise ConfigError(
                f"config: model.film.input is altitude, but {dataset.root} does not know that of every {split} burst",
                remedy=remedy,
            )
    if not dataset.altitude_units()["deviation"]:
        raise ConfigError(
            f"config: model.film.input is altitude, but all training bursts of {dataset.root} have the same",
            remedy=remedy,
        )


def require_labels(config: TrainConfig, dataset: Dataset) -> None:
    """Raise ConfigError where a stage is trained on a motion that is not known of every training burst."""
    wanting = stages_with(config, "motion")
    unknown = [place.name for place in dataset.members("train") if place.motion is None]
    if wanting and unknown:
        raise ConfigError(
            f"config: stages.{wanting[0]}.loss is motion, but {dataset.root} does not know the motion of {unknown[0]}"
            f" ({len(unknown)} of {len(dataset.train)} training bursts)",
            remedy=f'set stages.{wanting[0]}.loss = "alignment", or use simulated bursts (python -m trainer data make)',
        )


def switches(config: TrainConfig) -> dict[str, Any]:
    """How this config wants torch to compute, in the words of `settle_torch`."""
    return {"deterministic": config.deterministic, "threads": config.threads, "tf32": config.amp.tf32}


def rehearsed(config: TrainConfig, dataset: Dataset) -> tuple[TrainConfig, Measured | None]:
    """The config with its precision settled, and the figures of that; on a GPU every stage has been tried once.

    Raises ConfigError where determinism was asked for and an operation of the config cannot keep it.
    """
    if config.device == "cpu":
        return config, None
    seed_everything(0, **switches(config))
    model, frames = build_model(config.model).to(config.device), dataset.meta.frames
    config, measured = settle_precision(model, plan(config), config, frames=frames)
    require_fixed_order(model, plan(config), config, frames=frames)
    return config, measured


def prepare(
    config: TrainConfig, seed: int, dataset: Dataset, *, ranks: Ranks = ALONE, start: Parent | None = None
) -> Prepared:
    """Seed, build the network, find the tiles. Nothing is trained yet. ranks: who trains it together. start: whose
    weights `init.blocks` begin with.

    Raises ConfigError as `open_samples` and `take_blocks` do.
    """
    if not 0 <= seed < 2**63:
        raise ConfigError(f"the seed is {seed}", remedy="give a whole number from 0 to 2**63 - 1")
    seed_everything(seed, **switches(config))
    rng = rng_digest()
    model = build_model(config.model).to(config.device)
    if dataset.altitudes("train"):
        model.standardise(**dataset.altitude_units())
    if start is not None:  # weights bring along the units that they were trained in
        take_blocks(model, start.checkpoint.weights, config.init.blocks)
    if ranks.size > 1:
        share_statistics(model, total=ranks.total, ranks=ranks.size)
    train, val = open_samples(dataset, config.data, config.device)
    stages = plan(config)
    first = draw(
        train,
        config.data,
        seed=seed,
        stage=stages[0].index,
        first=0,
        count=config.optim.batch * ranks.size,
        turn_frames=True,
    )
    drawn = "\n".join(f"{train.ids[i]} {turn}" for i, turn in zip(first.ids, first.turns, strict=True))
    return Prepared(
        config=config,
        seed=seed,
        dataset=dataset,
        model=model,
        train=train,
        val=val,
        stages=stages,
        data_digest=_digest("\n".join((*train.ids, "", *val.ids))),
        seed_proof={"rng": rng, "init": weights_digest(model), "first_batch": _digest(drawn)},
    )


def require_continuable(ready: Prepared, checkpoint: Checkpoint) -> None:
    """Hold a checkpoint against the run that is to go on from it. Raises as `put_weights` does."""
    put_weights(
        checkpoint, ready.model, config=ready.config, seed=ready.seed, data=ready.data_digest, stages=ready.stages
    )  # fmt: skip


@dataclass(slots=True)
class _Tee:
    """Passes everything on, and remembers events and checkpoints."""

    run: RunLog
    events: list[Mapping[str, Any]] = field(default_factory=list)
    kept: dict[str, Path] = field(default_factory=dict)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self.run.log(step, values)

    def event(self, step: int, kind: EventKind, detail: Mapping[str, Any]) -> None:
        self.events.append({"step": step, "kind": kind, **detail})
        self.run.event(step, kind, detail)

    def checkpoint(self, path: Path, *, step: int, kind: Literal["best", "last", "stage"]) -> None:
        self.kept[kind] = path
        self.run.checkpoint(path, step=step, kind=kind)


def train(
    config: TrainConfig,
    seed: int,
    run: RunLog,
    run_dir: Path,
    resume: Checkpoint | None = None,
    *,
    prepared: Prepared | None = None,
    stop: Callable[[], int] = lambda: 0,
    shelf: Shelf | None = None,
    ranks: Ranks = ALONE,
) -> TrainResult:
    """Train, then judge on full frames. `prepared` saves doing it twice when a record was sealed in between.

    stop: asked after every step; the number of the signal that wants the run to end, or 0. shelf: see `judge`. ranks:
    who trains together; the first one judges, and `run` and `run_dir` are its.
    """
    if prepared is None:
        dataset = open_dataset(config)
        config, _ = rehearsed(config, dataset)
        config, start = settled_start(config, None)
        prepared = prepare(config, seed, dataset, ranks=ranks, start=start)
    ready = prepared
    tee = _Tee(run)
    began = time.process_time()
    work = RunContext(
        config=config, seed=seed, model=ready.model, train=ready.train, val=ready.val, data_digest=ready.data_digest,
        run=tee, folder=run_dir / "checkpoints", stop=stop, ranks=ranks,
    )  # fmt: skip
    status, progress, signal, reason = run_stages(work, ready.stages, resume)
    metrics = {
        "time/train_cpu_s": time.process_time() - began,
        "parameters": float(parameter_count(ready.model)),
        "train/bad_batches": float(progress.bad_batches),
    }
    judged: tuple[Judged, ...] = ()
    if not reason and not signal and ranks.leads:
        _choose_weights(ready.model, config, progress)
        judged, found = judge(ready.model, config, ready.dataset, shelf=shelf)
        metrics |= found
        tee.log(progress.done, {k: v for k, v in found.items() if k.startswith(("full_frame/", "tile/"))})
    code = 128 + signal if signal else int(bool(reason))
    return TrainResult(
        status=status, metrics=metrics, checkpoints=dict(tee.kept), events=tuple(tee.events),
        steps_done=progress.done, exit_code=code, judged=judged, reason=reason,
    )  # fmt: skip


def _choose_weights(model: Normalised, config: TrainConfig, progress: Progress) -> None:
    """Put the weights that are judged into the network: it holds the last ones, and the config may want the best."""
    if config.eval.checkpoint == "best":
        model.load_state_dict(dict(decoded(progress.best_file, where="the best checkpoint").weights))


def judge(
    model: Normalised, config: TrainConfig, dataset: Dataset, *, shelf: Shelf | None = None
) -> tuple[tuple[Judged, ...], dict[str, float]]:
    """Full-frame evaluation of every test sequence: pictures and figures, and the figures as series.

    shelf: where the classical baselines are kept between runs; by default nowhere.
    """
    protocol = EvaluationConfig(
        protocol=Protocol(
            border_hr_px=config.eval.crop_border,
            psf_sigma_hr_px=config.eval.psf_sigma_hr_px,
            ibp_iterations=config.eval.ibp_iterations,
        ),
        tiling=TilingConfig(
            tile=config.eval.tile,
            overlap=config.eval.overlap,
            margin=config.eval.margin,
            blend=config.eval.blend,
        ),
        consistency_steps=config.model.consistency_steps,
    )
    judged: list[Judged] = []
    series: dict[str, float] = {}
    for burst in dataset.test:
        net = Predictor(model, config, altitude_m=burst.altitude_m)
        found = evaluate_sequence(net, burst, protocol, shelf=shelf, device=config.device)
        judged.append(found)
        series |= _series(found, net.registration_error(burst))
    tiles = [j.result.mean_tile_psnr for j in judged]
    series["tile/psnr"] = sum(tiles) / len(tiles)
    return tuple(judged), series


def evaluate_checkpoint(
    config: TrainConfig, dataset: Dataset, checkpoint: Checkpoint, *, where: Path, shelf: Shelf | None = None
) -> dict[str, float]:
    """Full-frame figures of a checkpoint. Raises ConfigError, naming `where` it lies, if its weights do not fit the
    configured network."""
    model = build_model(config.model).to(config.device)
    load_weights(model, checkpoint.weights, where=where)
    settle_torch(**switches(config))  # as the run that it is of had it: else fp32 would be TF32 here
    return judge(model, config, dataset, shelf=shelf)[1]


def _series(judged: Judged, registration_error_px: float | None) -> dict[str, float]:
    r = judged.result
    out = {
        f"full_frame/psnr/{r.name}": r.psnr,
        f"full_frame/psnr_bicubic/{r.name}": r.baseline.bicubic_psnr,
        f"full_frame/psnr_ibp/{r.name}": r.baseline.ibp_psnr,
        f"full_frame/psnr_registered_median/{r.name}": r.baseline.median_psnr,
        f"full_frame/psnr_single_frame/{r.name}": r.single_frame_psnr,
        f"full_frame/psnr_tiled/{r.name}": r.tiled_psnr,
        f"full_frame/gain_db/{r.name}": r.gain_db,
        f"full_frame/cpsnr/{r.name}": r.cpsnr,
        f"full_frame/cpsnr_bicubic/{r.name}": r.baseline.bicubic_cpsnr,
        f"full_frame/registered_gain_db/{r.name}": r.registered_gain_db,
        f"full_frame/registered_shift_hr_px/{r.name}": math.hypot(*r.cpsnr_shift),
        f"full_frame/ssim/{r.name}": r.ssim,
        f"full_frame/ssim_bicubic/{r.name}": r.baseline.bicubic_ssim,
    }
    if r.challenge is not None:
        out[f"full_frame/challenge_cpsnr/{r.name}"] = r.challenge.cpsnr
        out[f"full_frame/challenge_cssim/{r.name}"] = r.challenge.cssim
        out[f"full_frame/challenge_score/{r.name}"] = r.challenge.score
    if registration_error_px is not None:
        out[f"full_frame/registration_error_px/{r.name}"] = registration_error_px
    return out


def _digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
