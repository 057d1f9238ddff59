"""Where an axis runs: what it may leave out, and what it must not."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runaudit.report.axis import Axis, axis_of, digits_of, step_ticks
from runaudit.report.words import compact

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def axis(*arms, may_log=True):
    """Each arm one line."""
    return axis_of([[np.array(arm, dtype=float)] for arm in arms], may_log=may_log)


def reaches(found, *values):
    places = np.array(values, dtype=float)
    return not (found.above(places) | found.below(places)).any()


FALLING = [2.5 * math.exp(-n / 60) + 0.02 for n in range(400)]
LEVEL = [0.9 + 0.004 * math.sin(n) for n in range(400)]


def test_a_quantity_that_spans_decades_is_read_in_factors_and_another_is_not():
    assert axis(FALLING).is_log
    assert not axis([0.2, 0.5, 0.9]).is_log
    assert not axis([1.0, 0.1, -0.1, 0.01]).is_log
    assert not axis(FALLING, may_log=False).is_log


def test_one_step_far_out_leaves_the_axis_and_the_others_keep_their_height():
    for far in (1e6, 1e30, 1e308, -1e308):
        found = axis([*LEVEL, far])
        assert not reaches(found, far)
        assert reaches(found, *LEVEL)
        places = found.places(np.array(LEVEL))
        assert places.max() - places.min() > 0.3


def test_an_arm_that_runs_away_leaves_the_axis_to_the_others():
    """Whatever it does: all its values far out, or growing without end in the second half."""
    runs_away = [value if n < 200 else value * 10 ** ((n - 200) / 6) for n, value in enumerate(FALLING)]
    for odd in ([1e30 + n for n in range(400)], runs_away, [1e305] * 400):
        found = axis(FALLING, odd, FALLING)
        assert reaches(found, *FALLING)
        assert not reaches(found, max(odd))
        places = found.places(np.array(FALLING))
        assert places.max() - places.min() > 0.3


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([0.90, 0.901, 0.905] * 20, [0.50, 0.501, 0.505] * 20),  # two flat arms, far from one another for their noise
        ([0.9, 0.905] * 20, [0.1 + 0.02 * n for n in range(40)]),  # fine-tuned against from scratch
        ([0.005, 0.006] * 20, [0.9, 0.91] * 20),  # chance against a trained network
        ([3.0, 2.0, 1.0] * 10, [30.0, 20.0, 10.0] * 10),
        ([0.0] * 30, [0.5, 0.6] * 15),
        ([1e-3, 2e-3] * 20, [2.0, 3.0] * 20),
    ],
)
def test_how_far_two_arms_are_apart_is_never_cut_off(a, b):
    for found in (axis(a, b), axis(b, a), axis(a, b, may_log=False)):
        assert reaches(found, *a, *b)


def test_one_glitch_on_the_way_leaves_the_others_their_height_and_a_start_stays_on_the_axis():
    """A return of -9000 among 200,000 of -500 to 60 drew the learning as a flat line."""
    returns = np.linspace(-500.0, 60.0, 20_000) + np.random.default_rng(0).normal(0.0, 15.0, 20_000)
    glitch = np.where(np.arange(20_000) == 12_345, -9000.0, returns)
    start = np.where(np.arange(20_000) == 0, -9000.0, returns)

    cut, whole = (axis_of([[line]], may_log=False) for line in (glitch, start))

    assert (560 / (cut.top - cut.bottom) > 0.5) and cut.below(np.array([-9000.0])).all()
    assert whole.bottom < -9000


def test_extremes_that_cost_little_height_are_on_the_axis():
    """A loss that starts three times as high as it goes on; a spike of twice the range."""
    assert reaches(axis([3.0, 2.0, *[1.0 - n / 1000 for n in range(400)]]), 3.0)
    assert reaches(axis([*np.linspace(-1, 1, 300), 4.0]), 4.0)


def test_the_steep_start_of_a_loss_is_no_outlier():
    found = axis([7.0, 3.0, 1.0, *[0.1 - n / 10_000 for n in range(500)]])

    assert found.is_log
    assert reaches(found, 7.0, 0.05)


def test_what_is_not_above_zero_is_below_every_axis_of_factors():
    found = axis([*FALLING, 0.0])

    assert found.is_log
    assert list(found.below(np.array([0.0, -1.0, 0.03]))) == [True, True, False]
    assert list(found.places(np.array([0.0, -1.0]))) == [0.0, 0.0]


def places_of(found: Axis):
    return [place for place, _ in found.ticks()]


@settings(max_examples=150)
@given(st.lists(st.lists(FINITE, max_size=30), min_size=1, max_size=4), st.booleans())
def test_any_numbers_have_an_axis_with_ticks_and_no_complaint(arms, may_log):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = axis(*arms, may_log=may_log)
        places = found.places(np.array([value for arm in arms for value in arm], dtype=float))

        assert math.isfinite(found.bottom) and math.isfinite(found.top) and found.bottom < found.top
        assert ((places >= 0) & (places <= 1)).all()
        assert places_of(found) == sorted(places_of(found))
        assert all(-1e-9 <= place <= 1 + 1e-9 for place in places_of(found))
        assert len(places_of(found)) <= 12


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0.2, 0.9], ["0.2", "0.4", "0.6", "0.8"]),
        ([-3.0, 3.0], ["−2", "0", "2"]),
        ([27.9, 28.8], ["28.0", "28.2", "28.4", "28.6", "28.8"]),
        ([1e-3, 0.5, 10.0], ["0.001", "0.01", "0.1", "1", "10"]),
        ([5.0, 5.0], ["4.8", "4.9", "5.0", "5.1", "5.2"]),
        ([1e6, 3e6], ["1e6", "1.5e6", "2e6", "2.5e6", "3e6"]),
    ],
)
def test_ticks_are_round_numbers(values, labels):
    assert [label for _, label in axis(values).ticks()] == labels


@pytest.mark.parametrize("base", [0.0, 1e9, -3e12, 1e-300])
def test_no_two_ticks_of_an_axis_read_the_same(base):
    """The norm of the weights goes from 1e9 to 1e9 + 5: four ticks that all read 1e9 are none."""
    values = base + np.linspace(0.0, abs(base) * 1e-9 or 5.0, 50) * (1e9 if base == 1e-300 else 1.0)

    labels = [label for _, label in axis_of([[values]], may_log=False).ticks()]

    assert len(labels) >= 3
    assert len(set(labels)) == len(labels)


def test_ticks_stand_where_their_labels_say():
    found = axis([1.0, 9.0])

    for place, label in found.ticks():
        assert math.isclose(place, float(found.places(np.array([float(label)]))[0]))


def test_a_loss_scale_is_read_in_powers_of_two():
    found = Axis(bottom=math.log10(512), top=math.log10(100_000), is_log=True, in_twos=True)

    assert [label for _, label in found.ticks()] == ["1024", "4096", "16384", "65536"]


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0, 900, ["0", "200", "400", "600", "800"]),
        (0, 3, ["0", "1", "2", "3"]),
        (-4, 4, ["−4", "−2", "0", "2", "4"]),
        (0, 100_000, ["0", "20k", "40k", "60k", "80k", "100k"]),
        (0, 5_000_000, ["0", "1M", "2M", "3M", "4M", "5M"]),
        (10**30 % 2**62, 10**30 % 2**62 + 2, None),
        (-(2**62), 2**62, None),
    ],
)
def test_steps_are_whole_numbers_and_their_ticks_lie_on_the_axis(low, high, labels):
    found = step_ticks(low, high)

    assert labels is None or [label for _, label in found] == labels
    assert found
    assert all(0 <= place <= 1 for place, _ in found)


def test_unlike_numbers_of_a_column_are_written_apart_and_others_in_four_digits():
    def said(*values):
        digits = digits_of(values)
        return [compact(value, digits=digits) for value in values]

    assert said(1e9 + 1.5, 1e9 + 2.25) == ["1000000001.5", "1000000002.25"]
    assert said(0.1512345, 0.1612345, math.nan) == ["0.1512", "0.1612", "NaN"]
    assert said(2.0000001e-300, 2e-300)[0] != said(2.0000001e-300, 2e-300)[1]
    assert said(0.25, 0.25) == ["0.25", "0.25"]
