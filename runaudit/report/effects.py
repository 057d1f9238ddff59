"""An effect at a glance: a point per seed, the mean of each arm with its interval, and the difference beside them.

The difference has an axis of its own on the right, whose zero lies on the baseline's mean, so that both can be read
off one drawing (Gardner & Altman 1986). What could not be tested is not drawn: no interval, no bar.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from runaudit.report.figures import (
    ARM_COLOURS,
    ARM_STYLES,
    GRID,
    INK,
    MUTED,
    as_svg,
    dots,
    plain_number,
    value_ticks,
)
from runaudit.report.words import clean, metric, shown, true_minus
from runaudit.stats.answer import ArmSummary, StatsAnswer
from runaudit.stats.cohort import IDLE
from runaudit.stats.digits import decimals, percent, show
from runaudit.stats.told import column_places
from runaudit.stats.values import MIN_SEEDS, Interval
from runaudit.text.words import listed, plural

_ROOM = 42  # letters that fit under the drawing


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmPoints:
    """One arm: a value a seed, and its mean with the ends of its interval where they exist. `lost` runs gave none; what
    such a run had logged before it ended is in `beside`, and counts as no result.

    place: the arm's place on the page, which gives its colour and its mark. tick: what stands under it. n: the
    values that count, a seed that ran again once.
    """

    label: str
    tick: str
    place: int
    values: tuple[float, ...]
    n: int
    mean: float | None
    ci: tuple[float, float] | None
    lost: int
    beside: tuple[float, ...] = ()
    sd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """An arm minus the baseline, with the ends of its interval."""

    arm: str
    value: float
    ci: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectFigure:
    """Ready to draw. `zero` is the baseline's mean; words are what the drawing says, for those who cannot see it."""

    metric: str
    quantity: str
    arms: tuple[ArmPoints, ...]
    differences: tuple[Difference, ...]
    zero: float | None
    words: str

    @property
    def reading(self) -> str:
        """How its marks are to be read, where one needs a word."""
        return HOLLOW if any(arm.beside for arm in self.arms) else ""


_LARGER = 1e200
HOLLOW = "Hollow mark: logged last by a run that gave no result; in no mean."


def effect_figure(
    answer: StatsAnswer, *, order: Sequence[str] = (), letters: Mapping[str, str] = MappingProxyType({})
) -> EffectFigure | None:
    """The drawing of one answer; None where no run has a value.

    order: labels of arms in the page's order, so that an arm has one colour everywhere; else the baseline comes first.
    letters: what stands for an arm on the page; a name is written out where there is none.
    """
    baseline = answer.comparisons[0].baseline
    labels = list(order) or [baseline]
    labels += [arm.label for arm in answer.arms if arm.label not in labels]
    arms = sorted((_points(arm, labels, letters) for arm in answer.arms), key=lambda arm: arm.place)
    if not any(arm.values or arm.beside for arm in arms):
        return None
    zero = next((arm.mean for arm in arms if arm.label == baseline), None)
    found = tuple(
        Difference(arm=row.arm, value=ci.estimate, ci=(ci.low, ci.high))
        for row in answer.comparisons
        if zero is not None and (ci := row.interval) is not None and _is_bounded(ci)
    )
    return EffectFigure(
        metric=answer.metric,
        quantity=_quantity(answer.metric),
        arms=tuple(arms),
        differences=found,
        zero=zero,
        words=_words(answer.metric, arms, found, baseline=baseline, level=_level(answer)),
    )


def _level(answer: StatsAnswer) -> str:
    """`95 %`, and among how many comparisons."""
    among = f", among {answer.family} comparisons," if answer.family > 1 else ""
    return f"{percent(1 - answer.alpha)}{among}"


def draw_effects(figure: EffectFigure) -> str:
    """The figure as inline SVG; the same view gives the same bytes."""

    name, times = figure.metric, _enlarged(figure)
    if times != 1:
        figure = _times(figure, times)

    def paint(axes: Any) -> None:
        low, high = _range(figure)
        axes.set_ylim(low, high)
        for index, arm in enumerate(figure.arms):
            dots(axes, index, arm.values, place=arm.place, beside=arm.beside)
            if arm.mean is not None and arm.ci is not None:
                _bar(axes, index + 0.34, arm.mean, arm.ci, colour=ARM_STYLES[arm.place % ARM_COLOURS])
        value_ticks(axes, times)
        axes.set_ylabel(figure.quantity)
        if figure.differences and figure.zero is not None:
            _paint_differences(axes, figure, figure.zero, (low, high), times)
        places = len(figure.arms) + len(figure.differences)
        axes.set_xlim(-0.5, places - 0.4)
        axes.set_xticks(range(places), _ticks(figure))
        axes.tick_params(axis="x", length=0)

    return as_svg(paint, f"effects-{name}", figure.words, right=0.86 if figure.differences else 0.97)


def _enlarged(figure: EffectFigure) -> float:
    """By how much values are multiplied to be drawn: below some 1e-287 the plotter takes them all for zero."""
    heights = _heights(figure)
    is_tiny = max(map(abs, heights)) < 1 / _LARGER and min(heights) < max(heights)
    return _LARGER if is_tiny else 1.0


def _times(figure: EffectFigure, times: float) -> EffectFigure:
    def ends(ci: tuple[float, float]) -> tuple[float, float]:
        return ci[0] * times, ci[1] * times

    arms = tuple(
        replace(
            arm,
            values=tuple(value * times for value in arm.values),
            beside=tuple(value * times for value in arm.beside),
            mean=None if arm.mean is None else arm.mean * times,
            ci=None if arm.ci is None else ends(arm.ci),
        )
        for arm in figure.arms
    )
    rows = tuple(replace(row, value=row.value * times, ci=ends(row.ci)) for row in figure.differences)
    return replace(figure, arms=arms, differences=rows, zero=None if figure.zero is None else figure.zero * times)


def _paint_differences(axes: Any, figure: EffectFigure, zero: float, limits: tuple[float, float], times: float) -> None:
    start = len(figure.arms) - 0.5 + 0.06
    axes.axvline(start, color=GRID, linewidth=0.8)
    axes.plot([start, start + len(figure.differences)], [zero, zero], color=INK, linewidth=0.7, dashes=(4, 2))
    places = {arm.label: arm.place for arm in figure.arms}
    for index, row in enumerate(figure.differences, start=len(figure.arms)):
        colour = ARM_STYLES[places[row.arm] % ARM_COLOURS]
        _bar(axes, index, zero + row.value, (zero + row.ci[0], zero + row.ci[1]), colour=colour)
    right = axes.twinx()
    low, high = limits[0] - zero, limits[1] - zero
    right.set_ylim(low, high)
    value_ticks(right, times)
    right.grid(visible=False)
    right.spines["right"].set_visible(True)
    right.set_ylabel("difference", color=MUTED)


def _bar(axes: Any, x: float, centre: float, ci: tuple[float, float], *, colour: str) -> None:
    """An interval with its centre; a thin line and a wide mark, readable without colour."""
    axes.plot([x, x], ci, color=colour, linewidth=1.6, solid_capstyle="butt", zorder=2)
    axes.plot([x - 0.08, x + 0.08], [centre, centre], color=INK, linewidth=1.4, zorder=4)


def _heights(figure: EffectFigure) -> list[float]:
    heights = [value for arm in figure.arms for value in (*arm.values, *arm.beside, *(arm.ci or ()))]
    zero = figure.zero or 0.0
    heights += [zero + end for row in figure.differences for end in row.ci]
    return heights


def _range(figure: EffectFigure) -> tuple[float, float]:
    heights = _heights(figure)
    low, high = min(heights), max(heights)
    pad = 0.07 * (high - low) or max(abs(high), 1.0) * 0.01
    return low - pad, high + pad


def _ticks(figure: EffectFigure) -> list[str]:
    room = max(6, _ROOM // (len(figure.arms) + len(figure.differences)))
    labels = [arm.tick for arm in figure.arms]
    ticks = {arm.label: arm.tick for arm in figure.arms}
    labels += ["difference"] if len(figure.differences) == 1 else [f"Δ {ticks[row.arm]}" for row in figure.differences]
    return [_cut(clean(label), room) for label in labels]


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 1]}…"


def _is_bounded(ci: Interval) -> bool:
    """An interval that can be drawn: both ends are numbers."""
    return math.isfinite(ci.low) and math.isfinite(ci.high)


def _quantity(name: str) -> str:
    """The metric in words with its unit, as the axis bears it."""
    about = metric(name)
    return plain_number(f"{about.words} ({about.unit})" if about.unit else about.words, 34)


def _points(arm: ArmSummary, labels: Sequence[str], letters: Mapping[str, str]) -> ArmPoints:
    values = arm.counting
    whys = arm.left_out or ("",) * len(arm.values)
    pairs = zip(arm.values, whys, strict=True)
    beside = tuple(value for value, why in pairs if why and why != IDLE and value is not None and math.isfinite(value))
    return ArmPoints(
        label=arm.label,
        tick=letters.get(arm.label, arm.label),
        place=labels.index(arm.label),
        values=values,
        n=arm.used,
        mean=arm.mean,
        ci=(arm.ci.low, arm.ci.high) if arm.ci is not None and _is_bounded(arm.ci) else None,
        lost=sum(bool(why) and why != IDLE for why in whys),
        beside=beside,
        sd=arm.sd,
    )


def _words(
    metric: str, arms: Sequence[ArmPoints], differences: Sequence[Difference], *, baseline: str, level: str
) -> str:
    parts = []
    places = column_places(arm.sd for arm in arms)
    for arm in arms:
        mean = "no mean" if arm.mean is None else f"mean {show(arm.mean, places)}"
        lost = f", {arm.lost} without a result" if arm.lost else ""
        told = f"{mean} of {plural(arm.n, 'seed')}"
        if arm.n < MIN_SEEDS and arm.values:
            told = listed([show(value) for value in arm.values], limit=6)
        parts.append(f"{shown(arm.label).short} {told}{lost}")
    for row in differences:
        places = decimals((row.ci[1] - row.ci[0]) / 4)
        ends = f"{show(row.ci[0], places)} to {show(row.ci[1], places)}"
        sides = f"{shown(row.arm).short} minus {shown(baseline).short}"
        parts.append(f"{sides} {show(row.value, places)} ({level} CI {ends})")
    if not differences:
        parts.append("no difference could be tested")
    return true_minus(clean(f"{metric}: {'; '.join(parts)}."))
