"""Steps that were logged more than once are counted as steps, with how often they came."""

import pytest

from runaudit.records.points import Points
from runaudit.records.segments import columns_of, repeated_words


@pytest.mark.parametrize("of", [Points.of, tuple])
def test_what_came_eight_times_is_counted_once(of):
    points = of([(step, float(time)) for step in range(5) for time in range(8)] + [(9, 1.0)])

    found = columns_of(points)

    assert (found.again, found.duplicates, found.points) == ((5, 8, 8), 35, 6)


def test_how_often_is_said_in_words():
    assert repeated_words(2, 2) == "twice"
    assert repeated_words(8, 8) == "8 times each"
    assert repeated_words(2, 8) == "2 to 8 times each"
