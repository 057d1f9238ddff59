"""Checkpoints that can be trusted: one file, replaced as a whole, and nothing is ever unpickled.

A checkpoint is one safetensors file. Its tensors are the weights and buffers under their own names, then `state/…`
(optimiser moments, generator states) and `best` (the bytes of the best checkpoint so far, where that is another one);
its metadata holds the digest of the file and the rest as JSON. One file, because that is what a file system swaps at
once: of three files moved into place one after the other, 8 of 12 kills between them left some that did not fit.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors import torch as safetensors
from torch import Tensor

from runaudit.errors import IntegrityError, UsageError
from runaudit.system.files import replace_file
from trainer import threefiles

FORMAT = "trainer.checkpoint/2"
STATE, BEST = "state/", "best"
_MARK = f'"{FORMAT}":"'.encode()
_UNKNOWN = b"0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Tensors by name, and facts in plain JSON, among them `config`, `seed`, `data` and `progress`.

    best: the file of the best checkpoint so far where it is another one; empty where this is it, or there is none yet.
    """

    weights: Mapping[str, Tensor]
    state: Mapping[str, Tensor]
    facts: Mapping[str, Any]
    best: bytes = b""


COPIES = 5
"""Checkpoints on the disk at the fullest moment: `best`, `last` with the best in it, and beside that, before it takes
its place, the next `last`."""


def bytes_needed(weights: Mapping[str, Tensor]) -> int:
    """What a run with these weights needs on its disk for checkpoints: with each come two moments of the optimiser."""
    one = 3 * sum(tensor.numel() * tensor.element_size() for tensor in weights.values())
    return COPIES * one


def require_room(folder: Path, weights: Mapping[str, Tensor]) -> None:
    """Refuse a run whose checkpoints the disk of `folder` has no room for: found at the first save, it would be lost.

    Raises UsageError with what there is and what is needed, in MB of 10^6 bytes.
    """
    there = next(place for place in (folder, *folder.parents) if place.is_dir())
    free, needed = shutil.disk_usage(there).free, bytes_needed(weights)
    if free < needed:
        raise UsageError(
            f"{there}: {free / 1e6:.0f} MB are free on its disk, the checkpoints need about {needed / 1e6:.0f}",
            remedy="free some space, or put the store on another disk with --store DIR",
        )


def write(path: Path, file: bytes) -> None:
    """Put a checkpoint's bytes at `path` (*.safetensors), durable when this returns.

    Raises UsageError if the disk refuses; the earlier checkpoint is then still there, whole.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, file)
    except OSError as error:
        kept = "the earlier one is kept" if path.is_file() else "there is none before it"
        raise UsageError(
            f"{path}: the checkpoint could not be written ({error.strerror or error}); {kept}",
            remedy="free some space, then go on with --resume",
        ) from error


def encoded(checkpoint: Checkpoint) -> bytes:
    """The bytes of a checkpoint's file; equal checkpoints give equal bytes."""
    tensors = dict(checkpoint.weights)
    tensors |= {STATE + name: tensor for name, tensor in checkpoint.state.items()}
    if checkpoint.best:
        tensors[BEST] = torch.frombuffer(bytearray(checkpoint.best), dtype=torch.uint8)
    # One key only: the format writes several in no fixed order, and equal runs must leave equal files.
    told = {FORMAT: _UNKNOWN.decode() + json.dumps(checkpoint.facts, sort_keys=True, separators=(",", ":"))}
    raw = bytearray(safetensors.save(_portable(tensors), told))
    at = raw.index(_MARK) + len(_MARK)
    raw[at : at + len(_UNKNOWN)] = hashlib.sha256(raw).hexdigest().encode()
    return bytes(raw)


def load(path: Path) -> Checkpoint:
    """Read a checkpoint and hold every byte against the digest it carries; one of three files, as it was, too.

    Raises UsageError if there is no such file, IntegrityError naming the file that does not match.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read ({error.strerror})", remedy="name an existing *.safetensors checkpoint"
        ) from error
    if _MARK not in raw and threefiles.is_one(path):
        return _of_three(path)
    return decoded(raw, where=path)


def files_of(path: Path) -> tuple[Path, ...]:
    """The files that hold the checkpoint at `path`: one, or the three of an older version."""
    return threefiles.files_of(path) if threefiles.is_one(path) else (path,)


def _of_three(path: Path) -> Checkpoint:
    checkpoint = Checkpoint(**threefiles.load(path))
    best = threefiles.best_beside(path, checkpoint.facts)
    return replace(checkpoint, best=encoded(_of_three(best))) if best else checkpoint


def decoded(raw: bytes, *, where: object) -> Checkpoint:
    """The checkpoint that these bytes are. Raises IntegrityError, naming `where` they lie, if they are none."""
    remedy = "use another checkpoint"
    try:
        at = raw.index(_MARK) + len(_MARK)
        claimed = raw[at : at + len(_UNKNOWN)]
        plain = raw[:at] + _UNKNOWN + raw[at + len(_UNKNOWN) :]
        if hashlib.sha256(plain).hexdigest().encode() != claimed:
            raise IntegrityError(f"{where}: does not match its digest", remedy=remedy)
        told = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])["__metadata__"][FORMAT]
        facts, tensors = json.loads(told[len(_UNKNOWN) :]), safetensors.load(raw)
    except (ValueError, KeyError, TypeError, SafetensorError) as error:
        raise IntegrityError(f"{where}: no checkpoint of this trainer, or a damaged one", remedy=remedy) from error
    best = tensors.pop(BEST, None)
    state = {name: tensors.pop(name) for name in list(tensors) if name.startswith(STATE)}
    return Checkpoint(
        weights=tensors,
        state={name.removeprefix(STATE): tensor for name, tensor in state.items()},
        facts=facts,
        best=b"" if best is None else best.numpy().tobytes(),
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


def _portable(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    # The file format knows no memory layout: channels_last weights are stored in plain order.
    return {name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()}
