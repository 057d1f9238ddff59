"""The best that a run reached on held-out data, at which step, and in which checkpoint that lies."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from runaudit.health.tracks import Track
from runaudit.metrics.catalogue import Direction
from runaudit.metrics.roles import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """checkpoint: the path of the kept one of that step, or of the last before it; None where none was kept."""

    metric: str
    step: int
    value: float
    checkpoint: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As the contract words it."""
        return {"metric": self.metric, "step": self.step, "value": self.value, "checkpoint": self.checkpoint}


def best_of(held_out: Sequence[Track], checkpoints: Sequence[Any] = ()) -> Best | None:
    """The best held-out value: of the first quality that was measured more than once, else of the loss."""
    # What no training moves is a baseline: its value is nothing that the run reached.
    known = [track for track in held_out if track.direction is not None and not _is_still(track)]
    several = [track for track in known if len(track.columns.values) > 1]
    ranked = sorted(several or known, key=lambda track: (track.role is Role.LOSS, not track.is_main, track.name))
    if not ranked:
        return None
    track = ranked[0]
    values = track.columns.values
    at = int(values.argmax() if track.direction is Direction.HIGHER else values.argmin())
    step = int(track.columns.steps[at])
    return Best(metric=track.name, step=step, value=float(values[at]), checkpoint=_kept(checkpoints, step))


def _is_still(track: Track) -> bool:
    values = track.columns.values
    return not len(values) or (len(values) > 1 and bool((values == values[0]).all()))


def _kept(checkpoints: Sequence[Any], step: int) -> str | None:
    """The checkpoint of this step, else the one of kind best, else the last one before it."""
    own = [one for one in checkpoints if isinstance(one.get("step"), int) and one.get("path")]
    exact = [one for one in own if one["step"] == step] or [one for one in own if one.get("kind") == "best"]
    earlier = sorted((one for one in own if one["step"] <= step), key=lambda one: one["step"])
    found = [*exact[:1], *earlier[-1:]]
    return str(found[0]["path"]) if found else None
