"""W&B's offline file, frame by frame. The frame is LevelDB's; the messages are W&B's own."""

import zlib

import pytest

from runaudit.errors import RecordError
from runaudit.importers.wandb import read_log

HEAD = b":W&B" + (0xBEE1).to_bytes(2, "little") + b"\0"


def history(step: int, **values: str) -> bytes:
    pb = pytest.importorskip("wandb.proto.wandb_internal_pb2")
    record = pb.Record()
    for key, text in {"_step": str(step), **values}.items():
        item = record.history.item.add()
        item.key, item.value_json = key, text
    return record.SerializeToString()


def frames(messages: list[bytes]) -> bytes:
    """A file as LevelDB's log format writes it: blocks of 32768 bytes, fragments where a message crosses one."""
    out = bytearray(HEAD)
    for message in messages:
        rest, begun = message, False
        while True:
            left = 32768 - len(out) % 32768
            if left < 7:
                out += b"\0" * left
                continue
            part, rest = rest[: left - 7], rest[left - 7 :]
            kind = {(False, False): 1, (False, True): 2, (True, True): 3, (True, False): 4}[begun, bool(rest)]
            check = zlib.crc32(bytes([kind]) + part)
            out += check.to_bytes(4, "little") + len(part).to_bytes(2, "little") + bytes([kind]) + part
            begun = True
            if not rest:
                break
    return bytes(out)


def test_numbers_are_read_over_their_step_and_text_is_left_out(tmp_path):
    path = tmp_path / "run-1.wandb"
    path.write_bytes(frames([history(0, loss="0.5", name='"x"'), history(1, loss="NaN", ok="true")]))

    found = read_log(path).trajectory

    assert list(found.series) == ["loss"]
    assert found.series["loss"][0] == (0, 0.5)
    assert found.series["loss"][1][1] != found.series["loss"][1][1]  # NaN
    assert found.torn == 0


def test_a_message_larger_than_a_block_is_put_together(tmp_path):
    path = tmp_path / "run-1.wandb"
    path.write_bytes(frames([history(0, text='"' + "x" * 100_000 + '"', loss="1.0"), history(1, loss="2.0")]))

    assert read_log(path).trajectory.series["loss"] == ((0, 1.0), (1, 2.0))


def test_wherever_the_file_is_cut_the_whole_messages_before_are_kept(tmp_path):
    messages = [history(step, loss=str(step)) for step in range(5)]
    whole = frames(messages)
    ends = [len(HEAD) + sum(len(m) + 7 for m in messages[:n]) for n in range(6)]
    path = tmp_path / "run-1.wandb"

    for length in range(len(HEAD), len(whole) + 1):
        path.write_bytes(whole[:length])
        found = read_log(path).trajectory
        kept = max(n for n, end in enumerate(ends) if end <= length)
        assert len(found.series.get("loss", ())) == kept
        assert found.torn == (length not in ends)


def test_a_flipped_bit_ends_the_reading(tmp_path):
    path = tmp_path / "run-1.wandb"
    raw = bytearray(frames([history(0, loss="1.0"), history(1, loss="2.0")]))
    raw[-1] ^= 1
    path.write_bytes(raw)

    assert read_log(path).trajectory.series["loss"] == ((0, 1.0),)
    assert read_log(path).trajectory.torn == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [(lambda raw, half: raw[:-3], "ends in the middle of a message: its last {} of {} bytes were not read"),
     (lambda raw, half: raw[:half] + bytes([raw[half] ^ 1]) + raw[half + 1 :], "is damaged at byte "),
     (lambda raw, half: raw + bytes(20), "is damaged at byte "),
     (lambda raw, half: raw + b"\1\2\3", "ends in the middle of a message: its last 3 of "),
     (lambda raw, half: raw, "")],
    ids=["cut", "a flipped bit", "zeros at the end", "half a head", "whole"],
)  # fmt: skip
def test_a_file_that_is_not_read_to_its_end_says_how_much_was_not(tmp_path, change, said):
    messages = [history(step, loss="1.0") for step in range(40)]
    whole = frames(messages)
    path = tmp_path / "run-1.wandb"
    raw = change(whole, len(whole) // 2)
    path.write_bytes(raw)

    found = read_log(path)

    start = len(whole) - len(messages[-1]) - 7
    assert found.unread.startswith(f"run-1.wandb {said}".format(len(raw) - start, f"{len(raw):,}") if said else "")
    assert bool(found.unread) == bool(found.trajectory.torn) == bool(said)


def test_another_file_is_refused(tmp_path):
    (tmp_path / "x.wandb").write_bytes(b"PK\3\4")

    with pytest.raises(RecordError, match="is not a W&B file"):
        read_log(tmp_path / "x.wandb")
