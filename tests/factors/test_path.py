"""Dotted paths: every key can be written and found again, and no two leaves share a path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runaudit.factors.path import joined, lookup, matches, steps

keys = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=6)


@given(keys, keys)
def test_a_key_survives_its_path(a, b):
    assert steps(joined(joined("config", a), b)) == ("config", a, b)
    assert lookup({"config": {a: {b: 7}}}, joined(joined("config", a), b)) == 7


@given(keys, keys)
def test_two_keys_never_share_a_path(a, b):
    assert (joined("c", a) == joined("c", b)) == (a == b)


@pytest.mark.parametrize(
    ("path", "pattern", "covered"),
    [
        ("config.lr", "config.lr", True),
        ("config.lr", "config", True),
        ("config.lr_min", "config.lr", False),
        ("config.stages[sr].lr", "config.stages", True),
        ("config.stages[sr].lr", "config.stages[*].lr", True),
        ("config.model.width", "config.*.width", True),
        ("code.src/train.py", "code.src", True),
        ("code.src/train.py", "code.*.py", True),
        ("config.lr", "config.[lr]", False),
    ],
)
def test_a_declared_path_covers_itself_and_what_lies_below(path, pattern, covered):
    assert matches(path, pattern) is covered
