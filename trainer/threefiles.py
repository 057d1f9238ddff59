"""Checkpoints as they were: `NAME.safetensors`, `NAME.state.safetensors` and `NAME.json`. Read, never written any more.

The JSON names the digests of the other two and carries its own. The best weights lay in a checkpoint of their own
beside the last one. A run that such a checkpoint was sealed with can still be judged and continued.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from runaudit.errors import IntegrityError, UsageError


def is_one(path: Path) -> bool:
    """Whether the checkpoint at `path` has the two files beside it that only this format has."""
    return all(file.is_file() for file in files_of(path)[1:])


def files_of(path: Path) -> tuple[Path, Path, Path]:
    """The three files of the checkpoint whose weights are `path`."""
    return path, path.with_suffix(".state.safetensors"), path.with_suffix(".json")


def load(path: Path) -> dict[str, Any]:
    """weights, state and facts, every digest checked. Raises IntegrityError naming the file that does not match."""
    _, state_path, json_path = files_of(path)
    remedy = "use another checkpoint"
    try:
        body = json.loads(json_path.read_text(encoding="utf-8"))
        claimed, files, facts = body.pop("digest"), body["files"], body["facts"]
    except (ValueError, KeyError, AttributeError) as error:
        raise IntegrityError(f"{json_path}: not a checkpoint's state", remedy=remedy) from error
    if _digest(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()) != claimed:
        raise IntegrityError(f"{json_path}: does not match its own digest", remedy=remedy)
    for file in (path, state_path):
        if _digest(file.read_bytes()) != files.get(file.name):
            raise IntegrityError(f"{file}: does not match its digest", remedy=remedy)
    return {"weights": load_file(path), "state": load_file(state_path), "facts": facts}


def best_beside(path: Path, facts: Mapping[str, Any]) -> Path | None:
    """The best checkpoint of the run, where it is another one. Raises UsageError if it is not there."""
    best = path.with_name("best.safetensors")
    if facts["progress"]["best"] is None or best == path:
        return None
    if not (best.is_file() and is_one(best)):
        raise UsageError(
            f"{best} is missing, in which the run had kept its best weights",
            remedy="put its three files back beside the last checkpoint",
        )
    return best


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
