"""Checkpoints that can be trusted: tensors in safetensors, the rest in JSON, nothing is ever unpickled.

One checkpoint is `NAME.safetensors` (weights and buffers), `NAME.state.safetensors` (optimiser moments
and generator states) and `NAME.json`, which is written last, names the digests of the other two and
carries its own. Every file is written beside its place and moved into it, so a reader sees an old
checkpoint or a new one, never half of one.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from runaudit.errors import ConfigError, IntegrityError, UsageError
from runaudit.system.files import replacing

FORMAT = "trainer.checkpoint/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """weights and state: tensors by name. facts: plain JSON, among it `config`, `seed`, `stage`, `step`."""

    weights: Mapping[str, Tensor]
    state: Mapping[str, Tensor]
    facts: Mapping[str, Any]


def save(path: Path, checkpoint: Checkpoint) -> dict[str, str]:
    """Write a checkpoint whose weights are `path` (*.safetensors). Returns the digest of each file by name.

    Raises UsageError if the disk refuses, leaving the previous checkpoint as it was.
    """
    state_path, json_path = _siblings(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        digests = {
            file.name: _write(file, lambda part, kept=tensors: save_file(_portable(kept), part))  # type: ignore[misc]
            for file, tensors in ((path, checkpoint.weights), (state_path, checkpoint.state))
        }
        body = {"format": FORMAT, "files": digests, "facts": dict(checkpoint.facts)}
        body["digest"] = _digest(_text(body).encode())
        digests[json_path.name] = _write(json_path, lambda part: Path(part).write_text(_text(body)))
    except OSError as error:
        raise UsageError(
            f"{path}: cannot write the checkpoint: {error}", remedy="free some space, or choose another --out"
        ) from error
    return digests


def load(path: Path) -> Checkpoint:
    """Read a checkpoint and check every digest.

    Raises UsageError if a file is missing, IntegrityError naming the file that does not match.
    """
    state_path, json_path = _siblings(path)
    for file in (path, state_path, json_path):
        if not file.is_file():
            raise UsageError(
                f"{file}: no such file; a checkpoint is three files",
                remedy="name an existing *.safetensors checkpoint",
            )
    try:
        body = json.loads(json_path.read_text(encoding="utf-8"))
        claimed, files, facts = body.pop("digest"), body["files"], body["facts"]
    except (ValueError, KeyError, AttributeError) as error:
        raise IntegrityError(f"{json_path}: not a checkpoint's state", remedy="use another checkpoint") from error
    if _digest(_text(body).encode()) != claimed:
        raise IntegrityError(f"{json_path}: does not match its own digest", remedy="use another checkpoint")
    for file in (path, state_path):
        if _digest(file.read_bytes()) != files.get(file.name):
            raise IntegrityError(f"{file}: does not match its digest", remedy="use another checkpoint")
    return Checkpoint(weights=load_file(path), state=load_file(state_path), facts=facts)


def require_same_run(checkpoint: Checkpoint, *, config: Mapping[str, Any], seed: int, data: str) -> None:
    """Raise ConfigError unless the checkpoint comes from this very config, seed and set of tiles."""
    facts = checkpoint.facts
    before, now = _leaves(facts["config"]), _leaves(config)
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
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


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The moments of every parameter, by position."""
    states = optimiser.state_dict()["state"]
    return {f"optimiser.{i}.{key}": value for i, state in states.items() for key, value in state.items()}


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put the moments back, in the memory layout of their parameters.

    A fused optimiser walks parameter and moments by address: stored in plain order beside channels_last
    weights, each weight would meet another one's moments. Learning rates are computed anew at each step.
    """
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    states: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimiser."):
            _, index, key = name.split(".", 2)
            like = parameters[int(index)]
            fits = tensor.shape == like.shape and key != "step"
            states.setdefault(int(index), {})[key] = torch.empty_like(like).copy_(tensor) if fits else tensor
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": states, "param_groups": groups})


def state_files(path: Path) -> tuple[Path, Path, Path]:
    """The three files of the checkpoint whose weights are `path`."""
    return (path, *_siblings(path))


def _siblings(path: Path) -> tuple[Path, Path]:
    return path.with_suffix(".state.safetensors"), path.with_suffix(".json")


def _portable(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    # The file format knows no memory layout: channels_last weights are stored in plain order.
    return {name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()}


def _write(path: Path, writer: Callable[[str], object]) -> str:
    with replacing(path) as part:
        writer(str(part))
        return _digest(part.read_bytes())


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _text(body: Mapping[str, Any]) -> str:
    return json.dumps(body, sort_keys=True, separators=(",", ":"))


def _leaves(tree: Any, path: str = "config") -> dict[str, Any]:
    if isinstance(tree, Mapping):
        return {k: v for key, item in tree.items() for k, v in _leaves(item, f"{path}.{key}").items()}
    return {path: tree}
