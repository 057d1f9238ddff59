"""A dead run begun again at its best healthy checkpoint: another run, with a change that is a factor like any other.

A resumed run goes on as it was and is held to the very same settings. One that died would die again so; what it needs
is the weights of before and another rate, clip or precision. Both records stand: the dead run as it ended, and its
child, which names it, the checkpoint by digest, and their relation.

`loop.restarts` does by itself what `restart` does by hand, with a change that is stated: lower rates, another order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from runaudit.errors import UsageError
from trainer.checkpoint import Checkpoint, load
from trainer.config import TrainConfig, settled
from trainer.configfile import build, parse_override, put
from trainer.resolved import resolve, unresolved
from trainer.resume import BEST, Parent, find
from trainer.stages import Stage, digests_outside, plan
from trainer.vitals import nothing_learned


@dataclass(frozen=True, slots=True, kw_only=True)
class Successor:
    """What follows a run that came to nothing. overrides: the child's config over its parent's; none where it cannot be
    begun again. words: either, for whoever reads the parent's record."""

    overrides: tuple[str, ...]
    words: str


def successor_of(config: TrainConfig, best: Path | None) -> Successor | None:
    """What `loop.restarts` makes of a run that ended as dead; None where it asks for nothing.

    best: the best checkpoint that the run left. The child has one restart less, and its rates are lower from the stage
    on in which it begins.
    """
    loop = config.loop
    if not loop.restarts:
        return None
    if best is None:
        return Successor(overrides=(), words="not begun again: no image was validated before it ended")
    checkpoint = load(best)
    if why := ailment(checkpoint, config):
        return Successor(overrides=(), words=f"not begun again: {why}")
    progress, factor = checkpoint.facts["progress"], loop.restart_lr_factor
    rates = [f"stages.{stage.name}.lr={stage.lr * factor!r}" for stage in plan(config)[int(progress["stage_at"]) :]]
    counts = [f"data.reshuffle={config.data.reshuffle + 1}", f"loop.restarts={loop.restarts - 1}"]
    return Successor(
        overrides=(*rates, *counts),
        words=f"begun again as a child run at its best checkpoint, step {progress['done']}: learning rates x "
        f"{factor:g}, another order of the tiles; restarts left: {loop.restarts - 1}",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """What a restarted run begins with."""

    parent: Parent
    config: TrainConfig
    seed: int


def restart_of(word: str, store: Path | None, overrides: Sequence[str], *, ranks: int) -> Restart:
    """Find the best checkpoint of a run, or take the one at a path, with the config it had and `overrides`.

    Raises UsageError where there is no healthy one, ConfigError where the changes fit no config.
    """
    parent = find(word, store, BEST)
    facts, name = parent.checkpoint.facts, f"the config of {parent.run[:12] if parent.run else word}"
    tree = unresolved(facts["config"])
    tree.get("optim", {}).pop("world_size", None)  # the launcher says it anew
    for override in overrides:
        key, value = parse_override(override)
        put(tree, key, value, place=f"--set {override}")
    config = settled(build(tree, name), gpu=torch.cuda.is_available(), ranks=ranks)
    if why := ailment(parent.checkpoint, config):
        raise UsageError(
            f"{parent.run[:12] if parent.run else word} left no healthy checkpoint to start from: {why}",
            remedy="start a new run, or name an earlier *.safetensors checkpoint",
        )
    at = int(facts["progress"]["stage_at"])
    stages = plan(config)
    checkpoint = carried_over(parent.checkpoint, config, stages[at] if at < len(stages) else None)
    return Restart(
        parent=replace(parent, checkpoint=checkpoint, relation="restart"), config=config, seed=int(facts["seed"])
    )


def ailment(checkpoint: Checkpoint, config: TrainConfig) -> str:
    """Why a checkpoint is no place to start from; empty where it is one."""
    for kind, tensors in (("weight", checkpoint.weights), ("moment", checkpoint.state)):
        for name, tensor in tensors.items():
            if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
                return f"its {kind} {name} is not finite"
    progress = checkpoint.facts["progress"]
    return nothing_learned(config.loop, first=progress.get("untrained"), best=progress.get("best"))


def carried_over(checkpoint: Checkpoint, config: TrainConfig, stage: Stage | None) -> Checkpoint:
    """The checkpoint as a restarted run begins with it: under its own config, its weights and what of the rest still
    means the same. What counted towards the death of its parent is forgotten.

    stage: the one it goes on in; None behind the last. A loss scale under other settings, and the moments of another
    optimiser or of other blocks, begin anew.
    """
    before, now = checkpoint.facts["config"], resolve(config)
    progress = checkpoint.facts["progress"] | {
        "skips": [], "skipped_in_a_row": 0, "usual": None, "usual_loss": None, "unfit": "",
    }  # fmt: skip
    precision = checkpoint.facts["precision"]
    if before.get("amp") != now["amp"]:
        precision = precision | {"scaler": {}}
    state = checkpoint.state
    if stage is not None and _trained_by(before, stage.name) != _trained_by(now, stage.name):
        state = {name: tensor for name, tensor in state.items() if name.startswith("rng.")}
        progress["frozen"] = digests_outside(checkpoint.weights, stage.trains)
    facts = {**checkpoint.facts, "config": now, "progress": progress, "precision": precision}
    return replace(checkpoint, state=state, facts=facts)


def _trained_by(tree: Mapping[str, Any], stage: str) -> tuple[object, object]:
    found = tree["stages"][stage]
    return list(found["trains"]), found.get("optimiser", "adamw")
