"""Whether runs ended when they did because nothing got better any more: early stopping that no status tells.

A program that watches a validation value, gives up after so many evaluations without a better one and leaves its loop
says `completed`, and every seed takes another number of steps. A run that was cut short looks the same but for its
curve: of one that gave up the best value lies as far back as its patience is long. So the curve is asked.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from math import isnan

from runaudit.factors.arguments import ROOT
from runaudit.factors.own_settings import own_settings
from runaudit.factors.path import words_along
from runaudit.metrics.catalogue import Direction, known_direction
from runaudit.metrics.heldout import is_held_out
from runaudit.records.canonical import JSON
from runaudit.records.results import Results
from runaudit.records.run import Run

OF_A_SCHEDULE = frozenset({"lr", "rate", "scheduler", "schedule", "plateau", "reduce", "decay", "warmup", "factor"})
"""Words of a patience that lowers the learning rate and ends nothing."""
OFF = frozenset({"none", "null", "false", "off", "no", "0"})
"""Early stopping that is switched off, as a config or a command line says it."""
LEAST_ALIKE = 3
"""Runs that gave up after equally many evaluations before that counts as their patience where no setting tells it, and
the least such number: two of them, or after one evaluation, are chance."""


def gave_up(run: Run, others: Sequence[Run] = ()) -> str:
    """The setting by which a run stopped early, as the curves bear out: `config.patience = 3`; empty where none is on
    record, where it is switched off, or where no series that a program watches ends just so long after its best.

    others: the runs beside it. A program that stops after three evaluations never goes on after four, so a series that
    waited longer anywhere is not the one it watches: a flat one always ends long after its best.
    """
    settings = [*own_settings(run)]
    margin = max((number for path, number in _numbers(settings) if _is_margin(path)), default=0.0)
    for path, number in _patiences(settings):
        for name, way, values in _watched(run):
            everyone = [values, *(other for one in others for which, _, other in _watched(one) if which == name)]
            last, longest = waited(values, way, margin), max(longest_wait(each, way, margin) for each in everyone)
            # Some stop when it is reached, others when it is passed.
            if number <= last <= number + 1 and longest <= number + 1:
                return f"{path} = {number:g}"
    return ""


def waited_alike(runs: Sequence[Run]) -> tuple[str, int] | None:
    """The series and the number of evaluations after its best at which every run that is shorter than the longest of
    them ended, and none ever went on; None where there is no such, or too few runs to call it their patience."""
    ends = [Results(run).last_step for run in runs]
    if len(runs) < LEAST_ALIKE or len(set(ends)) < 2:
        return None
    curves = [{name: (values, way) for name, way, values in _watched(run)} for run in runs]
    for name in sorted(set.intersection(*(set(found) for found in curves))):
        waits = [waited(*found[name]) for found in curves]
        cut = {wait for wait, end in zip(waits, ends, strict=True) if end < max(ends)}
        longest = max(longest_wait(*found[name]) for found in curves)
        if len(cut) == 1 and (count := cut.pop()) == longest >= LEAST_ALIKE and waits.count(count) >= LEAST_ALIKE:
            return name, count
    return None


def longest_wait(values: Sequence[float], way: Direction, margin: float = 0.0) -> int:
    """The most evaluations without a better value at any point of a series."""
    return max(_waits(values, way, margin), default=0)


def waited(values: Sequence[float], way: Direction, margin: float = 0.0) -> int:
    """Evaluations since the last that was better than the best before it by more than `margin`; of NaN none is."""
    return [0, *_waits(values, way, margin)][-1]


def _waits(values: Sequence[float], way: Direction, margin: float) -> Iterator[int]:
    """At each evaluation, how many there were since the best."""
    best: float | None = None
    since = -1
    for value in values:
        gain = None if best is None else (value - best if way is Direction.HIGHER else best - value)
        is_better = not isnan(value) if gain is None else gain > margin
        best, since = (value, 0) if is_better else (best, since + 1)
        yield since


def _watched(run: Run) -> Iterator[tuple[str, Direction, Sequence[float]]]:
    """The held-out series of a run of which it is known which way they improve: what a program watches."""
    for name, points in (Results(run).series or {}).items():
        way = known_direction(name)
        if way is not None and is_held_out(name):
            yield name, way, [value for _, value in points]


def _patiences(settings: Sequence[tuple[str, JSON]]) -> Iterator[tuple[str, float]]:
    """Settings that end a training after so many evaluations; none where early stopping is switched off."""
    if any(str(value).lower() in OFF for path, value in settings if _is_switch(path)):
        return
    yield from ((path, number) for path, number in _numbers(settings) if number >= 1 and _is_patience(path))


def _numbers(settings: Sequence[tuple[str, JSON]]) -> Iterator[tuple[str, float]]:
    for path, value in settings:
        # An option of a command line is text.
        is_text = isinstance(value, str) and path.startswith(ROOT)
        if is_text or (isinstance(value, int | float) and not isinstance(value, bool)):
            with suppress(ValueError, OverflowError):
                yield path, float(value)


def _is_switch(path: str) -> bool:
    """Whether a setting says that early stopping is on: `early_stop`, `early_stopping.enabled`."""
    found = words_along(path)
    return _is_early(found) and (found[-1] in ("enabled", "enable", "use", "active") or found[-1].startswith("stop"))


def _is_patience(path: str) -> bool:
    found = words_along(path)
    if OF_A_SCHEDULE & set(found):
        return False
    is_counted = found[-1] in ("rounds", "epochs", "steps", "evals", "evaluations", "checks") or _is_stop(found[-1])
    return "patience" in found or found[-4:] == ["n", "iter", "no", "change"] or (_is_early(found) and is_counted)


def _is_margin(path: str) -> bool:
    """Whether a setting says by how much a value has to be better; `huber_delta` is none."""
    found = words_along(path)
    return found[-1:] == ["delta"] and ("min" in found or _is_early(found))


def _is_early(found: Sequence[str]) -> bool:
    return ("early" in found and any(map(_is_stop, found))) or any(word.startswith("earlystop") for word in found)


def _is_stop(word: str) -> bool:
    return word in ("stop", "stopping") or word.startswith("earlystop")
