"""Runs of TensorBoard: the event files of a folder, and of the folders that one program's writers made for their parts.

A folder is a run, and several where a program was started anew in it. Settings are only there where the program gave
them to the hparams plugin.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runaudit.importers.base import Skipped
from runaudit.importers.draft import Draft
from runaudit.importers.eventfile import EventLog, read_log
from runaudit.importers.eventfolders import files_of, is_events, keeps_trials, owner_of
from runaudit.importers.launches import Launch, Logs, joined, launches
from runaudit.records.trajectory import Event

WHOLE = True
TENSORBOARD = "tensorboard"
EVENTS = "events"
"""What writes event files, for whichever tracker: one of the writers of a draft."""
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
    first = next(files_of(owner_of(here)), None)
    return (first.path if first is not None else here / events[0],)


def read(place: Path, within: Path) -> Iterator[Draft | Skipped]:
    """The run of an event file. Raises RecordError where none of its files can be read."""
    yield from run_of(owner_of(place.parent), within, kind=TENSORBOARD)


def run_of(folder: Path, within: Path, *, kind: str) -> Iterator[Draft | Skipped]:
    """The runs whose event files lie in a folder, and in those of its parts; only what lies `within` is read. They are
    several where a program was started anew in the folder of an earlier run."""
    files = [file for file in files_of(folder) if file.path.is_relative_to(within)]
    logs = [(file, read_log(file.path, within)) for file in files]
    source = folder if folder.is_relative_to(within) else within
    if not any(log.messages for _, log in logs):
        yield Skipped(source=str(source), reason="its event files hold no events")
        return
    if keeps_trials(folder) and not any(log.series for _, log in logs):
        yield Skipped(source=str(source), reason="its event files hold no number: the trials lie in the folders below")
        return
    for number, launch in enumerate(found := launches(logs, folder), start=1):
        draft = _draft(kind, source, launch, folder)
        told = f"the folder holds {len(found)} runs, of which this is number {number} by the time at which it began"
        # The first keeps the name that it had when it was alone.
        run = draft.run if number == 1 else f"{draft.run}#{number}"
        yield draft if len(found) == 1 else replace(draft, run=run, notes=(*draft.notes, told))


# ── the run ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _draft(kind: str, source: Path, launch: Launch, folder: Path) -> Draft:
    logs, curves = launch.logs, joined(launch.logs, folder)
    told = [log for _, log in logs if log.series or log.settings is not None] or [log for _, log in logs]
    times = [time for log in told for time in log.times or ()]
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
        notes=(*curves.notes, *launch.notes),
    )  # fmt: skip


def _identity(logs: Logs) -> str:
    """The first file's name, which has second, host and process in it, and the moment of its first event: these stay
    what they are where the folder is renamed, and where the run goes on."""
    return next(iter(_names(logs)), "")


def _also(kind: str, logs: Logs) -> tuple[str, ...]:
    """What the launch is called by those who read a part of these files, or read them as TensorBoard's."""
    first, *rest = _names(logs) or [""]
    parts = [f"{TENSORBOARD}:{name}" for name in rest]
    return tuple(parts if kind == TENSORBOARD or not first else [f"{TENSORBOARD}:{first}", *parts])


def _names(logs: Logs) -> list[str]:
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
