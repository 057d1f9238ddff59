"""What a text says is understood in one way or not at all."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runaudit.claims.claim import Kind, Source
from runaudit.claims.number import numbers, tolerance
from runaudit.claims.reading import read
from runaudit.claims.vocabulary import Vocabulary
from runaudit.errors import UsageError

PSNR = "full_frame/psnr"
WORDS = Vocabulary(
    arms=("flow staged", "TERN staged", "flow"),
    metrics=(PSNR, "full_frame/ssim", "tile/psnr", "val/loss", "full_frame/registration_error_px"),
    sequences=((PSNR, "camera"), (PSNR, "ihc")),
    preferred=(PSNR,),
)


def understood(text, **options):
    """(metric, arm, baseline, value) of every claim."""
    return [(c.metric, c.arm, c.baseline, c.value) for c in read(text, WORDS, **options).claims]


def reasons(text):
    reading = read(text, WORDS)
    assert not reading.claims
    return [row.reason for row in reading.unread]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("flow staged reaches 30.1 dB.", (PSNR, "flow staged", None, 30.1)),
        ("We get a PSNR of 30.1 dB for Flow Staged.", (PSNR, "flow staged", None, 30.1)),
        ("`flow` scores **0.912** on full_frame/ssim.", ("full_frame/ssim", "flow", None, 0.912)),
        ("On camera flow reaches 30.1 dB.", (f"{PSNR}/camera", "flow", None, 30.1)),
        ("flow reaches 30.1 dB on Camera.", (f"{PSNR}/camera", "flow", None, 30.1)),
        ("flow improves on TERN staged by 0.9 dB.", (PSNR, "flow", "TERN staged", 0.9)),
        ("The tile/psnr of flow is 30.1 dB.", ("tile/psnr", "flow", None, 30.1)),
        ("flow has a registration: full_frame/registration_error_px is 0.06 px.",
         ("full_frame/registration_error_px", "flow", None, 0.06)),
        ("flow staged reaches 30.1 ± 0.2 dB (3 seeds).", (PSNR, "flow staged", None, 30.1)),
        ("flow staged improves full_frame/psnr by 0.9 dB over TERN staged.", (PSNR, "flow staged", "TERN staged", 0.9)),
        ("flow staged outperforms TERN staged by 0.9 dB PSNR.", (PSNR, "flow staged", "TERN staged", 0.9)),
        ("Compared to TERN staged, flow staged gains 0.9 dB.", (PSNR, "flow staged", "TERN staged", 0.9)),
        ("TERN staged is 0.9 dB below flow staged.", (PSNR, "TERN staged", "flow staged", -0.9)),
        ("flow staged: −0.3 dB PSNR vs. TERN staged.", (PSNR, "flow staged", "TERN staged", -0.3)),
        ("flow improves val/loss by 0.02 over flow staged.", ("val/loss", "flow", "flow staged", -0.02)),
        ("The gain of flow staged over TERN staged is 0.9 dB\n(p = 0.004).", (PSNR, "flow staged", "TERN staged", 0.9)),
        ("flow staged gains 0.9 dB over TERN staged (95 % CI 0.7 to 1.1).", (PSNR, "flow staged", "TERN staged", 0.9)),
    ],
)  # fmt: skip
def test_sentences_that_people_write_are_understood(text, expected):
    assert understood(text) == [expected]


def test_two_arms_with_a_number_each_are_two_values():
    assert understood("TERN staged reaches 29.2 dB and flow staged 30.1 dB with 3 seeds.") == [
        (PSNR, "TERN staged", None, 29.2),
        (PSNR, "flow staged", None, 30.1),
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("flow staged does not improve on TERN staged by 0.3 dB.", "hedged or negated ('not')"),
        ("flow staged should reach 31 dB.", "hedged or negated ('should')"),
        ("These seeds would detect 0.5 dB for flow.", "hedged or negated"),
        ("flow staged reaches about 30.1 dB.", "rough figure"),
        ("flow staged gains up to 0.9 dB over TERN staged.", "rough figure"),
        ("flow staged gains 3 % PSNR over TERN staged.", "relative or absolute"),
        ("flow staged gains 0.9 dB.", "needs two arms"),
        ("flow staged reaches +0.9 dB.", "plus sign"),
        ("flow staged improves PSNR over TERN staged from 29.2 to 30.1 dB.", "range"),
        ("flow staged and TERN staged differ by 0.9 dB PSNR.", "which arm is the baseline"),
        ("flow staged is higher and TERN staged lower than ever: 0.9 dB against it.", "which arm is the baseline"),
        ("flow staged is 0.9 dB higher or lower than TERN staged.", "both an increase and a decrease"),
        ("The best network reaches 30.1 dB.", "no recorded arm"),
        ("flow reaches 30.1.", "no recorded metric"),
        ("flow reaches a PSNR of 30.1 dB and SSIM of 0.9.", "several metrics"),
        ("On camera and ihc flow reaches 30.1 dB.", "several sequences"),
        ("flow reaches 30.1 dB full_frame/ssim.", "not measured in dB"),
        ("flow reaches 30-31 dB.", "range"),
        ("29.2 dB versus 30.1 dB for flow staged over TERN staged.", "which number belongs"),
        ("flow reaches 30,1 dB.", "a comma"),
        ("flow reaches 30.1 dB on Set5.", "'Set5' is none of the recorded sequences"),
    ],
)
def test_what_can_be_read_in_two_ways_is_not_read(text, why):
    found = reasons(text)

    assert found and all(why in reason for reason in found), found


def test_a_short_name_that_fits_several_metrics_is_refused_unless_the_records_prefer_one():
    words = Vocabulary(arms=("flow",), metrics=(PSNR, "tile/psnr"))

    assert "could be full_frame/psnr or tile/psnr" in read("flow reaches 30.1 dB.", words).unread[0].reason
    assert read("flow reaches 30.1 dB.", words, default="tile/psnr").claims[0].metric == "tile/psnr"


@pytest.mark.parametrize(
    "text",
    [
        "Version 1.2.3 of 2026-03-04 needs Python 3.11 and 16 GB.",
        "See Table 3, Figure 4 and [12]; commit 12e345678 (1) trains and (2) tests flow.",
        "The loss of 49 shifts at 150000 steps is the smallest.",
        "```\nflow staged reaches 30.1 dB\n```",
        "~~~\n<!-- runaudit: nonsense -->\n~~~",
        "<!-- flow staged reaches 30.1 dB -->",
        "[flow](https://example.org/flow/30.1) is a name.",
    ],
)
def test_numbers_about_something_else_are_only_counted(text):
    reading = read(text, WORDS)

    assert reading.claims == () and reading.unread == ()


def test_counts_and_citations_beside_an_arm_claim_nothing():
    reading = read("flow staged (3 seeds, 64 channels, Table 2 [4]) reaches 30.1 dB at p = 0.004.", WORDS)

    assert [claim.value for claim in reading.claims] == [30.1]
    assert reading.unread == () and reading.others == 5


def test_the_longest_name_is_meant():
    assert understood("flow staged reaches 30.1 dB and flow 29.0 dB.") == [
        (PSNR, "flow staged", None, 30.1),
        (PSNR, "flow", None, 29.0),
    ]


TABLE = """\
| arm | PSNR (dB) | full_frame/ssim | time (s) | gain |
|:---|---:|---:|---:|---:|
| **flow staged** | 30.12 ± 0.05 | 0.91 | 3.2 | +0.9 |
| `TERN staged` | 29.20 | – | 3 | |
| bicubic | 26.5 | | | |
"""


def test_a_table_claims_the_mean_of_each_arm():
    reading = read(f"Results\n\n{TABLE}", WORDS)

    assert [(c.line, c.arm, c.metric, c.value, c.tolerance) for c in reading.claims] == [
        (5, "flow staged", PSNR, 30.12, pytest.approx(0.005)),
        (5, "flow staged", "full_frame/ssim", 0.91, pytest.approx(0.005)),
        (6, "TERN staged", PSNR, 29.2, pytest.approx(0.005)),
        (7, "bicubic", PSNR, 26.5, pytest.approx(0.05)),
    ]
    assert all(claim.source is Source.TABLE for claim in reading.claims)
    assert [row.written for row in reading.unread] == ["0.05"]  # what ± is, nobody says


def test_a_turned_table_claims_the_same():
    turned = "| | flow staged | TERN staged |\n|---|---|---|\n| PSNR | 30.12 | 29.20 |\n"

    assert understood(turned) == [(PSNR, "flow staged", None, 30.12), (PSNR, "TERN staged", None, 29.2)]


def test_a_table_needs_no_empty_line_above_it():
    assert len(understood(f"### Results\n{TABLE}")) == 4


def test_a_column_of_differences_is_left_to_an_annotation():
    table = "| arm | Δ PSNR (dB) |\n|---|---|\n| flow staged | +0.9 |\n"

    assert "differences" in read(table, WORDS).unread[0].reason


# ── annotations ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_annotation_says_it_exactly():
    text = '<!-- runaudit: full_frame/psnr "flow staged" vs "TERN staged" = +0.9 dB; full_frame/ssim "flow" = .91 -->'

    first, second = read(text, WORDS).claims

    assert (first.kind, first.value, first.tolerance, first.baseline) == (
        Kind.DIFFERENCE, 0.9, pytest.approx(0.05), "TERN staged")  # fmt: skip
    assert (second.kind, second.value, second.tolerance) == (Kind.VALUE, 0.91, pytest.approx(0.005))


def test_an_annotation_stands_for_the_number_of_its_paragraph_once():
    text = 'Flow staged gains about 0.9 dB. <!-- runaudit: full_frame/psnr "flow staged" vs "TERN staged" = +0.9 -->\n'

    reading = read(text, WORDS)

    assert [claim.source for claim in reading.claims] == [Source.ANNOTATION] and reading.unread == ()


def test_ignore_sets_the_next_table_aside_and_no_more():
    text = f"<!-- runaudit: ignore -->\n\n{TABLE}\nflow staged reaches 30.1 dB.\n"

    assert understood(text) == [(PSNR, "flow staged", None, 30.1)]


def test_a_metric_holds_from_its_annotation_on():
    text = "flow reaches 30.1.\n\n<!-- runaudit: metric = tile/psnr -->\n\nflow reaches 28.2 dB.\n"

    assert understood(text) == [("tile/psnr", "flow", None, 28.2)]


@pytest.mark.parametrize("body", ["", "psnr = 3", 'psnr "flow" > 3', 'psnr "flow" = 3 %', "ignroe", 'psnr "a" vs = 3'])
def test_an_annotation_that_says_nothing_known_is_a_mistake(body):
    with pytest.raises(UsageError, match="line 3"):
        read(f"a\n\n<!-- runaudit: {body} -->\n", WORDS)


# ── numbers ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("written", "half"), [("30", 0.5), ("30.1", 0.05), ("30.10", 0.005), ("1e-3", 0.0005), ("1.5e2", 5.0)]
)
def test_the_tolerance_is_half_of_the_last_digit(written, half):
    assert tolerance(written) == pytest.approx(half)


def test_thousands_are_read_with_their_commas():
    assert [n.value for n in numbers("1,234,567 and 2,500.5 dB")] == [1234567.0, 2500.5]
    assert [n.problem for n in numbers("12,3 dB")] == ["a comma could part the decimals or the thousands"]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["flow", "flow staged", "TERN staged", "PSNR", "30.1 dB", "0.9", "over", "reaches", "±", "|", "---", "\n",
             "\n\n", "<!--", "-->", "runaudit:", "[", "]", "%", "to", ".", "```", "ignore", "95 % CI", "−3", ";"]
        )
    )
    | st.text(max_size=80)
)  # fmt: skip
def test_no_text_breaks_the_reader(pieces):
    text = pieces if isinstance(pieces, str) else " ".join(pieces)

    try:
        reading = read(text, WORDS)
    except UsageError:
        assert "runaudit" in text.lower()
        return

    for row in (*reading.claims, *reading.unread):
        assert 1 <= row.line <= text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1


def test_a_hostile_text_is_read_in_one_pass():
    """Patterns that back-track over brackets, rules or spaces would take minutes here, and trip the test's time-out."""
    for piece in ("[1,", "|---", "<a ", "1 to ", "95 % CI ", "flow ", "0.", "<!-- "):
        read(piece * 3_000, WORDS)


def test_a_heading_is_no_part_of_the_sentence_below_it():
    assert understood("# TERN staged\nflow staged reaches 30.1 dB.") == [(PSNR, "flow staged", None, 30.1)]
    assert reasons("## flow staged\nIt reaches 30.1 dB.") == reasons("## flow staged\n\nIt reaches 30.1 dB.")
