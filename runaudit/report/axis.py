"""Where an axis of values runs, and whether it counts in factors: the bulk of each arm decides, never one extreme.

One arm that diverged to 1e30, or one step of 1e308, would flatten all others into a line at the foot. So the axis spans
what nearly all values of nearly all arms span. What it does not reach is drawn at its edge, and the page says so in
words: nothing is left out in silence. Where the extremes cost little height, they are simply on the axis.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runaudit.report.words import MINUS, compact, powers

if TYPE_CHECKING:
    from numpy import ndarray

HUGE = 1e300
"""Values beyond are drawn as if they were this: an axis must be able to reckon with differences of values."""
DECADES = 1.2
"""A positive quantity that spans more is read in factors."""
_SAMPLE = 2000
"""Values of a line that decide where its bulk lies: a regular sample of a longer one."""
_FENCE = 10.0
"""Interquartile ranges beyond the quartiles at which the bulk ends. Tukey's 3 is far out for a normal sample; a loss
that falls is no normal sample."""
_FENCE_DECADES = 3.0
_WORTH_CUTTING = 30.0
"""Whatever is that many times the bulk's range away, or less, is shown: a loss may fall that far in its first steps."""
_RARE, _RARE_WORTH_CUTTING, _STARTS = 0.001, 6.0, 0.05
"""A glitch is as seldom as that, and not at the beginning of a run: it is cut off where it would leave the others less
than a sixth of the height."""
_LOG_WORTH_CUTTING = 3.0
_ODD = 1000.0
"""An arm of values that many times larger than the others' is left at the edge where they are at least as many."""
_PAD = 0.05
_LEAST = 1e-303
"""A range that could not be divided into steps: the least number is 5e-324."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """An axis from `bottom` to `top`: values, or their decimal logarithms."""

    bottom: float
    top: float
    is_log: bool
    in_twos: bool = False
    """Whether it is read in powers of two."""

    def places(self, values: "ndarray") -> "ndarray":
        """How far up the axis values stand: 0 at its foot, 1 at its top; what lies beyond stands at the edge."""
        import numpy as np

        near = np.clip(_scaled(values, is_log=self.is_log), self.bottom, self.top)
        found: ndarray = (near - self.bottom) / (self.top - self.bottom)
        return found

    def above(self, values: "ndarray") -> "ndarray":
        """Which values leave the axis at its top."""
        found: ndarray = values > (_power(self.top) if self.is_log else self.top)
        return found

    def below(self, values: "ndarray") -> "ndarray":
        """Which values leave the axis at its foot; on an axis of factors, all that are not above zero."""
        found: ndarray = values < (max(_power(self.bottom), 5e-324) if self.is_log else self.bottom)
        return found

    def ticks(self) -> tuple[tuple[float, str], ...]:
        """(place, label) of each tick, from the foot up."""
        of = _ticks if not self.is_log else _twos if self.in_twos else _log_ticks
        found = of(self.bottom, self.top)
        span = self.top - self.bottom
        return tuple(((at - self.bottom) / span, label) for at, label in found)


def axis_of(arms: "Sequence[Sequence[ndarray]]", *, may_log: bool = True) -> Axis:
    """The axis for these arms: finite values of each of their lines.

    may_log: whether the quantity may be read in factors (decibels are logarithms already, an accuracy has an end).
    """
    import numpy as np

    bulk = [np.concatenate([_sample(line) for line in arm if len(line)] or [np.empty(0)]) for arm in arms]
    bulk = [np.clip(values, -HUGE, HUGE) for values in bulk if len(values)]
    ends = [(line.min(), line.max()) for arm in arms for line in arm if len(line)]
    if not bulk:
        return Axis(bottom=0.0, top=1.0, is_log=False)
    low, high = max(-HUGE, min(end[0] for end in ends)), min(HUGE, max(end[1] for end in ends))
    kept = _alike(bulk)
    if may_log and (reach := _log_reach(kept)) is not None:
        whole = (math.log10(low) if low > 0 else reach[0], math.log10(high))
        return _padded(*_cut(whole, reach, worth=_LOG_WORTH_CUTTING), is_log=True)
    reached = _reach(kept)
    worth = _RARE_WORTH_CUTTING if _are_glitches(arms, reached) else _WORTH_CUTTING
    return _padded(*_cut((low, high), reached, worth=worth), is_log=False)


def _are_glitches(arms: "Sequence[Sequence[ndarray]]", bulk: "tuple[float, float, list[ndarray]]") -> bool:
    """Whether what lies beyond the bulk are single values somewhere on the way."""
    import numpy as np

    lines = [line for arm in arms for line in arm if len(line)]
    near = (bulk[1] - bulk[0]) / 2  # The bulk is told by a sample: what lies somewhat further out is of it.
    beyond = [np.flatnonzero((line < bulk[0] - near) | (line > bulk[1] + near)) for line in lines]
    return all(len(at) <= _RARE * len(line) and (not len(at) or at[0] >= _STARTS * len(line))
               for line, at in zip(lines, beyond, strict=True))  # fmt: skip


def _power(of_ten: float) -> float:
    """10 to that power, where there is such a number."""
    return 10.0**of_ten if of_ten < 308 else math.inf


def _scaled(values: "ndarray", *, is_log: bool) -> "ndarray":
    import numpy as np

    near: ndarray = np.clip(values, -HUGE, HUGE)
    if is_log:
        # The logarithm of zero and below is beyond every axis, and no complaint.
        positive = near > 0
        near = np.where(positive, np.log10(np.where(positive, near, 1.0)), -400.0)
    return near


def _sample(line: "ndarray") -> "ndarray":
    return line[:: max(1, len(line) // _SAMPLE)]


def _alike(arms: "Sequence[ndarray]") -> "list[ndarray]":
    """The arms without those whose values are of another order: the larger ones, where they are no majority."""
    import numpy as np

    ordered = sorted(arms, key=lambda values: float(np.median(np.abs(values))))
    sizes = [float(np.median(np.abs(values))) for values in ordered]
    for index in range(1, len(ordered)):
        if 2 * index >= len(ordered) and sizes[index] > _ODD * sizes[index - 1] > 0:
            # On an axis of factors a few decades more cost little height.
            all_positive = all((values > 0).all() for values in ordered)
            if all_positive and math.log10(sizes[-1]) - math.log10(sizes[0]) < 2 * _FENCE_DECADES:
                break
            return ordered[:index]
    return list(ordered)


def _log_reach(arms: "Sequence[ndarray]") -> "tuple[float, float, list[ndarray]] | None":
    """The reach of all arms in decades, or None where they do not span enough of them."""
    import numpy as np

    if sum(int((values <= 0).sum()) for values in arms) > 0.01 * sum(map(len, arms)):
        return None
    reach = _reach([np.log10(values[values > 0]) for values in arms if (values > 0).any()], least=_FENCE_DECADES)
    return reach if reach[1] - reach[0] > DECADES else None


def _reach(arms: "Sequence[ndarray]", *, least: float = 0.0) -> "tuple[float, float, list[ndarray]]":
    """From the smallest to the largest value that no fence of its own arm shuts out, of the arms that are no odd ones;
    and these arms.

    An arm is odd whose own values go that much farther than those of the narrower half of the arms: it ran away. Arms
    that stand apart, each in a range of its own, are not: how far they are apart is what one came to see.
    """
    import numpy as np

    ends = []
    for values in arms:
        first, third = np.quantile(values, (0.25, 0.75))
        if third == first and not least:
            first, third = np.quantile(values, (0.05, 0.95))
        width = max(_FENCE * (third - first), least)
        inside = values[(values >= first - width) & (values <= third + width)] if width else values
        ends.append((float(inside.min()), float(inside.max()), values))
    ends.sort(key=lambda end: end[1] - end[0])
    narrow = ends[: (len(ends) + 1) // 2]
    span = max(end[1] for end in narrow) - min(end[0] for end in narrow)
    most = max(_LOG_WORTH_CUTTING * span, 2 * least) if least else _ODD * span
    kept = [end for end in ends if end[1] - end[0] <= most] if most else ends
    return min(end[0] for end in kept), max(end[1] for end in kept), [end[2] for end in kept]


def _cut(
    whole: tuple[float, float], bulk: "tuple[float, float, list[ndarray]]", *, worth: float
) -> tuple[float, float]:
    """The whole range where it leaves the bulk some height; else as far as the arms of the bulk go within reason."""
    import numpy as np

    low, high, arms = bulk
    span = high - low
    if span <= 0 or whole[1] - whole[0] <= worth * span:
        return whole
    near = (worth - 1) * span / 2
    values = np.concatenate(arms)
    values = values[(values >= low - near) & (values <= high + near)]
    ends = float(values.min()), float(values.max())
    return (
        whole[0] if low - whole[0] <= near and len(arms) == 1 else ends[0],
        whole[1] if whole[1] - high <= near and len(arms) == 1 else ends[1],
    )


def _padded(low: float, high: float, *, is_log: bool) -> Axis:
    span = high - low
    # A constant, or values that differ in their last bits, stand in the middle.
    if not span > max(abs(low), abs(high)) * 1e-12 or span < _LEAST:
        span = 1.0 if is_log else 2 * (abs(low) * 0.05 or 1.0)
        middle = low + (high - low) / 2
        return Axis(bottom=middle - span / 2, top=middle + span / 2, is_log=is_log)
    return Axis(bottom=low - _PAD * span, top=high + _PAD * span, is_log=is_log)


def _ticks(low: float, high: float) -> list[tuple[float, str]]:
    raw = (high - low) / 6
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * times for times in (1, 2, 2.5, 5, 10) if size * times >= raw * (1 - 1e-9))
    first, last = math.ceil(low / step), math.floor(high / step)
    at = [index * step for index in range(first, last + 1)]
    digits = max(0, -math.floor(math.log10(step) + 1e-9) + (step / size == 2.5))
    return [(value, tick_text(value, digits, told_apart(low, high))) for value in at]


def told_apart(low: float, high: float) -> int:
    """The significant digits that the marks of an axis from `low` to `high` need to be written apart; at most 15, which
    a number has."""
    largest, span = max(abs(low), abs(high)), high - low
    if not 0 < span < math.inf or not largest:
        return 4
    return min(15, max(4, math.floor(math.log10(largest)) - math.floor(math.log10(span / 6)) + 2))


def digits_of(values: Sequence[float]) -> int:
    """The significant digits of a column of numbers: four, but where unlike ones would all read alike, as 1e9 and
    1e9 + 1."""
    finite = [value for value in values if math.isfinite(value)]
    if len(set(finite)) < 2 or len({compact(value) for value in finite}) > 1:
        return 4
    return told_apart(min(finite), max(finite))


def _log_ticks(low: float, high: float) -> list[tuple[float, str]]:
    first, last = math.ceil(low), math.floor(high)
    stride = max(1, math.ceil((last - first + 1) / 6))
    decades: list[tuple[float, float]] = [(float(power), 1) for power in range(first, last + 1, stride)]
    if len(decades) < 3:
        several = (1, 2, 5) if high - low > 0.6 else (1, 1.5, 2, 3, 4, 5, 6, 7, 8)
        every = [(power + math.log10(n), n) for power in range(first - 1, last + 1) for n in several]
        decades = [(at, n) for at, n in every if low <= at <= high]
    if len(decades) < 2:
        return [(math.log10(at), text) for at, text in _ticks(10.0**low, 10.0**high) if at > 0]
    return [(at, _factor(round(at - math.log10(n)), n)) for at, n in decades]


def _twos(low: float, high: float) -> list[tuple[float, str]]:
    """Powers of two that are even fractions of 65536, where a loss scale starts; at most seven."""
    one = math.log10(2)
    first, last = math.ceil(low / one), math.floor(high / one)
    stride = next(stride for stride in (2, 4, 8, 16, 32, 64, 128, 256, 512) if (last - first) / stride <= 6)
    powers = [power for power in range(first, last + 1) if power % stride == 16 % stride]
    return [(power * one, tick_text(2.0**power, max(0, -power) if power > -4 else 9)) for power in powers]


def _factor(power: int, times: float) -> str:
    if -4 <= power <= 4:
        return tick_text(times * 10.0**power, max(0, -power) + (times == 1.5))
    return f"{times:g}e{power}".replace("-", MINUS)


def tick_text(value: float, digits: int, significant: int = 4) -> str:
    """A number at an axis: `digits` decimals, or as many `significant` digits where it is very large or very small."""
    if value and (abs(value) >= 1e6 or digits > 6):
        return powers(f"{value:.{significant}g}").replace("-", MINUS)
    return f"{value + 0.0:.{digits}f}".replace("-", MINUS)


def step_ticks(low: int, high: int, most: int = 5) -> tuple[tuple[float, str], ...]:
    """(place, label) of whole steps along an axis from `low` to `high`, 0 at its left end and 1 at its right."""
    span = max(1, high - low)
    raw = max(1.0, span / most)
    size = 10 ** math.floor(math.log10(raw))
    stride = next(size * times for times in (1, 2, 5, 10) if size * times >= raw * (1 - 1e-9))
    first = -(-low // stride)
    steps = [index * stride for index in range(first, first + 12) if index * stride <= high]
    return tuple(((step - low) / span, _step_text(step)) for step in steps)


def _step_text(step: int) -> str:
    if abs(step) < 10_000:
        text = str(step)
    elif abs(step) < 1_000_000_000 and step % 100 == 0:
        size, unit = (1_000_000, "M") if step % 100_000 == 0 and abs(step) >= 1_000_000 else (1000, "k")
        text = f"{step / size:g}{unit}"
    else:
        text = f"{step:,}".replace(",", "\N{NARROW NO-BREAK SPACE}") if abs(step) < 10**9 else f"{step:.6g}"
    return powers(text).replace("-", MINUS)
