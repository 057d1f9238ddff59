"""Laws of the offline file: it is whole when the run's exit stands at its end, and not one byte earlier."""

import struct
import zlib
from pathlib import Path

import pytest

from runaudit.integrations.offline import BLOCK, HEADER, is_whole, wait_until_whole

HISTORY = b"\x08\x01\x12\x05hello"
EXITED = b"\x08\x13\x82\x01\x0e\x22\x0crjp0qukfzwa6\xc2\x0c\x0a\x0a\x08hoa9k85n\x92\x01\x02\x10\x01"
"""The last record of a run that wandb 0.31 wrote offline, as it lay in the file."""


def log(*records: bytes) -> bytes:
    """A LevelDB log as its format document has it (fragments never cross a block, fewer than 7 bytes are padding)."""
    out = bytearray(b":W&B" + struct.pack("<HB", 0xBEE1, 0))
    for record in records:
        at, first = 0, True
        while first or at < len(record):
            room = BLOCK - len(out) % BLOCK
            if room < 7:
                out += bytes(room)
                continue
            part = record[at : at + room - 7]
            at += len(part)
            kind = {(True, True): 1, (True, False): 2, (False, False): 3, (False, True): 4}[first, at >= len(record)]
            out += struct.pack("<IHB", zlib.crc32(part), len(part), kind) + part
            first = False
    return bytes(out)


def test_a_file_is_whole_at_its_last_byte_and_no_byte_earlier(tmp_path: Path) -> None:
    path, raw = tmp_path / "run.wandb", log(HISTORY, HISTORY, EXITED)
    for size in range(len(raw) + 1):
        path.write_bytes(raw[:size])
        assert is_whole(path) is (size == len(raw)), size


@pytest.mark.parametrize("length", [0, 1, BLOCK - 60, BLOCK - HEADER - 7, BLOCK, 3 * BLOCK + 11, 500_000])
def test_the_end_is_found_wherever_the_blocks_fall(tmp_path: Path, length: int) -> None:
    long = b"\x12" + varint(length) + bytes(length)
    path = tmp_path / "run.wandb"

    path.write_bytes(log(HISTORY, long))
    assert not is_whole(path)
    path.write_bytes(log(HISTORY, long, EXITED))
    assert is_whole(path)
    path.write_bytes(log(HISTORY, long, EXITED, HISTORY))
    assert is_whole(path)
    path.write_bytes(log(HISTORY, long, EXITED)[:-1])
    assert not is_whole(path)


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


@pytest.mark.parametrize("raw", [b"", b":W&B\xe1\xbe\x00", b"\x00" * 40, b"\xff" * 40, bytes(range(256)) * 300])
def test_bytes_of_another_kind_are_not_a_whole_run(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "run.wandb"
    path.write_bytes(raw)

    assert not is_whole(path)
    assert not is_whole(tmp_path / "absent.wandb")


def test_waiting_ends_when_the_file_is_whole_and_at_the_latest_when_the_time_is_up(tmp_path: Path) -> None:
    path, raw, now = tmp_path / "run.wandb", log(HISTORY, EXITED), [0.0]
    path.write_bytes(raw[:7])

    def writer(length: float) -> None:
        now[0] += length
        if now[0] > 2.0:
            path.write_bytes(raw)

    def nobody(length: float) -> None:
        now[0] += length

    assert wait_until_whole(path, within_s=30.0, clock=lambda: now[0], pause=writer)
    assert now[0] < 2.2
    path.write_bytes(raw[:7])
    now[0] = 0.0
    assert not wait_until_whole(path, within_s=30.0, clock=lambda: now[0], pause=nobody)
    assert 30.0 <= now[0] < 30.2
