"""One figure of curves: what is drawn in it, and all that it shows in words and numbers, for whoever cannot see it.

What an axis does not reach, what was not finite, and of which seeds a mean is, stands here in words: nothing of a
record is left out of a figure in silence.
"""

import math
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from runaudit.records.segments import FARTHEST, Band, Columns, repeated_words
from runaudit.report.axis import HUGE, Axis
from runaudit.report.series import Line, Mean
from runaudit.report.words import Text, clean, compact, counted, number, whole
from runaudit.text.words import in_order, listed, plural

if TYPE_CHECKING:
    from numpy import ndarray

T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A finding on an arm at a step, in words. series: the one it is about; None: every figure of the arm."""

    arm: int
    step: int
    words: str
    series: str | None = None


MEAN, MEDIAN = "mean", "median"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmCurve:
    """One arm of a figure: a line a seed, the stretches of their mean, and where something happened to it.

    skips: steps that AMP skipped. stages: where the arm's stages start, told only where the arms' stages differ.
    ended: of each line how its run ended without a result (`crashed`), "" where it gave one. Up to there it is one of
    the arm's runs, and stands in the mean: a mean of those that came through would be another training's.
    width: steps of a bin of the mean, 0 for none; is_wide: whether narrower ones would have drawn a beat.
    """

    arm: int
    letter: str
    name: Text
    lines: tuple[Line, ...]
    means: tuple[Mean, ...]
    resumes: tuple[int, ...]
    skips: tuple[int, ...]
    stages: tuple[Band, ...]
    marks: tuple[Mark, ...]
    ended: tuple[str, ...] = ()
    width: int = 0
    is_wide: bool = False

    @property
    def middle(self) -> str:
        """What stands for the values of a bin."""
        drawn = [item for item in self.lines if item.points]
        return MEAN if drawn and all(item.in_two for item in drawn) else MEDIAN


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveFigure:
    """One drawing, of steps from `first` to `last`. All drawings of a series share `axis`: heights can be compared."""

    series: str
    words: str
    arms: tuple[ArmCurve, ...]
    bands: tuple[Band, ...]
    axis: Axis
    first: int
    last: int
    is_small: bool
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveRow:
    """One seed's series in numbers: the text beside the figure."""

    letter: str
    seed: str
    points: str
    first: str
    best: str
    last: str
    non_finite: str


def rows(curve: ArmCurve) -> Iterator[CurveRow]:
    """An arm's seeds in numbers."""
    for item, ended in zip(curve.lines, curve.ended or ("",) * len(curve.lines), strict=True):
        points = item.finite
        best = min(points, key=lambda point: point[1], default=None)
        top = max(points, key=lambda point: point[1], default=None)
        yield CurveRow(
            letter=curve.letter,
            seed=f"{item.seed}, {ended}" if ended else item.seed,
            points=whole(item.points),
            first=compact(points[0][1]) if points else "none",
            best=f"{_at(best)} … {_at(top)}",
            last=_last(item),
            non_finite=_non_finite(item),
        )


def _at(point: tuple[int, float] | None) -> str:
    return "none" if point is None else f"{compact(point[1])} at {step_text(point[0])}"


def step_text(step: int) -> str:
    """A step as it is said."""
    return compact(step) if abs(step) < FARTHEST else f"beyond {compact(math.copysign(FARTHEST, step))}"


def _non_finite(item: Line) -> str:
    if not item.non_finite:
        return "0"
    kinds = sorted({number(value) for _, value in item.non_finite})
    return f"{whole(len(item.non_finite))} ({listed(kinds)}), first at step {step_text(item.non_finite[0][0])}"


def _last(item: Line) -> str:
    """The last value as it was logged; where it is no number, with the last that was one."""
    points = item.finite
    end = item.non_finite[-1] if item.non_finite else None
    if end is None or (points and points[-1][0] > end[0]):
        return compact(points[-1][1]) if points else "none"
    before = f" (before: {compact(points[-1][1])} at {step_text(points[-1][0])})" if points else ""
    return f"{number(end[1])}{before}"


def leaves(axis: Axis, curves: Sequence[ArmCurve], columns: Sequence[Sequence[Columns]]) -> Iterator[str]:
    """What the axis does not reach: how many values, how far, where first; what arms have alike is said once."""
    told: list[tuple[str, str, str]] = []
    for curve, group in zip(curves, columns, strict=True):
        for beyond, words in ((axis.above, "up"), (axis.below, "down")):
            found = [(curve.lines[at].seed, series, beyond(series.values)) for at, series in enumerate(group)]
            out = [(seed, series.steps[hit], series.values[hit]) for seed, series, hit in found if hit.any()]
            if out:
                told.append((curve.letter, *_leaving(out, words, of=len(group))))
    for who, is_one, (seeds, words) in _shared_by((letter, (seeds, words)) for letter, seeds, words in told):
        sign = UP if words.startswith("up") else DOWN
        yield f"{sign} {who}{seeds} {'leaves' if is_one else 'leave'} the axis: {words}."


UP, DOWN = "\N{BLACK UP-POINTING TRIANGLE}", "\N{BLACK DOWN-POINTING TRIANGLE}"


def _shared_by(told: Iterable[tuple[str, T]]) -> Iterator[tuple[str, bool, T]]:
    """What is said of several arms alike, once: their letters, whether it is one, and what is said."""
    arms: dict[T, list[str]] = {}
    for who, what in told:
        arms.setdefault(what, []).append(who)
    return ((listed(who), len(who) == 1, what) for what, who in arms.items())


def _leaving(out: "Sequence[tuple[str, ndarray, ndarray]]", words: str, *, of: int) -> tuple[str, str]:
    """Which runs of an arm, in brackets, if not all of them, and what leaves the axis."""
    count = sum(len(values) for _, _, values in out)
    ends = [(float(v.max() if words == "up" else v.min()), i) for i, (_, _, v) in enumerate(out)]
    extreme, index = max(ends) if words == "up" else min(ends)
    at = int(out[index][1][(out[index][2] == extreme).argmax()])
    first = min(int(steps[0]) for _, steps, _ in out)
    who = "" if of == len(out) else f" ({runs_text([seed for seed, _, _ in out])})"
    more = "" if count == 1 else f", {counted(count, 'value')}"
    more += "" if count == 1 or first == at else f", the first at step {step_text(first)}"
    return who, f"{words} to {compact(extreme)} at step {step_text(at)}{more}"


def runs_text(seeds: Sequence[str]) -> str:
    """Runs by their seeds, or how many where seeds do not tell them apart."""
    names = in_order(dict.fromkeys(seeds))
    if len(names) < len(seeds) or len(names) > 4:
        return plural(len(seeds), "run")
    return f"seed{'s' if len(names) > 1 else ''} {listed(names)}"


def notes(
    curves: Sequence[ArmCurve],
    columns: Sequence[Sequence[Columns]],
    clocks: Sequence[tuple[int, int]],
) -> Iterator[str]:
    """What is to be known of the lines of a figure."""
    if clocks:
        lasts = [f"{curve.letter} up to {step_text(end[1])}" for curve, end in zip(curves, clocks, strict=True)]
        yield f"The arms count steps in different units: {', '.join(lasts)}. Each has an axis of its own."
    silent = [curve.letter for curve in curves if not any(item.points for item in curve.lines)]
    if silent:
        yield f"Not logged by {listed(silent)}."
    told = [(curve.letter, note) for curve, group in zip(curves, columns, strict=True)
            for note in _notes_of(curve, group)]  # fmt: skip
    yield from (f"{who}{note}" for who, _, note in _shared_by(told))
    widths = {curve.letter: (curve.width, curve.middle) for curve in curves if curve.means}
    middles = list(dict.fromkeys(middle for width, middle in widths.values() if width))
    for middle in middles:
        same = len(set(widths.values())) == 1
        wide = [f"{counted(width, 'step')}" + ("" if same else f" ({who})")
                for who, (width, kind) in widths.items() if width and kind == middle]  # fmt: skip
        yield f"The mean is over each seed's {middle} in bins of {listed(list(dict.fromkeys(wide)))}."
    if wider := [curve.letter for curve in curves if curve.means and curve.is_wide]:
        yield (
            f"{listed(wider)}: it goes up and down so fast that narrower bins would draw a beat which no run has; "
            "the thin lines are what was logged."
        )


def identical(curves: Sequence[ArmCurve], columns: Sequence[Sequence[Columns]]) -> Iterator[str]:
    """Which arms logged the very same numbers: they lie over each other, and a reader sees one line."""
    groups: list[list[int]] = []
    for index, curve in enumerate(curves):
        home = next((g for g in groups if _shared(curves[g[0]], columns[g[0]], curve, columns[index])), None)
        groups.append([index]) if home is None else home.append(index)
    for group in (one for one in groups if len(one) > 1):
        first = group[0]
        points = min(_shared(curves[first], columns[first], curves[at], columns[at]) for at in group[1:])
        seeds = "" if all(len(curves[at].lines) == 1 for at in group) else ", seed by seed"
        who = listed([curves[at].letter for at in group])
        alike = "both" if len(group) == 2 else "all"
        yield f"{who} are identical to the last bit at {counted(points, 'point')} that {alike} logged{seeds}."


def _shared(a: ArmCurve, of_a: Sequence[Columns], b: ArmCurve, of_b: Sequence[Columns]) -> int:
    """How many points two arms have that are the same, on the seeds that both ran; 0 where one point differs."""
    mine, theirs = _by_seed(a, of_a), _by_seed(b, of_b)
    both = [seed for seed in mine if seed in theirs]
    if not all(_same(mine[seed][0], other) for seed in both for other in (*mine[seed], *theirs[seed])):
        return 0
    return sum(mine[seed][0].points for seed in both)


def _by_seed(curve: ArmCurve, columns: Sequence[Columns]) -> dict[str, list[Columns]]:
    """The series of an arm by seed; nothing where nobody knows which of several runs had which."""
    found: dict[str, list[Columns]] = {}
    for line, series in zip(curve.lines, columns, strict=True):
        found.setdefault(line.seed.partition(" ")[0], []).append(series)
    return {} if len(curve.lines) > 1 and {"unknown", "none"} & found.keys() else found


def _same(a: Columns, b: Columns) -> bool:
    if a.points != b.points or len(a.steps) != len(b.steps) or not len(a.steps):
        return False
    is_like = a.values[0] == b.values[0] and a.values[-1] == b.values[-1]
    return bool(is_like and (a.values == b.values).all() and (a.steps == b.steps).all())


def _notes_of(curve: ArmCurve, columns: Sequence[Columns]) -> Iterator[str]:
    """What is to be known of the lines of an arm, to be said after its letter; what its runs have alike once."""
    facts: dict[str, list[str]] = {}
    for item in curve.lines:
        if item.non_finite:
            bad, first = counted(len(item.non_finite), "value"), step_text(item.non_finite[0][0])
            facts.setdefault(f"{bad} not finite, first at step {first}", []).append(item.seed)
        if not item.points and any(other.points for other in curve.lines):
            facts.setdefault("not logged", []).append(item.seed)
        if item.duplicates:
            steps, fewest, most = item.again
            which = "later value" if most == 2 else "last value of each"
            twice = f"{counted(steps, 'step')} logged {repeated_words(fewest, most)}; the {which} is drawn"
            facts.setdefault(twice, []).append(item.seed)
    for words, seeds in facts.items():
        is_all = len(seeds) == len(curve.lines) > 1
        yield f", {'each run' if is_all else runs_text(seeds)}: {words}."
    with_values = sum(bool(len(series.steps)) for series in columns)
    fewer = [part for part in curve.means if len(part.runs) < with_values]
    if fewer:
        said = listed([_fewer(curve, part, of=with_values) for part in fewer[:4]])
        more = f" and {plural(len(fewer) - 4, 'further stretch', 'further stretches')}" if len(fewer) > 4 else ""
        yield f": the mean is of {said}{more}; it is drawn thinner there."
    values = [series.values for series in columns if len(series.values)]
    if curve.means and any(max(-part.min(), part.max()) > HUGE for part in values):
        yield f": values beyond {compact(HUGE)} count as that in the mean."


def _fewer(curve: ArmCurve, part: Mean, *, of: int) -> str:
    """Of which runs a stretch of the mean is, and where."""
    seeds = runs_text([curve.lines[index].seed for index in part.runs])
    who = f" ({seeds})" if seeds.startswith("seed") else ""
    first, last = step_text(part.steps[0]), step_text(part.steps[-1])
    where = f"at step {first}" if first == last else f"from step {first} to {last}"
    return f"{len(part.runs)} of {of} runs{who} {where}"


def stages_text(stages: Sequence[Band]) -> str:
    """Stages by name and first step."""
    return ", ".join(f"{clean(band.name)} from step {step_text(band.start)}" for band in stages) or "none"


def describe(figure: CurveFigure) -> str:
    """The figure in one sentence, with its numbers, for whoever cannot see it."""
    parts = [_spoken(curve) for curve in figure.arms]
    head = f"{figure.words}, {_drawn(figure)}"
    stages = [f"{clean(band.name)} from step {step_text(band.start)}" for band in figure.bands]
    return clean("; ".join([head, *parts, *([f"stages: {', '.join(stages)}"] if stages else [])]) + ".")


def _drawn(figure: CurveFigure) -> str:
    """The steps that have a value; the axis goes beyond a single one."""
    ends = [step for curve in figure.arms for line in curve.lines for part in line.segments
            for step in (part[0][0], part[-1][0])]  # fmt: skip
    first, last = (min(ends), max(ends)) if ends else (figure.first, figure.last)
    if first == last:
        return f"step {step_text(first)}"
    return f"steps {step_text(first)} to {step_text(last)}"


def _spoken(curve: ArmCurve) -> str:
    lost = {at for at, how in enumerate(curve.ended) if how}
    drawn = [(at, item) for at, item in enumerate(curve.lines) if item.segments]
    # Where a run broke off its line ends halfway: that is no end of the arm's training.
    whole = [item for at, item in drawn if at not in lost] or [item for _, item in drawn]
    name = f"{curve.letter} ({plural(len(curve.lines), 'seed')}{f', {len(lost)} without a result' if lost else ''})"
    if not whole:
        return f"{name} no finite value"
    ends = [(item.segments[0][0][1], item.segments[-1][-1][1]) for item in whole]
    first, last = (sorted(values) for values in zip(*ends, strict=True))
    return f"{name} from {_spread(first)} to {_spread(last)}"


def _spread(values: Sequence[float]) -> str:
    low, high = compact(values[0]), compact(values[-1])
    return low if low == high else f"{low}…{high}"
