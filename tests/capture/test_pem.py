"""Private keys are found in time that grows with the text, and they are the ones that the plain pattern finds."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runaudit.capture import pem
from runaudit.capture.pem import keys_replaced

PLAIN = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----[^<>]{64,20000}?-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
    r"|-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?:[\s+\\n\"',-]*[A-Za-z0-9+/=]{16,})+"
)
"""What a key is, said in one pattern, which is slow."""
BEGIN, END = "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"
PIECES = (
    BEGIN, END, "-----BEGIN PRIVATE KEY BLOCK-----", "-----END PRIVATE KEY BLOCK-----", "BEGIN PRIVATE KEY-----",
    "END PRIVATE KEY-----", "-----", "\n", "<", ">", " ", "MIIEvQIBADANBgkqhkiG9w0B", "word", "a" * 15, "b" * 16, "=",
    "c" * 63, "-" * 64, "d " * 40, "\\n", '",\n"', "e" * 19_990, "f." * 9_995,
)  # fmt: skip


def by_the_plain_pattern(text):
    def put(match):
        alone = re.match(r"[A-Za-z0-9_-]", text[match.end() : match.end() + 1]) is None
        return f"[{len(match[0])} {alone}]"

    return PLAIN.sub(put, text)


@given(st.lists(st.sampled_from(PIECES), max_size=12))
def test_what_is_found_is_what_the_plain_pattern_finds(pieces):
    text = "".join(pieces)
    assert keys_replaced(text, lambda key, alone: f"[{len(key)} {alone}]") == by_the_plain_pattern(text)


@pytest.mark.parametrize("between", (63, 64, 65, 19_999, 20_000, 20_001))
def test_an_end_counts_as_near_as_the_plain_pattern_takes_it(between):
    for text in (f"{BEGIN}{'. ' * (between // 2)}{'.' * (between % 2)}{END}!", f"{BEGIN}{'x' * between}{END}y"):
        assert keys_replaced(text, lambda key, alone: f"[{len(key)} {alone}]") == by_the_plain_pattern(text)


def test_each_beginning_looks_at_its_own_letters_only(monkeypatch):
    looked = 0

    class Counted:
        """Counts the letters that are matched behind a beginning."""

        def match(self, text, at):
            nonlocal looked
            found = body.match(text, at)
            looked += (found.end() if found else at) - at
            return found

    body = pem._BODY
    monkeypatch.setattr(pem, "_BODY", Counted())
    text = f"{BEGIN}\nMIIEvQIBADANBgkqhkiG9w0B\n" * 2_000
    assert keys_replaced(text, lambda *_: "").strip() == ""
    assert looked <= len(text)
