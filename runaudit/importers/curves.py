"""One curve as several trackers keep it: under a name of each one's own, over steps that each counts, with four bytes
of a number or eight.

What was handed to two of them is the same numbers in the same order. So curves are held against each other by their
values alone, as short as the shortest keeps them, under what is left of a name without a tracker's way to write it.
"""

import math
import struct
from collections.abc import Mapping, Sequence
from itertools import pairwise

from runaudit.records.results import is_clock, is_plan

Points = Sequence[tuple[int, float]]
ENOUGH_OF_ONE = 6
"""One number that is told twice, with so many digits, is one number, and no chance."""
_NAN = struct.pack("<f", math.nan)


def plain_name(name: str) -> str:
    """What a curve is called wherever it is kept: the Trainer's `loss` and `eval_loss` are `train/loss` and `eval/loss`
    to TensorBoard and W&B."""
    part, _, rest = name.partition("/")
    return rest.replace("/", "_") if part == "train" and rest else name.replace("/", "_")


def is_pace(name: str) -> bool:
    """Whether a curve is of the clock or of the plan: no tracker is told by it from another."""
    return is_clock(plain_name(name)) or is_plan(plain_name(name))


def short(value: float) -> bytes:
    """A number in the four bytes that TensorBoard keeps of it; one NaN is as good as another."""
    if math.isnan(value):
        return _NAN
    try:
        return struct.pack("<f", value)
    except OverflowError:
        return struct.pack("<f", math.copysign(math.inf, value))


def values_of(points: Points) -> bytes:
    """The values of a curve in their order, four bytes each."""
    return b"".join(short(value) for _, value in points)


def same_values(a: Points, b: Points) -> bool:
    """Whether two loggers were given the same numbers: one of them may count its steps otherwise."""
    return len(a) == len(b) and all(short(x) == short(y) for (_, x), (_, y) in zip(a, b, strict=True))


def digits_of(value: float) -> int:
    """How many decimal digits a number takes, of the seven that four bytes hold; none of one that is not finite."""
    if not math.isfinite(value):
        return 0
    return len(f"{value:.7g}".partition("e")[0].replace(".", "").strip("-0"))


_A_CLOCK = 10**9
"""Steps from here on are seconds since 1970, or milliseconds."""
_ENOUGH_STEPS = 3


def late_start(series: Mapping[str, Points]) -> int | None:
    """The first step of curves of which the beginning is not there; None where one may begin with its training. Who
    logs every fiftieth step begins at the fiftieth, so a curve begins late where its first step is beyond the longest
    stretch that it leaves out later on."""
    starts = [start for points in series.values() if (start := _begins(points)) is not None]
    late = [first for first, longest in starts if longest < first < _A_CLOCK]
    return min(late) if late and len(late) == len(starts) else None


def _begins(points: Points) -> tuple[int, int] | None:
    """The first step of a curve and the longest stretch between two of its steps; None of one too short to tell."""
    steps = [step for step, _ in points]
    stretches = [later - step for step, later in pairwise(steps) if later > step]
    if len(stretches) + 1 < _ENOUGH_STEPS:
        return (steps[0], steps[0]) if steps and steps[0] <= 1 else None
    return min(steps), max(stretches)
