"""A placeholder is no label; a short honest name is one."""

import pytest

from runaudit.guard.labels import says_nothing
from runaudit.settings import EMPTY_LABELS, parse_settings


@pytest.mark.parametrize(
    "label",
    ["test", "asdf", "x", "run1", "foo", "new", "aaa", "tmp", "try2", "final_final", "42", "2026-11-27", "TEST 3",
     "???", "zxc", "exp", "exp_12", "WIP", "my run", "debug", "Final v2", "test\u200b"],
)  # fmt: skip
def test_a_placeholder_says_nothing(label):
    assert says_nothing(label, EMPTY_LABELS)


@pytest.mark.parametrize(
    "label",
    ["base", "sgd", "lr3e-4", "a", "b", "A", "one", "again", "a first try", "test lr 0.1", "GeLU", "wer", "wert", "nn",
     "x0 prediction", "\u6d4b\u8bd5", "\u00fcnic\u00f6de", "flow, staged",
     "exp-decay", "exponential", "baseline", "default", "my loss", "debug of the sampler"],
)  # fmt: skip
def test_a_short_name_of_an_arm_says_something(label):
    assert not says_nothing(label, EMPTY_LABELS)


def test_the_policy_sets_the_words_and_none_of_them_asks_nothing():
    own = parse_settings({"guard": {"empty_labels": ["baseline"]}}).guard.empty_labels

    assert says_nothing("baseline 2", own)
    assert not says_nothing("test", own)
    assert not says_nothing("42", parse_settings({"guard": {"empty_labels": []}}).guard.empty_labels)
