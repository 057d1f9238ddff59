"""What the reader sees: the verdict first, then the numbers it rests on."""

from runaudit.stats.answer import exit_code
from runaudit.stats.digits import decimals, show, show_p, show_spread
from runaudit.stats.values import UNKNOWN_DESIGN
from runaudit.stats.words import markdown_lines, text_lines

NEW = (31.20, 31.25, 31.31)
OLD = (30.10, 30.20, 30.40)

EXPECTED = """\
Improved: new is better than old: psnr is 1.02 higher (95 % CI 0.69 to 1.35, Welch t p = 0.004, \
3 against 3 seeds). Only config.lr differs.

arm  n    psnr     sd           95 % CI
new  3  31.253  0.055  31.117 to 31.390
old  3  30.233  0.153  29.854 to 30.613

new against old
  difference                     1.02 (95 % CI 0.69 to 1.35, Welch t, p = 0.004)
  minimum detectable difference  0.47 (80 % power)
  size                           Hedges g 7.09; a run of new beats one of old in 100 % of pairs

Notes
- 3 + 3 seeds: a permutation test cannot go below p = 0.1; the t test assumes normality (new against old).
- The spread itself is barely known: at 3 seeds the true sd may be 0.52 to 6.3 times the one shown.
"""


def test_the_text_reads_aloud(arm, judged):
    proven = (True,) * 3

    lines = text_lines(judged(arm("new", *NEW, proven=proven), arm("old", *OLD, proven=proven)))

    assert "".join(f"{line}\n" for line in lines) == EXPECTED


def test_markdown_opens_with_the_verdict_and_holds_the_same_table(arm, judged):
    lines = "\n".join(markdown_lines(judged(arm("new", *NEW), arm("old", *OLD)))).splitlines()

    assert lines[0].startswith("**Improved**: new is better than old")
    assert any(line.startswith("- difference: 1.02 (95 % CI 0.69 to 1.35") for line in lines)
    assert "| new | 3 | 31.253 | 0.055 | 31.117 to 31.390 |" in lines


def test_a_label_can_be_neither_markup_nor_an_escape_sequence(arm, judged):
    answer = judged(arm("a|<b>*\x1b[31m", *NEW), arm("old", *OLD))

    assert "\x1b" not in "\n".join(text_lines(answer))
    assert "\x1b" not in "\n".join(markdown_lines(answer))
    assert "a\\|&lt;b&gt;\\*" in "\n".join(markdown_lines(answer))


def test_two_values_are_shown_as_values(arm, judged):
    text = "\n".join(text_lines(judged(arm("new", 31.2, 31.25), arm("old", *OLD), design=UNKNOWN_DESIGN)))

    assert text.startswith("Too few seeds: 2 usable seeds in new and 3 in old")
    assert "31.200, 31.250" in text
    assert "not tested" in text


def test_each_of_several_comparisons_carries_its_verdict(arm, judged):
    text = "\n".join(text_lines(judged(arm("new", *NEW), arm("other", 30.0, 30.2, 30.45), arm("old", *OLD))))

    assert "new against old: improved" in text
    assert "other against old: inconclusive" in text


def test_the_headline_says_what_each_arm_did_where_they_differ(arm, judged):
    """One better and one worse are no doubt; the verdict of the family, and what it ends with, stay the strictest."""
    arms = (arm("new", *NEW), arm("bad: act", *(v - 2 for v in OLD)), arm("same", 30.0, 30.2, 30.45), arm("old", *OLD))
    answer = judged(*arms)

    assert answer.headline.startswith("Improved (new), worse (bad: act), inconclusive (same): new is better than old")
    assert (answer.to_json()["verdict"], exit_code(answer)) == ("inconclusive", 1)
    assert next(markdown_lines(answer)).startswith("**Improved (new), worse (bad: act), inconclusive (same)**: new is")


def test_the_headline_names_no_arm_where_all_did_the_same(arm, judged):
    answer = judged(arm("new", *NEW), arm("newer", *(v + 1 for v in NEW)), arm("old", *OLD))

    assert answer.headline.startswith("Improved: new is better than old")


def test_a_family_that_costs_a_claim_says_so(arm, judged):
    answer = judged(arm("new", 30.4, 30.5, 30.65), arm("other", 30.0, 30.2, 30.4), arm("old", 30.1, 30.25, 30.3))

    assert "but no longer once 2 comparisons are allowed for" in answer.comparisons[0].reason


def test_digits_follow_the_spread():
    assert show(31.25333, decimals(0.055)) == "31.253"
    assert show(31.25333, decimals(2.3)) == "31.3"
    assert show(-0.0001, 2) == "0.00"
    assert show(1e-7, decimals(None)) == "1e-07"
    assert show(None) == "–"


def test_a_mean_and_its_spread_have_the_digits_that_the_spread_is_worth():
    assert show_spread(29.951, 0.2) == "29.95 ± 0.20"
    assert show_spread(0.0984375, 0.003) == "0.0984 ± 0.0030"
    assert show_spread(31253.4, 153.0) == "31253 ± 153"
    assert show_spread(1.23456e-12, 3.1e-14) == "1.235e-12 ± 3.1e-14"
    assert show_spread(0.21957830265491304, 3.4e-17) == "0.21958 ± 3.4e-17"
    assert show_spread(1.5e300, 2e299) == "1.5e+300 ± 2e+299"
    assert (show_spread(30.0, 0.0), show_spread(30.123456, None)) == ("30 ± 0", "30.123")
    assert show_spread(1.5e308, float("inf")) == "1.5e+308 ± inf"


def test_p_is_never_printed_as_zero():
    assert show_p(1e-300) == "< 0.001"
    assert show_p(0.049) == "= 0.049"
