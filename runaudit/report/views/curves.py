"""How the runs trained: one figure per quantity, the arms laid over each other, seeds thin and their mean bold."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from runaudit.metrics.catalogue import Direction, known_direction, unit_of
from runaudit.metrics.roles import Role, role
from runaudit.records.run import Run
from runaudit.records.segments import Band, Columns, bands, columns_of, resumes
from runaudit.report.axis import Axis, axis_of
from runaudit.report.guarded import Failed, attempted
from runaudit.report.inputs import ArmInput
from runaudit.report.series import COLUMNS, bin_width, line, mean_of
from runaudit.report.views.arm import letter, run_name, seed_text, seed_texts
from runaudit.report.views.chosen import TRAINING, asked, chosen, constants, is_held_out_loss, series_names
from runaudit.report.views.curve import (
    MEAN,
    ArmCurve,
    CurveFigure,
    CurveRow,
    Mark,
    describe,
    identical,
    leaves,
    notes,
    rows,
    runs_text,
    stages_text,
    step_text,
)
from runaudit.report.words import MetricText, Text, called, compact, metric, shown
from runaudit.text.words import listed, plural

if TYPE_CHECKING:
    from numpy import ndarray

OVERLAID = 6
"""Arms that one figure can tell apart; where there are more, each has a small one of its own, on the same axes."""
_OTHER_CLOCK = 50
"""Times as far apart, and as far on, as those of another arm: such steps are no steps of that one."""
_STAIRS = 12
"""Values of a schedule that goes down in stairs."""
SCALE, SKIPPED = "amp/scale", "amp/skipped"
_RETURN = re.compile(r"(?:^|[/_.-])(?:return|reward)s?(?:$|[/_.-])", re.IGNORECASE)
"""What an agent got: it is the result, and there is no data to hold out."""
_NO_LOSS = "No run logged a loss on the way."
_NO_VALIDATION = (
    "No series is named as one on held-out data (val, test, …): whether the model generalised as it trained is not "
    "shown."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesView:
    """One series over all arms. leaves: in words what its axis does not reach. alike: which arms are one line in it,
    but nothing of a schedule, where that is expected."""

    title: str
    name: Text
    role: Role
    figures: tuple[CurveFigure, ...]
    rows: tuple[CurveRow, ...]
    leaves: tuple[str, ...]
    alike: tuple[str, ...]
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

    @property
    def reading(self) -> str:
        """How the figures are to be read: what is in them, and nothing that is not."""
        views = (*self.series, *self.training)
        curves = [curve for view in views for figure in view.figures for curve in figure.arms]
        kinds = {curve.middle for curve in curves if not curve.means}
        middle = "running mean" if kinds == {MEAN} else "running median"
        middle += " (of two values, mean)" if len(kinds) > 1 else ""
        alone = f"the values of a run, where they are noisy their {middle} over 5 % of the points of a stage"
        parts = [f"Bold: {alone}; thin: every logged value, every peak kept"]
        if any(curve.means for curve in curves):
            one = "" if all(curve.means for curve in curves) else f" (of an arm of one run: {alone})"
            parts = [f"Bold: the mean of an arm{one}; thin: its seeds, every peak kept"]
            parts.append("tint: from the lowest seed to the highest")
        in_mean = ", and is in the mean up to there" if any(curve.means for curve in curves) else ""
        for mark, is_there in (
            ("bands: stages", any(figure.bands for view in views for figure in view.figures)),
            ("dotted uprights: a run went on after an interruption", any(curve.resumes for curve in curves)),
            ("ticks at the foot: steps that AMP skipped", any(curve.skips for curve in curves)),
            (f"rings: a run without a result ended there, or stands there{in_mean}", _has_ended(curves)),
            ("crosses: values that are not finite", any(one.non_finite for curve in curves for one in curve.lines)),
            ("triangles: what leaves the axis", any(view.leaves for view in views)),
        ):
            parts += [mark] if is_there else []
        return "; ".join(parts) + "."

    @property
    def told(self) -> bool:
        """Whether there is something to say of series, be it that none of them is drawn."""
        return bool(self.others or self.constants or self.failed)


def curves_view(
    arms: Sequence[ArmInput], wanted: Sequence[str] = (), marks: Sequence[Mark] = (), about: str | None = None
) -> CurvesView:
    """The curves of every arm.

    wanted: patterns of series names; exactly what they name is drawn. Raises UsageError where one names none. about:
    the metric that the page is about, which comes first where nobody asked for an order.
    """
    names = series_names(arms)
    still = {} if wanted else constants(names, arms)
    drawn = asked(names, wanted) if wanted else chosen([name for name in names if name not in still])
    if about in names and about not in still and not wanted:
        drawn = [about, *(name for name in drawn if name != about)]
    skips = [tuple(sorted({step for run in arm.runs for step in skipped_steps(run)})) for arm in arms]
    made = [attempted(partial(_series, name, arms, marks, skips), what=called(name).short) for name in drawn]
    views = [one for one in made if isinstance(one, SeriesView)]
    roles = {role(name) for name in names}
    # What is made small on the way is the loss, whatever it is called: `train/mse`.
    is_minimised = any(known_direction(name) is Direction.LOWER for name in names)
    missing = [] if wanted or Role.LOSS in roles or is_minimised else [_NO_LOSS]
    shows_more = (role(name) is Role.HELD_OUT or is_held_out_loss(name) or _RETURN.search(name) for name in names)
    if not wanted and not any(shows_more):
        missing.append(_NO_VALIDATION)
    rest = [name for name in names if name not in drawn and name not in still and role(name).is_curve]
    return CurvesView(
        series=tuple(view for view in views if view.role not in TRAINING),
        training=tuple(view for view in views if view.role in TRAINING),
        failed=tuple(one.words for one in made if isinstance(one, Failed)),
        others=tuple(called(name) for name in rest),
        constants=tuple((called(name), compact(value)) for name, value in still.items()),
        missing=tuple(missing),
        legend=tuple(
            (index, letter(index), shown(arm.name, 60), _seeds(arm)) for index, arm in enumerate(arms) if arm.runs
        ),
        notes=tuple(_notes_of_arms(arms, [arm_bands(arm) for arm in arms])),
    )


def _has_ended(curves: Sequence[ArmCurve]) -> bool:
    """Whether a run that is drawn ended without a result."""
    return any(end and item.segments for curve in curves for end, item in zip(curve.ended, curve.lines, strict=True))


def _seeds(arm: ArmInput) -> str:
    seeds = [seed_text(run) for run in arm.runs]
    lost = [run for run in arm.runs if not run.finished]
    if len(seeds) == 1:
        return f"seed {seeds[0]}" + (f", {run_name(lost[0]).status}" if lost else "")
    return plural(len(seeds), "run") + (f", {len(lost)} without a result" if lost else "")


def _series(name: str, arms: Sequence[ArmInput], marks: Sequence[Mark], skips: Sequence[tuple[int, ...]]) -> SeriesView:
    columns = [[columns_of(run.trajectory.series.get(name, ())) for run in arm.runs] for arm in arms]
    said = metric(name)
    values = [[series.values for series in group] for group in columns]
    axis = axis_of(values, may_log=_may_log(name, said.unit, [line for group in values for line in group]))
    clocks = _clocks(columns)
    ends = clocks or [_ends(columns)] * len(arms)
    stages = [arm_bands(arm) for arm in arms]
    agreed = _agreed(stages)
    small = len(arms) > OVERLAID or bool(clocks)
    curves = tuple(
        _curve(index, arm, columns[index], axis=axis, stages=() if agreed is not None else stages[index],
               span=ends[index], small=small, skips=skips[index],
               marks=tuple(m for m in marks if m.arm == index and m.series in (None, name)))
        for index, arm in enumerate(arms)
    )  # fmt: skip
    seen = tuple(curve for curve in curves if any(item.points for item in curve.lines))
    figures = [
        CurveFigure(
            series=name,
            words=said.words,
            arms=group,
            bands=tuple(band for band in agreed or () if band.start <= ends[group[0].arm][1]),
            axis=axis,
            first=ends[group[0].arm][0],
            last=ends[group[0].arm][1],
            is_small=small,
            label="",
        )
        for group in ([(curve,) for curve in seen] if small else [seen])
    ]
    return SeriesView(
        title=_title(said),
        name=called(name),
        role=role(name),
        figures=tuple(replace(figure, label=describe(figure)) for figure in figures),
        rows=tuple(row for curve in curves for row in rows(curve)),
        leaves=tuple(leaves(axis, curves, columns)),
        notes=tuple(notes(curves, columns, clocks)),
        alike=tuple(identical(curves, columns)) if role(name) not in TRAINING else (),
    )


def _may_log(name: str, unit: str, lines: "Sequence[ndarray]") -> bool:
    """Whether a quantity may be read in factors: decibels are logarithms, an accuracy has an end, a schedule's form is
    that of its values unless it goes down in a few stairs."""
    if role(name) is Role.RATE:
        return all(len(set(values[:: max(1, len(values) // 500)].tolist())) <= _STAIRS for values in lines)
    return "dB" not in (unit, unit_of(name)) and known_direction(name) is not Direction.HIGHER


def _title(said: MetricText) -> str:
    return f"{said.title} ({said.unit})" if said.unit else said.title


def _curve(
    index: int,
    arm: ArmInput,
    columns: Sequence[Columns],
    *,
    axis: Axis,
    stages: tuple[Band, ...],
    span: tuple[int, int],
    small: bool,
    skips: tuple[int, ...],
    marks: tuple[Mark, ...],
) -> ArmCurve:
    cut = sorted({at for run in arm.runs for at in cuts(run, kinds=("stage",))})
    averaged, width = mean_of(columns, cut, axis.places)
    # The trend of a seed stands for the arm where there is no mean; beside one it would be a second opinion.
    draw = partial(line, columns=COLUMNS // 2 if small else COLUMNS, span=span, with_trend=not averaged)
    seeds = seed_texts(arm.runs)
    lines = [draw(seed, series, cuts(run)) for seed, run, series in zip(seeds, arm.runs, columns, strict=True)]
    return ArmCurve(
        arm=index,
        letter=letter(index),
        name=shown(arm.name, 48),
        lines=tuple(lines),
        means=averaged,
        resumes=tuple(sorted({step for run in arm.runs for step in resumes(run.trajectory.events)})),
        skips=skips,
        stages=stages,
        marks=marks,
        width=width,
        is_wide=width > bin_width(columns),
        ended=tuple("" if run.finished else run_name(run).status for run in arm.runs),
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


def _clocks(columns: Sequence[Sequence[Columns]]) -> list[tuple[int, int]]:
    """First and last step of each arm where the arms count otherwise, epochs beside samples; empty where they do not.

    An arm that ended early counts as the others do: it is told by how far its steps are apart.
    """
    import numpy as np

    gaps = [[float(np.median(np.diff(one.steps))) for one in group if len(one.steps) > 1] for group in columns]
    ends = [_ends([group]) for group in columns]
    known = [(max(gap), end[1]) for gap, end in zip(gaps, ends, strict=True) if gap]
    strides, lasts = [gap for gap, _ in known], [last for _, last in known]
    if len(known) > 1 and max(strides) > _OTHER_CLOCK * min(strides) and max(lasts) > _OTHER_CLOCK * min(lasts):
        return ends
    return []


def _agreed(stages: Sequence[tuple[Band, ...]]) -> tuple[Band, ...] | None:
    """The stages that all arms with any share, as the longest has them; None where they differ."""
    found = [own for own in stages if own]
    if len({tuple((band.name, band.start) for band in own) for own in found}) > 1:
        return None
    return max(found, key=lambda own: own[-1].end, default=())


def arm_bands(arm: ArmInput) -> tuple[Band, ...]:
    """The stages of the arm's longest run; `notes` says where its runs disagree."""
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


def _notes_of_arms(arms: Sequence[ArmInput], stages: Sequence[tuple[Band, ...]]) -> Iterator[str]:
    """What is to be known of the arms, whichever quantity is looked at."""
    if _agreed(stages) is None:
        alike: dict[tuple[Band, ...], list[str]] = {}
        for index, own in enumerate(stages):
            alike.setdefault(own, []).append(letter(index))
        said = [f"{listed(who)}: {stages_text(own)}" for own, who in alike.items()]
        yield f"The arms' stages differ (ticks at the top). {'; '.join(said)}."
    for index, arm in enumerate(arms):
        who = letter(index)
        if len({tuple((b.name, b.start) for b in bands(run.trajectory.events, None)) for run in arm.runs}) > 1:
            yield f"{who}: its runs do not have the same stages; those of the longest run are drawn."
        resumed = [run for run in arm.runs if resumes(run.trajectory.events)]
        if resumed:
            at = sorted({step for run in resumed for step in resumes(run.trajectory.events)})
            steps = listed([step_text(step) for step in at[:4]]) + (f" and {len(at) - 4} more" if len(at) > 4 else "")
            seeds = runs_text([seed_text(run) for run in resumed])
            yield f"{who}, {seeds}: went on after an interruption at step {steps}."
        torn = sum(run.trajectory.torn for run in arm.runs)
        if torn:
            yield f"{who}: {plural(torn, 'torn line')} cut from the log of killed processes."
