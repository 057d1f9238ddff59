"""One canonical form: what is equal has one digest, what differs has another, and nothing is lost on the way."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runaudit.errors import CanonicalError, RecordError
from runaudit.records.canonical import canonical_bytes, canonical_equal, parse_canonical, parse_strict

scalars = (
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**80), max_value=2**80)
    | st.floats(allow_nan=True, allow_infinity=True)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
)
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=("Cs",)), max_size=6) | st.just("$int"), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(trees)
def test_what_is_sealed_comes_back(tree):
    """`canonical_bytes(parse(canonical_bytes(x))) == canonical_bytes(x)`: sealing twice changes nothing."""
    raw = canonical_bytes(tree)
    assert canonical_bytes(parse_canonical(raw, where="test")) == raw


@given(st.dictionaries(st.text(st.characters(exclude_categories=("Cs",)), max_size=6), st.integers(), max_size=6))
def test_key_order_does_not_matter(mapping):
    assert canonical_bytes(dict(reversed(list(mapping.items())))) == canonical_bytes(mapping)


@pytest.mark.parametrize(
    ("a", "b"),
    [(30, 30.0), (1e-4, 0.0001), (-0.0, 0), ([1, 2], (1, 2)), (math.nan, math.nan), ({"a": 1}, {"a": 1.0})],
)
def test_equal_values_have_one_form(a, b):
    assert canonical_equal(a, b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (True, 1),
        (False, 0),
        ("1e-4", 1e-4),
        (None, "null"),
        ({}, []),
        ({"a": None}, {}),
        (math.inf, -math.inf),
        (math.nan, "nan"),
        (2**64, str(2**64)),
        ({"$int": "5"}, 5),
        ({"$float": "nan"}, math.nan),
    ],
)
def test_different_values_have_different_forms(a, b):
    assert not canonical_equal(a, b)


def test_the_published_vector_of_rfc_8785_is_met():
    """The number and key-order example of RFC 8785, section 3.2.2 and 3.2.3."""
    source = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": '\u20ac$\u000f\nA\'B"\\\\"/',
        "literals": [None, True, False],
    }
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical_bytes(source).decode() == expected


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({1: "a"}, "key 1"),
        ({"a": {"b": object()}}, "value.a.b is an object of the type object"),
        ({"a": "\ud800"}, "lone surrogate"),
        ([{1, 2}], "value[0] is a set"),
    ],
)
def test_what_has_no_canonical_form_is_refused_with_its_place(value, words):
    with pytest.raises(CanonicalError) as caught:
        canonical_bytes(value)
    assert words in str(caught.value)
    assert caught.value.remedy


def test_a_value_that_contains_itself_is_refused():
    loop: dict = {}
    loop["self"] = loop
    with pytest.raises(CanonicalError, match="nested deeper"):
        canonical_bytes(loop)


def test_a_key_written_twice_is_refused():
    """Python's json keeps the last one silently; a record that says two things says nothing."""
    with pytest.raises(RecordError, match="'lr' twice"):
        parse_strict('{"config": {"lr": 1, "lr": 2}}', where="run.json")


def test_nan_and_infinity_are_read_as_python_writes_them():
    value = parse_strict(json.dumps({"a": math.nan, "b": math.inf}), where="run.json")
    assert math.isnan(value["a"])
    assert value["b"] == math.inf


@pytest.mark.parametrize(
    ("raw", "words"), [(b"{", "not JSON"), (b"\xff", "not UTF-8"), (b"[" * 100_000, "nested too deeply")]
)
def test_a_malformed_file_is_one_clear_line(raw, words):
    with pytest.raises(RecordError) as caught:
        parse_strict(raw, where="run.json")
    assert words in caught.value.message
    assert "run.json" in caught.value.message
    assert "\n" not in str(caught.value)


def test_json_that_begins_with_a_mark_of_its_encoding_is_json():
    assert parse_strict(b'\xef\xbb\xbf{"a": 1}', where="file") == {"a": 1}
