"""The file that W&B writes offline (`run-*.wandb`), parsed with W&B's own message types. No network, no account.

The frame around the messages is LevelDB's log format (blocks of 32 KiB; per fragment a CRC-32, a length and a type:
full, first, middle, last) behind a header of seven bytes. Newer releases of wandb read it in their service alone and
no longer offer a reader to Python, so the frame is read here and only the messages are theirs.

Source: google/leveldb, doc/log_format.md.
"""

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from runaudit.errors import NothingToJudgeError, RecordError
from runaudit.importers.opened import MAX_LOG_BYTES, foreign_bytes
from runaudit.records.trajectory import Trajectory, number

_HEAD = b":W&B"
_HEAD_BYTES = 7
_BLOCK = 32768
_FRAME = 7
_FULL, _FIRST, _LAST = 1, 2, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class WandbLog:
    """What one `.wandb` file holds that matters here. `exit_code` is None where the file ends before the run did.

    `config` is None where no run is told of; `facts` are those of `wandb-metadata.json`, `names` how it is called.
    """

    trajectory: Trajectory
    summary: Mapping[str, Any]
    exit_code: int | None
    config: Mapping[str, Any] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, Any] = field(default_factory=dict)


def read_history(path: Path) -> Trajectory:
    """What was given to `wandb.log`, numbers only, over `_step`; a torn end is left out and counted.

    Raises NothingToJudgeError where wandb is not installed, RecordError for a file that is something else.
    """
    return read_log(path).trajectory


def read_log(path: Path, *, within: Path | None = None) -> WandbLog:
    """Config, history, summary and exit code of one file, which no link leads out of `within`, else out of its own
    folder. Raises as `read_history` does."""
    try:
        from wandb.proto.wandb_internal_pb2 import Record
    except ImportError as error:
        raise NothingToJudgeError(f"{path} was not read: wandb is not installed", remedy="pip install wandb") from error
    raw = foreign_bytes(path, within or path.parent, most=MAX_LOG_BYTES) or b""
    if not raw.startswith(_HEAD):
        raise RecordError(f"{path} is not a W&B file", remedy="leave it out")
    found = _Reading()
    for message in _messages(raw):
        if message is None:
            found.torn += 1
            continue
        record = Record()
        try:
            record.ParseFromString(message)
            found.take(record)
        except Exception as error:  # protobuf raises an error of its own, and W&B's JSON is whatever was logged
            raise RecordError(f"{path} holds a message that is not W&B's: {error}", remedy="leave it out") from error
    frozen = MappingProxyType({name: tuple(points) for name, points in found.series.items()})
    return WandbLog(
        trajectory=Trajectory(series=frozen, torn=found.torn),
        summary=found.summary,
        exit_code=found.exit_code,
        config=found.config,
        facts=found.facts,
        names=found.names,
    )


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

    def take(self, record: Any) -> None:
        """Add one message."""
        kind = record.WhichOneof("record_type")
        if kind == "history":
            add_row(self.series, _items(record.history.item))
        elif kind == "summary":
            self.summary |= _items(record.summary.update)
        elif kind == "exit":
            self.exit_code = int(record.exit.exit_code)
        elif kind == "run":
            self._run(record.run)
        elif kind == "config":
            self._configure(record.config)
        elif kind == "environment":
            from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]

            self.facts |= MessageToDict(record.environment)

    def _run(self, run: Any) -> None:
        self._configure(run.config)
        names = {"id": run.run_id, "name": run.display_name, "group": run.run_group, "project": run.project,
                 "notes": run.notes, "tags": list(run.tags), "sweep": run.sweep_id}  # fmt: skip
        self.names |= {key: value for key, value in names.items() if value}
        self.facts |= {"host": run.host} if run.host else {}
        if run.HasField("start_time"):
            self.facts.setdefault("startedAt", run.start_time.ToJsonString())
        if run.git.commit:
            git = {"commit": run.git.commit, **({"remote": run.git.remote_url} if run.git.remote_url else {})}
            self.facts.setdefault("git", git)

    def _configure(self, config: Any) -> None:
        self.config = {} if self.config is None else self.config
        for item in config.update:
            *above, last = list(item.nested_key) or [item.key]
            node = self.config
            for key in above:
                inner = node.get(key)
                node[key] = node = inner if isinstance(inner, dict) else {}
            node[last] = json.loads(item.value_json)
        for item in config.remove:
            *above, last = list(item.nested_key) or [item.key]
            node = self.config
            for key in above:
                inner = node.get(key)
                node = inner if isinstance(inner, dict) else {}
            node.pop(last, None)


def _items(items: Any) -> dict[str, Any]:
    """The items of a message by their names, nested ones by dots."""
    return {".".join(item.nested_key) or item.key: json.loads(item.value_json) for item in items}


def add_row(series: dict[str, list[tuple[int, float]]], row: Mapping[str, Any]) -> None:
    """Add what was logged at one step: its numbers, W&B's own keys left out."""
    step = int(row.get("_step", 0))
    for name, value in row.items():
        if not name.startswith("_") and (point := number(value)) is not None:
            series.setdefault(name, []).append((step, point))


def _messages(raw: bytes) -> Iterator[bytes | None]:
    """Each whole message; None, once, where the file ends in half of one or in bytes that fail their checksum."""
    parts = b""
    place = _HEAD_BYTES
    while place < len(raw):
        left = _BLOCK - place % _BLOCK
        if left < _FRAME:  # too little for a frame: the block's end is padding
            place += left
            continue
        check, size, kind = (int.from_bytes(raw[place + a : place + b], "little") for a, b in ((0, 4), (4, 6), (6, 7)))
        data = raw[place + _FRAME : place + _FRAME + size]
        if len(data) < size or zlib.crc32(bytes([kind]) + data) != check:
            yield None
            return
        place += _FRAME + size
        parts = data if kind in (_FULL, _FIRST) else parts + data
        if kind in (_FULL, _LAST):
            yield parts
