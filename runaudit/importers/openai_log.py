"""Log folders of OpenAI baselines and what descends from its logger: Spinning Up, Stable-Baselines, rllab, RLlib.

The logger keeps numbers alone: `progress.csv`, `progress.txt` (tabs), `progress.json` or Ray's `result.json` (a line
each) or the tables of `log.txt`, and the monitors of the environments. The settings are in the file that the caller
wrote beside it, if any; without one they are unknown. How a run ended is nowhere. A setting that is an object was
written as Python shows it, and stays so: with its place in memory, or as a table of what it held under that, where the
place is another one each time and is left out.
"""

import csv
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from math import isfinite
from pathlib import Path
from typing import Any

from runaudit.errors import RecordError
from runaudit.importers import openai_text
from runaudit.importers.base import Skipped
from runaudit.importers.draft import Draft
from runaudit.importers.openai_events import with_events
from runaudit.importers.openai_text import is_log_of_tables, rows_of
from runaudit.importers.opened import MAX_LOG_BYTES, foreign_bytes
from runaudit.importers.tables import json_table, part, utc_word
from runaudit.records.canonical import JSON
from runaudit.records.trajectory import number
from runaudit.system.files import read_within

WHOLE = True
"""The logger gives the same numbers to TensorBoard as well, in the same folder or one below (`openai_events`)."""
MOST_FOLDERS = 1000
PROGRESS = ("progress.csv", "progress.txt", "progress.json")
RESULTS = "result.json"
"""Of Ray's: tables in tables, with the whole config in each row."""
SETTINGS = ("config.json", "variant.json", "params.json")
_HEAD = 1 << 16
"""Bytes of a file by which it is known."""
_MONITOR = re.compile(r"(?:(?P<name>.+)\.)?monitor\.csv")
_STEPS = ("total_timesteps", "time/total_timesteps", "misc/total_timesteps", "totalenvinteracts", "timesteps_total",
          "num_env_steps_sampled", "serial_timesteps", "timestepssofar", "total-samples", "step", "steps",
          "training_iteration", "epoch", "iteration", "itr", "nupdates", "misc/nupdates")  # fmt: skip
"""Columns that say when a row was logged, the finer ones first."""
_OWN = frozenset({"logger", "logger_kwargs", "log_dir", "args_data", "snapshot_mode", "snapshot_gap",
                  "tabular_log_file", "text_log_file", "params_log_file", "variant_log_file"})  # fmt: skip
"""Settings of the logger itself."""
_IN_MEMORY = re.compile(r" at 0x[0-9a-fA-F]+")

UNKNOWN = {
    "config": f"there is none of {', '.join(SETTINGS)}",
    "code": "the logger does not record the code",
    "env": "the logger does not record the environment of the program",
    "data": "the logger does not say which environment was trained in",
    "init": "the logger does not record what the weights began from",
    "eval": "the logger does not record how the run was evaluated",
}


def places(here: Path, folders: Sequence[str], files: Sequence[str]) -> Sequence[Path]:
    """The log folder that `here` is, or one that was made for a run which logged nothing."""
    known = any(map(_is_log, files)) or _is_of_ray(here, files) or (not folders and _is_begun(here, files))
    # Where an event file lies beside it, the same numbers are there under names that were not cut.
    alone = openai_text.NAME in files and not any("tfevents" in name for name in files)
    return (here,) if known or (alone and is_log_of_tables(here / openai_text.NAME)) else ()


def _is_of_ray(here: Path, files: Sequence[str]) -> bool:
    """Whether a folder is that of a trial of Ray's with results; other programs write a `result.json`, too."""
    return RESULTS in files and "params.json" in files and b'"training_iteration"' in _head_of(here / RESULTS)


def _is_begun(here: Path, files: Sequence[str]) -> bool:
    """Whether a folder without any results is that of a run: Spinning Up wrote its settings there, or Ray those of a
    trial, beside trials that have results."""
    if "config.json" in files and b'"logger_kwargs"' in _head_of(here / "config.json"):
        return True
    if "params.json" not in files:
        return False
    with os.scandir(here.parent) as entries:
        beside = [Path(entry.path) for entry in islice(entries, MOST_FOLDERS) if entry.is_dir(follow_symlinks=False)]
    return any(_is_of_ray(one, [name for name in (RESULTS, "params.json") if os.path.lexists(one / name)])
               for one in beside)  # fmt: skip


def _head_of(path: Path) -> bytes:
    try:
        return read_within(path, path.parent, most=_HEAD)
    except OSError:
        return b""


def _is_log(name: str) -> bool:
    return name in PROGRESS or _MONITOR.fullmatch(name) is not None


def read(place: Path, within: Path) -> Iterator[Draft | Skipped]:
    """The run of a folder. Raises RecordError for a malformed one."""
    series, torn = _progress(place, within)
    monitors, heads = _monitors(place, within)
    if not series and not monitors:
        yield Skipped(source=str(place), reason="no number was logged in it yet")
        return
    config, own, notes = _settings(place, within)
    started = min((head["t_start"] for head in heads if number(head.get("t_start")) is not None), default=None)
    rooms = sorted({str(head["env_id"]) for head in heads if head.get("env_id")})
    below = [Path(root) for root, _, names in islice(os.walk(place), 1, MOST_FOLDERS) if any(map(_is_log, names))]
    draft = Draft(
        kind="openai-log",
        source=str(place),
        run=place.absolute().name,
        config=config,
        data={"environment": {"name": ", ".join(rooms)}} if rooms else {},
        launch={"started": _moment(started), "run_dir": _folder(place, own)},
        series={**monitors, **series},
        torn=torn,
        own=own,
        unknown=UNKNOWN,
        notes=notes,
    )
    yield from with_events(draft, below, within)
    for folder in below:
        yield Skipped(source=str(folder), reason="it lies in the folder of another run: name it by itself to import it")


# ── settings ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _settings(place: Path, within: Path) -> tuple[dict[str, Any] | None, dict[str, Any], list[str]]:
    """The settings of all files that hold some, those of the logger itself, and where two files disagree."""
    config: dict[str, Any] | None = None
    own: dict[str, Any] = {}
    notes: list[str] = []
    for name in SETTINGS:
        found = json_table(place / name, within)
        for key, value in ({} if found is None else found).items():
            plain = _without_places_of_tables(value)
            if key in _OWN:
                own.setdefault(key, plain)
            elif config is None or key not in config:
                config = {**(config or {}), key: plain}
            elif _without_places(config[key]) != _without_places(plain):
                config = {**config, f"{name}:{key}": plain}
                notes.append(f"{name} says otherwise of {key} than the file before it")
    return config, own, notes


def _folder(place: Path, own: Mapping[str, Any]) -> str:
    """The folder that the run wrote to: as its logger was told, where that is the one that it lies in, else where it
    lies now."""
    given = part(own, "logger_kwargs").get("output_dir") or own.get("log_dir")
    here = place.absolute()
    is_here = isinstance(given, str) and Path(given).name == here.name
    return str(given) if is_here else str(here)


def _without_places(value: JSON) -> str:
    return _IN_MEMORY.sub("", json.dumps(value, sort_keys=True))


def _without_places_of_tables(value: JSON) -> JSON:
    """A setting without the places in memory of the objects whose content is in it. That of any other stays: by it the
    comparison knows that no more of it is on record than its kind."""
    if isinstance(value, list):
        return [_without_places_of_tables(item) for item in value]
    if isinstance(value, Mapping):
        return {_IN_MEMORY.sub("", str(key)): _without_places_of_tables(item) for key, item in value.items()}
    return value


# ── numbers ──────────────────────────────────────────────────────────────────────────────────────────────────────

Row = Mapping[str, float]
Series = dict[str, list[tuple[int, float]]]


def _progress(place: Path, within: Path) -> tuple[Series, int]:
    """The series of the progress file; where several forms lie there they say the same, and the first is read."""
    for name in (*PROGRESS, RESULTS):
        raw = foreign_bytes(place / name, within, most=MAX_LOG_BYTES)
        if raw is not None and raw.strip():
            rows, torn = _json_rows(raw) if name.endswith(".json") else _rows(place / name, raw)
            return _series(rows), torn
    printed = foreign_bytes(place / openai_text.NAME, within, most=MAX_LOG_BYTES) or b""
    rows, torn = rows_of(printed.decode("utf-8", "replace"))
    return _series(rows), torn


def _rows(path: Path, raw: bytes) -> tuple[list[Row], int]:
    """The rows of a table, and how many were cut. A logger that went on writes its head again."""
    text = raw.decode("utf-8", "replace").replace("\0", "")
    lines = text.splitlines()
    try:
        head, *rows = [*csv.reader(lines, delimiter="\t" if path.suffix == ".txt" else ",")] or [[]]
    except csv.Error as error:
        raise RecordError(f"{path} is no table: {error}", remedy="leave this run out") from error
    if not all(name.isprintable() and "\ufffd" not in name for name in head):
        raise RecordError(f"{path} is no table: its first line is no text", remedy="leave this run out")
    whole = [row for row in rows if row and row != head]
    # The last line of a program that was killed; one of a logger that adds columns is filled up, never cut.
    torn = int(bool(whole) and (len(whole[-1]) < len(head) or not text.endswith("\n")) and len(whole[-1]) != len(head))
    kept = whole[: len(whole) - torn]
    return [{name: value for name, cell in zip(head, row, strict=False) if (value := _cell(cell)) is not None}
            for row in kept], torn  # fmt: skip


def _cell(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _json_rows(raw: bytes) -> tuple[list[Row], int]:
    rows: list[Row] = []
    torn = 0
    for line in raw.splitlines():
        try:
            entry = json.loads(line) if line.strip() else {}
        except (ValueError, RecursionError):
            torn += 1
            continue
        if isinstance(entry, Mapping):
            plain = ((name, item) for name, item in entry.items() if name != "config")
            rows.append(dict(_numbers(dict(plain))))
    return rows, torn


def _numbers(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """The numbers of a row, those of tables in it with a slash, as the same logger names them in a table."""
    for name, item in table.items():
        if isinstance(item, Mapping):
            yield from _numbers(item, f"{prefix}{name}/")
        elif (value := number(item)) is not None:
            yield f"{prefix}{name}", value


def _series(rows: Sequence[Row]) -> Series:
    """The columns over the step that their rows were logged at."""
    steps = _steps(rows)
    found: Series = {}
    for step, row in zip(steps, rows, strict=True):
        for name, value in row.items():
            found.setdefault(name, []).append((step, value))
    return found


def _steps(rows: Sequence[Row]) -> Sequence[int]:
    """The finest column that counts up over all rows; the numbers of the rows where there is none."""
    names = {name.lower(): name for row in rows[:1] for name in row}
    for word in _STEPS:
        if word not in names:
            continue
        found = [row.get(names[word]) for row in rows]
        counted = [int(step) for step in found if step is not None and isfinite(step) and step == int(step)]
        if len(counted) == len(rows) and counted == sorted(set(counted)):
            return counted
    return range(len(rows))


def _monitors(place: Path, within: Path) -> tuple[Series, list[Mapping[str, Any]]]:
    """What the monitors of the environments saw, episode by episode, and what stands at their heads."""
    found: Series = {}
    heads: list[Mapping[str, Any]] = []
    for path in sorted(place.iterdir()):
        if (match := _MONITOR.fullmatch(path.name)) is None:
            continue
        first, _, rest = (foreign_bytes(path, within, most=MAX_LOG_BYTES) or b"").partition(b"\n")
        if first.startswith(b"#"):
            heads.append(_head(first[1:]))
        else:
            rest = first + b"\n" + rest
        rows, _ = _rows(path, rest)
        prefix = f"monitor/{match['name']}" if match["name"] else "monitor"
        for name, points in _series(rows).items():
            found[f"{prefix}/{name}"] = points
    return found, heads


def _head(raw: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, Mapping) else {}


def _moment(seconds: float | None) -> str | None:
    try:
        return None if seconds is None else utc_word(datetime.fromtimestamp(seconds, UTC))
    except (ValueError, OverflowError, OSError, TypeError):
        return None
