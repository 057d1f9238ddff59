"""Which launch elsewhere a record tells of: what its tracker calls it, or else the place where the record lies.

Two records of one launch are no two runs: a tracker that goes on with a run under its id writes another record of it.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

_FOLDER = re.compile(r"^wandb:run-\d{8}_\d{6}-")
"""Older records name the folder of a run of W&B's, of which one that was resumed has several, and not its id."""
_PLACE = re.compile(r"^[\w-]+:(?:/|\\\\|[A-Za-z]:[/\\])")


def sources_of(manifest: Any) -> frozenset[str]:
    """The launch elsewhere of which an imported manifest tells, in the words of each tracker that does; none of one of
    our own."""
    origin = manifest.get("origin") if isinstance(manifest, Mapping) else None
    if not isinstance(origin, Mapping):
        return frozenset()
    others = origin.get("sources")
    told = [origin.get("source"), *(others if isinstance(others, Sequence) and not isinstance(others, str) else ())]
    return frozenset(_FOLDER.sub("wandb:", source) for source in told if isinstance(source, str))


def is_by_place(source: str) -> bool:
    """Whether nothing but the place of a record tells which launch it is of."""
    return _PLACE.match(source) is not None


def is_told_within(old: frozenset[str], new: frozenset[str]) -> bool:
    """Whether a record tells of every launch of which another does: by what its tracker calls it, and by the place of a
    record only where there is nothing else."""
    called = frozenset(source for source in old if not is_by_place(source)) or old
    return bool(called) and called <= new


def launch_called(manifest: Any) -> str:
    """The launch that a manifest is the record of, where its tracker has an id for it; empty where a place has to do,
    which may hold many, and where it is our own."""
    origin = manifest.get("origin") if isinstance(manifest, Mapping) else None
    source, kind = (origin.get("source"), origin.get("kind")) if isinstance(origin, Mapping) else (None, None)
    if not isinstance(source, str) or not source.startswith(f"{kind}:") or is_by_place(source):
        return ""
    return _FOLDER.sub("wandb:", source)
