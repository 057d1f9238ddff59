"""What `report` writes in Markdown is read back: its names of metrics, and its arms with their letters."""

import pytest

from runaudit.claims.reading import read
from runaudit.claims.vocabulary import Vocabulary

WORDS = Vocabulary(arms=("base", "cross"), metrics=("test/accuracy", "val/accuracy", "train/loss"))


def claims(text):
    return [(one.metric, one.arm, one.baseline, one.value) for one in read(text, WORDS).claims]


def test_the_table_of_a_page_is_read_with_the_letters_of_its_arms():
    text = "| arm | test accuracy | n |\n| --- | ---: | ---: |\n| base (A) | 0.8638 | 4 |\n| cross (B) | 0.8762 | 4 |\n"

    assert claims(text) == [("test/accuracy", "base", None, 0.8638), ("test/accuracy", "cross", None, 0.8762)]


@pytest.mark.parametrize(
    ("words", "metric"),
    [("test accuracy", "test/accuracy"), ("Validation accuracy", "val/accuracy"), ("training loss", "train/loss")],
)
def test_a_metric_may_be_called_as_the_pages_call_it(words, metric):
    better = -0.0125 if metric == "train/loss" else 0.0125

    assert claims(f"cross improves {words} over base by 0.0125.") == [(metric, "cross", "base", better)]


def test_a_word_that_two_metrics_share_names_neither():
    assert claims("cross improves accuracy over base by 0.0125.") == []
