"""A changed list is told by what changed in it, matched by content."""

import pytest

from runaudit.diff.lists import MAX_ELEMENTS, list_summary

SCENES = [f"scene{number:02d}" for number in range(12)]


def test_one_insertion_is_one_insertion():
    """Position by position, everything after the insertion would look changed."""
    told = list_summary(SCENES, [*SCENES[:3], "new", *SCENES[3:]])
    assert told is not None
    assert told.startswith("12 → 13 elements: 1 added ([3] 'new')")
    assert "changed" not in told


def test_one_change_names_its_place_and_both_values():
    told = list_summary(list(range(8)), [0, 1, 2, 30, 4, 5, 6, 7])
    assert told == "8 → 8 elements: 1 changed ([3] 3 → 30)"


def test_values_are_equal_as_the_digest_sees_them():
    """1 and 1.0 are one number, so only the last element changed."""
    told = list_summary([1, 2, 3, 4, 5, 6], [1.0, 2.0, 3.0, 4.0, 5.0, 7.0])
    assert told is not None
    assert "1 changed ([5] 6 → 7)" in told


def test_a_type_that_matters_is_a_change():
    told = list_summary([1, 2, 3, 4, 5, 6], [True, 2, 3, 4, 5, 6])
    assert told is not None
    assert "1 changed" in told


@pytest.mark.parametrize(("a", "b"), [([1, 2], [1, 3]), ("abcdefg", "abcdefh"), ({"a": 1}, {"a": 2})])
def test_what_is_short_or_no_list_is_shown_whole(a, b):
    assert list_summary(a, b) is None


def test_a_huge_list_is_told_by_its_length():
    assert list_summary(list(range(MAX_ELEMENTS + 1)), [0]) == f"{MAX_ELEMENTS + 1} → 1 elements"
