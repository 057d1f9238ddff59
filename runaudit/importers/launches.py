"""Which event files of one folder are one launch's, and their curves together.

A program that was started again in the folder of an earlier run either went on with it or began anew, and TensorBoard
draws both as one line. What the files tell decides: one launch wrote them at the same time, or in one process; a later
one goes on where its curves do. Where that cannot be told they are two runs, and it is said.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any

from runaudit.importers.curves import Link, Points, ends_of, link, linked
from runaudit.importers.eventfile import EventLog
from runaudit.importers.eventfolders import EventFile, prefix_of

Logs = Sequence[tuple[EventFile, EventLog]]
_CURVE = 3
"""Points from which on a series is the curve of a training; an evaluation writes one or two."""


@dataclass(frozen=True, slots=True)
class Launch:
    """The files that one launch wrote, in the order of their start, and what is doubtful about that."""

    logs: Logs
    notes: tuple[str, ...] = ()
    curves: Mapping[str, Points] = field(default_factory=dict)
    """Of each curve so much as tells whether another goes on with it: its beginning and its end."""


class _Tie(IntEnum):
    """What ties a file to a launch before it, the strongest last."""

    OTHER = 0
    DOUBT = 1
    NO_CURVE = 2
    GOES_ON = 3
    SAME = 4


def launches(logs: Logs, folder: Path) -> Sequence[Launch]:
    """The files by the launch that wrote them, in the order of their start."""
    given = _settings_by_process(logs)
    found: list[Launch] = []
    for one in sorted(logs, key=lambda one: began(one[1])):
        series = _named(*one, folder)
        ties = [_tie(launch, one, series, given) for launch in found]
        home, why = _home(ties, found, one)
        if home is None:
            found.append(Launch([one], why, {name: ends_of((), points) for name, points in series.items()}))
        else:
            known = found[home].curves
            curves = {**known, **{name: ends_of(known.get(name, ()), points) for name, points in series.items()}}
            logs, notes = [*found[home].logs, one], (*found[home].notes, *why)
            found[home] = Launch(logs, notes, curves)
    return found


def began(log: EventLog) -> float:
    """When a file was begun, in seconds since 1970."""
    return log.times[0] if log.times else 0.0


def _home(
    ties: Sequence[_Tie], found: Sequence[Launch], one: tuple[EventFile, EventLog]
) -> tuple[int | None, tuple[str, ...]]:
    """The launch of a file by its number, None for a new one, and what is to be said of that."""
    best = max(ties, default=_Tie.OTHER)
    places = [number for number, tie in enumerate(ties) if tie is best]
    if best is _Tie.SAME or (best is _Tie.GOES_ON and len(places) == 1):
        return places[-1], ()
    if best is _Tie.NO_CURVE and min(ties) is _Tie.NO_CURVE:
        return places[-1], _of_another_process(found[places[-1]].logs, one)
    if best in (_Tie.GOES_ON, _Tie.DOUBT):
        first = max(one[1].series.values(), key=len)[0][0]
        runs = " and ".join(str(number + 1) for number in places)
        why = f"it begins at step {first}: whether it goes on with number {runs} is not in the record"
        return None, (why,)
    return None, ()


def _of_another_process(launch: Logs, one: tuple[EventFile, EventLog]) -> tuple[str, ...]:
    """What is to be said where another process drew other curves later on: a second stage, or another training."""
    file, log = one
    writers = {other.writer for other, _ in launch}
    names = sorted(name for name, points in log.series.items() if len(points) >= _CURVE)
    if not names or not file.writer or file.writer in writers or _at_one_time(launch, log):
        return ()
    told = f"{names[0]} was drawn by a later process, which drew none of the curves of the first"
    return (f"{told}: whether it was of the same run is not in the record",)


def _tie(
    launch: Launch, one: tuple[EventFile, EventLog], series: Mapping[str, Points], given: Mapping[str, Any]
) -> _Tie:
    file, log = one
    is_at_one_time = not log.times or _at_one_time(launch.logs, log)
    is_of_process = bool(file.writer) and any(file.writer == other.writer for other, _ in launch.logs)
    if _is_set_otherwise(launch.logs, one, given) and (not is_at_one_time or (file.writer and not is_of_process)):
        return _Tie.OTHER
    if is_at_one_time:
        return _Tie.SAME  # For all that anybody can tell.
    found = linked(launch.curves, series)
    if is_of_process:
        # A process that trains anew after it has handed in the settings of what it trained before: the next trial.
        is_next = found is Link.ANEW and any(other.settings is not None for _, other in launch.logs)
        return _Tie.OTHER if is_next else _Tie.SAME
    if found is None:
        return _Tie.NO_CURVE
    return {Link.ON: _Tie.GOES_ON, Link.DOUBT: _Tie.DOUBT, Link.ANEW: _Tie.OTHER}[found]


def _at_one_time(launch: Logs, log: EventLog) -> bool:
    """Whether a file was begun before all of the launch had ended."""
    return any(other.times is not None and began(log) <= other.times[1] for _, other in launch)


def _is_set_otherwise(launch: Logs, one: tuple[EventFile, EventLog], given: Mapping[str, Any]) -> bool:
    """Whether a file, or its process, tells other settings than the launch."""
    file, log = one
    mine = log.settings if log.settings is not None else given.get(file.writer)
    theirs = (told.settings if told.settings is not None else given.get(other.writer) for other, told in launch)
    known = [settings for settings in theirs if settings is not None]
    return mine is not None and bool(known) and mine not in known


def _settings_by_process(logs: Logs) -> dict[str, Any]:
    """The settings that a process handed in, where it handed in one set of them."""
    told: dict[str, list[Any]] = {}
    for file, log in logs:
        if file.writer and log.settings is not None and log.settings not in told.setdefault(file.writer, []):
            told[file.writer].append(log.settings)
    return {writer: sets[0] for writer, sets in told.items() if len(sets) == 1}


def _named(file: EventFile, log: EventLog, folder: Path) -> dict[str, Points]:
    prefix = prefix_of(file, folder)
    return {f"{prefix}{tag}": points for tag, points in log.series.items()}


# ── their curves together ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """The series of several event files as those of one run, and what is to be said of how they were put together."""

    series: Mapping[str, Points] = field(default_factory=dict)
    resumed: Sequence[int] = ()
    notes: Sequence[str] = ()


def joined(logs: Logs, folder: Path) -> Curves:
    """The curves of the files of a launch.

    A file that begins later than another, and goes on with its curve, was written by a run that was resumed. Any other
    that has the same tag is of a second writer, and told apart: two curves drawn into one would be neither. All of them
    are numbered then, so that none stands for the run by its plain name: which of them does is nowhere said.
    """
    series: dict[str, list[tuple[int, float]]] = {}
    ends: dict[str, tuple[float, str]] = {}
    resumed, twice = set(), set()
    for file, log in sorted(logs, key=lambda one: began(one[1])):
        for plain, points in _named(file, log, folder).items():
            name = next(one for one in _numbered(plain)
                         if one not in series or _goes_on(series[one], ends[one], points, (file, log)))  # fmt: skip
            if name != plain:
                twice.add(plain)
            if name in series:
                resumed.add(points[0][0])
            series.setdefault(name, []).extend(points)
            ends[name] = (log.times or (0.0, 0.0))[1], file.writer
    for name in twice:
        series[f"{name} (1)"] = series.pop(name)
    notes = [f"more than one writer wrote {name}: they are told apart, and none of them counts as {name}"
             for name in sorted(twice)[:3]]  # fmt: skip
    return Curves(series=series, resumed=sorted(resumed), notes=notes)


def _numbered(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name} ({number})"
        number += 1


def _goes_on(
    known: Points,
    end: tuple[float, str],
    points: Points,
    one: tuple[EventFile, EventLog],
) -> bool:
    file, log = one
    ended, writer = end
    if began(log) < ended:
        return False
    found = link(known, points)
    return found is Link.ON or (found is Link.DOUBT and file.writer == writer != "")
