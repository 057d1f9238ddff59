"""Whether an offline run of W&B has reached the disk.

W&B's `finish()` returns when its core has *taken* the last record; the core still writes on. A process that exits then,
or a reader that opens the file then, may find seven bytes. The file itself says when it is whole: it is a LevelDB log,

    7 bytes of header, then blocks of 32 KiB that hold fragments of (crc32c 4, length 2, type 1, data);
    type 1 is a whole record, 2-3-4 its first, middle and last part; fewer than 7 bytes before a block's end are padding

whose records are protocol buffers, and the last thing a run writes is a record with the field `exit`.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from runaudit.system.files import open_ordinary

HEADER = 7
BLOCK = 32_768
EXIT = 18
"""The field of a record that says how the run ended."""
_LAST = 4
_TAIL_BLOCKS = 2
"""The record of the exit is some forty bytes: it lies in the last blocks."""
_LONGEST_PAUSE_S = 0.1


def wait_until_whole(
    path: Path,
    *,
    within_s: float,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> bool:
    """Wait for the end of the run to stand in the file, at most so long. False where it does not."""
    until, length = clock() + within_s, 0.001
    while not is_whole(path):
        if clock() >= until:
            return False
        pause(length)
        length = min(2 * length, _LONGEST_PAUSE_S)
    return True


def is_whole(path: Path) -> bool:
    """Whether the file ends between two records and one of the last says how the run ended."""
    try:
        with open_ordinary(path) as file:
            size = file.seek(0, 2)
            start = max(0, -(-size // BLOCK) - _TAIL_BLOCKS) * BLOCK
            file.seek(start)
            tail = file.read(size - start)
    except OSError:
        return False
    try:
        # Read to the end before anything is said of it: a torn tail makes the whole file unfinished.
        records = tuple(_records(tail, HEADER if start == 0 else 0))
        return any(_has_field(record, EXIT) for record in records)
    except ValueError:
        return False


def _records(tail: bytes, at: int) -> Iterator[bytes]:
    """The whole records in the end of a file that starts at a block. Raises ValueError where the last is torn."""
    parts: bytes | None = None
    while at < len(tail):
        if BLOCK - at % BLOCK < HEADER:
            at += BLOCK - at % BLOCK
            continue
        length, kind = int.from_bytes(tail[at + 4 : at + 6], "little"), tail[at + 6 : at + 7]
        end = at + HEADER + length
        if not kind or end > len(tail):
            raise ValueError("the last record is torn")
        data, at = tail[at + HEADER : end], end
        match kind[0]:
            case 1:
                yield data
            case 2:
                parts = data
            case 3 | 4 if parts is not None:  # else it began before this tail
                parts += data
                if kind[0] == _LAST:
                    yield parts
                    parts = None
    if parts is not None:
        raise ValueError("the last record is torn")


def _has_field(record: bytes, wanted: int) -> bool:
    """Whether a protocol buffer has this field of its own. Raises ValueError for bytes that are none."""
    at = 0
    while at < len(record):
        tag, at = _varint(record, at)
        if tag >> 3 == wanted:
            return True
        match tag & 7:
            case 0:
                _, at = _varint(record, at)
            case 1:
                at += 8
            case 2:
                length, at = _varint(record, at)
                at += length
            case 5:
                at += 4
            case kind:
                raise ValueError(f"{kind} is no kind of field")
    return False


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 64:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return value, at
    raise ValueError("a number without an end")
