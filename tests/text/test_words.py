"""Lists and verdicts within a sentence: seeds by size, and no verdict that is not what a comparison is."""

import pytest

from runaudit.factors.tree import keyed
from runaudit.text.verdicts import VERDICTS, comparison_clause
from runaudit.text.words import both_levels, in_order, level


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["0", "2", "1"], ["0", "1", "2"]),
        (["10", "9 (twice)", "-1"], ["-1", "9 (twice)", "10"]),
        (["b", "1", "a"], ["b", "1", "a"]),  # Names keep the order in which they stand.
        (["2.5", "1"], ["2.5", "1"]),
        (["1f", "0"], ["1f", "0"]),
        ([], []),
    ],
)
def test_numbers_are_listed_by_size_and_names_as_they_stand(names, expected):
    assert in_order(names) == expected


def test_a_comparison_is_said_to_be_only_what_a_comparison_can_be():
    said = {verdict: comparison_clause(verdict, "of these runs ") for verdict in VERDICTS["diff"]}

    assert said["confounded"] == "the comparison of these runs is confounded"
    assert said["integrity_failure"] == "a record of these runs does not match its digest"
    assert all(is_said.startswith("the comparison ") == (verdict in ("confounded", "incomparable"))
               for verdict, is_said in said.items())  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (0.1, 0.2, ("0.1", "0.2")),
        (0.1, 0.10000000149011612, ("0.1", "0.1000000015")),
        (1.0, 1.0000000000000002, ("1", "1.0000000000000002")),
        ([0.1, 1], [0.10000000149011612, 1], ("[0.1, 1]", "[0.1000000015, 1]")),
        ("a", "b", ("a", "b")),
    ],
)
def test_two_numbers_are_written_with_as_many_digits_as_tell_them_apart(before, after, expected):
    assert both_levels(before, after) == expected


FOLDER = "/home/ada/experiments/of/the/second/year/with/a/long/name/outputs"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"{FOLDER}/2026-01-31/model.pt", f"{FOLDER}/2026-02-01/model.pt"),
        (f"{FOLDER}/a b/model.pt", f"{FOLDER}/a c/model.pt"),
        (FOLDER, f"{FOLDER}/last"),
        ([0.5] * 40 + [1], [0.5] * 40 + [2]),
        ({"lr": FOLDER, "b": 1}, {"lr": FOLDER, "b": 2}),
        ({"place": f"{FOLDER}/1/a"}, {"place": f"{FOLDER}/2/a"}),
        ("x" * 58 + "1", "x" * 58 + "2"),
        ("x" * 50 + "1" + "x" * 90, "x" * 50 + "2" + "x" * 90),
    ],
    ids=[
        "a folder",
        "quoted",
        "longer",
        "a list",
        "a table",
        "within a table",
        "whole",
        "near the end of what is shown",
    ],
)
def test_of_two_long_levels_the_place_at_which_they_part_is_shown(before, after):
    shown = both_levels(before, after)

    assert shown[0] != shown[1] and max(map(len, shown)) <= 60
    assert both_levels(after, before) == shown[::-1]


def test_levels_that_part_early_are_shown_from_their_beginning():
    assert both_levels("a" + FOLDER, "b" + FOLDER) == (level("a" + FOLDER), level("b" + FOLDER))


@pytest.mark.parametrize(
    "rows",
    [[{"name": "flip", "p": 0.3}, {"name": "crop"}], [{"p": 0.3}, {"q": [1]}], [{"p": n} for n in range(12)]],
    ids=len,
)
def test_a_list_that_is_compared_as_a_table_is_written_as_the_list_it_was(rows):
    assert level(keyed(rows)) == level(rows)
