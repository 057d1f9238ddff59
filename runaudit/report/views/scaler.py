"""The loss scale of mixed precision: where it went, which steps it cost, and in words why a run has none.

Two lines are drawn, as fractions of where a GradScaler starts (65536): 16384 after two halvings, 1024 after six. Below
the lines the scale may still be settled and the run sound, so the figure shows and does not judge.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from runaudit.records.run import Run
from runaudit.report.inputs import ArmInput
from runaudit.report.series import Band, Line, Point, line
from runaudit.report.views.arm import letter, seed_text
from runaudit.report.views.curves import arm_bands
from runaudit.report.words import Text, clean, compact, shown
from runaudit.text.words import listed, plural

SCALE, SKIPPED = "amp/scale", "amp/skipped"
LINES = (16384, 1024)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalerFigure:
    """The loss scale of one arm, a line per seed; `skips` are (seed index, step) of every skipped step seen."""

    arm: int
    letter: str
    name: Text
    lines: tuple[Line, ...]
    skips: tuple[tuple[int, int], ...]
    bands: tuple[Band, ...]
    low: float
    high: float
    last_step: int
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalerRow:
    """One run's scaler in numbers."""

    letter: str
    seed: str
    start: str
    lowest: str
    end: str
    below: tuple[str, ...]
    skipped: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalerView:
    """Every arm that logged a loss scale, and in words why the others did not."""

    figures: tuple[ScalerFigure, ...]
    rows: tuple[ScalerRow, ...]
    without: tuple[str, ...]


def scaler_view(arms: Sequence[ArmInput]) -> ScalerView:
    """The scaler traces of all arms."""
    with_scale = [(index, arm) for index, arm in enumerate(arms) if any(_has_scale(run) for run in arm.runs)]
    return ScalerView(
        figures=tuple(_figure(index, arm) for index, arm in with_scale),
        rows=tuple(_row(index, run) for index, arm in with_scale for run in arm.runs if _has_scale(run)),
        without=tuple(_without(arms)),
    )


def _has_scale(run: Run) -> bool:
    """Whether a scaler was at work: a scale that is 1 throughout is one that is switched off."""
    return any(value != 1.0 for _, value in run.trajectory.series.get(SCALE, ()))


def _figure(index: int, arm: ArmInput) -> ScalerFigure:
    runs = [run for run in arm.runs if _has_scale(run)]
    lines = tuple(line(seed_text(run), run.trajectory.series[SCALE]) for run in runs)
    values = [value for item in lines for _, value in item.finite if value > 0]
    skips = tuple((n, step) for n, run in enumerate(runs) for step in skipped_steps(run))
    parts = [
        f"seed {item.seed} {compact(item.finite[0][1])} to {compact(item.finite[-1][1])}"
        for item in lines
        if item.finite
    ]
    return ScalerFigure(
        arm=index,
        letter=letter(index),
        name=shown(arm.name, 48),
        lines=lines,
        skips=skips,
        bands=arm_bands(arm),
        low=min(values, default=1.0),
        high=max(values, default=65536.0),
        last_step=max((run.trajectory.last_step() or 0 for run in arm.runs), default=0),
        words=f"Loss scale of {letter(index)}: {'; '.join(parts)}; {plural(len(skips), 'mark')} of skipped steps.",
    )


def skipped_steps(run: Run) -> tuple[int, ...]:
    """The steps at which the count of skipped steps rose."""
    steps = []
    before = 0.0
    for step, value in run.trajectory.series.get(SKIPPED, ()):
        if math.isfinite(value):
            if value > before:
                steps.append(step)
            before = value
    return tuple(steps)


def _row(index: int, run: Run) -> ScalerRow:
    points = run.trajectory.series[SCALE]
    finite = [point for point in points if math.isfinite(point[1])]
    lowest = min(finite, key=lambda point: point[1], default=None)
    return ScalerRow(
        letter=letter(index),
        seed=seed_text(run),
        start=compact(points[0][1]),
        lowest=f"{compact(lowest[1])} at step {compact(lowest[0])}" if lowest else "none",
        end=compact(points[-1][1]),
        below=tuple(_first_below(finite, limit) for limit in LINES),
        skipped=_skipped(run),
    )


def _first_below(points: Sequence[Point], limit: int) -> str:
    return next((f"step {compact(step)}" for step, value in points if value < limit), "never")


def _skipped(run: Run) -> str:
    last = run.trajectory.last(SKIPPED)
    return "not logged" if last is None else compact(last)


def _without(arms: Sequence[ArmInput]) -> Iterator[str]:
    for index, arm in enumerate(arms):
        bare = [run for run in arm.runs if not _has_scale(run)]
        if bare:
            reasons = sorted({_reason(run) for run in bare})
            who = "" if len(bare) == len(arm.runs) else f" (seed {listed([seed_text(run) for run in bare])})"
            yield f"{letter(index)}{who}: {'; '.join(reasons)}"


def _reason(run: Run) -> str:
    """Why there is no scale, from the config where it says so."""
    amp = run.manifest.section("config").get("amp")
    if run.trajectory.series.get(SCALE):
        return "the scaler was switched off (its scale is 1 throughout)"
    if amp is None:
        return "logged no loss scale, and its config does not speak of AMP"
    dtype = amp.get("dtype", amp.get("mode")) if isinstance(amp, Mapping) else amp
    if str(dtype).lower() in ("off", "none", "false", "fp32", "float32"):
        return "trained without AMP"
    if str(dtype).lower() in ("bf16", "bfloat16"):
        return "trained in bfloat16, which needs no loss scale"
    return f"logged no loss scale although its config says amp is {clean(str(dtype))}"
