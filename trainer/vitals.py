"""When a step is a spike, and when a run is dead: it could go on, and nothing would come of it.

Each test is a pure function of what the loop counts, and its answer is the reason that is sealed with the run. A scale
that is low is not among them: with a loss of weight 1e9 it settled at 0.004, and the picture was as good as ever.
"""

import math
from collections.abc import Sequence

from trainer.config import LoopConfig

WINDOW = 100  # steps over which the share of those not taken is taken; an init_scale of 2^40 loses its first 25

SETTLING = 20  # steps of a stage before its usual gradient and loss are known; warm-up and the first batches are none
MEMORY = 50  # steps over which they are remembered


def spike_from(factor: float, *, usual: float | None, step: int) -> float:
    """The gradient or loss from which on a step of a stage is a spike; infinite where none is.

    factor: how many times the usual; 0 for never. usual: see `usual_size`. step: how many the stage has behind it.
    """
    if not factor or usual is None or step < SETTLING:
        return math.inf
    return factor * usual


def usual_size(usual: float | None, found: float) -> float | None:
    """How long a stage's gradients, or how large its losses, are by now: a geometric mean that forgets, so that a large
    one moves it little.

    Of a step that was not taken it is not asked.
    """
    if not math.isfinite(found) or found <= 0:
        return usual
    return found if usual is None else math.exp(math.log(usual) + (math.log(found) - math.log(usual)) / MEMORY)


def cause_of_death(
    config: LoopConfig,
    *,
    done: int,
    skips: Sequence[int],
    in_a_row: int,
    scale_at_floor: float | None,
    first_scale: float,
) -> str:
    """Why nothing can come of a run any more, or nothing.

    done: steps so far; skips: those that were not taken, from 1 on, of at least the last `WINDOW`; scale_at_floor: the
    loss scale, if it overflowed where it may not fall further; first_scale: what it began at.
    """
    if scale_at_floor is not None:
        # The scale falls for infinite and for NaN gradients alike; that it is low is what came of them.
        return (
            f"non-finite gradients (overflow or NaN) at the lowest loss scale, {scale_at_floor:g} (amp.min_scale); it "
            f"began at {first_scale:g}"
        )
    if in_a_row > config.max_skipped_in_a_row:
        return f"{in_a_row} steps in a row were not taken (loop.max_skipped_in_a_row)"
    return too_many_skipped(config, done=done, skips=skips) if done >= WINDOW else ""


def too_many_skipped(config: LoopConfig, *, done: int, skips: Sequence[int]) -> str:
    """Is the share of the last `WINDOW` steps, or of all where there were fewer, above what is allowed?"""
    looked_at = min(done, WINDOW)
    lost = sum(step > done - looked_at for step in skips)
    if lost <= config.max_skipped_share * looked_at:
        return ""
    return f"{lost} of the last {looked_at} steps were not taken (loop.max_skipped_share)"


def nothing_learned(config: LoopConfig, *, first: float | None, best: float | None) -> str:
    """Why the best weights of a finished run are none. first: the untrained network's validation error, if taken."""
    if best is None:
        return "no validation error was finite"
    if first is not None and best > config.max_error_ratio * first:
        return (
            f"the best validation error, {best:.4g}, is {best / first:.1f} times that of the untrained network, "
            f"{first:.4g} (loop.max_error_ratio)"
        )
    return ""
