"""What was logged is read back whole; what was torn is cut and counted."""

import math

from hypothesis import given
from hypothesis import strategies as st

from runaudit.records.trajectory import Event, Trajectory, event_line, line_of, read_lines, whole_lines, write_lines

names = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=8)
rows = st.lists(
    st.tuples(st.integers(0, 10**9), st.dictionaries(names, st.floats(allow_nan=True), min_size=1, max_size=4)),
    max_size=8,
)


def same(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


@given(rows)
def test_every_value_comes_back_bit_for_bit(logged):
    raw = b"".join(line_of(step, values, time_s=1.5) for step, values in logged)

    series = read_lines(raw).series

    expected: dict[str, list[tuple[int, float]]] = {}
    for step, values in logged:
        for name, value in values.items():
            expected.setdefault(name, []).append((step, value))
    assert set(series) == set(expected)
    for name, points in expected.items():
        assert [s for s, _ in series[name]] == [s for s, _ in points]
        assert all(same(x, y) for (_, x), (_, y) in zip(series[name], points, strict=True))


@given(rows.filter(bool), st.data())
def test_a_kill_at_any_byte_loses_only_the_line_being_written(logged, data):
    lines = [line_of(step, values) for step, values in logged]
    raw = b"".join(lines)
    cut = data.draw(st.integers(0, len(raw)))

    kept = read_lines(raw[:cut])

    whole = sum(1 for end in _ends(lines) if end <= cut)
    assert read_lines(b"".join(lines[:whole])).series == kept.series or any(
        math.isnan(v) for _, values in logged for v in values.values()
    )
    assert kept.torn == (0 if cut in (0, *_ends(lines)) else 1)


def _ends(lines: list[bytes]) -> list[int]:
    total, ends = 0, []
    for line in lines:
        total += len(line)
        ends.append(total)
    return ends


def test_a_torn_line_in_the_middle_does_not_take_its_neighbour():
    """Two processes append to one file; one is killed inside a write."""
    torn = line_of(1, {"a": 1.0})[:7]
    raw = line_of(0, {"a": 0.0}) + torn + line_of(2, {"a": 2.0})
    kept = read_lines(raw)
    assert kept.series["a"] == ((0, 0.0), (2, 2.0))
    assert kept.torn == 1


def test_events_are_not_series():
    raw = event_line(5, "stage", {"name": "super_resolution"}, time_s=2.0) + line_of(5, {"train/loss": 0.5})
    kept = read_lines(raw)
    assert [(e.step, e.kind, e.detail["name"]) for e in kept.events] == [(5, "stage", "super_resolution")]
    assert kept.last("train/loss") == 0.5
    assert kept.last_step() == 5


def test_a_foreign_trajectory_keeps_both_values_of_a_step_it_has_twice():
    """A resumed run logs steps again; neither value may vanish."""
    given_series = Trajectory(series={"loss": ((1, 1.0), (1, 2.0), (2, 0.5))}, events=(Event(step=1, kind="resume"),))
    back = read_lines(write_lines(given_series))
    assert back.series["loss"] == ((1, 1.0), (1, 2.0), (2, 0.5))
    assert back.events[0].kind == "resume"


def test_what_is_sealed_ends_with_a_whole_line():
    assert whole_lines(line_of(0, {"a": 1.0}) + b'{"s":1') == line_of(0, {"a": 1.0})
