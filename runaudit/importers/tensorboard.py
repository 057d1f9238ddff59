"""Runs of TensorBoard: the event files of a folder, and of the folders that one program's writers made for their parts.

A folder is a run. Keras puts the curves of training and validation into two folders of one run, and PyTorch makes a
folder for each curve of `add_scalars` and each `add_hparams`; by their names, or by the process that their file names
tell, they are known for parts. Settings are only there where the program gave them to the hparams plugin.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from runaudit.importers.base import Skipped
from runaudit.importers.draft import Draft
from runaudit.importers.eventfile import EventLog, read_log
from runaudit.records.trajectory import Event

WHOLE = True
TENSORBOARD = "tensorboard"
EVENTS = "events"
"""What writes event files, for whichever tracker: one of the writers of a draft."""
PARTS = frozenset({"train", "training", "val", "valid", "validation", "test", "eval", "evaluation"})
"""Folders that hold a part of a run's curves."""
_FILE = re.compile(r"(?:.*\.)?tfevents\.(?P<time>\d+)\.(?P<host>.+?)(?:\.(?P<pid>\d+)\.\d+)?(?:\.v2)?")
_OF_HPARAMS = re.compile(r"\d{9,11}\.\d+")
"""The folder that `add_hparams` makes: called after the moment, in which no two runs are alike."""
UNKNOWN = {
    "code": "TensorBoard does not record it",
    "config": "the program gave no settings to the hparams plugin of TensorBoard",
}


def places(here: Path, folders: Sequence[str], files: Sequence[str]) -> Sequence[Path]:
    """The first event file of the run to which those of `here` belong; itself where a file was named (no `folders`)."""
    events = sorted(name for name in files if is_events(name))
    if not events:
        return ()
    if folders == ():
        return (here / events[0],)
    first = next(_files_of(_owner(here)), None)
    return (first.path if first is not None else here / events[0],)


def read(place: Path, within: Path) -> Iterator[Draft | Skipped]:
    """The run of an event file. Raises RecordError where none of its files can be read."""
    yield from run_of(_owner(place.parent), within, kind=TENSORBOARD)


def run_of(folder: Path, within: Path, *, kind: str) -> Iterator[Draft | Skipped]:
    """The runs whose event files lie in a folder, and in those of its parts; only what lies `within` is read. They are
    several where a program was started anew in the folder of an earlier run."""
    files = [file for file in _files_of(folder) if file.path.is_relative_to(within)]
    logs = [(file, read_log(file.path, within)) for file in files]
    source = folder if folder.is_relative_to(within) else within
    if not any(log.messages for _, log in logs):
        yield Skipped(source=str(source), reason="its event files hold no events")
        return
    for number, launch in enumerate(launches := _launches(logs, folder), start=1):
        draft = _draft(kind, source, launch, joined([(_prefix(file, folder), log) for file, log in launch]))
        told = f"the folder holds {len(launches)} runs, of which this is number {number} by the time at which it began"
        yield draft if len(launches) == 1 else replace(draft, notes=(*draft.notes, told))


# ── which files are one run's ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _File:
    path: Path

    @property
    def writer(self) -> str:
        """Host and process, as the file's name tells them; empty where it tells no process."""
        match = _FILE.fullmatch(self.path.name)
        return f"{match['host']}.{match['pid']}" if match and match["pid"] else ""

    @property
    def host(self) -> str | None:
        """The machine that wrote it."""
        match = _FILE.fullmatch(self.path.name)
        return match["host"] if match else None


def is_events(name: str) -> bool:
    """Whether a file of this name is an event file, as TensorBoard decides."""
    return "tfevents" in name and not name.endswith(".profile-empty")


def _owner(folder: Path) -> Path:
    """The folder of the run to which the event files in this one belong."""
    above = folder.parent
    if folder.name in PARTS:
        return above
    writers = {file.writer for file in _events_in(above)} - {""}
    return above if writers & {file.writer for file in _events_in(folder)} else folder


def _files_of(folder: Path) -> Iterator[_File]:
    """The event files of a run: in its folder, and in those of its parts."""
    yield from _events_in(folder)
    for name in _listing(folder)[1]:
        if _owner(folder / name) == folder:
            yield from _events_in(folder / name)


def _events_in(folder: Path) -> Iterator[_File]:
    return (_File(folder / name) for name in _listing(folder)[0] if is_events(name))


def _listing(folder: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the files and of the folders in a folder, sorted; links count as neither's."""
    try:
        return _listed(folder, folder.stat().st_mtime_ns)
    except OSError:
        return (), ()


@lru_cache(maxsize=64)
def _listed(folder: Path, _changed: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Kept for a while: each of a thousand runs asks what lies beside it."""
    with os.scandir(folder) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    return (tuple(sorted(name for name, is_folder in found if not is_folder)),
            tuple(sorted(name for name, is_folder in found if is_folder)))  # fmt: skip


def _prefix(file: _File, folder: Path) -> str:
    """What a part adds to the names of its curves."""
    inside = file.path.parent.relative_to(folder).as_posix()
    return "" if inside == "." or _OF_HPARAMS.fullmatch(inside) else f"{inside}/"


# ── which files are one launch's ─────────────────────────────────────────────────────────────────────────────────

_Logs = list[tuple[_File, EventLog]]


def _launches(logs: Sequence[tuple[_File, EventLog]], folder: Path) -> Sequence[_Logs]:
    """The files by the launch that wrote them, in the order of their start. What was written at the same time is one
    launch's, and so is what goes on with it. A file that was begun when all before had ended is of a launch of its own
    where it holds other settings, or where another process drew a curve anew."""
    found: list[_Logs] = []
    for one in sorted(logs, key=lambda one: _began(one[1])):
        home = next((launch for launch in reversed(found) if not _anew(launch, one, folder)), None)
        if home is None:
            found.append([one])
        else:
            home.append(one)
    return found


def _anew(launch: _Logs, one: tuple[_File, EventLog], folder: Path) -> bool:
    """Whether a file is of another launch than these, all of which began before it."""
    file, log = one
    if not log.times or any(other.times and log.times[0] <= other.times[1] for _, other in launch):
        return False  # They wrote at the same time: of one launch, for all that anybody can tell.
    given = [other.settings for _, other in launch if other.settings is not None]
    if log.settings is not None and given and log.settings != given[0]:
        return True
    if not file.writer or any(file.writer == other.writer for other, _ in launch):
        return False
    known = {f"{_prefix(other, folder)}{tag}": points
             for other, told in reversed(launch) for tag, points in told.series.items()}  # fmt: skip
    mine = {f"{_prefix(file, folder)}{tag}": points for tag, points in log.series.items()}
    return any(mine[tag][0][0] <= known[tag][0][0] and len(known[tag]) > 1
                                     for tag in mine.keys() & known.keys())  # fmt: skip


def _began(log: EventLog) -> float:
    return log.times[0] if log.times else 0.0


# ── their curves together ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """The series of several event files as those of one run, and what is to be said of how they were put together."""

    series: Mapping[str, Sequence[tuple[int, float]]] = field(default_factory=dict)
    resumed: Sequence[int] = ()
    notes: Sequence[str] = ()


def joined(logs: Sequence[tuple[str, EventLog]]) -> Curves:
    """The curves of event files, each with what goes before its tags.

    A file that begins later than another, and at a later step, goes on with it: a run that was resumed. Any other that
    has the same tag is of a second writer, and told apart: two curves drawn into one would be neither. All of them are
    numbered then, so that none stands for the run by its plain name: which of them does is nowhere said.
    """
    series: dict[str, list[tuple[int, float]]] = {}
    ends: dict[str, float] = {}
    resumed, twice = set(), set()
    for prefix, log in sorted(logs, key=lambda one: one[1].times[0] if one[1].times else 0.0):
        began, ended = log.times or (0.0, 0.0)
        for tag, points in log.series.items():
            name, number = f"{prefix}{tag}", 1
            while name in series and not _goes_on(series[name], ends[name], points, began):
                number += 1
                name = f"{prefix}{tag} ({number})"
                twice.add(f"{prefix}{tag}")
            if name in series:
                resumed.add(points[0][0])
            series[name] = [*series.get(name, ()), *points]
            ends[name] = ended
    for name in twice:
        series[f"{name} (1)"] = series.pop(name)
    notes = [f"more than one writer wrote {name}: they are told apart, and none of them counts as {name}"
             for name in sorted(twice)[:3]]  # fmt: skip
    return Curves(series=series, resumed=sorted(resumed), notes=notes)


def _goes_on(
    known: Sequence[tuple[int, float]], ended: float, points: Sequence[tuple[int, float]], began: float
) -> bool:
    return began >= ended and points[0][0] > known[0][0]


# ── the run ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _draft(kind: str, source: Path, logs: Sequence[tuple[_File, EventLog]], curves: Curves) -> Draft:
    times = [time for _, log in logs if log.times for time in log.times]
    settings, why = settings_of([log for _, log in logs])
    hosts = {file.host for file, _ in logs} - {None}
    group = next((log.group for _, log in logs if log.group), "")
    return Draft(
        kind=kind,
        source=str(source),
        run="/".join(source.absolute().parts[-2:]).lstrip("/"),
        identity=_identity(logs),
        also=_also(kind, logs),
        writers=frozenset({EVENTS}),
        config=settings,
        launch={"started": _utc(min(times)) if times else None,
                "hostname": next(iter(hosts)) if len(hosts) == 1 else None},
        series=curves.series,
        events=[Event(step=step, kind="resume") for step in curves.resumed],
        torn=sum(log.torn for _, log in logs),
        status=next((log.status for _, log in logs if log.status), None),
        duration_s=max(times) - min(times) if times else None,
        told={"files": [file.path.relative_to(source).as_posix() for file, _ in logs], "group": group or None},
        unknown={**UNKNOWN, **({"config": why} if why else {})},
        notes=curves.notes,
    )  # fmt: skip


def _identity(logs: Sequence[tuple[_File, EventLog]]) -> str:
    """The first file's name, which has second, host and process in it, and the moment of its first event: these stay
    what they are where the folder is renamed, and where the run goes on."""
    return next(iter(_names(logs)), "")


def _also(kind: str, logs: Sequence[tuple[_File, EventLog]]) -> tuple[str, ...]:
    """What the launch is called by those who read a part of these files, or read them as TensorBoard's."""
    first, *rest = _names(logs) or [""]
    parts = [f"{TENSORBOARD}:{name}" for name in rest]
    return tuple(parts if kind == TENSORBOARD or not first else [f"{TENSORBOARD}:{first}", *parts])


def _names(logs: Sequence[tuple[_File, EventLog]]) -> list[str]:
    begun = sorted((log.times[0], file.path.name) for file, log in logs if log.times)
    return [f"{name} {time:.6f}" for time, name in begun]


def settings_of(logs: Sequence[EventLog]) -> tuple[dict[str, Any] | None, str]:
    """What the hparams plugin was given, None where nothing; and why that is not known, where the files disagree."""
    given = [log.settings for log in logs if log.settings is not None]
    if any(other != given[0] for other in given):
        return None, f"{len(given)} sets of settings were given to the hparams plugin in one folder, and they differ"
    return (given[0] if given else None), ""


def _utc(seconds: float) -> str | None:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return None
