"""What is drawn of a series, and what must never be lost on the way."""

import math
import random

from hypothesis import given
from hypothesis import strategies as st

from runaudit.records.points import Points
from runaudit.records.trajectory import Event
from runaudit.report.series import bands, line, split, thinned, trend

FLOATS = st.floats(-1e6, 1e6)


@given(st.lists(FLOATS, min_size=1, max_size=600), st.integers(1, 40))
def test_thinning_keeps_the_extremes_the_ends_and_the_order(values, buckets):
    points = tuple(enumerate(values))

    kept = thinned(points, buckets)

    assert set(kept) <= set(points)
    assert list(kept) == sorted(kept)
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    assert min(v for _, v in kept) == min(values)
    assert max(v for _, v in kept) == max(values)
    assert len(kept) <= 4 * max(buckets, 1)


def test_one_bad_step_in_fifty_thousand_is_still_drawn():
    points = [(step, 1.0) for step in range(50_000)]
    points[31_337] = (31_337, 812.5)

    assert (31_337, 812.5) in line("0", points).finite


def test_non_finite_values_are_kept_apart_and_counted():
    found = line("0", [(0, 1.0), (1, math.nan), (2, math.inf), (3, 0.5)])

    assert found.finite == ((0, 1.0), (3, 0.5))
    assert [step for step, _ in found.non_finite] == [1, 2]


def test_a_step_logged_twice_counts_once_with_its_later_value():
    """A run that is resumed logs the steps after its checkpoint again."""
    found = line("0", [(0, 1.0), (1, 9.0), (1, 2.0), (2, 3.0)])

    assert found.finite == ((0, 1.0), (1, 2.0), (2, 3.0))
    assert found.duplicates == 1


def test_no_line_and_no_median_crosses_a_stage():
    points = [(step, 1.0 if step < 100 else 5.0) for step in range(200)]

    found = line("0", points, (100,))

    assert [part[0][0] for part in found.segments] == [0, 100]
    assert [{value for _, value in part} for part in found.trends] == [{1.0}, {5.0}]


@given(st.lists(st.integers(0, 50), max_size=60), st.lists(st.integers(0, 60), max_size=6))
def test_splitting_loses_no_point(steps, cuts):
    points = tuple((step, 0.0) for step in sorted(steps))

    assert tuple(p for part in split(points, cuts) for p in part) == points


def test_the_trend_is_the_running_median():
    """A single outlier moves a mean and not a median: hand check with a constant and one spike."""
    rng = random.Random(3)
    points = [(step, 2.0) for step in range(400)]
    points[rng.randrange(400)] = (200, 1e6)

    assert {value for _, value in trend(points)} == {2.0}


def test_bands_run_from_stage_to_stage_and_the_last_to_the_end():
    events = [Event(step=100, kind="stage", detail={"stage": "b"}), Event(step=0, kind="stage", detail={"name": "a"})]
    events.append(Event(step=50, kind="resume"))

    assert [(b.name, b.start, b.end) for b in bands(events, 900)] == [("a", 0, 100), ("b", 100, 900)]


@given(
    st.lists(st.tuples(st.integers(0, 40), FLOATS | st.sampled_from([math.nan, math.inf])), max_size=300),
    st.lists(st.integers(0, 45), max_size=4),
)
def test_columns_are_drawn_as_the_pairs_they_hold(points, cuts):
    pairs, columns = line("0", points, cuts, buckets=5), line("0", Points.of(points), cuts, buckets=5)

    assert (columns.points, columns.duplicates, columns.seed) == (pairs.points, pairs.duplicates, "0")
    assert [list(part) for part in columns.segments] == [list(part) for part in pairs.segments]
    assert [list(part) for part in columns.trends] == [list(part) for part in pairs.trends]
    assert repr(columns.non_finite) == repr(pairs.non_finite)
