"""Markdown in which every name stays a name."""

import json

import pytest

from runaudit.text.markdown import bullets, code, escaped, fenced, spoken, table, typed
from runaudit.text.terminal import BOLD, RED, Paint, harmless, printable, printable_json
from runaudit.text.verdicts import CANNOT_JUDGE, VERDICTS, Tone, verdict_words
from runaudit.text.words import columns, level, listed, plural


@pytest.mark.parametrize("mark", list("\\`*_[]|~$#"))
def test_a_mark_is_a_letter(mark):
    assert escaped(f"a{mark}b") == f"a\\{mark}b"


def test_nobody_is_called_and_no_issue_is_named():
    assert escaped("@octocat fixes #12 of a@b, x/y#3") == (
        "@<!-- -->octocat fixes #<!-- -->12 of a@<!-- -->b, x/y#<!-- -->3"
    )
    assert spoken("@octocat fixes #12") == "@octocat fixes #12"  # The words of a picture call nobody.
    assert escaped("a @ b # c #d") == "a @ b \\# c \\#d"
    assert code("@octocat #12") == "`@octocat #12`"  # in code nothing is looked for


def test_tags_and_entities_are_text():
    assert escaped("<img src=x>&amp;") == "&lt;img src=x&gt;&amp;amp;"


def test_a_line_ends_where_it_is_told_to():
    assert escaped("a\nb\x1b[31m") == "a\\\\x0ab\\\\x1b\\[31m"
    assert "\n" not in "".join(bullets(["a\n# b"]))


def test_no_text_ends_its_own_code():
    assert code("a`b``c") == "```a`b``c```"
    assert code("`") == "`` ` ``"
    assert code("a|b") == "`a|b`"
    first, *_, last = fenced(["a", "````", "b"])
    assert first == last == "`````"


@pytest.mark.parametrize("command", ["run --label 'a <b> | c'", "x ``` <y>", "plain --seed 1"])
def test_a_command_is_copied_from_the_text_as_it_is_typed(command):
    lines = list(typed("- fix: ", command))
    assert any(command == line.strip().removeprefix("- fix: ").strip("`") for line in lines)
    if "<" in command:
        opened, closed = (line.strip() for line in (lines[2], lines[-1]))
        assert opened == f"{closed}sh" and set(closed) == {"`"} and closed not in command


def test_every_row_of_a_table_has_its_cells():
    lines = list(table(("a", "n"), [("x|y", 1), ("z\n", None)], right=1))

    assert lines == ["| a | n |", "| --- | ---: |", "| x\\|y | 1 |", "| z\\\\x0a | None |"]


def test_nothing_but_our_own_colours_reaches_a_terminal():
    ours = Paint(True)("label \x1b]0;owned\x07", BOLD + RED)

    assert harmless(ours, Paint(True)) == f"{BOLD}{RED}label \\x1b]0;owned\\x07\x1b[0m"
    assert "\x1b" not in harmless(ours)


def test_a_letter_nobody_sees_is_named():
    assert printable("a\u202eb\u200b\u3164\udc80\U000e0041") == "a\\u202eb\\u200b\\u3164\\udc80\\U000e0041"


def test_json_says_the_same_with_its_own_escapes():
    said = {"a\u202e": "\x7f\x85\U000e0041\u00fc"}
    shown = printable_json(json.dumps(said, ensure_ascii=False))

    assert "\u202e" not in shown and "\u00fc" in shown
    assert json.loads(shown) == said == json.loads(printable_json(shown, only_ascii=True))


def test_what_could_be_a_tag_is_no_code():
    assert code("`<b>") == "\\`&lt;b&gt;"


def test_spaces_of_other_scripts_are_spaces():
    assert printable("3\N{NO-BREAK SPACE}dB\u3000") == "3\N{NO-BREAK SPACE}dB\u3000"


def test_lists_and_counts_read_as_sentences():
    assert [listed(["a", "b", "c"][:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert listed("abcdefghij") == "a, b, c, d, e, f, g, h and 2 more"
    assert [plural(n, "seed") for n in (0, 1, 2)] == ["0 seeds", "1 seed", "2 seeds"]


@pytest.mark.parametrize(
    ("value", "text"),
    [("relu", "relu"), ("1e-3", "'1e-3'"), ("none", "'none'"), ("two words", "'two words'"), ("", "''"),
     (1e-3, "0.001"), (True, "true"), (None, "null"), (float("nan"), "nan"), ([1, "a"], "[1, a]"),
     ("sha256:" + "a" * 64, "sha256:aaaaaaaaaaaa…"), ("b" * 40, "bbbbbbbbbbbb…"), ("x" * 99, "x" * 59 + "…")],
)  # fmt: skip
def test_a_level_is_short_and_is_never_read_as_something_else(value, text):
    assert level(value) == text


def test_figures_stand_under_each_other():
    assert list(columns([["arm", "n"], ["a", "10"]], left=1)) == ["arm   n", "a    10"]


def test_a_verdict_nobody_knows_is_never_a_pass():
    found = verdict_words("diff", "splendid")

    assert (found.tone, found.code) == (Tone.BAD, CANNOT_JUDGE)


@pytest.mark.parametrize(
    "row", [row for rows in VERDICTS.values() for row in rows.values()], ids=lambda row: row.heading
)
def test_what_is_good_passes_and_what_is_bad_does_not(row):
    assert (row.code == 0) is (row.tone is Tone.GOOD)
    assert row.meaning.endswith(".")
