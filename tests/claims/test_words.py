"""A sentence supports a claim only where all of it is read."""

import pytest

from tests.claims.test_reading import PSNR, WORDS, read, understood

HONEST = [
    "flow staged improves full_frame/psnr by 0.9 dB over TERN staged.",
    "flow staged reaches 0.9 dB higher full_frame/psnr than TERN staged.",
    "Compared to TERN staged, flow staged gains 0.9 dB.",
    "flow staged outperforms TERN staged by 0.9 dB.",
    "flow staged is 0.9 dB better than TERN staged.",
    "Thus flow staged beats TERN staged by 0.9 dB on average.",
    "We find that flow staged increases full_frame/psnr by 0.9 dB relative to TERN staged (Table 2).",
    "flow staged significantly improves full_frame/psnr over TERN staged by 0.9 dB (p = 0.01).",
]
DENIED = [
    "It is false that {}",
    "Myth: {}",
    "Contrary to rumour, {}",
    "~~{}~~",
    "Nobody believes that {}",
    "Allegedly {}",
    "The reviewers deny that {}",
    "Once corrected for leakage, {}",
    "Barely, {}",
    "{} The opposite holds, unlike what we wrote:",
]


@pytest.mark.parametrize("text", HONEST)
def test_plain_sentences_are_read(text):
    assert understood(text) == [(PSNR, "flow staged", "TERN staged", 0.9)]


@pytest.mark.parametrize("frame", DENIED[:-1])
@pytest.mark.parametrize("text", HONEST)
def test_a_sentence_with_a_word_that_is_not_understood_supports_nothing(frame, text):
    reading = read(frame.format(text[:-1]) + ".", WORDS)

    assert reading.claims == ()
    assert reading.unread and all(row.reason for row in reading.unread)


@pytest.mark.parametrize(
    "tail", ["million", "on held-out ImageNet", "because of its weight decay", "at night", "twofold"]
)
def test_what_qualifies_a_number_is_not_read_over(tail):
    assert read(f"flow staged improves full_frame/psnr over TERN staged by 0.9 dB {tail}.", WORDS).claims == ()


def test_a_number_in_an_unknown_unit_is_told():
    reading = read("flow staged improves full_frame/psnr by 2.0k over TERN staged.", WORDS)

    assert reading.claims == ()
    assert "2.0k" in reading.unread[0].reason


@pytest.mark.parametrize(("text", "seeds"), [
    ("flow staged reaches 30.1 dB with 10 seeds.", (10,)),
    ("flow staged reaches 30.1 dB (n = 4).", (4,)),
    ("| arm | PSNR (dB) |\n|---|---|\n| flow staged | 30.1 (n=10) |", (10,)),
    ("flow staged reaches 30.1 dB.", ()),
])  # fmt: skip
def test_a_claim_holds_the_seeds_that_its_text_states(text, seeds):
    (claim,) = read(text, WORDS).claims

    assert claim.seeds == seeds
    assert claim.counts((3,)) == (not seeds)
