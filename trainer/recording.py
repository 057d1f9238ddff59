"""Where the trainer meets runaudit: nothing is trained before everything that went in is sealed.

The guard is asked twice. First on what is cheap to know (code, config, data, label), before a network is built; then on
the whole, with digests that prove the seed acted, at the moment the manifest is sealed.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from runaudit import FileEntry, Recording, digest_file, digest_files, digest_tree, guard, guarded_record
from runaudit.errors import UsageError
from trainer.config import TrainConfig
from trainer.context import EventKind, RunLog
from trainer.data import Dataset
from trainer.data.layout import INDEX
from trainer.data.png import write_grey
from trainer.evaluate import Judged
from trainer.metrics import MAX_SHIFT_HR_PX
from trainer.panels import RULE, Pixels, panels
from trainer.rehearsal import Measured
from trainer.resolved import DERIVED_RULES, HOUSEKEEPING, resolve
from trainer.resume import Parent
from trainer.shelf import FOLDER

# The code a reported number comes from. A change in any of them makes two runs incomparable, not merely different.
METRIC_CODE = ("metrics.py", "evaluate.py", "tiling.py", "baseline.py", "classical.py", "predict.py", "challenge.py")
# How many processes train is `optim.world_size`, one factor; these say it again. The last one is torchrun's own, and of
# how a dead process shows.
TOLD = ("env.world_size", "env.variables.WORLD_SIZE", "env.variables.TORCH_NCCL_ASYNC_ERROR_HANDLING")
# What `--set init.checkpoint=…` names is sealed in the section `init`, by its digest.
START = ("config.args['init.checkpoint']", "config.args['init.blocks']")
AVERAGED = (
    "psnr", "psnr_bicubic", "psnr_ibp", "psnr_single_frame", "gain_db", "cpsnr", "registered_gain_db", "ssim",
    "registration_error_px",
)  # fmt: skip
PANEL_NAMES = {"low": "lr", "bicubic": "bicubic", "super_resolved": "sr", "truth": "hr", "error": "error"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchOptions:
    """What the command line says about a launch beside its config."""

    label: str
    config_files: tuple[Path, ...] = ()
    store: Path | None = None
    policy: Path | None = None
    baseline: str | None = None
    intent: tuple[str, ...] = ()
    waive: tuple[str, ...] = ()
    wandb: Literal["off", "offline", "online"] = "off"


def check(
    options: LaunchOptions, config: TrainConfig, seed: int, dataset: Dataset, *, start: Parent | None = None
) -> None:
    """Ask the guard about everything that is known before a network is built. Raises GuardRefusedError."""
    if not os.environ.get("RUNAUDIT_RUN"):  # else `runaudit run` has asked, and sealed
        guard(**_request(options, config, seed, dataset, start))


def seal(
    options: LaunchOptions,
    config: TrainConfig,
    seed: int,
    dataset: Dataset,
    *,
    proof: Mapping[str, str],
    parent: Parent | None = None,
    measured: Measured | None = None,
) -> Recording:
    """Seal the manifest of a run and return its recorder. parent: what it continues from; measured: what `auto` chose
    the precision by."""
    request = _request(options, config, seed, dataset, parent)
    if measured is not None:  # of this launch alone: another one's milliseconds differ and change nothing
        request["extra"]["launch"] = {"measured": {"precision": measured.facts()}}
    return guarded_record(**request, seed_proof=dict(proof), sinks=_sinks(options))


def _request(
    options: LaunchOptions, config: TrainConfig, seed: int, dataset: Dataset, parent: Parent | None
) -> dict[str, Any]:
    meta = dataset.meta
    # What belongs to the data itself; how it is cut and how much of it is used stands in the config, once.
    facts = {
        "scale": meta.scale,
        "frames": meta.frames,
        "data_range": meta.data_range,
        "preprocessing": meta.preprocessing_version,
    }
    return {
        "label": options.label,
        "seed": seed,
        "config": _sealed_config(config),
        "config_files": options.config_files,
        "data": {split: split_source(dataset, split) for split in ("train", "test")},
        "data_facts": {
            split: facts
            | {"members": [place.name for place in dataset.members(split)], "motion": motion_digest(dataset, split)}
            | altitude_facts(dataset, split)
            for split in ("train", "test")
        },
        "init": "random" if parent is None else parent.init(),
        "evaluation": _evaluation(config),
        "intent": options.intent,
        "baseline": options.baseline,
        "waive": options.waive,
        "store": options.store,
        "policy": options.policy,
        "extra": {
            "policy": {
                "derived": dict(DERIVED_RULES),
                "nuisance": [*_taken_over(), *_index(dataset), *TOLD, *_housekeeping(), *START],
            }
        },
    }


def _sealed_config(config: TrainConfig) -> dict[str, Any]:
    """All leaves but whose weights it begins with, which the section `init` says: one choice counts once."""
    return {name: part for name, part in resolve(config).items() if name != "init"}


def _taken_over() -> list[str]:
    """Baselines that another run of the store sealed: this run would have computed the very same, or did not take
    them; and runaudit calls runs incomparable whose baselines differ."""
    return [f"{section}['*/runs/*/{FOLDER}/*.json']" for section in ("data", "config", "code")]


def _housekeeping() -> list[str]:
    """How much is held, as the config says it and as `--set` does."""
    return [*HOUSEKEEPING, *(f"config.args['{name.removeprefix('config.')}']" for name in HOUSEKEEPING)]


def _index(dataset: Dataset) -> list[str]:
    """The file that says which bursts train and which judge. All that is used of it is sealed by name: the bursts of
    each split in their order, scale, frames and range, the altitudes, the motion that is learned and that errors are
    measured against."""
    root = dataset.root.absolute().name
    shards = [] if (dataset.root / INDEX).exists() else [f"{root}/*/{INDEX}"]
    places = [f"{root}/{INDEX}", *shards]
    return [f"{section}['*{place}']" for place in places for section in ("data", "config", "code")]


def altitude_facts(dataset: Dataset, split: str) -> dict[str, Any]:
    """The altitudes of a split by digest, with the units in which a film takes them; nothing where they are unknown."""
    altitudes = dataset.altitudes(split)
    if not altitudes:
        return {}
    digest = f"sha256:{hashlib.sha256(json.dumps(altitudes).encode()).hexdigest()}"
    return {"altitude_m": {"digest": digest} | (dataset.altitude_units() if split == "train" else {})}


def motion_digest(dataset: Dataset, split: str) -> str:
    """A digest of the true motion, known or not, of every burst of a split."""
    frames = dataset.meta.frames
    motions = [place.motion for place in dataset.members(split)]
    known = [None if motion is None else motion[:frames].tolist() for motion in motions]
    return f"sha256:{hashlib.sha256(json.dumps(known).encode()).hexdigest()}"


def split_source(dataset: Dataset, split: str) -> Path | dict[str, Any]:
    """A split as runaudit identifies it: its folder, or, where a foreign layout mixes the splits, its bursts' files.

    Only then does a changed test frame show as a change of the test data, and of nothing else.
    """
    if (dataset.root / split).is_dir():
        return dataset.root / split
    folders = [place.folder for place in dataset.members(split)]
    files = sorted(path for folder in folders for path in folder.iterdir() if path.is_file())
    entries = [_entry(path, dataset.root) for path in files]
    return {
        "path": str(dataset.root),
        "digest": str(digest_tree(entries)),
        "files": len(entries),
        "bytes": sum(entry.size for entry in entries),
    }


def _entry(path: Path, root: Path) -> FileEntry:
    there = path.stat()
    return _hashed(path, root, (there.st_size, there.st_mtime_ns, there.st_ctime_ns, there.st_ino))


@cache
def _hashed(path: Path, root: Path, stamp: tuple[int, ...]) -> FileEntry:
    """The guard looks twice in a launch: what has the same stamp the second time is not hashed again."""
    return FileEntry(path=path.relative_to(root).as_posix(), size=stamp[0], digest=digest_file(path))


def _evaluation(config: TrainConfig) -> dict[str, Any]:
    here = Path(__file__).parent
    return {
        "metric": "full_frame/psnr",
        "protocol": "full_frame",
        "crop_border": config.eval.crop_border,
        "data_range": 1.0,
        "channel": "mono",
        "registered": {"max_shift_hr_px": MAX_SHIFT_HR_PX, "brightness": "free"},
        "self_ensemble": config.eval.self_ensemble,
        "precision": config.eval.precision,
        "checkpoint": config.eval.checkpoint,
        # What a quick search reports is no figure of a full run, however alike the two are.
        "search": "quick" if config.quick else "full",
        # The best checkpoint is chosen on held-out training tiles, never on what is reported.
        "selected_on": "train",
        "code_digest": str(digest_files([here / name for name in METRIC_CODE])),
    }


def _sinks(options: LaunchOptions) -> tuple[Any, ...]:
    if options.wandb == "off":
        return ()
    from runaudit.integrations.wandb import WandbSink

    return (WandbSink(mode=options.wandb),)


@dataclass(slots=True)
class SealedLog:
    """A RunLog that seals what happens and shows it to `viewer` as well."""

    recorder: Recording
    viewer: RunLog

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """One step."""
        self.recorder.log(step, values)
        self.viewer.log(step, values)

    def event(self, step: int, kind: EventKind, detail: Mapping[str, Any]) -> None:
        """A stage begins, or a run resumes."""
        self.recorder.event(step, kind, {"name": detail.get("stage", kind), **detail})
        self.viewer.event(step, kind, detail)

    def checkpoint(self, path: Path, *, step: int, kind: Literal["best", "last", "stage"]) -> None:
        """A checkpoint lies at `path` now: recorded by digest, to which a resumed run is held."""
        self.recorder.checkpoint(path, step=step, kind=kind)
        self.viewer.checkpoint(path, step=step, kind=kind)


def keep_pictures(recorder: Recording, judged: tuple[Judged, ...]) -> None:
    """Write what a reader looks at into the run's folder, recorded by digest: panels/<sequence>/<panel>.png."""
    for found in judged:
        folder = recorder.run_dir / "panels" / found.result.name.replace("/", "_")
        for path in _drawn(folder, panels(found.images)):
            recorder.artifact(path, "panel", about=RULE)


def _drawn(folder: Path, pictures: Mapping[str, Pixels]) -> list[Path]:
    """The files that the pictures were written to. Raises UsageError where they cannot be."""
    paths = {folder / f"{PANEL_NAMES[name]}.png": pixels for name, pixels in pictures.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, pixels in paths.items():
            write_grey(path, pixels)
    except OSError as error:
        raise UsageError(
            f"pictures cannot be written to {folder}: {error.strerror or error}",
            remedy="free some space, or choose a folder you may write to",
        ) from error
    return list(paths)


def summary(metrics: Mapping[str, float]) -> dict[str, float]:
    """The figures of all sequences averaged inside the run: the unit of replication is the run, not the sequence."""
    out = dict(metrics)
    for name in AVERAGED:
        values = [value for key, value in metrics.items() if key.startswith(f"full_frame/{name}/")]
        if values:
            out[f"full_frame/{name}"] = fmean(values)
    return out
