"""The file that W&B writes offline (`run-*.wandb`), read without W&B: no package of theirs, no network, no account.

The frame around the messages is LevelDB's log format (blocks of 32 KiB; per fragment a CRC-32, a length and a type:
full, first, middle, last) behind a header of seven bytes. The messages are protobufs, of which the fields that matter
here are taken by their numbers.

Source: google/leveldb, doc/log_format.md; wandb/wandb, wandb/proto/wandb_internal.proto.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from runaudit.errors import RecordError
from runaudit.importers.opened import MAX_LOG_BYTES, foreign_bytes
from runaudit.importers.protobuf import GARBAGE, REAL, TEXT, TRUTH, WHOLE, Form, wanted
from runaudit.records.trajectory import Trajectory, number

_HEAD = b":W&B"
_HEAD_BYTES = 7
_BLOCK = 32768
_FRAME = 7
_FULL, _FIRST, _LAST, _MAX_KIND = 1, 2, 4, 4
_ITEM: Form = {1: ("key", TEXT), 2: ("nested_key*", TEXT), 4: ("boolean", TRUTH), 5: ("integer", WHOLE),
               6: ("number", REAL), 7: ("text", TEXT), 8: ("json", TEXT), 16: ("value_json", TEXT)}  # fmt: skip
"""A key with its value: as JSON, or, in newer releases, as what it is."""
_UPDATE: Form = {1: ("update*", _ITEM), 2: ("remove*", _ITEM)}
_TIME: Form = {1: ("seconds", WHOLE), 2: ("nanos", WHOLE)}
_GIT: Form = {1: ("remote", TEXT), 2: ("commit", TEXT)}
_RUN: Form = {1: ("id", TEXT), 2: ("entity", TEXT), 3: ("project", TEXT), 4: ("config", _UPDATE), 6: ("group", TEXT),
              7: ("job_type", TEXT), 8: ("name", TEXT), 9: ("notes", TEXT), 10: ("tags*", TEXT), 12: ("sweep", TEXT),
              13: ("host", TEXT), 17: ("start_time", _TIME), 21: ("git", _GIT)}  # fmt: skip
_ENVIRONMENT: Form = {1: ("os", TEXT), 2: ("python", TEXT), 3: ("startedAt", _TIME), 4: ("docker", TEXT),
                      5: ("args*", TEXT), 6: ("program", TEXT), 7: ("codePath", TEXT), 8: ("codePathLocal", TEXT),
                      9: ("git", _GIT),
                      11: ("root", TEXT), 12: ("host", TEXT), 14: ("executable", TEXT), 16: ("cpu_count", WHOLE),
                      18: ("gpu", TEXT), 19: ("gpu_count", WHOLE), 23: ("apple", {1: ("name", TEXT)}),
                      25: ("cudaVersion", TEXT)}  # fmt: skip
_HISTORY: Form = {1: ("item*", _ITEM), 2: ("step", {1: ("num", WHOLE)})}
_RECORD: Form = {2: ("history", _HISTORY), 3: ("summary", _UPDATE), 5: ("config", _UPDATE), 17: ("run", _RUN),
                 18: ("exit", {1: ("exit_code", WHOLE)}), 26: ("environment", _ENVIRONMENT)}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class WandbLog:
    """What one `.wandb` file holds that matters here. `exit_code` is None where the file ends before the run did;
    `unread`: how much of it could not be read, and why; empty where all of it was.

    `config` is None where no run is told of; `facts` are those of `wandb-metadata.json`, `names` how it is called.
    """

    trajectory: Trajectory
    summary: Mapping[str, Any]
    exit_code: int | None
    config: Mapping[str, Any] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, Any] = field(default_factory=dict)
    unread: str = ""


def read_log(path: Path, *, within: Path | None = None) -> WandbLog:
    """What one file holds, which no link leads out of `within`, else out of its own folder: what was given to
    `wandb.log`, numbers only, over `_step`; config, summary and exit code. A torn end is left out and counted.

    Raises RecordError for a file that is something else.
    """
    raw = foreign_bytes(path, within or path.parent, most=MAX_LOG_BYTES) or b""
    if not raw.startswith(_HEAD):
        raise RecordError(f"{path} is not a W&B file", remedy="leave it out")
    found = _Reading()
    unread = ""
    for message in _messages(raw):
        if isinstance(message, int):
            found.torn += 1
            unread = _unread(path.name, raw, message)
            continue
        try:
            found.take(wanted(message, _RECORD))
        except GARBAGE as error:  # W&B's JSON, too, is whatever was logged
            raise RecordError(f"{path} holds a message that is not W&B's: {error}", remedy="leave it out") from error
    frozen = MappingProxyType({name: tuple(points) for name, points in found.series.items()})
    return WandbLog(
        trajectory=Trajectory(series=frozen, torn=found.torn),
        summary=found.summary,
        exit_code=found.exit_code,
        config=found.config,
        facts=found.facts,
        names=found.names,
        unread=unread,
    )


def _unread(name: str, raw: bytes, place: int) -> str:
    """What a file does not tell that cannot be read beyond a place."""
    lost = f"its last {len(raw) - place:,} of {len(raw):,} bytes were not read"
    if _is_cut(raw, place):
        return f"{name} ends in the middle of a message: {lost}"
    return f"{name} is damaged at byte {place:,}: {lost}, and whatever they say of the run is unknown"


class _Reading:
    """What the messages of a file add up to, one after another: a later config or summary wins."""

    def __init__(self) -> None:
        self.series: dict[str, list[tuple[int, float]]] = {}
        self.summary: dict[str, Any] = {}
        self.exit_code: int | None = None
        self.config: dict[str, Any] | None = None
        self.facts: dict[str, Any] = {}
        self.names: dict[str, Any] = {}
        self.torn = 0

    def take(self, record: Mapping[str, Any]) -> None:
        """Add one message."""
        if "history" in record:
            step = record["history"].get("step", {}).get("num", 0)
            add_row(self.series, {"_step": step, **_items(record["history"].get("item", ()))})
        if "summary" in record:
            self.summary |= _items(record["summary"].get("update", ()))
        if "exit" in record:
            self.exit_code = record["exit"].get("exit_code", 0)  # A zero is not written down.
        if "run" in record:
            self._run(record["run"])
        if "config" in record:
            self._configure(record["config"])
        if "environment" in record:
            facts = dict(record["environment"])
            self.facts |= facts | ({"startedAt": _time_text(facts["startedAt"])} if "startedAt" in facts else {})

    def _run(self, run: Mapping[str, Any]) -> None:
        self._configure(run.get("config", {}))
        names = ("id", "name", "group", "project", "notes", "tags", "sweep")
        self.names |= {key: run[key] for key in names if run.get(key)}
        self.facts |= {"host": run["host"]} if run.get("host") else {}
        if "start_time" in run:
            self.facts.setdefault("startedAt", _time_text(run["start_time"]))
        if run.get("git", {}).get("commit"):
            self.facts.setdefault("git", run["git"])

    def _configure(self, config: Mapping[str, Any]) -> None:
        self.config = {} if self.config is None else self.config
        for item in config.get("update", ()):
            *above, last = _path(item)
            node = self.config
            for key in above:
                inner = node.get(key)
                node[key] = node = inner if isinstance(inner, dict) else {}
            node[last] = _value(item)
        for item in config.get("remove", ()):
            *above, last = _path(item)
            node = self.config
            for key in above:
                inner = node.get(key)
                node = inner if isinstance(inner, dict) else {}
            node.pop(last, None)


def _path(item: Mapping[str, Any]) -> list[str]:
    return item.get("nested_key") or [item.get("key", "")]


def _value(item: Mapping[str, Any]) -> Any:
    for name in ("value_json", "json"):
        if item.get(name):
            return json.loads(item[name])
    return next((item[name] for name in ("boolean", "integer", "number", "text") if name in item), None)


def _items(items: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The items of a message by their names, nested ones by dots."""
    return {".".join(_path(item)): _value(item) for item in items}


def _time_text(time: Mapping[str, int]) -> str:
    seconds = time.get("seconds", 0) + time.get("nanos", 0) / 1e9
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def add_row(series: dict[str, list[tuple[int, float]]], row: Mapping[str, Any]) -> None:
    """Add what was logged at one step: its numbers, W&B's own keys left out."""
    step = int(row.get("_step", 0))
    for name, value in row.items():
        if not name.startswith("_") and (point := number(value)) is not None:
            series.setdefault(name, []).append((step, point))


def _messages(raw: bytes) -> Iterator[bytes | int]:
    """Each whole message; the place, once, where the file ends in half of one or in bytes that fail their checksum."""
    parts = b""
    place = _HEAD_BYTES
    while place < len(raw):
        left = _BLOCK - place % _BLOCK
        if left < _FRAME:  # too little for a frame: the block's end is padding
            place += left
            continue
        check, size, kind = _head(raw, place)
        data = raw[place + _FRAME : place + _FRAME + size]
        if len(data) < size or zlib.crc32(bytes([kind]) + data) != check:
            yield place
            return
        place += _FRAME + size
        parts = data if kind in (_FULL, _FIRST) else parts + data
        if kind in (_FULL, _LAST):
            yield parts


def _head(raw: bytes, place: int) -> tuple[int, int, int]:
    """Checksum, length and type of the fragment at a place."""
    check, size, kind = (int.from_bytes(raw[place + a : place + b], "little") for a, b in ((0, 4), (4, 6), (6, 7)))
    return check, size, kind


def _is_cut(raw: bytes, place: int) -> bool:
    """Whether nothing but the end of the file keeps the fragment at a place from being whole: it lies in one block, and
    is of a type that there is."""
    _, size, kind = _head(raw, place)
    ends = place + _FRAME + size
    return ends > len(raw) and ends <= place - place % _BLOCK + _BLOCK and kind <= _MAX_KIND
