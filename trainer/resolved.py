"""A config in full, as a record keeps it: every leaf that follows from others stands there with the value that acted.

Two runs that differ in one choice differ in one leaf and in what follows from it; so that the second is no factor of
its own, the rule it follows by is declared, and recomputed by whoever compares.
"""

from collections.abc import Mapping
from dataclasses import asdict
from operator import attrgetter
from typing import Any

from trainer.config import STAGING_OF, TrainConfig, stage_steps

# How much is held and who reads it: tests hold every batch equal to the bit whatever stands here, so two runs that
# differ in it are one, and a run may go on with other values.
HOUSEKEEPING = ("config.data.memory_mb", "config.data.readers")

INHERITED: Mapping[str, str] = {
    "optimiser": "optim.kind",
    "schedule": "optim.schedule",
    "weight_decay": "optim.weight_decay",
    "warmup_fraction": "optim.warmup_fraction",
    "grad_clip": "grad_clip",
}
"""What a stage takes over from all stages where it says nothing of its own: its leaf -> theirs."""

_STEPS = {
    f"config.stages.{name}.steps": f"config.budget.{budget} if config.staging == '{staging}' else 0"
    for name, (budget, staging) in STAGING_OF.items()
}
# A stage with a value of its own breaks its rule, and the leaf is then a factor: which is what it is.
DERIVED_RULES: Mapping[str, str] = _STEPS | {
    f"config.stages.{name}.{leaf}": f"config.{origin}" for name in STAGING_OF for leaf, origin in INHERITED.items()
}
"""In the words of a policy file's derived section."""


def inherited_by(config: TrainConfig, name: str) -> dict[str, Any]:
    """The value that acts in a stage for every leaf of `INHERITED`: its own, or that of all stages."""
    settings = getattr(config.stages, name)
    own = {leaf: getattr(settings, leaf) for leaf in INHERITED}
    return {leaf: attrgetter(INHERITED[leaf])(config) if value is None else value for leaf, value in own.items()}


def resolve(config: TrainConfig) -> dict[str, Any]:
    """The plain JSON tree of a config, with the leaves that `DERIVED_RULES` describe filled in."""
    tree = _plain(asdict(config))
    for name, steps in stage_steps(config).items():
        tree["stages"][name] |= {**inherited_by(config, name), "steps": steps}
    return tree  # type: ignore[no-any-return]


def unresolved(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The tree that a config file would have held: without what follows from the rest, so that it follows a change."""
    out: dict[str, Any] = _plain(tree)
    for name in STAGING_OF:
        stage = out.get("stages", {}).get(name, {})
        stage.pop("steps", None)
        for leaf, origin in INHERITED.items():
            if leaf in stage and stage[leaf] == _in(out, origin):
                del stage[leaf]
    return out


def _in(tree: Any, path: str) -> Any:
    for name in path.split("."):
        tree = tree.get(name) if isinstance(tree, Mapping) else None
    return tree


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
