"""Event files: every number that was written whole, in one run what one run wrote, and settings only where some are.

The files are made here by hand, frame by frame; where TensorBoard is installed its own loader is the reference.
"""

import os
import struct
from pathlib import Path

import pytest

from runaudit.errors import RecordError
from runaudit.importers.eventfile import read_log
from runaudit.records.trajectory import Trajectory
from tests.importers.reading import runs_in


def read_events(path):
    """The scalars of one event file."""
    log = read_log(path, path.parent)
    return Trajectory(series={name: tuple(points) for name, points in log.series.items()}, torn=log.torn)


SHARED = Path(os.environ.get("RUNAUDIT_SHARED_RUNS", "/nowhere"))


# ── event files by hand ──────────────────────────────────────────────────────────────────────────────────────────


def crc(data):
    check = 0xFFFFFFFF
    for byte in data:
        check ^= byte
        for _ in range(8):
            check = (check >> 1) ^ (0x82F63B78 if check & 1 else 0)
    check ^= 0xFFFFFFFF
    return struct.pack("<I", (((check >> 15) | (check << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


def frame(message):
    head = struct.pack("<Q", len(message))
    return head + crc(head) + message + crc(message)


def varint(value):
    value %= 1 << 64
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def part(number, value):
    """A field: an integer, a float of four bytes, or bytes."""
    match value:
        case int():
            return varint(number << 3) + varint(value)
        case float():
            return varint(number << 3 | 5) + struct.pack("<f", value)
        case bytes():
            return varint(number << 3 | 2) + varint(len(value)) + value


def double(number, value):
    return varint(number << 3 | 1) + struct.pack("<d", value)


def scalar(tag, value):
    return part(1, tag.encode()) + part(2, value)


def tensor(tag, kind, body, shape=b""):
    return part(1, tag.encode()) + part(8, part(1, kind) + part(2, shape) + body)


def event(step, *values, time=1_700_000_000.0):
    summary = b"".join(part(1, value) for value in values)
    return frame(double(1, time) + (part(2, step) if step else b"") + part(5, summary))


VERSION = frame(double(1, 1_700_000_000.0) + part(3, b"brain.Event:2"))


def hparams(content):
    metadata = part(1, part(1, b"hparams") + part(2, content))
    return part(1, b"_hparams_/session_start_info") + part(9, metadata)


def setting(name, value):
    return part(1, part(1, name.encode()) + part(2, value))


@pytest.fixture
def events(tmp_path):
    def write(place, *frames, name="events.out.tfevents.1700000000.ada.7.0"):
        path = tmp_path / "runs" / place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(frames))
        return path

    return write


def read_runs(path):
    return runs_in(path, "tensorboard")


def series(run):
    return {name: list(points) for name, points in run.trajectory.series.items()}


# ── one file ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (scalar("a", 0.5), 0.5),
        (scalar("a", float("inf")), float("inf")),
        (tensor("a", 1, part(4, struct.pack("<f", 0.5))), 0.5),
        (tensor("a", 1, part(5, struct.pack("<f", 0.5))), 0.5),
        (tensor("a", 1, part(5, 0.5)), 0.5),
        (tensor("a", 2, part(4, struct.pack("<d", 0.1))), 0.1),
        (tensor("a", 2, part(6, struct.pack("<d", 0.1))), 0.1),
        (tensor("a", 3, part(7, varint(-3))), -3.0),
        (tensor("a", 9, part(10, -3)), -3.0),
        (tensor("a", 19, part(13, 0x3800)), 0.5),
        (tensor("a", 14, part(13, 0x3F00)), 0.5),
        (tensor("a", 14, part(4, b"\x00\x3f")), 0.5),
        (tensor("a", 23, part(17, 2**63)), float(2**63)),
    ],
    ids=str,
)
def test_a_scalar_is_read_however_it_was_written(events, value, number):
    assert dict(read_events(events("a", VERSION, event(3, value))).series) == {"a": ((3, number),)}


@pytest.mark.parametrize(
    "value",
    [tensor("a", 1, part(5, struct.pack("<f", 0.5)), part(2, part(1, 1))), tensor("a", 7, part(8, b"text")),
     part(1, b"img") + part(4, part(1, 3))],
    ids=["a vector", "text", "an image"],
)  # fmt: skip
def test_what_is_no_scalar_is_passed_over(events, value):
    assert dict(read_events(events("a", VERSION, event(3, value, scalar("b", 1.0)))).series) == {"b": ((3, 1.0),)}


def test_steps_may_be_negative_and_several_values_share_one(events):
    log = read_events(events("a", VERSION, event(-5, scalar("a", 1.0), scalar("b", 2.0))))

    assert dict(log.series) == {"a": ((-5, 1.0),), "b": ((-5, 2.0),)}


def test_the_end_of_a_killed_writer_is_left_out_and_counted(events):
    whole = VERSION + event(1, scalar("a", 1.0))
    last = event(2, scalar("a", 2.0))

    for cut in range(1, len(last)):
        log = read_events(events("a", whole, last[:cut]))
        assert (dict(log.series), log.torn) == ({"a": ((1, 1.0),)}, 1), cut


def test_a_message_that_fails_its_checksum_is_left_out_and_the_next_is_read(events):
    bad = bytearray(event(2, scalar("a", 2.0)))
    bad[-6] ^= 1

    log = read_events(events("a", VERSION, event(1, scalar("a", 1.0)), bytes(bad), event(3, scalar("a", 3.0))))
    assert (dict(log.series), log.torn) == ({"a": ((1, 1.0), (3, 3.0))}, 1)


def test_a_long_message_of_numbers_is_checked_too(events):
    long = bytearray(event(2, *(scalar(f"{'t' * 60}/{n}", 2.0) for n in range(1000))))
    assert len(long) > 1 << 16
    assert len(read_events(events("a", VERSION, bytes(long))).series) == 1000

    long[-6] ^= 1
    log = read_events(events("a", VERSION, bytes(long)))
    assert (dict(log.series), log.torn) == ({}, 1)


@pytest.mark.parametrize(
    "raw",
    [b"not events at all", b"\0" * 4096, b"\xff" * 64, b":W&B" + b"\0" * 60, os.urandom(512)],
    ids=["text", "zeros", "ones", "another tracker's", "noise"],
)
def test_a_file_that_is_none_is_refused(events, raw):
    path = events("a", raw)

    with pytest.raises(RecordError, match="is not an event file"):
        read_events(path)
    with pytest.raises(RecordError, match="is not an event file"):
        read_runs(path)


@pytest.mark.parametrize(
    "message",
    [b"\xff" * 30, b"\x2a\xff\xff\xff\xff\x0f", b"\x2a\x03\x0a\x7f\x0a", b"\x0b\x0b", b"\x12" * 9],
    ids=repr,
)
def test_a_message_of_garbage_is_counted_and_the_others_are_read(events, message):
    log = read_events(events("a", VERSION, frame(message), event(3, scalar("a", 3.0))))

    assert (dict(log.series), log.torn) == ({"a": ((3, 3.0),)}, 1)


def test_a_length_beyond_the_file_is_a_torn_end_and_asks_for_no_memory(events):
    head = struct.pack("<Q", 2**62)

    assert read_events(events("a", VERSION, head + crc(head) + b"x" * 20)).torn == 1


def test_the_loader_of_tensorboard_reads_the_same(events):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.util.tensor_util import make_ndarray

    values = [scalar("a", 0.1), tensor("b", 2, part(4, struct.pack("<d", 0.1))), tensor("c", 9, part(10, 7))]
    files = [events("a", VERSION, *(event(step, *values) for step in range(20)))]
    files += SHARED.rglob("*tfevents*") if SHARED.is_dir() else []
    for path in files:
        theirs: dict[str, list] = {}
        for one in EventFileLoader(str(path)).Load():
            for value in one.summary.value:
                theirs.setdefault(value.tag, []).append((one.step, float(make_ndarray(value.tensor))))
        assert theirs == {name: list(points) for name, points in read_events(path).series.items()}, path


# ── settings ─────────────────────────────────────────────────────────────────────────────────────────────────────

START = part(3, setting("lr", double(2, 0.1)) + setting("width", double(2, 64.0)) + setting("act", part(3, b"gelu"))
             + setting("flag", part(4, 1)) + part(4, b"group-1"))  # fmt: skip


def test_what_the_hparams_plugin_was_given_is_the_config(events):
    path = events("a", VERSION, event(0, hparams(START)), event(1, scalar("acc", 0.5)))
    (found,), _ = read_runs(path)

    assert dict(found.run.manifest.section("config")) == {"lr": 0.1, "width": 64, "act": "gelu", "flag": True}
    assert series(found.run) == {"acc": [(1, 0.5)]}


def test_without_it_the_config_is_unknown_and_so_is_how_the_run_ended(events):
    (found,), _ = read_runs(events("a", VERSION, event(1, scalar("acc", 0.5))))

    assert "config" not in found.run.manifest.body
    assert "hparams" in found.run.manifest.section("unknown")["config"]
    assert found.run.outcome is None
    assert found.run.metrics == {"acc": 0.5}


@pytest.mark.parametrize(
    ("end", "status"),
    [(part(1, 1) + double(2, 1.7e9), "completed"), (part(1, 2), "crashed"), (part(1, 1), None), (part(1, 3), None)],
    ids=["success and a time", "failure", "success that is written at once", "running"],
)
def test_only_an_end_with_its_time_says_that_the_run_ended(events, end, status):
    path = events("a", VERSION, event(0, hparams(START)), event(1, scalar("acc", 0.5)), event(2, hparams(part(4, end))))

    assert read_log(path, path.parent).status == status


def test_settings_that_differ_within_one_folder_are_not_known(events):
    events("a", VERSION, event(0, hparams(START)), event(1, scalar("acc", 0.5)))
    other = part(3, setting("lr", double(2, 0.2)))
    path = events("a", VERSION, event(0, hparams(other)), name="events.out.tfevents.1700000001.ada.7.1")

    (found,), _ = read_runs(path.parent)
    assert "differ" in found.run.manifest.section("unknown")["config"]


# ── which files are one run ──────────────────────────────────────────────────────────────────────────────────────


def test_a_folder_is_a_run_and_those_beside_it_are_others(events):
    events("x", VERSION, event(1, scalar("a", 1.0)))
    path = events("y", VERSION, event(1, scalar("a", 2.0)))

    found, _ = read_runs(path.parents[1])
    assert [series(one.run) for one in found] == [{"a": [(1, 1.0)]}, {"a": [(1, 2.0)]}]


def test_training_and_validation_of_keras_are_one_run(events):
    old = "events.out.tfevents.1700000000.ada"  # a name that tells no process
    events("x/logs/train", VERSION, event(1, scalar("loss", 1.0)), name=old)
    path = events("x/logs/validation", VERSION, event(1, scalar("loss", 2.0)), name=old)

    (found,), _ = read_runs(path.parents[3])
    assert series(found.run) == {"train/loss": [(1, 1.0)], "validation/loss": [(1, 2.0)]}
    (found,), _ = read_runs(path.parent)
    assert series(found.run) == {"validation/loss": [(1, 2.0)]}


def test_folders_that_one_writer_made_for_its_curves_are_its_run(events):
    events("x", VERSION, event(1, scalar("a", 1.0)))
    events("x/loss_train", VERSION, event(1, scalar("loss", 2.0)), name="events.out.tfevents.1700000003.ada.7.1")
    events("x/1700000000.25", VERSION, event(0, hparams(START)), event(0, scalar("acc", 3.0)),
           name="events.out.tfevents.1700000004.ada.7.2")  # fmt: skip
    path = events("x/other", VERSION, event(1, scalar("a", 9.0)), name="events.out.tfevents.1700000003.ada.8.0")

    (mine, other), _ = read_runs(path.parents[1])
    assert series(mine.run) == {"a": [(1, 1.0)], "loss_train/loss": [(1, 2.0)], "acc": [(0, 3.0)]}
    assert mine.run.manifest.section("config")["lr"] == 0.1
    assert series(other.run) == {"a": [(1, 9.0)]}


def test_a_resumed_run_goes_on_in_one_series(events):
    events("x", *(event(n, scalar("a", float(n)), time=1e9 + n) for n in (1, 2, 3)))
    path = events("x", *(event(n, scalar("a", float(n)), time=2e9 + n) for n in (3, 4)),
                  name="events.out.tfevents.1700000900.ada.9.0")  # fmt: skip

    (found,), _ = read_runs(path.parent)
    assert series(found.run) == {"a": [(1, 1.0), (2, 2.0), (3, 3.0), (3, 3.0), (4, 4.0)]}
    assert [(one.step, one.kind) for one in found.run.trajectory.events] == [(3, "resume")]


def test_two_writers_with_one_tag_are_told_apart(events):
    events("x", *(event(n, scalar("a", float(n)), time=1e9 + n) for n in (1, 2, 3)))
    path = events("x", *(event(n, scalar("a", -float(n)), time=1e9 + n) for n in (1, 2)),
                  name="events.out.tfevents.1700000900.ada.9.0")  # fmt: skip

    (found,), _ = read_runs(path.parent)
    assert series(found.run) == {"a (1)": [(1, 1.0), (2, 2.0), (3, 3.0)], "a (2)": [(1, -1.0), (2, -2.0)]}
    assert "a" not in found.run.metrics  # Which of the two stands for the run is nowhere said.
    assert "more than one writer wrote a" in found.run.manifest.section("origin")["note"]


@pytest.mark.parametrize("settings", [(0.1, 0.1), (0.1, 0.2), (None, None)], ids=str)
def test_a_program_that_was_started_anew_in_one_folder_made_two_runs(events, settings):
    given = [hparams(part(3, setting("lr", double(2, lr)))) if lr else scalar("b", 1.0) for lr in settings]
    events("x", event(0, given[0], time=1e9), *(event(n, scalar("a", 1.0), time=1e9 + n) for n in (1, 2, 3)))
    path = events("x", event(0, given[1], time=2e9), *(event(n, scalar("a", 2.0), time=2e9 + n) for n in (1, 2)),
                  name="events.out.tfevents.1700000900.ada.9.0")  # fmt: skip

    found, _ = read_runs(path.parent)

    assert [series(one.run)["a"][-1] for one in found] == [(3, 1.0), (2, 2.0)]
    assert [one.run.manifest.section("config").get("lr") for one in found] == [*settings]
    assert len({one.run.manifest.section("origin")["source"] for one in found}) == 2
    assert "number 2 by the time" in found[1].run.manifest.section("origin")["note"]


def test_a_run_is_the_same_one_where_its_folder_was_renamed(events):
    path = events("x", VERSION, event(1, scalar("a", 1.0), time=1e9))
    (before,), _ = read_runs(path.parent)
    (after,), _ = read_runs(path.parent.rename(path.parents[1] / "y"))

    sources = {one.run.manifest.section("origin")["source"] for one in (before, after)}
    assert sources == {"tensorboard:events.out.tfevents.1700000000.ada.7.0 1700000000.000000"}


def test_empty_files_are_left_out_with_the_reason(events):
    path = events("x", b"")
    events("y", VERSION, event(1, scalar("a", 1.0)))

    found, skipped = read_runs(path.parents[1])
    assert (len(found), [one.reason for one in skipped]) == (1, ["its event files hold no events"])


def test_a_link_out_of_the_folder_is_not_followed(events, tmp_path):
    outside = tmp_path / "outside"
    outside.write_bytes(VERSION + event(1, scalar("a", 1.0)))
    path = events("x", VERSION)
    (path.parent / "events.out.tfevents.1700000001.ada.7.1").symlink_to(outside)

    with pytest.raises(RecordError, match="a link leads out"):
        read_runs(path.parent)
