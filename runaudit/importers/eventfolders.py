"""Which event files are of one run: those of a folder, and of the folders that its writers made for their parts.

Keras puts the curves of training and validation into two folders of one run, PyTorch makes a folder for each curve of
`add_scalars` and for each `add_hparams`. They are known for parts by their names, by the process that the names of
their files tell, and where these tell none, as tensorboardX's do, by what lies in them.
"""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

from runaudit.importers.eventfile import EventLog, read_head

PARTS = frozenset({"train", "training", "val", "valid", "validation", "test", "eval", "evaluation"})
"""Folders that hold a part of a run's curves."""
_DEEPEST = 4
"""Folders below a run's in which a part of it is looked for: a name of `add_scalars` may hold slashes."""
_FILE = re.compile(r"(?:.*\.)?tfevents\.(?P<time>\d+)\.(?P<host>.+?)(?:\.(?P<pid>\d+)\.\d+)?(?:\.v2)?")
_OF_HPARAMS = re.compile(r"\d{9,11}\.\d+")
"""The folder that `add_hparams` makes: called after the moment, in which no two runs are alike."""


@dataclass(frozen=True, slots=True)
class EventFile:
    """An event file by its place, and what its name tells."""

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


def owner_of(folder: Path) -> Path:
    """The folder of the run to which the event files in this one belong."""
    files = _events_in(folder)
    if (home := _of_scalars(folder, files)) is not None:
        return home
    if folder.name in PARTS:
        return folder.parent
    above = _events_in(folder.parent)
    writers = {file.writer for file in files} - {""}
    if writers:
        is_part = not writers.isdisjoint(file.writer for file in above)
    else:
        is_part = not _hosts(files).isdisjoint(_hosts(above)) and _is_of_hparams(folder, files)
    # A program that files every trial in a folder of its own keeps what they have in common above them.
    return folder.parent if is_part and not (keeps_trials(folder.parent) and _settings(files)) else folder


def files_of(folder: Path) -> Iterator[EventFile]:
    """The event files of a run: in its folder, and in those of its parts."""
    yield from _events_in(folder)
    yield from _in_parts(folder, folder, _DEEPEST)


def keeps_trials(folder: Path) -> bool:
    """Whether the event files of a folder tell nothing, and several trials lie in those below that their process made,
    each with its settings."""
    try:
        return _keeps_trials(folder, folder.stat().st_mtime_ns)
    except OSError:
        return False


@lru_cache(maxsize=64)
def _keeps_trials(folder: Path, _changed: int) -> bool:
    """Kept for a while: each of a thousand trials asks."""
    mine = _events_in(folder)
    if not mine or any(log.series or log.texts for log in _heads(mine)):
        return False
    writers = {file.writer for file in mine}
    below = (_events_in(folder / name) for name in _listing(folder)[1])
    trials = (True for files in below if not writers.isdisjoint(file.writer for file in files) and _settings(files))
    return len([*islice(trials, 2)]) == 2


def prefix_of(file: EventFile, folder: Path) -> str:
    """What a part adds to the names of its curves; one of `add_hparams` nothing, for no two runs call it alike."""
    inside = file.path.parent.relative_to(folder).as_posix()
    if inside == "." or _OF_HPARAMS.fullmatch(inside):
        return ""
    return "" if _settings(_events_in(file.path.parent)) and "/" not in inside and inside not in PARTS else f"{inside}/"


# ── what lies in a folder ────────────────────────────────────────────────────────────────────────────────────────


def _in_parts(run: Path, folder: Path, depth: int) -> Iterator[EventFile]:
    for name in _listing(folder)[1] if depth else ():
        here = folder / name
        files = _events_in(here)
        if not files:
            yield from _in_parts(run, here, depth - 1)
        elif owner_of(here) == run:
            yield from files


def _events_in(folder: Path) -> Sequence[EventFile]:
    return [EventFile(folder / name) for name in _listing(folder)[0] if is_events(name)]


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


# ── what their beginnings tell ───────────────────────────────────────────────────────────────────────────────────


def _of_scalars(folder: Path, files: Sequence[EventFile]) -> Path | None:
    """The folder of the run for which tensorboardX's `add_scalars` made this one: the name of the one curve in it is
    the path from there to here, but for the last folder, which is called after the line."""
    writers = {file.writer for file in files}
    above = [
        up for up in (*folder.parents,)[1:_DEEPEST] if not writers.isdisjoint(one.writer for one in _events_in(up))
    ]
    tags = {tag for log in _heads(files) for tag in log.series} if above else set()
    if len(tags) != 1:
        return None
    (tag,) = tags
    return next((up for up in above if folder.parent.relative_to(up).as_posix() == tag), None)


def _is_of_hparams(folder: Path, files: Sequence[EventFile]) -> bool:
    """Whether a folder holds settings and what came of them, and no curve."""
    is_called = _OF_HPARAMS.fullmatch(folder.name) is not None
    lengths = [len(points) for log in _heads(files) for points in log.series.values()]
    return _settings(files) and (is_called or max(lengths, default=1) == 1)


def _settings(files: Iterable[EventFile]) -> bool:
    return any(log.settings is not None for log in _heads(files))


def _hosts(files: Iterable[EventFile]) -> frozenset[str]:
    return frozenset(file.host for file in files if file.host is not None)


def _heads(files: Iterable[EventFile]) -> Iterator[EventLog]:
    return (read_head(file.path) for file in files)
