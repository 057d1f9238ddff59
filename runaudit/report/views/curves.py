"""How the runs trained: one figure per quantity, the arms laid over each other, seeds thin and their mean bold.

Which series are drawn follows from what their names say they are for, so that any program's page shows its losses and
results first. The rest is told by name, with the option that draws it.
"""

import difflib
import fnmatch
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from runaudit.errors import UsageError
from runaudit.metrics.catalogue import BASELINES, PRIMARY, Direction, known_direction, unit_of
from runaudit.metrics.heldout import is_held_out
from runaudit.metrics.roles import Role, role
from runaudit.records.run import Run
from runaudit.report.axis import HUGE, Axis, axis_of
from runaudit.report.guarded import Failed, attempted
from runaudit.report.inputs import ArmInput
from runaudit.report.series import (
    COLUMNS,
    FARTHEST,
    Band,
    Columns,
    Line,
    Mean,
    bands,
    bin_width,
    columns_of,
    line,
    means,
    resumes,
)
from runaudit.report.views.arm import letter, seed_text
from runaudit.report.words import Text, clean, compact, metric, number, shown
from runaudit.text.words import listed, plural

if TYPE_CHECKING:
    from numpy import ndarray

MAIN = "train/loss"
MOST = 12
"""Figures that are drawn where nobody asked for certain ones."""
MOST_OF_A_ROLE: Mapping[Role, int] = {Role.LOSS: 5, Role.HELD_OUT: 8, Role.RATE: 2, Role.GRADIENT: 2, Role.SPEED: 2}
"""So that forty parts of a loss do not crowd out the one metric."""
OVERLAID = 6
"""Arms that one figure can tell apart; where there are more, each has a small one of its own, on the same axes."""
SCALE, SKIPPED = "amp/scale", "amp/skipped"
_NO_LOSS = "No run logged a loss on the way."
_NO_VALIDATION = (
    "No run logged a result on held-out data on the way: nothing here shows how the model generalised as it trained."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A finding on an arm at a step, in words. series: the one it is about; None: every figure of the arm."""

    arm: int
    step: int
    words: str
    series: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmCurve:
    """One arm of a figure: a line a seed, the stretches of their mean, and where something happened to it.

    skips: steps that AMP skipped. stages: where the arm's stages start, told only where the arms' stages differ.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveFigure:
    """One drawing. All drawings of a series share `axis`, `first` and `last`, so that heights can be compared."""

    series: str
    words: str
    unit: str
    arms: tuple[ArmCurve, ...]
    bands: tuple[Band, ...]
    axis: Axis
    first: int
    last: int
    clock: str
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


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesView:
    """One series over all arms. leaves: in words what its axis does not reach."""

    title: str
    name: Text
    slug: str
    role: Role
    figures: tuple[CurveFigure, ...]
    rows: tuple[CurveRow, ...]
    leaves: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvesView:
    """The series that came out, those that say how it was trained, the names of the rest, and what is missing.

    failed: what could not be drawn, with the reason. constants: series that are one number throughout, with it.
    legend: (number, letter, name, seeds) of each arm drawn.
    """

    series: tuple[SeriesView, ...]
    training: tuple[SeriesView, ...]
    failed: tuple[str, ...]
    others: tuple[Text, ...]
    constants: tuple[tuple[Text, str], ...]
    missing: tuple[str, ...]
    legend: tuple[tuple[int, str, Text, str], ...]
    notes: tuple[str, ...]
    has_means: bool


def curves_view(arms: Sequence[ArmInput], wanted: Sequence[str] = (), marks: Sequence[Mark] = ()) -> CurvesView:
    """The curves of every arm.

    wanted: patterns of series names; exactly what they name is drawn. Raises UsageError where one names none.
    """
    names = _names(arms)
    still = {} if wanted else _constants(names, arms)
    drawn = _asked(names, wanted) if wanted else _chosen([name for name in names if name not in still])
    skips = [tuple(sorted({step for run in arm.runs for step in skipped_steps(run)})) for arm in arms]
    made = [attempted(partial(_series, name, arms, marks, skips), what=shown(name).short) for name in drawn]
    views = [one for one in made if isinstance(one, SeriesView)]
    roles = {role(name) for name in names}
    missing = [] if wanted or Role.LOSS in roles else [_NO_LOSS]
    if not wanted and not any(role(name) is Role.HELD_OUT or _is_held_out_loss(name) for name in names):
        missing.append(_NO_VALIDATION)
    rest = [name for name in names if name not in drawn and name not in still and role(name).is_curve]
    return CurvesView(
        series=tuple(view for view in views if not _is_training(view.role)),
        training=tuple(view for view in views if _is_training(view.role)),
        failed=tuple(one.words for one in made if isinstance(one, Failed)),
        others=tuple(shown(name) for name in rest),
        constants=tuple((shown(name), compact(value)) for name, value in still.items()),
        missing=tuple(missing),
        legend=tuple(
            (index, letter(index), shown(arm.name, 60), _seeds(arm)) for index, arm in enumerate(arms) if arm.runs
        ),
        notes=tuple(_notes_of_arms(arms, [arm_bands(arm) for arm in arms])),
        has_means=any(curve.means for view in views for figure in view.figures for curve in figure.arms),
    )


def _seeds(arm: ArmInput) -> str:
    seeds = [seed_text(run) for run in arm.runs]
    return f"seed {seeds[0]}" if len(seeds) == 1 else plural(len(seeds), "run")


# ── which series ─────────────────────────────────────────────────────────────────────────────────────────────────


def _names(arms: Sequence[ArmInput]) -> list[str]:
    """The series of all runs. A final result logged once is a number, not a curve; it stands among the results."""
    logged = [series for arm in arms for run in arm.runs for series in run.trajectory.series.items()]
    return sorted({name for name, points in logged if len(points) > 1 or (name == MAIN and points)}, key=_rank)


def _rank(name: str) -> tuple[object, ...]:
    """The order in which series are looked at: loss, held-out results, further ones; what no training moves, last."""
    is_baseline = any(part.endswith(f"_{key}") for part in name.split("/") for key in BASELINES)
    parts = name.split("/")
    is_whole = parts[-1].lower() in ("loss", "train_loss", "val_loss", "eval_loss", "total_loss")
    return (
        role(name), is_baseline, name != MAIN, _is_held_out_loss(name) and not is_whole, not is_whole,
        not name.startswith(f"{PRIMARY}/") and name != PRIMARY, len(parts) > 3, name,
    )  # fmt: skip


def _is_held_out_loss(name: str) -> bool:
    return role(name) is Role.LOSS and is_held_out(name)


def _is_training(kind: Role) -> bool:
    return kind in (Role.RATE, Role.GRADIENT, Role.SPEED)


def _chosen(names: Sequence[str]) -> list[str]:
    """What is drawn where nobody asked: the first of each role, results and how it was trained apart."""
    found: list[str] = []
    for name in names:
        kind = role(name)
        same = sum(role(other) is kind for other in found)
        results = sum(not _is_training(role(other)) for other in found)
        if kind.is_curve and same < MOST_OF_A_ROLE.get(kind, MOST) and (_is_training(kind) or results < MOST):
            found.append(name)
    return found


def _constants(names: Sequence[str], arms: Sequence[ArmInput]) -> dict[str, float]:
    """Series that were one and the same number in every run at every step: a sentence says all of it."""
    found = {}
    for name in names:
        if not role(name).is_curve or role(name) is Role.LOSS:
            continue
        first: float | None = None
        for series in (run.trajectory.series.get(name, ()) for arm in arms for run in arm.runs):
            first = series[0][1] if first is None and series else first
            values = columns_of(series)
            if len(values.non_finite) or (values.values != first).any():
                break
        else:
            if first is not None:
                found[name] = first
    return found


def _asked(names: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The series that patterns name, in the order asked for."""
    found: dict[str, None] = {}
    for pattern in wanted:
        hits = [name for name in names if name == pattern] or [n for n in names if fnmatch.fnmatchcase(n, pattern)]
        if not hits:
            near = difflib.get_close_matches(pattern, names, n=3, cutoff=0.4) or list(names[:3])
            words = listed([shown(name).short for name in near]) if near else ""
            raise UsageError(
                f"no run logged a series named {clean(pattern)} more than once",
                remedy=f"name one that was: {words}" if words else "these runs logged no series; leave --curves out",
            )
        found |= dict.fromkeys(hits)
    return list(found)


# ── one series ───────────────────────────────────────────────────────────────────────────────────────────────────


def _series(name: str, arms: Sequence[ArmInput], marks: Sequence[Mark], skips: Sequence[tuple[int, ...]]) -> SeriesView:
    columns = [[columns_of(run.trajectory.series.get(name, ())) for run in arm.runs] for arm in arms]
    said = metric(name)
    never_log = said.unit == "dB" or unit_of(name) == "dB" or known_direction(name) is Direction.HIGHER
    axis = axis_of([[series.values for series in group] for group in columns], may_log=not never_log)
    first, last = _ends(columns)
    stages = [arm_bands(arm) for arm in arms]
    agreed = _agreed(stages)
    own = [() if agreed is not None else tuple(band for band in found if band.start <= last) for found in stages]
    small = len(arms) > OVERLAID
    curves = tuple(
        _curve(index, arm, columns[index], stages=own[index], span=(first, last), small=small, skips=skips[index],
               marks=tuple(m for m in marks if m.arm == index and m.series in (None, name)))
        for index, arm in enumerate(arms)
    )  # fmt: skip
    whole = CurveFigure(
        series=name,
        words=said.words,
        unit=said.unit,
        arms=tuple(curve for curve in curves if any(item.points for item in curve.lines)),
        bands=tuple(band for band in agreed or () if band.start <= last),
        axis=axis,
        first=first,
        last=last,
        clock="step",
        is_small=small,
        label="",
    )
    figures = [replace(whole, arms=(curve,)) for curve in whole.arms] if small else [whole]
    return SeriesView(
        title=said.words if "/" in said.words else said.words[:1].upper() + said.words[1:],
        name=shown(name),
        slug=f"curve-{name}",
        role=role(name),
        figures=tuple(replace(figure, label=describe(figure)) for figure in figures),
        rows=tuple(row for curve in curves for row in _rows(curve)),
        leaves=tuple(_leaves(axis, curves, columns)),
        notes=tuple(_notes(curves, columns)),
    )


def _curve(
    index: int,
    arm: ArmInput,
    columns: Sequence[Columns],
    *,
    stages: tuple[Band, ...],
    span: tuple[int, int],
    small: bool,
    skips: tuple[int, ...],
    marks: tuple[Mark, ...],
) -> ArmCurve:
    cut = sorted({at for run in arm.runs for at in cuts(run, kinds=("stage",))})
    averaged = means(columns, cut, bin_width(columns))
    lines = [
        line(seed_text(run), series, cuts(run), columns=COLUMNS // 2 if small else COLUMNS, span=span)
        for run, series in zip(arm.runs, columns, strict=True)
    ]
    return ArmCurve(
        arm=index,
        letter=letter(index),
        name=shown(arm.name, 48),
        # The trend of a seed stands for the arm where there is no mean; beside one it would be a second opinion.
        lines=tuple(replace(item, trends=()) if averaged else item for item in lines),
        means=averaged,
        resumes=tuple(sorted({step for run in arm.runs for step in resumes(run.trajectory.events)})),
        skips=skips,
        stages=stages,
        marks=marks,
    )


def _ends(columns: Sequence[Sequence[Columns]]) -> tuple[int, int]:
    """The first and the last step of an axis; it starts at 0 unless that would waste a good part of it."""
    ends = [
        (int(steps[0]), int(steps[-1]))
        for group in columns
        for series in group
        for steps in (series.steps, series.non_finite.steps)
        if len(steps)
    ]
    first, last = min((end[0] for end in ends), default=0), max((end[1] for end in ends), default=1)
    if 0 < first <= last // 4:
        first = 0
    return (first, last) if last > first else (first - 1, first + 1)


def _agreed(stages: Sequence[tuple[Band, ...]]) -> tuple[Band, ...] | None:
    """The stages that all arms with any share, as the longest has them; None where they differ."""
    found = [own for own in stages if own]
    if len({tuple((band.name, band.start) for band in own) for own in found}) > 1:
        return None
    return max(found, key=lambda own: own[-1].end, default=())


def arm_bands(arm: ArmInput) -> tuple[Band, ...]:
    """The stages of the arm's longest run; `_notes` says where its runs disagree."""
    if not arm.runs:
        return ()
    longest = max(arm.runs, key=lambda run: run.trajectory.last_step() or 0)
    return bands(longest.trajectory.events, longest.trajectory.last_step())


def cuts(run: Run, kinds: Sequence[str] = ("stage", "resume")) -> tuple[int, ...]:
    """The steps at which a new segment starts: no line is drawn and no median taken across them."""
    return tuple(event.step for event in run.trajectory.events if event.kind in kinds)


def skipped_steps(run: Run) -> tuple[int, ...]:
    """The steps at which the count of skipped steps rose."""
    import numpy as np

    series = columns_of(run.trajectory.series.get(SKIPPED, ()))
    rose = np.append(0.0, series.values[:-1]) < series.values
    return tuple(series.steps[rose].tolist())


# ── in words ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _rows(curve: ArmCurve) -> Iterator[CurveRow]:
    for item in curve.lines:
        points = item.finite
        best = min(points, key=lambda point: point[1], default=None)
        top = max(points, key=lambda point: point[1], default=None)
        yield CurveRow(
            letter=curve.letter,
            seed=item.seed,
            points=number(item.points, 0),
            first=compact(points[0][1]) if points else "none",
            best=f"{_at(best)} … {_at(top)}",
            last=compact(points[-1][1]) if points else "none",
            non_finite=_non_finite(item),
        )


def _at(point: tuple[int, float] | None) -> str:
    return "none" if point is None else f"{compact(point[1])} at {_step(point[0])}"


def _step(step: int) -> str:
    return compact(step) if abs(step) < FARTHEST else f"beyond {compact(math.copysign(FARTHEST, step))}"


def _non_finite(item: Line) -> str:
    if not item.non_finite:
        return "0"
    kinds = sorted({number(value) for _, value in item.non_finite})
    return f"{len(item.non_finite)} ({listed(kinds)}), first at step {_step(item.non_finite[0][0])}"


def _leaves(axis: Axis, curves: Sequence[ArmCurve], columns: Sequence[Sequence[Columns]]) -> Iterator[str]:
    """What the axis does not reach, an arm at a time: how many values, how far, where first."""
    for curve, group in zip(curves, columns, strict=True):
        for beyond, words in ((axis.above, "up"), (axis.below, "down")):
            found = [(curve.lines[at].seed, series, beyond(series.values)) for at, series in enumerate(group)]
            out = [(seed, series.steps[hit], series.values[hit]) for seed, series, hit in found if hit.any()]
            if out:
                yield _leaving(curve, out, words, of=len(group))


def _leaving(curve: ArmCurve, out: "Sequence[tuple[str, ndarray, ndarray]]", words: str, *, of: int) -> str:
    count = sum(len(values) for _, _, values in out)
    ends = [(float(v.max() if words == "up" else v.min()), i) for i, (_, _, v) in enumerate(out)]
    extreme, index = max(ends) if words == "up" else min(ends)
    at = int(out[index][1][(out[index][2] == extreme).argmax()])
    first = min(int(steps[0]) for _, steps, _ in out)
    who = curve.letter if of == 1 else f"{curve.letter}, {_who([seed for seed, _, _ in out])}"
    more = "" if count == 1 else f", {number(count, 0)} values, the first at step {_step(first)}"
    return f"{who} leaves the axis: {words} to {compact(extreme)} at step {_step(at)}{more}."


def _who(seeds: Sequence[str]) -> str:
    names = list(dict.fromkeys(seeds))
    if len(names) < len(seeds) or len(names) > 4:
        return plural(len(seeds), "run")
    return f"seed{'s' if len(names) > 1 else ''} {listed(names)}"


def _notes(curves: Sequence[ArmCurve], columns: Sequence[Sequence[Columns]]) -> Iterator[str]:
    silent = [curve.letter for curve in curves if not any(item.points for item in curve.lines)]
    if silent:
        yield f"Not logged by {listed(silent)}."
    for curve, group in zip(curves, columns, strict=True):
        yield from _notes_of(curve, group)
    if any(group and curve.means and bin_width(group) for group, curve in zip(columns, curves, strict=True)):
        widths = {curve.letter: bin_width(group) for group, curve in zip(columns, curves, strict=True) if curve.means}
        same = len(set(widths.values())) == 1
        wide = [f"{number(width, 0)} steps" + ("" if same else f" ({who})") for who, width in widths.items() if width]
        yield f"The mean is over each seed's median in bins of {listed(list(dict.fromkeys(wide)))}."


def _notes_of(curve: ArmCurve, columns: Sequence[Columns]) -> Iterator[str]:
    for item in curve.lines:
        who = f"{curve.letter}, seed {item.seed}"
        if item.non_finite:
            bad, first = plural(len(item.non_finite), "value"), _step(item.non_finite[0][0])
            yield f"{who}: {bad} not finite, first at step {first}."
        if not item.points and any(other.points for other in curve.lines):
            yield f"{who}: not logged."
        if item.duplicates:
            yield f"{who}: {plural(item.duplicates, 'step')} logged twice; the later value is drawn."
    with_values = sum(bool(len(series.steps)) for series in columns)
    for part in curve.means:
        if len(part.runs) < with_values:
            seeds = _who([curve.lines[index].seed for index in part.runs])
            yield (
                f"{curve.letter}: from step {_step(part.steps[0])} to {_step(part.steps[-1])} the mean is of "
                f"{len(part.runs)} of {with_values} runs only ({seeds}); it is drawn thinner."
            )
    if curve.means and any(
        abs(v) > HUGE for series in columns for v in series.values[:: max(1, len(series.values) // 1000)]
    ):
        yield f"{curve.letter}: values beyond {compact(HUGE)} count as that in the mean."


def _notes_of_arms(arms: Sequence[ArmInput], stages: Sequence[tuple[Band, ...]]) -> Iterator[str]:
    """What is to be known of the arms, whichever quantity is looked at."""
    if _agreed(stages) is None:
        alike: dict[tuple[Band, ...], list[str]] = {}
        for index, own in enumerate(stages):
            alike.setdefault(own, []).append(letter(index))
        said = [f"{listed(who)}: {_staged(own)}" for own, who in alike.items()]
        yield f"The arms' stages differ (ticks at the top). {'; '.join(said)}."
    for index, arm in enumerate(arms):
        who = letter(index)
        if len({tuple((b.name, b.start) for b in bands(run.trajectory.events, None)) for run in arm.runs}) > 1:
            yield f"{who}: its runs do not have the same stages; those of the longest run are drawn."
        resumed = [run for run in arm.runs if resumes(run.trajectory.events)]
        if resumed:
            at = sorted({step for run in resumed for step in resumes(run.trajectory.events)})
            steps = listed([_step(step) for step in at[:4]]) + (f" and {len(at) - 4} more" if len(at) > 4 else "")
            yield f"{who}, {_who([seed_text(run) for run in resumed])}: went on after an interruption at step {steps}."
        torn = sum(run.trajectory.torn for run in arm.runs)
        if torn:
            yield f"{who}: {plural(torn, 'torn line')} cut from the log of killed processes."


def _staged(stages: Sequence[Band]) -> str:
    return ", ".join(f"{clean(band.name)} from step {_step(band.start)}" for band in stages) or "none"


def describe(figure: CurveFigure) -> str:
    """The figure in one sentence, with its numbers, for whoever cannot see it."""
    parts = [_spoken(curve) for curve in figure.arms]
    head = f"{figure.words}, {figure.clock}s {_step(figure.first)} to {_step(figure.last)}"
    stages = [f"{clean(band.name)} from step {_step(band.start)}" for band in figure.bands]
    return clean("; ".join([head, *parts, *([f"stages: {', '.join(stages)}"] if stages else [])]) + ".")


def _spoken(curve: ArmCurve) -> str:
    ends = [(item.segments[0][0][1], item.segments[-1][-1][1]) for item in curve.lines if item.segments]
    name = f"{curve.letter} ({plural(len(curve.lines), 'seed')})"
    if not ends:
        return f"{name} no finite value"
    first, last = (sorted(values) for values in zip(*ends, strict=True))
    return f"{name} from {_spread(first)} to {_spread(last)}"


def _spread(values: Sequence[float]) -> str:
    low, high = compact(values[0]), compact(values[-1])
    return low if low == high else f"{low}…{high}"
