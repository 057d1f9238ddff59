"""TensorBoard's event files, read without TensorFlow or TensorBoard: their frame, and of the messages what counts here.

The frame is TFRecord's: a length, a checksum of it, a message, a checksum of that (CRC-32C, masked). The messages are
protobufs of which four are read: Event, Summary, a tensor without dimensions, and what the hparams plugin says. All
else, images and graphs among it, is passed over unread. A program that was killed leaves half a message at the end: it
is left out and counted, and so is a message that fails its checksum; what follows that one is read all the same.

Source: tensorflow/core/lib/io/record_writer.cc, tensorflow/core/util/event.proto,
tensorboard/plugins/hparams/plugin_data.proto.
"""

import contextlib
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from runaudit.errors import RecordError
from runaudit.importers.opened import MAX_LOG_BYTES, foreign_bytes
from runaudit.importers.protobuf import GARBAGE, fields, signed, varint
from runaudit.system.files import open_ordinary

MOST_TEXTS = 32
"""Tags of text of which the last is kept: settings are written under one or two, samples under any number."""
CHECKED_BYTES = 1 << 16
"""The checksum of a longer message, an image or a graph, takes long to reckon; it is asked where there are numbers."""
_HEAD_BYTES, _FIRST_BYTES = 1 << 18, 1 << 13
_HEAD = struct.Struct("<QI")
_MASK = 0xFFFFFFFF
_POLYNOMIAL = 0x82F63B78
_NO_EVENTS = "is not an event file of TensorBoard"


@dataclass(slots=True, kw_only=True)
class EventLog:
    """What one event file holds. series: tag -> [(step, value), …] as written. times: of its first and last event, in
    seconds since 1970. settings: those of the hparams plugin, None where it wrote none. status: a word of an outcome,
    where the plugin was told how the run ended. texts: tag -> what was last written under it in words. messages: how
    many could be read. torn: how many could not."""

    series: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    times: tuple[float, float] | None = None
    settings: dict[str, Any] | None = None
    status: str | None = None
    group: str = ""
    texts: dict[str, str] = field(default_factory=dict)
    messages: int = 0
    torn: int = 0


def read_log(path: Path, within: Path) -> EventLog:
    """One event file, which no link leads out of `within`. Raises RecordError for a file that is something else."""
    raw = foreign_bytes(path, within, most=MAX_LOG_BYTES) or b""
    log = EventLog()
    for message in _messages(raw, path):
        if message is None:
            log.torn += 1
            continue
        log.messages += 1
        try:
            _take(message, log)
        except GARBAGE as error:
            if log.messages == 1:
                raise RecordError(f"{path} {_NO_EVENTS}: {error}", remedy="leave it out") from error
            log.torn += 1
    return log


def read_head(path: Path) -> EventLog:
    """The first events of a file, enough to tell what kind of one it is; none of what is no event file."""
    try:
        facts = path.stat()
    except OSError:
        return EventLog()
    return _head(path, facts.st_mtime_ns, facts.st_size)


@lru_cache(maxsize=1024)
def _head(path: Path, _changed: int, _size: int) -> EventLog:
    """Kept for a while: each folder below asks what the one above it holds."""
    log = EventLog()
    with contextlib.suppress(OSError, RecordError, *GARBAGE):
        with open_ordinary(path, within=path.parent) as file:
            raw = file.read(_HEAD_BYTES) or b""
        if b"hparams" not in raw:  # Settings may be long, and of numbers the first are enough.
            raw = raw[:_FIRST_BYTES]
        for message in _messages(raw, path):
            if message is not None:
                log.messages += 1
                _take(message, log)
    return log


# ── the frame ────────────────────────────────────────────────────────────────────────────────────────────────────


def _messages(raw: bytes, path: Path) -> Iterator[bytes | None]:
    """Each whole message; None for one that fails its checksum, and for half a one at the end."""
    place, size = 0, len(raw)
    while place < size:
        if place + 12 > size:
            yield None
            return
        length, check = _HEAD.unpack_from(raw, place)
        if masked_crc(raw[place : place + 8]) != check:
            if not place:
                raise RecordError(f"{path} {_NO_EVENTS}", remedy="leave it out")
            yield None  # Where the next one begins, nothing says.
            return
        start, place = place + 12, place + 16 + length
        if place > size:
            yield None
            return
        message = raw[start : start + length]
        whole = int.from_bytes(raw[place - 4 : place], "little")
        yield message if _is_whole(message, whole) else None


def _is_whole(message: bytes, check: int) -> bool:
    """Whether a message is as it was written; of one that nothing is taken from it does not matter."""
    if len(message) > CHECKED_BYTES:
        tried = EventLog()
        with contextlib.suppress(*GARBAGE):
            _take(message, tried)
            if not tried.series and tried.settings is None and not tried.texts:
                return True
    return masked_crc(message) == check


def masked_crc(data: bytes) -> int:
    """The checksum of some bytes as the frame keeps it."""
    table, check = _table(), _MASK
    for byte in data:
        check = table[(check ^ byte) & 255] ^ (check >> 8)
    check ^= _MASK
    return (((check >> 15) | (check << 17)) + 0xA282EAD8) & _MASK


@cache
def _table() -> tuple[int, ...]:
    found = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (_POLYNOMIAL if byte & 1 else 0)
        found.append(byte)
    return tuple(found)


# ── the messages ─────────────────────────────────────────────────────────────────────────────────────────────────


def _take(message: bytes, log: EventLog) -> None:
    """Add one Event. Most hold a scalar and nothing else: these are taken apart in one go, as there may be millions."""
    if (plain := _ONE_SCALAR.fullmatch(message)) is not None:
        time, number, sizes, tag, value = plain.groups()
        if sizes[0] == len(tag) + 9 and sizes[2] == len(tag) + 7 and sizes[4] == len(tag):
            _time(time, log)
            step = signed(varint(number, 0)[0]) if number else 0
            _add(tag, step, _FLOAT.unpack(value)[0], log)
            return
    step = 0
    summaries: list[bytes] = []
    for number, value in fields(message):
        if number == 1 and len(value) == 8:
            _time(value, log)
        elif number == 2:
            step = signed(value)
        elif number == 5:
            summaries.append(value)
    for summary in summaries:
        for number, value in fields(summary):
            if number == 1:
                _take_value(value, step, log)


_ONE_SCALAR = re.compile(rb"\t(.{8})(?:\x10([\x80-\xff]{0,9}[\x00-\x7f]))?\*(.\n.\n.)(.+)\x15(.{4})", re.DOTALL)
_FLOAT, _DOUBLE = struct.Struct("<f"), struct.Struct("<d")


def _time(value: bytes, log: EventLog) -> None:
    time = _DOUBLE.unpack(value)[0]
    log.times = (log.times[0] if log.times else time, time)


def _add(tag: bytes, step: int, point: float, log: EventLog) -> None:
    name = tag.decode("utf-8", "backslashreplace")
    points = log.series.get(name)
    if points is None:
        points = log.series[name] = []
    points.append((step, point))


def _take_value(message: bytes, step: int, log: EventLog) -> None:
    """Add one value of a Summary, in whichever of the ways a scalar has been written over the years."""
    tag, point = b"", None
    for number, value in fields(message):
        if number == 1:
            tag = value
        elif number == 2 and len(value) == 4:
            point = _FLOAT.unpack(value)[0]
        elif number == 8:
            point = _scalar(value)
            if point is None and (text := _text(value)) is not None and len(log.texts) < MOST_TEXTS:
                log.texts[tag.decode("utf-8", "backslashreplace")] = text
        elif number == 9 and _plugin(value, log):
            return
    if point is not None:
        _add(tag, step, point, log)


_PLAIN = {1: "<f", 2: "<d", 3: "<i", 4: "<B", 5: "<h", 6: "<b", 9: "<q", 17: "<H", 19: "<e", 22: "<I", 23: "<Q"}
"""Type of a tensor -> how its content is packed."""
_LISTED = {1: 5, 2: 6, 3: 7, 4: 7, 5: 7, 6: 7, 9: 10, 14: 13, 17: 7, 19: 13, 22: 16, 23: 17}
"""Type of a tensor -> the field that lists its values where they are not packed into its content."""
_BFLOAT16 = 14
_TEXT, _LISTED_TEXT = 7, 8


def _scalar(message: bytes) -> float | None:
    """The number that a tensor without dimensions is; None for any other."""
    kind, content = 0, b""
    listed: dict[int, Any] = {}
    for number, value in fields(message):
        if number == 1:
            kind = value
        elif number == 2 and any(inner == 2 for inner, _ in fields(value)):
            return None  # It has a dimension.
        elif number == 4:
            content = value
        else:
            listed[number] = value
    if kind == _BFLOAT16 and len(content) == 2:
        return float(struct.unpack("<f", b"\0\0" + content)[0])
    if content:
        form = _PLAIN.get(kind)
        return float(struct.unpack(form, content)[0]) if form and struct.calcsize(form) == len(content) else None
    value = listed.get(_LISTED.get(kind, 0))
    return None if value is None else _unpacked(kind, value)


def _text(message: bytes) -> str | None:
    """The first text of a tensor of texts; None for any other."""
    kind, found = 0, None
    for number, value in fields(message):
        if number == 1:
            kind = value
        elif number == _LISTED_TEXT and found is None and isinstance(value, bytes):
            found = value
    return found.decode("utf-8", "backslashreplace") if kind == _TEXT and found is not None else None


def _unpacked(kind: int, value: Any) -> float | None:
    """The first of the values that a tensor lists, packed or not."""
    if kind in (1, 2):
        return float(struct.unpack(_PLAIN[kind], value[: 4 * kind])[0])
    bits = value if isinstance(value, int) else varint(value, 0)[0]
    if kind == 19:
        return float(struct.unpack("<e", (bits & 0xFFFF).to_bytes(2, "little"))[0])
    if kind == _BFLOAT16:
        return float(struct.unpack("<f", b"\0\0" + (bits & 0xFFFF).to_bytes(2, "little"))[0])
    return float(bits if kind in (22, 23) else signed(bits))


# ── the hparams plugin ───────────────────────────────────────────────────────────────────────────────────────────


def _plugin(metadata: bytes, log: EventLog) -> bool:
    """Whether a value is one of the hparams plugin's; what it says is added."""
    plugin = _table_of(_table_of(metadata).get(1, b""))
    if plugin.get(1) != b"hparams":
        return False
    for number, value in fields(plugin.get(2, b"")):
        if number == 3:
            log.settings = {**(log.settings or {}), **_settings(value, log)}
        elif number == 4:
            log.status = _ended(_table_of(value)) or log.status
    return True


def _table_of(message: bytes) -> Mapping[int, Any]:
    return dict(fields(message))


def _settings(start: bytes, log: EventLog) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number, value in fields(start):
        if number == 1:
            entry = _table_of(value)
            name = entry.get(1, b"").decode("utf-8", "backslashreplace")
            found[name] = _json(entry.get(2, b""))
        elif number == 4:
            log.group = value.decode("utf-8", "backslashreplace")
    return found


def _json(message: bytes, depth: int = 0) -> Any:
    """A google.protobuf.Value."""
    if depth > 20:
        raise ValueError("a setting is nested too deeply")
    for number, value in fields(message):
        match number:
            case 2:
                real = struct.unpack("<d", value)[0]
                return int(real) if real.is_integer() and abs(real) < 2**53 else real
            case 3:
                return value.decode("utf-8", "backslashreplace")
            case 4:
                return bool(value)
            case 5:
                pairs = (_table_of(inner) for key, inner in fields(value) if key == 1)
                return {pair.get(1, b"").decode("utf-8", "backslashreplace"): _json(pair.get(2, b""), depth + 1)
                        for pair in pairs}  # fmt: skip
            case 6:
                return [_json(inner, depth + 1) for key, inner in fields(value) if key == 1]
    return None


def _ended(end: Mapping[int, Any]) -> str | None:
    """How the run ended. PyTorch writes "success" before it goes on, and no time with it: that says nothing."""
    status, time = end.get(1), end.get(2)
    if status == 2:
        return "crashed"
    return "completed" if status == 1 and time else None
