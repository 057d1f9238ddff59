"""How the runs trained: one figure per series and arm, one line per seed, the stages behind them."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runaudit.metrics.catalogue import PRIMARY, unit_of
from runaudit.metrics.heldout import is_held_out
from runaudit.metrics.roles import role
from runaudit.records.run import Run
from runaudit.report.inputs import ArmInput
from runaudit.report.series import Band, Line, bands, line, resumes
from runaudit.report.views.arm import letter, seed_text
from runaudit.report.words import Text, clean, compact, metric, number, shown
from runaudit.text.words import listed, plural

MAIN = ("train/loss",)
FURTHER = ("val/", "tile/psnr", f"{PRIMARY}/")
"""Series that are drawn: those named, then those that begin so; where no loss has our name, also those of other
people's names. The rest are told by name."""
OURS = ("train/", "val/", "tile/", "full_frame/", "amp/", "time/", "lr")
"""What begins so has a place of its own on the page, or is told by name."""
MAX_SERIES = 8
SCALER = ("amp/scale", "amp/skipped")
_NO_LOSS = ["No run logged a training loss (series train/loss)."]
_NO_VALIDATION = "No run logged a validation series (val/…): nothing here shows how the model generalised on the way."


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveFigure:
    """One series of one arm. `low`, `high`, `last_step` are shared by all arms, so that heights can be compared."""

    arm: int
    letter: str
    name: Text
    series: str
    words: str
    lines: tuple[Line, ...]
    bands: tuple[Band, ...]
    resumes: tuple[int, ...]
    is_log: bool
    low: float
    high: float
    last_step: int
    missing: str = ""


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
    """One series over all arms."""

    title: str
    slug: str
    figures: tuple[CurveFigure, ...]
    rows: tuple[CurveRow, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvesView:
    """All series that are drawn; the names of those that are not; in words what is missing."""

    series: tuple[SeriesView, ...]
    others: tuple[Text, ...]
    missing: tuple[str, ...]


def curves_view(arms: Sequence[ArmInput]) -> CurvesView:
    """Training and validation curves of every arm."""
    logged = [series for arm in arms for run in arm.runs for series in run.trajectory.series.items()]
    # A final result logged once is a number, not a curve; it stands among the scores.
    names = sorted({name for name, points in logged if len(points) > 1 or name in MAIN})
    wanted = [name for name in MAIN if name in names]
    wanted += [name for start in FURTHER for name in names if name.startswith(start)]
    if MAIN[0] not in names:
        wanted += [name for name in names if not name.startswith(OURS) and role(name).is_curve]
    drawn = wanted[:MAX_SERIES]
    missing = [] if any("loss" in name.lower() for name in names) else _NO_LOSS
    if not any(name.startswith(FURTHER) or is_held_out(name) for name in names):
        missing = [*missing, _NO_VALIDATION]
    rest = [name for name in names if name not in drawn and name not in SCALER]
    return CurvesView(
        series=tuple(_series(name, arms) for name in drawn),
        others=tuple(shown(name) for name in rest),
        missing=tuple(missing),
    )


def _series(name: str, arms: Sequence[ArmInput]) -> SeriesView:
    lines = [tuple(_lines(name, arm)) for arm in arms]
    values = [value for group in lines for item in group for _, value in item.finite]
    steps = [run.trajectory.last_step() or 0 for arm in arms for run in arm.runs]
    is_log = _wants_log(name, values)
    figures = [
        CurveFigure(
            arm=index,
            letter=letter(index),
            name=shown(arm.name, 48),
            series=name,
            words=metric(name).words,
            lines=lines[index],
            bands=arm_bands(arm),
            resumes=tuple(sorted({step for run in arm.runs for step in resumes(run.trajectory.events)})),
            is_log=is_log,
            low=min(values, default=0.0),
            high=max(values, default=1.0),
            last_step=max(steps, default=0),
            missing="" if any(item.points for item in lines[index]) else "no run of this arm logged it",
        )
        for index, arm in enumerate(arms)
    ]
    words = metric(name).words
    return SeriesView(
        title=words if "/" in words else words[:1].upper() + words[1:],
        slug=f"curve-{name}",
        figures=tuple(figures),
        rows=tuple(row for index, group in enumerate(lines) for row in _rows(index, group)),
        notes=tuple(_notes(arms, lines)),
    )


def _wants_log(name: str, values: Sequence[float]) -> bool:
    """Losses are read in factors, dB are logarithms already; beyond 60 decades no axis helps."""
    if unit_of(name) == "dB" or not values or min(values) <= 0:
        return False
    return math.log10(max(values)) - math.log10(min(values)) < 60


def arm_bands(arm: ArmInput) -> tuple[Band, ...]:
    """The stages of the arm's longest run; `_notes` says where its runs disagree."""
    if not arm.runs:
        return ()
    longest = max(arm.runs, key=lambda run: run.trajectory.last_step() or 0)
    return bands(longest.trajectory.events, longest.trajectory.last_step())


def cuts(run: Run) -> tuple[int, ...]:
    """The steps at which a new segment starts: no line is drawn and no median taken across them."""
    return tuple(event.step for event in run.trajectory.events if event.kind in ("stage", "resume"))


def _lines(name: str, arm: ArmInput) -> Iterator[Line]:
    for run in arm.runs:
        yield line(seed_text(run), run.trajectory.series.get(name, ()), cuts(run))


def _rows(index: int, lines: Sequence[Line]) -> Iterator[CurveRow]:
    for item in lines:
        points = item.finite
        best = min(points, key=lambda point: point[1], default=None)
        top = max(points, key=lambda point: point[1], default=None)
        yield CurveRow(
            letter=letter(index),
            seed=item.seed,
            points=number(item.points, 0),
            first=compact(points[0][1]) if points else "none",
            best=f"{_at(best)} … {_at(top)}",
            last=compact(points[-1][1]) if points else "none",
            non_finite=_non_finite(item),
        )


def _at(point: tuple[int, float] | None) -> str:
    return "none" if point is None else f"{compact(point[1])} at {compact(point[0])}"


def _non_finite(item: Line) -> str:
    if not item.non_finite:
        return "0"
    kinds = sorted({number(value) for _, value in item.non_finite})
    return f"{len(item.non_finite)} ({listed(kinds)}), first at step {item.non_finite[0][0]}"


def _notes(arms: Sequence[ArmInput], lines: Sequence[Sequence[Line]]) -> Iterator[str]:
    for index, (arm, group) in enumerate(zip(arms, lines, strict=True)):
        for item in group:
            who = f"{letter(index)}, seed {item.seed}"
            if item.non_finite:
                bad, first = plural(len(item.non_finite), "value"), item.non_finite[0][0]
                yield f"{who}: {bad} not finite, first at step {first}."
            if not item.points:
                yield f"{who}: not logged."
            if item.duplicates:
                yield f"{who}: {plural(item.duplicates, 'step')} logged twice; the later value is drawn."
        stages = {tuple((b.name, b.start) for b in bands(run.trajectory.events, None)) for run in arm.runs}
        if len(stages) > 1:
            yield f"{letter(index)}: its runs do not have the same stages; those of the longest run are drawn."
        torn = sum(run.trajectory.torn for run in arm.runs)
        if torn:
            yield f"{letter(index)}: {plural(torn, 'torn line')} cut from the log of killed processes."


def legend(figure: CurveFigure) -> tuple[str, ...]:
    """The stage names under a figure, for whoever cannot see it."""
    return tuple(f"{clean(band.name)} from step {band.start}" for band in figure.bands)


def describe(figure: CurveFigure) -> str:
    """The figure in one sentence."""
    parts = [f"{figure.words} of {figure.letter}, {plural(len(figure.lines), 'seed')}"]
    if math.isfinite(figure.low) and any(item.finite for item in figure.lines):
        parts.append(f"from {compact(figure.low)} to {compact(figure.high)} over all arms")
    if stages := legend(figure):
        parts.append(f"stages: {', '.join(stages)}")
    return "; ".join(parts) + "."
