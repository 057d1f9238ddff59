"""The file that W&B writes offline (`run-*.wandb`), parsed with W&B's own message types. No network, no account.

The frame around the messages is LevelDB's log format (blocks of 32 KiB; per fragment a CRC-32, a length and a type:
full, first, middle, last) behind a header of seven bytes. Newer releases of wandb read it in their service alone and
no longer offer a reader to Python, so the frame is read here and only the messages are theirs.

Source: google/leveldb, doc/log_format.md.
"""

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from runaudit.errors import NothingToJudgeError, RecordError
from runaudit.records.trajectory import Trajectory, number

_HEAD = b":W&B"
_HEAD_BYTES = 7
_BLOCK = 32768
_FRAME = 7
_FULL, _FIRST, _LAST = 1, 2, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class WandbLog:
    """What one `.wandb` file holds that matters here. `exit_code` is None where the file ends before the run did."""

    trajectory: Trajectory
    summary: Mapping[str, Any]
    exit_code: int | None


def read_history(path: Path) -> Trajectory:
    """What was given to `wandb.log`, numbers only, over `_step`; a torn end is left out and counted.

    Raises NothingToJudgeError where wandb is not installed, RecordError for a file that is something else.
    """
    return read_log(path).trajectory


def read_log(path: Path) -> WandbLog:
    """History, summary and exit code of one file. Raises as `read_history` does."""
    try:
        from wandb.proto.wandb_internal_pb2 import Record
    except ImportError as error:
        raise NothingToJudgeError(f"{path} was not read: wandb is not installed", remedy="pip install wandb") from error
    raw = path.read_bytes()
    if not raw.startswith(_HEAD):
        raise RecordError(f"{path} is not a W&B file", remedy="leave it out")
    series: dict[str, list[tuple[int, float]]] = {}
    summary: dict[str, Any] = {}
    exit_code: int | None = None
    torn = 0
    for message in _messages(raw):
        if message is None:
            torn += 1
            continue
        record = Record()
        try:
            record.ParseFromString(message)
            kind = record.WhichOneof("record_type")
            if kind == "history":
                _add(series, {".".join(i.nested_key) or i.key: json.loads(i.value_json) for i in record.history.item})
            elif kind == "summary":
                summary |= {".".join(i.nested_key) or i.key: json.loads(i.value_json) for i in record.summary.update}
            elif kind == "exit":
                exit_code = int(record.exit.exit_code)
        except Exception as error:  # protobuf raises an error of its own, and W&B's JSON is whatever was logged
            raise RecordError(f"{path} holds a message that is not W&B's: {error}", remedy="leave it out") from error
    frozen = MappingProxyType({name: tuple(points) for name, points in series.items()})
    return WandbLog(trajectory=Trajectory(series=frozen, torn=torn), summary=summary, exit_code=exit_code)


def _add(series: dict[str, list[tuple[int, float]]], row: dict[str, Any]) -> None:
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
