"""What a run continues from: found, held against its seal, and checked, all before the launch is counted.

A checkpoint that its run sealed is held against that seal, so that nobody's later weights pass for the parent's. A run
that was killed sealed nothing; then the digest that the file carries is all there is, and that is said.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from runaudit import Run, digest_file, open_store
from runaudit.errors import ConfigError, IntegrityError, UsageError
from trainer.build import Normalised
from trainer.checkpoint import Checkpoint, decoded, files_of, load
from trainer.config import TrainConfig
from trainer.resolved import HOUSEKEEPING, resolve
from trainer.stages import Stage, require_frozen

LAST, BEST = "last.safetensors", "best.safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """A checkpoint and the run it is of, if known. `remark`: what could not be held against a seal; empty else.

    relation: `resume` goes on as it was, `restart` with other settings; `warm` begins another run with the weights of
    these `blocks`.
    """

    checkpoint: Checkpoint
    digest: str
    run: str | None = None
    remark: str = ""
    relation: Literal["resume", "restart", "warm"] = "resume"
    blocks: tuple[str, ...] = ()

    def init(self) -> dict[str, Any]:
        """The lineage as a record says it. Without a parent it is what the checkpoint's digest says, and no more."""
        kind = "resume" if self.run and self.relation == "resume" else "checkpoint"
        said: dict[str, Any] = {"kind": kind, "checkpoint": self.digest, "parent": self.run}
        said |= {"relation": self.relation} if self.relation == "restart" else {}
        return said | ({"blocks": list(self.blocks)} if self.blocks else {})


def find(word: str, store: Path | None, name: str = LAST) -> Parent:
    """What `--resume` names: a checkpoint file, or a run whose last checkpoint, or the one of this name, is meant.

    Raises UsageError where there is neither, IntegrityError where the file is not what its run sealed.
    """
    if Path(word).is_file():
        return found_at(Path(word))
    bench = open_store(store)
    run = bench.run(word)
    folder = bench.store.run_dir(run.id)
    path = folder / "checkpoints" / name
    if not path.is_file():
        _check_not_sealed(path.relative_to(folder).as_posix(), run)
        if name == BEST:
            raise UsageError(
                f"run {run.short} left no healthy checkpoint: no image was validated before it ended",
                remedy="start a new run, or lower loop.val_every so that the next one keeps one in time",
            )
        raise UsageError(f"run {run.short} left no last checkpoint", remedy=_instead(run))
    return _held(path, run, folder)


def found_at(path: Path) -> Parent:
    """The checkpoint in a file, held against the seal of the run in whose folder it lies. Raises as `find` does."""
    run, folder = _run_around(path)
    return _held(path, run, folder)


def _held(path: Path, run: Run | None, folder: Path) -> Parent:
    remark = held(path, run, folder) if run else ""
    checkpoint = load(path)
    return Parent(checkpoint=checkpoint, digest=str(digest_file(path)), run=run.id if run else None, remark=remark)


def _check_not_sealed(name: str, run: Run) -> None:
    """Raises IntegrityError where a run that is damaged, or sealed this file, does not have it."""
    if run.fault:
        raise IntegrityError(f"run {run.short} is damaged: {run.fault}", remedy=f"see `runaudit verify {run.short}`")
    rows = run.outcome.checkpoints if run.outcome else ()
    digest = next((row["digest"] for row in rows if row["path"] == name), None)
    if digest is not None:
        raise IntegrityError(
            f"{name} of run {run.short} was sealed with {str(digest)[:19]}… and is missing",
            remedy=f"restore it from a backup; `runaudit verify {run.short}` lists all",
        )


def _instead(run: Run) -> str:
    above = run.manifest.section("init").get("parent")
    if isinstance(above, str):
        return f"it ended before its first one; resume the run it continued: --resume {above[:12]}"
    return "it ended before its first one; start it anew, or name a *.safetensors file"


def held(path: Path, run: Run, folder: Path) -> str:
    """Hold a checkpoint against what its run sealed. Returns a remark where that run sealed nothing, else nothing.

    folder: the run's own. Raises IntegrityError naming the file and the run.
    """
    if run.fault:
        raise IntegrityError(
            f"run {run.short}, to which {path.name} belongs, is damaged: {run.fault}",
            remedy=f"see `runaudit verify {run.short}`",
        )
    if run.outcome is None:
        return f"run {run.short} has sealed no outcome ({run.status}): {path.name} is held against its own digest alone"
    sealed = {str(row["path"]): str(row["digest"]) for row in run.outcome.checkpoints}
    for file in files_of(path):
        name = file.absolute().relative_to(folder.absolute()).as_posix()
        if sealed.get(name) != str(digest_file(file)):
            wrong = "does not match the digest it was sealed with" if name in sealed else "is not what that run sealed"
            raise IntegrityError(
                f"{name} of run {run.short} {wrong}",
                remedy=f"restore it from a backup; `runaudit verify {run.short}` lists all",
            )
    return ""


def _run_around(path: Path) -> tuple[Run | None, Path]:
    """The run in whose folder a file lies (…/runs/<id>/checkpoints/last.safetensors), and that folder."""
    place = path.absolute()
    for folder, above in pairwise(place.parents):
        if above.name == "runs" and len(folder.name) == 64 and (above.parent / "store.json").is_file():
            return open_store(above.parent).run(folder.name), folder
    return None, place.parent


def require_same_run(checkpoint: Checkpoint, *, config: Mapping[str, Any], seed: int, data: str) -> None:
    """Raise ConfigError unless the checkpoint comes from this very config (`HOUSEKEEPING` apart), seed and tiles."""
    facts = checkpoint.facts
    kept, now = _leaves(facts["config"]), _leaves(config)
    # A leaf that the checkpoint's trainer did not have yet did then what its default does now.
    before = _leaves(resolve(TrainConfig())) | kept
    for key in sorted(kept.keys() | now.keys()):
        if before.get(key) != now.get(key) and key not in HOUSEKEEPING:
            raise ConfigError(
                f"cannot resume: {key} was {before.get(key)!r} and is {now.get(key)!r}",
                remedy="resume with the config of the checkpoint, or start a new run",
            )
    if facts["seed"] != seed:
        raise ConfigError(
            f"cannot resume: the seed was {facts['seed']} and is {seed}", remedy="resume with the same seed"
        )
    if facts["data"] != data:
        raise ConfigError(
            "cannot resume: the training tiles are not those of the checkpoint", remedy="restore the dataset"
        )


def put_weights(
    checkpoint: Checkpoint, model: Normalised, *, config: TrainConfig, seed: int, data: str, stages: tuple[Stage, ...]
) -> None:
    """Load the weights into the network that is to go on with them, once everything else fits as well.

    Raises ConfigError where config, seed, tiles, stage or weights are not those of the checkpoint, IntegrityError where
    a tensor is not what it was when its stage froze it.
    """
    require_same_run(checkpoint, config=resolve(config), seed=seed, data=data)
    at, step = (int(checkpoint.facts["progress"][key]) for key in ("stage_at", "step"))
    if not (0 <= at < len(stages) and 0 <= step <= stages[at].steps) and (at, step) != (len(stages), 0):
        raise ConfigError(
            f"cannot resume: the checkpoint is at step {step} of stage {at + 1}, which this config has not",
            remedy="resume with the config of the checkpoint, or start a new run",
        )
    if checkpoint.best:
        load_weights(
            model,
            decoded(checkpoint.best, where="the best checkpoint").weights,
            where="cannot resume from this checkpoint",
        )
    load_weights(model, checkpoint.weights, where="cannot resume from this checkpoint")
    if step:
        require_frozen(model, stages[at], checkpoint.facts["progress"]["frozen"])


def load_weights(model: Normalised, weights: Mapping[str, Any], *, where: object) -> None:
    """Put weights into the network. Raises ConfigError if they are another network's."""
    try:
        model.load_state_dict(dict(weights))
    except RuntimeError as error:
        raise ConfigError(
            f"{where}: its weights are not those of the configured network",
            remedy="use the config the checkpoint was trained with",
        ) from error


def _leaves(tree: Any, path: str = "config") -> dict[str, Any]:
    if isinstance(tree, Mapping):
        return {k: v for key, item in tree.items() for k, v in _leaves(item, f"{path}.{key}").items()}
    return {path: tree}
