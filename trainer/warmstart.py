"""Weights of another run to begin from: which file is meant, settled to its digest, and the blocks that are taken.

A pre-training is a run like any other; what begins from its checkpoint is linked with it by the digest in its manifest,
as a resumed run is, and compared by it: two runs that took the same weights began alike, whoever made them.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from runaudit import Run, open_store
from runaudit.errors import ConfigError, IntegrityError, UsageError
from trainer.build import Normalised
from trainer.config import TrainConfig
from trainer.resume import Parent, find, found_at

DIGEST = "sha256:"
FILM = "net.head.film."


def settled_start(config: TrainConfig, store: Path | None) -> tuple[TrainConfig, Parent | None]:
    """The config with `init.checkpoint` as a digest, and that checkpoint; None where the run begins at random.

    Raises UsageError where there is no such checkpoint, IntegrityError where it is not what its run sealed.
    """
    word = config.init.checkpoint
    if not word:
        return config, None
    start = _by_digest(word, store) if word.startswith(DIGEST) else find(word, store)
    start = replace(start, relation="warm", blocks=config.init.blocks)
    return replace(config, init=replace(config.init, checkpoint=start.digest)), start


def _by_digest(digest: str, store: Path | None) -> Parent:
    """The checkpoint that a run of the store sealed under this digest."""
    bench = open_store(store)
    folders = [(run, bench.store.run_dir(run.id) / name) for run, name in _sealed_under(digest, bench.runs())]
    if not folders:
        raise UsageError(
            f"init.checkpoint: no run in {bench.store.root} sealed a checkpoint {digest[:19]}…",
            remedy="name a run or a *.safetensors file, or bring its run here with `runaudit pull`",
        )
    for _, path in folders:
        if path.is_file():
            found = found_at(path)
            if found.digest != digest:
                raise IntegrityError(
                    f"{path}: does not match the digest it was sealed with", remedy="see `runaudit verify`"
                )
            return found
    run, path = folders[0]
    raise UsageError(
        f"init.checkpoint: {path.name} of run {run.short} is not in this store any more",
        remedy=f"bring it back with `runaudit pull REMOTE {run.short}`, or name another checkpoint",
    )


def _sealed_under(digest: str, runs: tuple[Run, ...]) -> list[tuple[Run, str]]:
    return [
        (run, str(row["path"]))
        for run in runs
        if run.outcome is not None
        for row in run.outcome.checkpoints
        if row["digest"] == digest
    ]


def take_blocks(model: Normalised, weights: Mapping[str, Tensor], blocks: tuple[str, ...]) -> None:
    """Put the named blocks' tensors, statistics included, into a network; the rest of it stays as it was drawn. So does
    a film that they come without: it begins as the identity.

    Raises ConfigError naming the first tensor that is missing, too many, or of another shape.
    """
    here = model.state_dict()
    for block in blocks:
        prefix = f"net.{block}."
        mine, theirs = ({n: t for n, t in all_.items() if n.startswith(prefix)} for all_ in (here, weights))
        if not any(name.startswith(FILM) for name in theirs):
            mine = {name: tensor for name, tensor in mine.items() if not name.startswith(FILM)}
        for name in sorted(mine.keys() | theirs.keys()):
            has, wants = (tuple(part[name].shape) if name in part else None for part in (theirs, mine))
            if has != wants:
                where = "film" if name.startswith(FILM) else block
                raise ConfigError(
                    f"init.checkpoint: {name.removeprefix('net.')} is {_shape(has)} there and {_shape(wants)} here",
                    remedy=f"configure model.{where} as that run had it, or leave {block} out of init.blocks",
                )
        here |= theirs
    model.load_state_dict(here)


def _shape(shape: tuple[int, ...] | None) -> str:
    if shape is None:
        return "absent"
    return "x".join(map(str, shape)) or "one number"
