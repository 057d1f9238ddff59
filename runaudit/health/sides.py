"""On which side of an event lies what was logged at its very step: of the stage that ended, or of the one that began?

What we recorded ourselves knows the order of its lines. A record file, and what another tracker kept, know the step
alone; there the values decide. Where a series changes at the event beyond its own ups and downs, its value at that step
is nearer to the one side than to the other. Where no series does, or two of them disagree, nobody knows.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from runaudit.health.tracks import Track
from runaudit.metrics.roles import Role, is_loss_scale
from runaudit.records.trajectory import Event

if TYPE_CHECKING:
    from numpy import ndarray

NEAR = 5
"""Values before and after an event that are looked at."""
_SPEAKING = (Role.LOSS, Role.HELD_OUT, Role.RESULT, Role.GRADIENT, Role.SCALER)


def settled(events: Sequence[Event], tracks: Sequence[Track]) -> tuple[Event, ...]:
    """The events, each with the side that the values at its step are on, where they say it."""
    own = [track for track in tracks if track.role in _SPEAKING and len(track.columns.values)]
    return tuple(
        event if event.leads is not None else replace(event, leads=_leads(event.step, own)) for event in events
    )


def _leads(step: int, tracks: Sequence[Track]) -> bool | None:
    said = {side for track in tracks if (side := _side(step, track)) is not None}
    return said.pop() if len(said) == 1 else None


def _side(step: int, track: Track) -> bool | None:
    """True where the value at a step is one of those after it; None where it is not seen."""
    import numpy as np

    steps, values = track.columns.steps, track.columns.values
    at = int(np.searchsorted(steps, step))
    if at >= len(steps) or steps[at] != step or at < 2 or len(steps) - at < 3:
        return None
    if is_loss_scale(track.name):
        drawn, least = np.log2(np.maximum(values[max(0, at - NEAR) : at + 1 + NEAR], 1e-300)), 0.4
    else:
        drawn, least = values[max(0, at - NEAR) : at + 1 + NEAR], 0.0
    place = min(at, NEAR)
    before, after, own = drawn[:place], drawn[place + 1 :], float(drawn[place])
    # A scale that began anew falls step by step from there: what counts is where it stands next.
    old, new = (before[-1], after[0]) if least else (np.median(before), np.median(after))
    if abs(new - old) <= 4 * max(least, _spread(before), 0.0 if least else _spread(after)):
        return None
    return bool(abs(own - new) < abs(own - old))


def _spread(values: "ndarray") -> float:
    import numpy as np

    return float(np.median(np.abs(values - np.median(values))))
