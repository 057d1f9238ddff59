"""Labels that read alike are one name."""

import pytest

from runaudit.text.likeness import skeleton, told_apart

TWINS = [
    ("caf\u00e9", "cafe\u0301"), ("slow arm", "sl\u043ew arm"), ("slow arm", "slow  arm"),
    ("slow arm", "slow\u200b arm"), ("slow arm", "Slow Arm"), ("slow arm", "slow\u00a0arm"),
    ("slow arm", " slow arm\n"), ("Max", "\u039cax"), ("fi", "\ufb01"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "two"), TWINS)
def test_labels_that_read_alike_have_one_skeleton_and_are_shown_apart(one, two):
    assert skeleton(one) == skeleton(two)
    assert told_apart(one, two) != told_apart(two, one)


@pytest.mark.parametrize(("one", "two"), [("lr 1", "lr 11"), ("caf\u00e9", "cafe"), ("a b", "ab"), ("\u00df1", "s1")])
def test_labels_that_read_differently_stay_two(one, two):
    assert skeleton(one) != skeleton(two) and told_apart(one, two) == one
