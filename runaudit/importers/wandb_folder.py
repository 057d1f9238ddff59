"""Run folders of Weights & Biases, as they lie on disk: no account, no network, nothing of theirs changed.

Only where a user gives the address of a page of W&B's in the place of a folder is its server asked (`wandb_server`).
"""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from runaudit.errors import RecordError
from runaudit.importers.base import Skipped
from runaudit.importers.draft import Draft
from runaudit.importers.offline import OfflineLog, read_logs, read_start
from runaudit.importers.opened import MAX_LOG_BYTES, address_of, foreign_bytes
from runaudit.importers.tables import as_table, leaves, utc_time, utc_word
from runaudit.importers.wandb import add_row
from runaudit.importers.wandb_run import WandbRun, draft_of, settings_in
from runaudit.records.canonical import parse_strict
from runaudit.records.yamlfile import parse_yaml
from runaudit.system.wandb_account import is_host_of_wandb
from runaudit.text.words import head

WHOLE = True
FACTS = ("config.yaml", "wandb-metadata.json", "wandb-summary.json")
HISTORY = "wandb-history.jsonl"
SOURCES = (".py", ".ipynb")
"""What W&B saves of the code where it is told to, and nothing else is said of."""
_FOLDER = re.compile(r"(?:offline-)?run-\d{8}_\d{6}-(?P<id>[^/]+)")
_LOG = ".wandb"
_FILE = re.compile(r"run-(?P<id>.+)\.wandb")
_ONE_START_S = 600.0
"""W&B takes the start of a run down twice, in its `.wandb` and in `files/`. Of 970 folders the two were never 20
seconds apart, and in the one whose `files/` were another run's it was seven weeks."""


def places(here: Path, folders: Sequence[str], files: Sequence[str]) -> Sequence[Path]:
    """The run folder that `here` is, whatever its name, and whether it or its `files` was named; a `.wandb` file that
    lies by itself, or was named; the address of a page of W&B's."""
    if not folders and any(_is_page(here / name) for name in files):
        return [here / name for name in files]
    logs = [here / name for name in files if name.endswith(_LOG) and name != _LOG]
    if folders == ():
        return logs
    old = HISTORY in files and any(name in FACTS for name in files)
    if _FOLDER.fullmatch(here.name) or old or ("files" in folders and _holds_facts(here / "files")):
        return (here,)
    if here.name == "files" and any(name in FACTS for name in files):
        return (here.absolute().parent,)
    return (here,) if logs and not {"files", "logs"}.isdisjoint(folders) else logs


def kin(place: Path) -> str:
    """The id of the run of a folder, and where it lies: a run that was resumed has a folder for each start, and of the
    link `latest-run` git makes a copy, which only the file in it tells whose it is."""
    named = _FOLDER.fullmatch(place.name)
    if named is None and place.is_dir():
        inside = [match for path in place.glob(f"run-*{_LOG}") if (match := _FILE.fullmatch(path.name))]
        named = inside[0] if len(inside) == 1 else None
    return f"{place.parent}/{named['id']}" if named else ""


def read(place: Path, within: Path) -> Iterator[Draft | Skipped]:
    """The run of a folder, or the runs behind an address. Raises RecordError for a malformed one."""
    if (address := address_of(place)) is not None:
        from runaudit.importers.wandb_server import ask

        for run in ask(address):
            yield run if isinstance(run, Skipped) else draft_of(run)
        return
    if place.is_file() and (_FOLDER.fullmatch(place.parent.name) or os.path.lexists(place.parent / "files")):
        place = place.parent  # The file of a folder was named: the rest of what it says lies beside it.
    found = _read(place, place if within.name == "files" else within)
    begun, config = read_start(place, within) if found.config is None else (False, None)
    if begun and (config is not None or not found.facts):
        found = replace(found, config=config, told={**found.told, "read_from": "logs/debug.log"})
    elif found.config is None and not found.facts and not os.path.lexists(_files(place) / "wandb-summary.json"):
        what = "nothing in it tells of a run" if place.is_file() else f"it holds none of {', '.join(FACTS)}"
        yield Skipped(source=str(place), reason=what)
        return
    yield draft_of(found)


def _is_page(path: Path) -> bool:
    address = address_of(path)
    return address is not None and is_host_of_wandb(urlsplit(address).hostname or "")


def _files(folder: Path) -> Path:
    """Where the facts of a run lie: in `files`, or, as W&B wrote them until 2020, in the run's folder itself."""
    files = folder / "files"
    return folder if not os.path.lexists(files) and _holds_facts(folder) else files


def _holds_facts(files: Path) -> bool:
    """Whether something lies in the place of a file of W&B's: what it is shows when it is opened."""
    return any(os.path.lexists(files / name) for name in FACTS)


# ── the files ────────────────────────────────────────────────────────────────────────────────────────────────────


def _read(folder: Path, within: Path) -> WandbRun:
    """The files of a folder; a run that was written offline has all it says in its `.wandb` file alone."""
    files = _files(folder)
    log = read_logs(folder, within)
    if files == folder:
        log = replace(log, series={**_history(folder / HISTORY, within), **log.series})
    metadata = _json(files / "wandb-metadata.json", within)
    config = _config(files, log, within)
    odd, apart = _otherwise(config, log.config), _apart(log, metadata or {})
    is_named, notes = _FOLDER.fullmatch(folder.name) is not None, [*log.unread]
    theirs = not is_named and bool(apart and odd)
    if is_named and (told := log.names.get("id") or _id(folder, log)) != _id(folder, log):
        notes.append(f"the {_LOG} file in it is of the run {told}, and is left out")
        config, log = (None if config is log.config else config), OfflineLog()
    elif theirs:
        notes.append(f"its files/ are of a run that began at {apart}, not of {log.names.get('id')}, and are left out")
        config, metadata = log.config, None
    else:
        notes += [f"its files/ tell of a start at {apart}, and the {_LOG} file of another"] if apart else []
        notes += [f"config.yaml says otherwise of {head(odd, 3)} than the {_LOG} file beside it"] if odd else []
    summary = {} if theirs else _json(files / "wandb-summary.json", within) or {}
    known = _id(folder, log)
    return WandbRun(
        source=str(folder),
        id=known or folder.name,
        # W&B's own id: a copy of the folder elsewhere is the same run, and so is the folder of each resumption.
        identity=known,
        config=config,
        facts={**log.facts, **(metadata or {})} if log.facts or metadata is not None else None,
        summary={**log.summary, **summary},
        **({} if theirs else _beside(files, within)),
        series=log.series,
        torn=log.torn,
        exit_code=log.exit_code,
        names=log.names,
        told={"folder": folder.name} if is_named or not known else {},
        notes=notes,
    )


def _config(files: Path, log: OfflineLog, within: Path) -> Mapping[str, Any] | None:
    """The settings as their own file has them, else as they were written to the `.wandb`."""
    path = files / "config.yaml"
    written = foreign_bytes(path, within)
    if written is None or not written.strip():  # W&B never leaves it empty: then it was cut.
        return log.config
    return as_table(parse_yaml(written, where=str(path)), path) or {}


def _beside(files: Path, within: Path) -> dict[str, Any]:
    """What W&B noted of code and environment, by its name in a `WandbRun`."""
    return {
        "requirements": _text(files / "requirements.txt", within),
        "conda": _text(files / "conda-environment.yaml", within),
        "patch": _text(files / "diff.patch", within),
        "files": dict(_saved_code(files / "code", within)),
    }


def _apart(log: OfflineLog, metadata: Mapping[str, Any]) -> str:
    """The start that `files/` tell of, where it is not that of the `.wandb` file beside them: of a link that led
    elsewhere each time it was committed, git may make one folder with the files of two runs."""
    begun, other = (utc_time(table.get("startedAt")) for table in (log.facts, metadata))
    if begun is None or other is None or abs((begun - other).total_seconds()) <= _ONE_START_S:
        return ""
    return utc_word(other) or ""


def _otherwise(config: Mapping[str, Any] | None, logged: Mapping[str, Any] | None) -> Sequence[str]:
    """The settings of which `config.yaml` says otherwise than the `.wandb` file beside it."""
    if config is logged:
        return ()
    mine, theirs = (dict(leaves(settings_in(table))) for table in (config, logged))
    return sorted(name for name in mine.keys() & theirs.keys() if str(mine[name]) != str(theirs[name]))


def _id(place: Path, log: OfflineLog) -> str:
    """W&B's id of a run: as its folder is called, or says in its files where it was given another name; else empty."""
    named = _FOLDER.fullmatch(place.name)
    return named["id"] if named else str(log.names.get("id") or "")


def _saved_code(folder: Path, within: Path) -> Iterator[tuple[str, bytes]]:
    """The sources that W&B was told to save, path -> content: the script, or more."""
    if folder.is_symlink():
        return
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(root) / name
            if path.suffix in SOURCES and (raw := foreign_bytes(path, within)) is not None:
                yield path.relative_to(folder).as_posix(), raw


def _history(path: Path, within: Path) -> dict[str, list[tuple[int, float]]]:
    """The series of an old history, a line of JSON a step; a torn last line is left out."""
    series: dict[str, list[tuple[int, float]]] = {}
    raw = foreign_bytes(path, within, most=MAX_LOG_BYTES) or b""
    lines = raw.splitlines()
    for place, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            if place == len(lines):
                break
            raise RecordError(f"{path} line {place} is not JSON", remedy="leave this run out") from None
        add_row(series, as_table(row, path) or {})
    return series


def _json(path: Path, within: Path) -> Mapping[str, Any] | None:
    raw = foreign_bytes(path, within)
    return None if raw is None or not raw.strip() else as_table(parse_strict(raw, where=str(path)), path) or {}


def _text(path: Path, within: Path) -> str | None:
    raw = foreign_bytes(path, within)
    return None if raw is None else raw.decode("utf-8", "backslashreplace")
