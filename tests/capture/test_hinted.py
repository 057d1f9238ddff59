"""A slow pattern that is tried only where a word stands finds what it finds when it is tried at every place."""

from hypothesis import given
from hypothesis import strategies as st

from runaudit.capture.assigned import _ASSIGNED, _BEGINS
from runaudit.capture.hinted import on_lines, sub_at, sub_in_names
from runaudit.capture.placed import _NAMED, _NESTED

PIECES = (
    "api_key", "my.Secret", "SECRET", "x_token", "_token", "password", "pass", "apikey", "secretsecret", "value", '"',
    "'", ":", "=", " ", "\n", "\t", "{", ",", ".", "-", "..", "é", "İ", "hunter22", "s3cr3t99", "desc: word\n ", "/",
    ' "api_key": {\n  "value": "abcd1234",', "x-secret:\n  value: q1w2e3r4", "token = 'abcd1234efgh'", "w" * 70,
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


def shown(match):
    return f"<{match.start() - match.end()} {match['value']}>"


@given(TEXTS)
def test_a_name_that_holds_a_word_is_where_the_pattern_begins(text):
    assert sub_in_names(_NESTED, shown, _NAMED, text) == _NESTED.sub(shown, text)


@given(TEXTS)
def test_a_word_is_where_the_pattern_begins(text):
    assert sub_at(_ASSIGNED, shown, _BEGINS, text) == _ASSIGNED.sub(shown, text)


@given(TEXTS, st.lists(st.sampled_from(("secret", "value", "=", "token")), max_size=3, unique=True))
def test_the_lines_of_a_hint_are_those_that_hold_it(text, hints):
    found = on_lines(text, hints, lambda part: "\n".join(f"[{line}]" for line in part.split("\n")))
    told = ("[{}]" if any(hint in line for hint in hints) else "{}" for line in text.split("\n"))
    assert found == "\n".join(form.format(line) for form, line in zip(told, text.split("\n"), strict=True))
