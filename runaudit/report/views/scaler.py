"""The loss scale of mixed precision: where it went, which steps it cost, and in words why an AMP run has none.

Two lines are drawn, as fractions of where a GradScaler starts (65536): 16384 after two halvings, 1024 after six. Below
the lines the scale may still be settled and the run sound, so the figure shows and does not judge.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from runaudit.records.run import Run
from runaudit.records.segments import Band, Point, columns_of
from runaudit.report.axis import Axis
from runaudit.report.inputs import ArmInput
from runaudit.report.series import Line, line
from runaudit.report.views.arm import letter, seed_text
from runaudit.report.views.curve import Mark
from runaudit.report.views.curves import SCALE, SKIPPED, arm_bands, skipped_steps
from runaudit.report.words import Text, clean, compact, shown
from runaudit.text.words import listed, plural

LINES = (16384, 1024)
_NONE = ("off", "none", "false", "fp32", "float32")
_FAR = 120
"""Powers of two beyond which, up or down, a scale is drawn at the edge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalerFigure:
    """The loss scale of one arm, a line per seed; `skips` are (seed index, step) of every skipped step seen,
    `marks` the findings on it."""

    arm: int
    letter: str
    name: Text
    lines: tuple[Line, ...]
    skips: tuple[tuple[int, int], ...]
    bands: tuple[Band, ...]
    axis: Axis
    last_step: int
    words: str
    marks: tuple[Mark, ...]


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


def scaler_view(arms: Sequence[ArmInput], marks: Sequence[Mark] = ()) -> ScalerView:
    """The scaler traces of all arms. marks: findings, of which those on the scale are shown in it."""
    with_scale = [(index, arm) for index, arm in enumerate(arms) if any(_has_scale(run) for run in arm.runs)]
    return ScalerView(
        figures=tuple(_figure(index, arm, marks) for index, arm in with_scale),
        rows=tuple(_row(index, run) for index, arm in with_scale for run in arm.runs if _has_scale(run)),
        without=tuple(_without(arms, is_drawn=bool(with_scale))),
    )


def _has_scale(run: Run) -> bool:
    """Whether a scaler was at work: a scale that is 1 throughout is one that is switched off."""
    return any(value != 1.0 for _, value in run.trajectory.series.get(SCALE, ()))


def _figure(index: int, arm: ArmInput, marks: Sequence[Mark]) -> ScalerFigure:
    runs = [run for run in arm.runs if _has_scale(run)]
    last = max((run.trajectory.last_step() or 0 for run in arm.runs), default=0)
    columns = [columns_of(run.trajectory.series[SCALE]) for run in runs]
    lines = tuple(line(seed_text(run), one, span=(0, last)) for run, one in zip(runs, columns, strict=True))
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
        axis=_axis(values),
        last_step=last,
        words=f"Loss scale of {letter(index)}: {'; '.join(parts)}; {plural(len(skips), 'mark')} of skipped steps.",
        marks=tuple(mark for mark in marks if mark.arm == index and mark.series == SCALE),
    )


def _axis(values: Sequence[float]) -> Axis:
    """In powers of two, from below the lower line to above the upper one and to where the scale went."""
    powers = [max(-_FAR, min(_FAR, math.log2(value))) for value in (*values, *LINES)]
    bottom, top = (power * math.log10(2) for power in (min(powers) - 1.4, max(powers) + 1))
    return Axis(bottom=bottom, top=top, is_log=True, in_twos=True)


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


def _without(arms: Sequence[ArmInput], *, is_drawn: bool) -> Iterator[str]:
    """Why arms have no scale: of those that trained in mixed precision, and of all where others have one."""
    for index, arm in enumerate(arms):
        bare = [run for run in arm.runs if not _has_scale(run) and (is_drawn or _speaks_of_amp(run))]
        if bare:
            reasons = sorted({_reason(run) for run in bare})
            who = "" if len(bare) == len(arm.runs) else f" (seed {listed([seed_text(run) for run in bare])})"
            yield f"{letter(index)}{who}: {'; '.join(reasons)}"


def _speaks_of_amp(run: Run) -> bool:
    """Whether the config asks for mixed precision, or a scaler was there and switched off."""
    return bool(run.trajectory.series.get(SCALE)) or _dtype(run) not in (None, *_NONE)


def _dtype(run: Run) -> str | None:
    """What the config says of mixed precision, in small letters; None where it says nothing."""
    amp = run.manifest.section("config").get("amp")
    said = amp.get("dtype", amp.get("mode")) if isinstance(amp, Mapping) else amp
    return None if amp is None else str(said).lower()


def _reason(run: Run) -> str:
    """Why there is no scale, from the config where it says so."""
    if run.trajectory.series.get(SCALE):
        return "the scaler was switched off (its scale is 1 throughout)"
    dtype = _dtype(run)
    if dtype is None:
        return "logged no loss scale, and its config does not speak of AMP"
    if dtype in _NONE:
        return "trained without AMP"
    if dtype in ("bf16", "bfloat16"):
        return "trained in bfloat16, which needs no loss scale"
    return f"logged no loss scale although its config says amp is {clean(dtype)}"
