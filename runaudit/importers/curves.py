"""One curve as several trackers keep it: under a name of each one's own, over steps that each counts, with four bytes
of a number or eight.

What was handed to two of them is the same numbers in the same order. So curves are held against each other by their
values alone, as short as the shortest keeps them, under what is left of a name without a tracker's way to write it.
"""

import math
import struct
from collections.abc import Mapping, Sequence
from enum import Enum
from itertools import islice, pairwise
from statistics import median

from runaudit.records.results import is_clock, is_plan

Points = Sequence[tuple[int, float]]
ENOUGH_OF_ONE = 6
"""One number that is told twice, with so many digits, is one number, and no chance."""
_NAN = struct.pack("<f", math.nan)


def plain_name(name: str) -> str:
    """What a curve is called wherever it is kept: the Trainer's `loss` and `eval_loss` are `train/loss` and `eval/loss`
    to TensorBoard and W&B, and what a program of Sacred's keeps in its `info` has no such word before it elsewhere."""
    name = name.removeprefix("info.")
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


# ── whether one goes on with another ─────────────────────────────────────────────────────────────────────────────


class Link(Enum):
    """What the steps of a later curve say of an earlier one of its name."""

    ON = "it goes on with it, from its end or from a checkpoint shortly before"
    ANEW = "it begins about where that one began"
    DOUBT = "it begins where neither a new training would nor one that goes on"


def link(known: Points, points: Points) -> Link:
    """Whether a later curve goes on with a known one. That its first step is the larger one says little: an agent logs
    when an episode ends, so that each of its trainings begins at a step of its own, and who logs more rarely begins
    later. So it has to begin beyond the first stretch of either, and no further from the end than half of what there
    is: who writes a checkpoint every so often never goes back by more. Beyond the end lines of a killed writer may be
    lost."""
    first, last, begins = known[0][0], known[-1][0], points[0][0]
    mine, theirs = _stretches(points), _stretches(known)
    stretch = max((median(some) for some in (mine, theirs) if some), default=0)
    if begins <= first or begins < first + stretch:
        return Link.ANEW
    if not stretch:
        return Link.ON  # A number at a time, as evaluations between two epochs write it.
    may_begin = bool(mine) and begins <= max(mine)
    is_far = abs(begins - last) > max(2 * stretch, (last - first) / 2)
    return Link.DOUBT if may_begin or is_far or begins >= _A_CLOCK else Link.ON


def linked(known: Mapping[str, Points], series: Mapping[str, Points]) -> Link | None:
    """The same of the curves of two launches: that of the most points tells, and no other may begin anew; None where
    they have no curve in common, but single numbers at most."""
    both = _in_common(known, series)
    finest = max(both, key=lambda name: (len(known[name]), len(series[name])), default=None)
    if finest is None:
        return None
    found = link(known[finest], series[finest])
    if not _begins_anew(known, series, both):
        return found
    return Link.DOUBT if found is Link.ON else Link.ANEW  # A counter of each process may begin at 0 again.


def is_beyond(known: Mapping[str, Points], series: Mapping[str, Points]) -> bool:
    """Whether every curve that both launches of one run have, if there is any, goes on from one to the other: that they
    are of one run is known, and only whether it began anew is asked."""
    both = {name: points for name, points in known.items() if name in series}
    curves = _in_common(known, series)
    if not curves:
        return bool(both) and all(series[name][0][0] > points[0][0] for name, points in both.items())
    return linked(known, series) is not Link.ANEW and not _begins_anew(known, series, curves)


def _in_common(known: Mapping[str, Points], series: Mapping[str, Points]) -> list[str]:
    """The curves that two launches drew, of which one at least has more than a point."""
    return [name for name in known if name in series and len(known[name]) + len(series[name]) > 2]


def _begins_anew(known: Mapping[str, Points], series: Mapping[str, Points], both: Sequence[str]) -> bool:
    return any(len(known[name]) > 1 and link(known[name], series[name]) is Link.ANEW for name in both)


def ends_of(known: Points, points: Points) -> Points:
    """So much of a known curve, and of one that goes on with it, as `link` looks at: its beginning and its end."""
    both = [*islice(known, _OF_ITS_BEGINNING), *islice(points, _OF_ITS_BEGINNING + 1)]
    return [*both[:_OF_ITS_BEGINNING], *([points[-1]] if len(both) > _OF_ITS_BEGINNING else [])]


_OF_ITS_BEGINNING = 6
"""Points that tell in which stretches a curve begins to be logged; later on they may be others."""


def _stretches(points: Points) -> list[int]:
    """The stretches between the first steps of a curve."""
    steps = [step for step, _ in islice(points, _OF_ITS_BEGINNING)]
    return [later - step for step, later in pairwise(steps) if later > step]
