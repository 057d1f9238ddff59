"""How a value is said."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runaudit.report.words import clean, compact, digest, metric, number, sentence, shown, true_minus, value_text
from runaudit.text.markdown import escaped
from runaudit.text.terminal import printable
from runaudit.text.words import listed


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.304, "+0.30"), (-0.304, "−0.30"), (-0.001, "0.00"), (math.nan, "NaN"), (-math.inf, "−∞"), (None, "no number")],
)
def test_a_signed_number_says_its_sign_and_a_missing_one_says_so(value, said):
    assert number(value, signed=True) == said


@given(st.text())
def test_no_cleaned_text_holds_a_character_that_acts_instead_of_showing(text):
    """Direction marks turn a line round, controls end a string, private use shows what a font likes."""
    import unicodedata

    assert all(unicodedata.category(character)[0] != "C" or character == "\u0378" for character in clean(text) if
               unicodedata.category(character) != "Cn")  # fmt: skip


def test_a_reversed_name_is_written_out():
    assert clean("safe\u202egnp.exe") == "safe\\u202egnp.exe"


@given(st.text(min_size=1, max_size=400), st.integers(12, 100))
def test_a_long_text_is_cut_and_kept_whole_beside_the_cut(text, limit):
    said = shown(text, limit)

    assert len(said.short) <= limit
    assert said.full == clean(text)


def test_digests_are_shown_short_and_kept_whole():
    whole = f"sha256:{'ab' * 32}"

    assert digest(whole).short == "sha256:abababababab…"
    assert digest(whole).full == whole


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (65536.0, "65\u202f536"),
        (6.6e-24, "6.6e−24"),
        (0.031234, "0.03123"),
        (math.inf, "∞"),
        (-2.0, "−2"),
        (3e9, "3e9"),
    ],
)
def test_numbers_of_any_size_stay_short(value, said):
    assert compact(value) == said


def test_metrics_are_told_in_words_with_their_unit():
    camera = metric("full_frame/psnr/camera")

    assert (camera.words, camera.unit, camera.sequence) == ("full-frame PSNR on camera", "dB", "camera")
    assert camera.amount(-0.35, signed=True) == "−0.35\N{NO-BREAK SPACE}dB"
    assert metric("val/psnr").words == "validation PSNR"
    assert metric("time/step_s").unit == "s"


def test_lists_read_as_sentences():
    assert [listed(["a", "b", "c"][:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]


def test_values_of_a_record_are_told_as_json_and_none_as_none():
    assert value_text({"b": [1, math.nan], "a": True}).full == '{"a": true, "b": [1, "nan"]}'
    assert value_text(None).full == "none"


@pytest.mark.parametrize("letter", [*"\x1b\x85\xad\u115f\u1160\u200b\u2028\u202e\u2800\u3164\ufe0f\uffa0\ufeff",
                                    "\U000e0001", "\U000e0041", "\U000e0100", "\ue000", "\ud800"])  # fmt: skip
def test_what_nobody_sees_is_written_out_in_the_same_way_on_page_terminal_and_in_markdown(letter):
    name = f"a{letter}b"

    assert clean(name) == printable(name) != name
    assert escaped(name) == printable(name).replace("\\", "\\\\")


def test_a_number_of_the_judges_has_the_pages_minus_and_a_name_keeps_its_hyphen():
    said = "resnet-50 is -3.16 lower (95 % CI [-4, -2.5] to -2; x=-1, 3-4, layer.-2)"

    assert true_minus(said) == "resnet-50 is −3.16 lower (95 % CI [−4, −2.5] to −2; x=-1, 3-4, layer.-2)"


def test_a_power_of_ten_is_written_in_one_way_on_the_page_and_a_name_keeps_its_own():
    assert true_minus("a is 3.17e-09 (-2e+20), run5e-05 1.5e-05x") == "a is 3.17e−9 (−2e20), run5e-05 1.5e−5x"
    assert (compact(3.17e-9), number(5.62e-6, 8)) == ("3.17e−9", "5.62e−6")


def test_a_note_of_ours_begins_as_a_sentence_and_a_name_stays_as_it_is():
    assert sentence("no record says what computes the metric") == "No record says what computes the metric."
    assert sentence("fast G: two runs repeat one another.") == "fast G: two runs repeat one another."
    assert sentence("one-shot differs") == "one-shot differs."
