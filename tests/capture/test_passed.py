"""Long texts are read as short ones are, and each part of them once."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runaudit.capture import governed as reader
from runaudit.capture.redact import Redactor

NAMES = st.sampled_from(
    ["lr", "model", "a b", "path", "pat", "key", "value", "default", "text", "name", "x.key", "num_tokens", "tokens",
     "api_key", "password", "db_pass", "my secret", "access", "credentials", "--token", "apiKey", "login"]
)  # fmt: skip
LEAVES = st.one_of(
    st.integers(-5, 10**9),
    st.sampled_from([0.5, 1e-9, None, True, "swordfish7", "qX7rT2mN9bV4cZ1k", "a b c1", "data/x.png", "h\n\\x", ""]),
    NAMES,
)
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(NAMES, inner, max_size=5), max_leaves=40
)


def found(text, long, monkeypatch):
    """What is replaced where a text of more than `long` characters has members passed by."""
    monkeypatch.setattr(reader, "LONG", long)
    told = []
    return reader.governed(text, lambda value, name: told.append((value, name)) or "*"), told


@settings(max_examples=100, deadline=None)
@given(st.lists(TREES, max_size=4), st.sampled_from([(",", ":"), (", ", ": ")]), st.booleans())
def test_json_whose_members_are_passed_by_holds_the_same_secrets(trees, signs, plain):
    text = json.dumps({"password": "swordfish7", "rest": trees}, separators=signs, ensure_ascii=plain)
    with pytest.MonkeyPatch.context() as patched:
        assert found(text, 0, patched) == found(text, len(text), patched)


def test_one_secret_is_found_in_a_line_of_a_megabyte():
    rows = [{"id": number, "size": [number, 0.5], "file": f"{number:06d}.png"} for number in range(18_000)]
    rows[9_000]["db_password"] = "correct horse"
    text = json.dumps(rows, separators=(",", ":"))
    clean, is_redacted = Redactor(b"k" * 32).data(text.encode(), "rows.json")
    assert is_redacted and b"correct horse" not in clean
    rows[9_000].pop("db_password")
    assert json.loads(clean)[9_000].pop("db_password").startswith("<redacted:")
    assert json.loads(clean)[9_001:] == rows[9_001:]


TEDIOUS = ["a.", "a-", "login( ", "api_key:  ", "pass", "://a", "%4", "a+", "\\u0041", '\\"', " ", "a"]


@pytest.mark.parametrize("unit", TEDIOUS)
def test_a_long_text_of_one_sign_is_read_to_its_end(unit):
    """A pattern that is tried from each place on to the end takes minutes for it."""
    text = f'password value key login( api_key: % :// \\u0041 "{unit * (60_000 // len(unit))}'
    assert Redactor(b"k" * 32).data(text.encode(), "x.json") == (text.encode(), False)
