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
from runaudit.importers.tables import as_table
from runaudit.importers.wandb import add_row
from runaudit.importers.wandb_run import WandbRun, draft_of
from runaudit.records.canonical import parse_strict
from runaudit.records.yamlfile import parse_yaml
from runaudit.system.wandb_account import is_host_of_wandb

WHOLE = True
FACTS = ("config.yaml", "wandb-metadata.json", "wandb-summary.json")
HISTORY = "wandb-history.jsonl"
SOURCES = (".py", ".ipynb")
"""What W&B saves of the code where it is told to, and nothing else is said of."""
_FOLDER = re.compile(r"(?:offline-)?run-\d{8}_\d{6}-(?P<id>[^/]+)")
_LOG = ".wandb"


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
    """The id of the run of a folder, and where it lies: a run that was resumed has a folder for each start."""
    named = _FOLDER.fullmatch(place.name)
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
    written = foreign_bytes(files / "config.yaml", within)
    config: Mapping[str, Any] | None = log.config
    if written is not None and written.strip():  # W&B never leaves it empty: then it was cut.
        config = as_table(parse_yaml(written, where=str(files / "config.yaml")), files / "config.yaml") or {}
    metadata, summary = (_json(files / name, within) for name in ("wandb-metadata.json", "wandb-summary.json"))
    known = _id(folder, log)
    return WandbRun(
        source=str(folder),
        id=known or folder.name,
        # W&B's own id: a copy of the folder elsewhere is the same run, and so is the folder of each resumption.
        identity=known,
        config=config,
        facts={**log.facts, **(metadata or {})} if log.facts or metadata is not None else None,
        summary={**log.summary, **(summary or {})},
        requirements=_text(files / "requirements.txt", within),
        conda=_text(files / "conda-environment.yaml", within),
        patch=_text(files / "diff.patch", within),
        files=dict(_saved_code(files / "code", within)),
        series=log.series,
        torn=log.torn,
        exit_code=log.exit_code,
        names=log.names,
        told={"folder": folder.name},
        notes=log.unread,
    )


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
