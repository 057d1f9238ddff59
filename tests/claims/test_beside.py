"""What stands beside a claim may take it back: then it is told as not understood, never as supported."""

import pytest

from tests.claims.test_reading import WORDS, read

TEXTS = [
    "flow staged reaches 30.1 dB.",
    "flow staged improves full_frame/psnr over TERN staged by 0.9 dB.",
    "| arm | PSNR (dB) |\n|---|---|\n| flow staged | 30.1 |\n",
]
BEHIND = [
    "That is not so.", "This is false.", "Not really.", "No.", "None of this is true.", "We retract it.", "It isn't.",
    "This claim does not hold.", "These numbers are placeholders.", "The opposite is the case.", "Just kidding.",
    "That would be nice.", "It was withdrawn later.", "All numbers were taken at step 1000.",
    "The values above are those after 100 epochs.",
]  # fmt: skip
BEFORE = [
    "The following is a myth.", "Consider a hypothetical result.", "Suppose that the following holds.",
    "These are the results at epoch 5.", "Nobody has shown this.", "It is not true.", "# What we wrongly reported",
]  # fmt: skip
HARMLESS = [
    "We do not tune the learning rate.", "The learning rate drops after 1000 steps.", "We train for 3000 steps.",
    "No flips were used.", "flow staged has no warm-up and TERN staged has one.", "Three seeds were run for each arm.",
    "TERN staged reaches 29.2 dB.", "Training would not fit on one GPU.",
]  # fmt: skip


def beside(text, first, second):
    """Two sentences in one paragraph, and in two; a table is a paragraph of its own."""
    joined = [] if "|" in text or "#" in first else [f"{first} {second}"]
    return [*joined, f"{first}\n\n{second}"]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("denial", BEHIND)
def test_a_claim_that_the_next_sentence_takes_back_is_not_understood(text, denial):
    for whole in beside(text, text, denial):
        reading = read(whole, WORDS)

        assert reading.claims == (), whole
        assert any("beside it may" in row.reason for row in reading.unread)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("denial", BEFORE)
def test_a_claim_that_the_sentence_before_takes_back_is_not_understood(text, denial):
    for whole in beside(text, denial, text):
        assert read(whole, WORDS).claims == (), whole


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("other", HARMLESS)
def test_a_sentence_about_something_else_takes_nothing_back(text, other):
    for whole in (*beside(text, text, other), *beside(text, other, text)):
        assert read(text, WORDS).claims[0].value in {claim.value for claim in read(whole, WORDS).claims}, whole


@pytest.mark.parametrize("text", [
    "At step 1000 flow staged reaches 30.1 dB.", "flow staged reaches 30.1 dB at step 1000.",
    "flow staged (epoch 5) reaches 30.1 dB.", "flow staged reaches 30.1 dB in 1000 steps.",
    "| arm | PSNR (dB) at step 1000 |\n|---|---|\n| flow staged | 30.1 |\n",
])  # fmt: skip
def test_a_number_of_a_step_of_the_training_is_not_held_against_what_the_run_ended_with(text):
    reading = read(text, WORDS)

    assert reading.claims == ()
    assert "only what a run ended with is checked" in reading.unread[0].reason


def test_a_caption_says_of_which_step_a_table_is():
    table = TEXTS[2]

    assert read(f"Table 1: PSNR at step 1000.\n\n{table}", WORDS).claims == ()
    assert read(f"Table 1: PSNR.\n\n{table}", WORDS).claims != ()


def test_a_heading_is_of_what_stands_under_it():
    text = "## Wrong numbers\n\nflow staged reaches 30.1 dB.\n\n## Numbers\n\nTERN staged reaches 29.2 dB.\n"

    assert [claim.arm for claim in read(text, WORDS).claims] == ["TERN staged"]
