"""Laws of long series: columns say what the lines said, to the bit, and are read without us."""

import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runaudit.errors import RecordError
from runaudit.records import columns
from runaudit.records.columns import MAGIC, Tables, names_among, packed, read_series, sealable, unpacked
from runaudit.records.points import Points
from runaudit.records.trajectory import event_line, line_of, read_lines, whole_lines

NAMES = st.sampled_from(["train/loss", "val/loss", "x%s", 'a"b', "größe"])
NUMBERS = st.floats(allow_nan=True, width=64) | st.integers(-(2**70), 2**70)
STEP = st.builds(
    lambda step, values, moment: line_of(step, values, time_s=moment),
    st.integers(-(2**40), 2**40),
    st.dictionaries(NAMES, NUMBERS, max_size=3),
    st.none() | st.floats(0, 2e9),
)
OTHER = st.one_of(
    st.builds(lambda step: event_line(step, "stage", {"name": "sr"}, time_s=1.5), st.integers(0, 9)),
    st.sampled_from([b'{"s":1,"v":{"a"\n', b'{"s":1,"t":1.0,"v":{"a":1}},{"s":2,"t":1.0,"v":{"a":1}}\n', b"\n",
                     b'{"s":1,"t":1.0,"v":{"a":true,"b":2}}\n', b'{"s":1,"t":1,"v":{"a":NaN}}\n', b"[1]\n",
                     b'{"s":1.5,"t":1.0,"v":{"a":1}}\n', b'{"s":7,"t":2.0,"v":{},"e":"stage"}\n', b"\xff\n"]),
)  # fmt: skip
LINES = st.lists(STEP | OTHER, max_size=40)


@pytest.fixture
def always(monkeypatch):
    """Columns for however few lines, parsed in pieces that end anywhere."""
    monkeypatch.setattr(columns, "LARGE", 0)
    monkeypatch.setattr(columns, "CHUNK", 100)


def as_bits(trajectory):
    return {name: [(step, np.float64(value).tobytes() if value == value else b"nan") for step, value in points]
            for name, points in trajectory.series.items()}  # fmt: skip


@given(lines=LINES, tail=st.sampled_from([b"", b'{"s":3,"v":{"a":1']))
def test_columns_say_what_the_lines_said(lines, tail, tmp_path_factory):
    path = tmp_path_factory.mktemp("lines") / "series.jsonl"
    path.write_bytes(b"".join(lines) + tail)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "LARGE", 0)
        patch.setattr(columns, "CHUNK", 100)
        found = sealable(path)
        told = read_series(found.raw)

    expected = read_lines(whole_lines(path.read_bytes()))
    assert as_bits(told) == as_bits(expected)
    assert (told.events, told.torn, found.last_step) == (expected.events, expected.torn, expected.last_step())
    assert found.last.keys() == expected.series.keys()
    assert all(expected.last(name) == value or math.isnan(value) for name, value in found.last.items())


def test_numpy_reads_the_columns_as_the_docstring_says(tmp_path, always):
    path = tmp_path / "series.jsonl"
    path.write_bytes(
        line_of(1, {"loss": 0.5, "lr": 0.1}, time_s=9.25)
        + line_of(3, {"psnr": 30.0})
        + line_of(2, {"lr": 0.1, "loss": 0.25})
    )

    archive = np.load(io.BytesIO(sealable(path).raw))

    tables = json.loads(bytes(archive["tables"]))["tables"]
    assert [(table["names"], table["rows"]) for table in tables] == [
        (["loss", "lr"], 1), (["psnr"], 1), (["lr", "loss"], 1)]  # fmt: skip
    assert archive["0/step"].tolist() == [1] and archive["0/0"].tolist() == [0.5]
    assert archive["0/time"].tolist() == [9.25] and math.isnan(archive["1/time"][0])
    assert [archive[f"{at}/line"].tolist() for at in range(3)] == [[0], [1], [2]]


def test_many_lines_take_a_third_of_their_bytes_at_most_and_equal_lines_give_equal_bytes(tmp_path):
    path = tmp_path / "series.jsonl"
    rows = [line_of(s, {f"loss/{i}": math.sin(s * 11 + i) for i in range(10)}, time_s=1.7e9 + s) for s in range(5000)]
    path.write_bytes(b"".join(rows))

    first, second = sealable(path), sealable(path)

    assert first.raw == second.raw and first.raw.startswith(MAGIC)
    assert len(first.raw) * 3 < path.stat().st_size
    assert len(first.raw) / 5000 < 110  # bytes a step of ten numbers


def test_a_step_that_no_column_holds_leaves_the_lines_as_they_are(tmp_path, always):
    path = tmp_path / "series.jsonl"
    path.write_bytes(line_of(2**63, {"a": 1.0}) + line_of(1, {"a": 2.0}))

    assert sealable(path).raw == path.read_bytes()
    assert read_series(path.read_bytes()).series == {"a": ((2**63, 1.0), (1, 2.0))}


def test_an_archive_that_is_not_whole_is_a_damaged_record(tmp_path, always):
    path = Path(tmp_path / "series.jsonl")
    path.write_bytes(b"".join(line_of(step, {"a": step / 7, "b": 1.0}) for step in range(50)))
    raw = sealable(path).raw
    whole = as_bits(read_series(raw))

    for at in range(len(raw)):
        for damaged in (raw[:at], raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]):
            if not damaged.startswith(MAGIC):
                continue
            try:
                assert as_bits(read_series(damaged)) == whole  # a byte that says nothing: a date, a flag of the system
            except RecordError as error:
                assert "restore it from a backup" in str(error.remedy)


def test_an_archive_that_would_fill_the_memory_is_not_unpacked(monkeypatch):
    raw = packed(Tables())
    monkeypatch.setattr(columns, "MAX_UNPACKED", 10)

    with pytest.raises(RecordError, match="unpacks to more than"):
        unpacked(raw, where="x")


def test_points_are_the_pairs_they_hold():
    pairs = ((1, 0.5), (4, math.inf), (2, -1.0))
    points = Points.of(pairs)

    assert tuple(points) == pairs and points == pairs and points[-1] == (2, -1.0)
    assert isinstance(points[1:], Points) and tuple(points[::2]) == pairs[::2]
    assert points != pairs[:2] and points != Points.of(pairs[::-1])
    assert not points.is_increasing and Points.of(pairs[:2]).is_increasing


@given(lines=LINES, tail=st.sampled_from([b"", b'{"s":3,"v":{"a":1']))
def test_a_name_is_found_in_the_text_where_it_was_logged_and_only_there(lines, tail):
    raw = b"".join(lines) + tail
    names = {"train/loss", "val/loss", "x%s", 'a"b', "größe", "name", "stage", "none"}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "CHUNK", 100)
        found = names_among(io.BytesIO(raw), names)

    assert found == names & set(read_lines(raw).series)
