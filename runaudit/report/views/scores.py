"""Full-frame results, a sequence a column, a run a row, beside every baseline that was measured with them.

A run that gave no number keeps its row, and its arm loses its mean: the mean of those that survived is not the arm's.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from runaudit.metrics import catalogue
from runaudit.metrics.catalogue import BASELINES
from runaudit.metrics.catalogue import PRIMARY as PSNR
from runaudit.metrics.heldout import is_held_out
from runaudit.records.run import Run
from runaudit.report.axis import digits_of
from runaudit.report.inputs import ArmInput, Part
from runaudit.report.views.arm import RunName, letter, run_name, seed_text
from runaudit.report.words import Text, called, clean, compact, number
from runaudit.text.words import plural

BICUBIC = "bicubic"
ONE_FRAME = ("single_frame", "control")
"""What a run's own network gives when it is fed one frame only: a baseline of that run, not of all."""
OTHERS = (
    "full_frame/psnr_single_frame",
    "full_frame/psnr_control",
    "full_frame/psnr_tiled",
    "full_frame/cpsnr",
    "full_frame/ssim",
    "full_frame/registration_error_px",
    "registration_error_px",
)
"""What stands in tables of its own, a sequence a column."""
OWN = ("tiled", *ONE_FRAME)
"""What bears a baseline's form of name and is a result of the run's own network all the same."""
MAX_PLAIN = 8
"""Metrics of any program that stand in the table; the rest stand with their runs."""
SAME_DB = 0.005
"""Two bicubics that differ by more were not measured in the same way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One number: the value, its gain over bicubic, and whether that gain is a loss."""

    value: str
    gain: str = ""
    below: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One run, or the mean of an arm (`run` is None), over all sequences."""

    arm: int
    letter: str
    run: RunName | None
    words: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A baseline's value on one sequence. `key` is the part of the metric's name that says which."""

    key: str
    words: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreFigure:
    """One sequence: per arm its letter and (seed, dB) of every run that gave a finite number; the baselines' lines.

    beside: per arm (seed, dB) of the runs that ended without a result after they had logged one.
    one_frame: per arm the mean of what its networks give when fed one frame only, None where that was not measured.
    """

    sequence: str
    arms: tuple[tuple[str, tuple[tuple[str, float], ...]], ...]
    ticks: tuple[str, ...]
    references: tuple[Reference, ...]
    one_frame: tuple[float | None, ...]
    words: str
    beside: tuple[tuple[tuple[str, float], ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceRow:
    """One baseline over all sequences, with its own gain over bicubic."""

    words: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherTable:
    """A further metric, run by run."""

    words: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainTable:
    """Metrics of any program, a row a run. title: what the runs have in common, where the page has several parts."""

    title: str
    names: tuple[Text, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoresView:
    """The whole section; empty where no run has a final metric.

    plain: the metrics of runs that have no full-frame PSNR, a table where the page is about one.
    """

    sequences: tuple[str, ...]
    figures: tuple[ScoreFigure, ...]
    references: tuple[ReferenceRow, ...]
    rows: tuple[Row, ...]
    others: tuple[OtherTable, ...]
    notes: tuple[str, ...]
    plain: tuple[PlainTable, ...] = ()


def sequences(arms: Sequence[ArmInput]) -> tuple[str, ...]:
    """Every test sequence that any run was scored on."""
    prefix = f"{PSNR}/"
    names = {name[len(prefix) :] for run in _runs(arms) for name in run.metrics if name.startswith(prefix)}
    return tuple(sorted(names))


def scores_view(arms: Sequence[ArmInput], parts: Sequence[Part] = ()) -> ScoresView:
    """Every full-frame number of every run; of other programs their metrics, that which a part of the arms is about
    first. parts: all arms in one, if none are given."""
    names = sequences(arms)
    groups = () if names else (parts or (Part(metric=None, arms=tuple(range(len(arms)))),))
    plain = tuple(table for part in groups if (table := _plain_table(arms, part)).names)
    return ScoresView(
        sequences=tuple(clean(name) for name in names),
        figures=tuple(_figure(arms, name) for name in names),
        references=tuple(_reference_rows(arms, names)),
        rows=tuple(_rows(arms, names)),
        others=tuple(_others(arms, names)),
        notes=(*_notes(arms, names), *(_broken_off(arms, plain) if names or plain else ()), *_left_out(arms, plain)),
        plain=plain,
    )


def _plain_table(arms: Sequence[ArmInput], part: Part) -> PlainTable:
    names = tuple(_plain([arms[index] for index in part.arms], part.metric))
    rows = tuple(_plain_rows(arms, part.arms, names))
    return PlainTable(title=clean(part.name), names=tuple(called(name) for name in names), rows=rows)


def _plain(arms: Sequence[ArmInput], metric: str | None) -> Iterator[str]:
    """The metrics of any program: that which the page is about, then what all runs have before what some have, held-out
    ones first."""
    runs = list(_runs(arms))
    shared: Counter[str] = Counter(name for run in runs for name in _told(run) if not name.startswith("time/"))
    order = sorted(
        shared, key=lambda name: (name != metric, -shared[name], not is_held_out(name.partition("/")[0]), name)
    )
    yield from order[:MAX_PLAIN]


def _plain_rows(arms: Sequence[ArmInput], places: Sequence[int], names: Sequence[str]) -> Iterator[Row]:
    rows = [_told(run) for index in places for run in arms[index].runs]
    digits = {name: digits_of([held[name] for held in rows if name in held]) for name in names}
    for index in places:
        for run in arms[index].runs if names else ():
            held = _told(run)
            said = (compact(held[name], digits=digits[name]) if name in held else "none" for name in names)
            cells = tuple(Cell(value=value) for value in said)
            yield Row(arm=index, letter=letter(index), run=run_name(run), words="", cells=cells)


def _told(run: Run) -> Mapping[str, float]:
    """The numbers of a run that stand in its row: its metrics, or how far it has come."""
    return run.metrics or run.logged


def _broken_off(arms: Sequence[ArmInput], plain: Sequence[PlainTable]) -> Iterator[str]:
    """What the numbers of runs that did not finish are, where they stand in a table."""
    ids = {row.run.id.full for table in plain for row in table.rows if row.run}
    lost = [run for run in _runs(arms) if (run.id in ids or not plain) and not run.finished]
    if any(map(_told, lost)):
        what = "what stands there" if all(map(_told, lost)) else "a number of theirs"
        hollow = " (in figures: hollow)" if any(run.metrics for run in lost) else ""
        yield f"{plural(len(lost), 'run')} did not finish: {what}{hollow} is logged last, and counts as no result."


def _left_out(arms: Sequence[ArmInput], plain: Sequence[PlainTable]) -> Iterator[str]:
    told = {name.full for table in plain for name in table.names}
    rest = {clean(name) for run in _runs(arms) for name in _told(run)} - told if plain else set()
    if rest:
        yield f"{plural(len(rest), 'further metric')} under Provenance."


def _runs(arms: Sequence[ArmInput]) -> Iterator[Run]:
    return (run for arm in arms for run in arm.runs)


def psnr(run: Run, sequence: str) -> float | None:
    """The run's own full-frame PSNR in dB."""
    return run.metrics.get(f"{PSNR}/{sequence}")


def bicubic(run: Run, sequence: str) -> float | None:
    """Bicubic's PSNR as this run measured it."""
    return run.metrics.get(f"{PSNR}_{BICUBIC}/{sequence}")


def gain(run: Run, sequence: str, over: str = BICUBIC) -> float | None:
    """The run's PSNR less a baseline's, in dB; None where either is missing."""
    own, base = psnr(run, sequence), run.metrics.get(f"{PSNR}_{over}/{sequence}")
    return None if own is None or base is None else own - base


def references(arms: Sequence[ArmInput], sequence: str) -> tuple[Reference, ...]:
    """The baselines measured on this sequence: the mean over runs, in the order of BASELINES, then by name."""
    found: dict[str, list[float]] = {}
    for run in _runs(arms):
        for key, value in _reference_values(run.metrics, sequence):
            found.setdefault(key, []).append(value)
    order = list(BASELINES)
    keys = sorted(found, key=lambda key: (order.index(key) if key in order else len(order), key))
    return tuple(
        Reference(key=key, words=BASELINES.get(key, clean(key).replace("_", " ")), value=mean(found[key]))
        for key in keys
    )


def _reference_values(metrics: Mapping[str, float], sequence: str) -> Iterator[tuple[str, float]]:
    for name, value in metrics.items():
        if name.startswith(f"{PSNR}_") and name.endswith(f"/{sequence}") and math.isfinite(value):
            key = name[len(PSNR) + 1 : -len(sequence) - 1]
            if "/" not in key and key not in OWN:
                yield key, value


def _figure(arms: Sequence[ArmInput], sequence: str) -> ScoreFigure:
    lines = references(arms, sequence)
    dots, beside = [], []
    for index, arm in enumerate(arms):
        values = ((run, psnr(run, sequence)) for run in arm.runs)
        finite = [(run, value) for run, value in values if value is not None and math.isfinite(value)]
        dots.append((letter(index), tuple((seed_text(run), value) for run, value in finite if run.finished)))
        beside.append(tuple((seed_text(run), value) for run, value in finite if not run.finished))
    parts = [f"{name} {', '.join(number(value) for _, value in found) or 'no number'}" for name, found in dots]
    parts += [f"{letter(at)} without a result: {', '.join(number(value) for _, value in lost)}"
              for at, lost in enumerate(beside) if lost]  # fmt: skip
    alone = ((letter(index), _one_frame(arm, sequence)) for index, arm in enumerate(arms))
    parts += [f"{name} fed one frame only {number(value)}" for name, value in alone if value is not None]
    parts += [f"{line.words} {number(line.value)}" for line in lines]
    return ScoreFigure(
        sequence=clean(sequence),
        arms=tuple(dots),
        ticks=tuple(_tick(arm, index, sequence) for index, arm in enumerate(arms)),
        references=lines,
        one_frame=tuple(_one_frame(arm, sequence) for arm in arms),
        words=f"Full-frame PSNR on {clean(sequence)} in dB. {'; '.join(parts)}.",
        beside=tuple(beside),
    )


def _one_frame(arm: ArmInput, sequence: str) -> float | None:
    names = [f"{PSNR}_{key}/{sequence}" for key in ONE_FRAME]
    values = [run.metrics[name] for run in arm.runs for name in names if run.finished and name in run.metrics]
    finite = [value for value in values if math.isfinite(value)]
    return mean(finite) if finite else None


def _results(arm: ArmInput, of: Callable[[Run, str], float | None], sequence: str) -> list[float | None]:
    """A number of each run of an arm; None of one that did not finish: what it logged on the way is no result."""
    return [of(run, sequence) if run.finished else None for run in arm.runs]


def _tick(arm: ArmInput, index: int, sequence: str) -> str:
    """The letter of an arm and, where every run gave a number, its mean gain."""
    gains = _results(arm, gain, sequence)
    known = [value for value in gains if value is not None and math.isfinite(value)]
    if not known or len(known) < len(gains):
        return letter(index)
    return f"{letter(index)}\n{number(mean(known), signed=True)}"


def _cell(run: Run, sequence: str) -> Cell:
    over = gain(run, sequence)
    return Cell(
        value=number(psnr(run, sequence)),
        gain="" if over is None else number(over, signed=True),
        below=over is not None and not over >= 0,
    )


def _rows(arms: Sequence[ArmInput], names: Sequence[str]) -> Iterator[Row]:
    for index, arm in enumerate(arms):
        for run in arm.runs:
            cells = tuple(_cell(run, name) for name in names)
            yield Row(arm=index, letter=letter(index), run=run_name(run), words="", cells=cells)
        if len(arm.runs) > 1:
            cells = tuple(_mean_cell(arm, name) for name in names)
            yield Row(arm=index, letter=letter(index), run=None, words=f"mean of {len(arm.runs)} ± sd", cells=cells)


def _mean_cell(arm: ArmInput, sequence: str) -> Cell:
    """Mean and sample standard deviation of the gain; none of either where a run gave no number."""
    values = _results(arm, psnr, sequence)
    gains = _results(arm, gain, sequence)
    known = [value for value in values if value is not None and math.isfinite(value)]
    if len(known) < len(values):
        return Cell(value=f"{len(known)} of {len(values)} gave a result")
    over = [value for value in gains if value is not None]
    if len(over) < len(gains):
        return Cell(value=f"{number(mean(known))} ± {number(stdev(known))}")
    return Cell(
        value=f"{number(mean(known))} ± {number(stdev(known))}",
        gain=f"{number(mean(over), signed=True)} ± {number(stdev(over))}",
        below=mean(over) < 0,
    )


def _reference_rows(arms: Sequence[ArmInput], names: Sequence[str]) -> Iterator[ReferenceRow]:
    tables = {name: {line.key: line for line in references(arms, name)} for name in names}
    keys = dict.fromkeys(key for table in tables.values() for key in table)
    for key in keys:
        cells = []
        words = key
        for name in names:
            line, base = tables[name].get(key), tables[name].get(BICUBIC)
            words = line.words if line else words
            over = line.value - base.value if line and base and key != BICUBIC else None
            cells.append(
                Cell(value=number(line.value if line else None), gain="" if over is None else number(over, signed=True))
            )
        yield ReferenceRow(words=words, cells=tuple(cells))


def _others(arms: Sequence[ArmInput], names: Sequence[str]) -> Iterator[OtherTable]:
    for prefix in OTHERS:
        digits = catalogue.metric(prefix).digits
        if not any(name.startswith(f"{prefix}/") for run in _runs(arms) for name in run.metrics):
            continue
        rows = [
            Row(
                arm=index,
                letter=letter(index),
                run=run_name(run),
                words="",
                cells=tuple(Cell(value=number(run.metrics.get(f"{prefix}/{name}"), digits)) for name in names),
            )
            for index, arm in enumerate(arms)
            for run in arm.runs
        ]
        yield OtherTable(words=_caption(prefix), rows=tuple(rows))


def _caption(name: str) -> str:
    """A metric as the heading of a table; a short form (cPSNR) keeps its letters."""
    quantity = catalogue.metric(name).quantity
    words = quantity.words[:1].upper() + quantity.words[1:] if quantity.words.islower() else quantity.words
    return f"{words} ({quantity.unit})" if quantity.unit else words


def _notes(arms: Sequence[ArmInput], names: Sequence[str]) -> Iterator[str]:
    keys = {line.key for name in names for line in references(arms, name)}
    if names and BICUBIC not in keys:
        yield "No run recorded bicubic's PSNR, so nothing here says whether a network helps at all."
    if names and "ibp" not in keys:
        yield "No run recorded iterative back-projection (full_frame/psnr_ibp/<sequence>)."
    for words, name, low, high in unequal_bicubic(arms):
        yield f"{words} differs between runs on {name}: {low} to {high} dB."


def unequal_bicubic(arms: Sequence[ArmInput]) -> Iterator[tuple[str, str, str, str]]:
    """Sequences on which bicubic, which no network can change, is not the same for all runs."""
    for name in sequences(arms):
        found = [value for run in _runs(arms) if (value := bicubic(run, name)) is not None]
        if found and not max(found) - min(found) <= SAME_DB:
            yield "Bicubic's PSNR", clean(name), number(min(found)), number(max(found))


def summary(arm: ArmInput) -> str:
    """The arm's mean gain over bicubic on each sequence, in one clause; empty where there is none."""
    parts = []
    for name in sequences([arm]):
        gains = [value for value in _results(arm, gain, name) if value is not None]
        if gains:
            parts.append(f"{number(mean(gains), signed=True)} dB on {clean(name)}")
    return ", ".join(parts)
