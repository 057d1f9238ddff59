"""What is drawn of a series, and what must never be lost on the way."""

import math
import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runaudit.records.points import Points
from runaudit.records.segments import bands, columns_of, split
from runaudit.records.trajectory import Event
from runaudit.report import series
from runaudit.report.series import MEAN_POINTS, bin_width, line, means, thinned, trend

FLOATS = st.floats(-1e6, 1e6)


def drawn(points, cuts=(), **options):
    return line("0", columns_of(points), cuts, **options)


@given(st.lists(FLOATS, min_size=1, max_size=600), st.integers(1, 40))
def test_thinning_keeps_the_extremes_the_ends_and_the_order(values, columns):
    steps, kept = thinned(np.arange(len(values)), np.array(values), low=0, high=len(values), columns=columns)

    assert list(steps) == sorted(set(steps))
    assert [values[step] for step in steps] == list(kept)
    assert (steps[0], steps[-1]) == (0, len(values) - 1)
    assert (min(kept), max(kept)) == (min(values), max(values))
    assert len(kept) <= 2 * (columns + 2)


@given(st.lists(FLOATS, min_size=100, max_size=600))
def test_every_column_of_pixels_keeps_its_own_extremes(values):
    """As a loop over the columns finds them."""
    steps, kept = thinned(np.arange(len(values)), np.array(values), low=0, high=len(values), columns=7)

    for column in range(7):
        inside = [v for at, v in enumerate(values) if at * 7 // len(values) == column]
        found = [v for at, v in zip(steps, kept, strict=True) if at * 7 // len(values) == column]
        assert (min(found), max(found)) == (min(inside), max(inside))


def test_one_bad_step_in_fifty_thousand_is_still_drawn():
    points = [(step, 1.0) for step in range(50_000)]
    points[31_337] = (31_337, 812.5)

    assert (31_337, 812.5) in drawn(points).finite


def test_non_finite_values_are_kept_apart_and_counted():
    found = drawn([(0, 1.0), (1, math.nan), (2, math.inf), (3, 0.5)])

    assert found.finite == ((0, 1.0), (3, 0.5))
    assert [step for step, _ in found.non_finite] == [1, 2]


def test_no_line_is_drawn_over_a_step_that_has_no_number():
    found = drawn([(0, 1.0), (1, 0.9), (2, math.nan), (3, 0.5)])

    assert [list(part) for part in found.segments] == [[(0, 1.0), (1, 0.9)], [(3, 0.5)]]


def test_a_step_logged_twice_counts_once_with_its_later_value():
    """A run that is resumed logs the steps after its checkpoint again."""
    found = drawn([(0, 1.0), (1, 9.0), (1, 2.0), (2, 3.0)])

    assert found.finite == ((0, 1.0), (1, 2.0), (2, 3.0))
    assert found.duplicates == 1


def noisy(level, steps):
    """Up and down by 0.1 about a level."""
    return [(step, level + 0.1 * (-1) ** step) for step in steps]


def test_no_line_and_no_median_crosses_a_stage():
    found = drawn(noisy(1.0, range(100)) + noisy(5.0, range(100, 200)), (100,))

    assert [part[0][0] for part in found.segments] == [0, 100]
    assert [{round(value) for _, value in part} for part in found.trends] == [{1}, {5}]


def test_a_series_without_noise_is_its_own_trend():
    """A running median would flatten its first steep part: it says something else than the values do."""
    assert drawn([(step, 0.9 - 0.5 / (1 + step)) for step in range(300)]).trends == ()
    assert drawn(noisy(1.0, range(300))).trends != ()


@given(st.lists(st.integers(0, 50), max_size=60), st.lists(st.integers(0, 60), max_size=6))
def test_splitting_loses_no_point(steps, cuts):
    series = columns_of([(step, 0.0) for step in steps])

    assert [step for part, _ in split(series, cuts) for step in part] == sorted(set(steps))


def test_the_trend_is_the_running_median():
    """A single outlier moves a mean and not a median: hand check with a constant and one spike."""
    rng = random.Random(3)
    values = np.full(400, 2.0)
    values[rng.randrange(400)] = 1e6

    assert {value for _, value in trend(np.arange(400), values)} == {2.0}


def test_the_trend_near_an_end_is_the_median_of_what_is_there():
    """100 points, a window of 7 to each side: at 0 the median of 0…7, in the middle that of 43…57."""
    found = dict(trend(np.arange(100), np.arange(100.0)))

    assert (found[0], found[50], found[99]) == (3.5, 50.0, 95.5)


def test_bands_run_from_stage_to_stage_and_the_last_to_the_end():
    events = [Event(step=100, kind="stage", detail={"stage": "b"}), Event(step=0, kind="stage", detail={"name": "a"})]
    events.append(Event(step=50, kind="resume"))

    assert [(b.name, b.start, b.end) for b in bands(events, 900)] == [("a", 0, 100), ("b", 100, 900)]


@given(
    st.lists(st.tuples(st.integers(0, 40), FLOATS | st.sampled_from([math.nan, math.inf])), max_size=300),
    st.lists(st.integers(0, 45), max_size=4),
)
def test_columns_are_drawn_as_the_pairs_they_hold(points, cuts):
    assert repr(drawn(points, cuts, columns=5)) == repr(drawn(Points.of(points), cuts, columns=5))


# ── the mean over seeds ──────────────────────────────────────────────────────────────────────────────────────────


def mean_of(*seeds, cuts=(), width=None):
    series = [columns_of(points) for points in seeds]
    return means(series, cuts, bin_width(series) if width is None else width)


def test_at_equal_steps_the_mean_and_its_ends_are_those_of_the_values():
    """By hand: (1 + 3) / 2 = 2 between 1 and 3."""
    (found,) = mean_of([(0, 1.0), (10, 5.0)], [(0, 3.0), (10, 6.0)])

    assert (list(found.steps), list(found.values)) == ([0, 10], [2.0, 5.5])
    assert (list(found.low), list(found.high), found.runs) == ([1.0, 5.0], [3.0, 6.0], (0, 1))


def test_one_seed_has_no_mean():
    assert mean_of([(0, 1.0), (1, 2.0)]) == ()
    assert mean_of([(0, 1.0), (1, 2.0)], []) == ()


def test_a_seed_that_ends_ends_the_stretch_so_that_no_jump_looks_like_progress():
    """The worst of three crashes at step 1: the mean of the other two is told apart, not joined on."""
    good = [(step, 1.0) for step in range(4)]

    before, after = mean_of(good, good, [(0, 100.0), (1, 100.0)])

    assert (list(before.steps), before.runs) == ([0, 1], (0, 1, 2))
    assert (list(after.steps), after.runs) == ([2, 3], (0, 1))
    assert list(after.values) == [1.0, 1.0]


def test_a_seed_that_is_no_number_any_more_has_ended():
    _, after = mean_of(*[[(s, 1.0) for s in range(4)]] * 2, [(0, 9.0), (1, math.nan), (2, math.nan), (3, math.nan)])

    assert after.runs == (0, 1)


def test_a_step_that_a_running_seed_left_out_has_no_mean():
    (found,) = mean_of([(0, 1.0), (1, 1.0), (2, 1.0)], [(0, 3.0), (2, 3.0)], width=0)

    assert list(found.steps) == [0, 2]


def test_seeds_logged_at_other_steps_meet_in_bins_and_nothing_is_invented():
    """0, 10, 20 … against 5, 15, 25 …: bins of ten steps hold one value of each; every mean is one of such pairs."""
    (found,) = mean_of([(10 * n, float(n)) for n in range(50)], [(10 * n + 5, float(n) + 1) for n in range(50)])

    assert list(found.values) == [n + 0.5 for n in range(50)]
    assert list(found.steps)[:3] == [2, 12, 22]  # of 0 and 5, 10 and 15, 20 and 25


def test_one_evaluation_more_moves_no_mean_aside():
    """Two equal arms, in one of which a seed was evaluated once more: its mean was drawn half a bin to the right, so
    that it seemed to learn later."""
    curve = [(100 * n, 1 / (n + 1)) for n in range(12)]
    (plain,) = mean_of(curve, curve)
    (binned,) = mean_of(curve, sorted([*curve, (450, 0.2)]))

    where = dict(zip(plain.steps, plain.values, strict=True))
    same = [(step, value) for step, value in zip(binned.steps, binned.values, strict=True) if step in where]
    assert len(same) >= len(curve) - 3  # The bin of 400 and 450, and the last, which takes in what is left.
    assert all(value == where[step] for step, value in same if step != 400)


def test_no_bin_reaches_over_a_stage():
    seed = [(step, 0.0 if step < 777 else 8.0) for step in range(3000)]

    found = mean_of(seed, seed, cuts=(777,))

    assert [set(part.values) for part in found] == [{0.0}, {8.0}]


@given(
    st.lists(
        st.lists(st.tuples(st.integers(-50, 4000), FLOATS | st.sampled_from([math.nan, 1.7e308])), max_size=200),
        max_size=4,
    ),
    st.lists(st.integers(0, 4000), max_size=3),
)
def test_a_mean_lies_within_its_seeds_and_its_steps_rise(seeds, cuts):
    found = mean_of(*seeds, cuts=cuts)

    steps = [step for part in found for step in part.steps]
    assert all(a < b for a, b in pairwise(steps))
    for part in found:
        assert len(part.runs) > 1
        for value, low, high in zip(part.values, part.low, part.high, strict=True):
            assert low <= value * (1 + 1e-9 * (1 if value > 0 else -1)) and value <= high + abs(high) * 1e-9


@pytest.mark.parametrize("points", [10, MEAN_POINTS, 5000, 100_000])
def test_a_mean_has_no_more_bins_than_can_be_seen(points):
    series = columns_of(Points.of((7 * step, 1.0) for step in range(points)))

    (found,) = means([series, series], (), bin_width([series, series]))

    assert len(found.steps) <= MEAN_POINTS + 1


def test_of_what_is_solved_or_not_the_mean_of_an_arm_is_the_share_that_was_solved():
    """Three failures in ten have the median 1: the bold line said that nothing ever fails."""
    flags = np.array([0.0 if step % 10 in (0, 3, 7) else 1.0 for step in range(4000)])
    seeds = [columns_of(tuple(enumerate(np.roll(flags, shift).tolist()))) for shift in (0, 1)]
    scale = [columns_of(tuple((step, 65536.0 if step < 1500 else 32768.0) for step in range(4000)))] * 2

    found, width = series.mean_of(seeds, (), lambda values: values)

    assert width and all(abs(value - 0.7) < 0.05 for part in found for value in part.values)
    (alone,) = line("0", seeds[0]).trends
    assert all(abs(value - 0.7) < 0.1 for _, value in alone)
    assert {value for part in series.mean_of(scale, (), lambda values: values / 65536)[0] for value in part.values} == {
        65536.0,
        32768.0,
    }
