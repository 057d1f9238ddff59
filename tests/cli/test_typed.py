"""What `list` prints can be typed, and a word of it means what the same words mean within `--where`."""

import csv
import io
import re

import pytest

from tests.cli.recorded import METRIC, cohort
from tests.cli.test_diff import seal
from tests.diff.samples import put

LABELS = ["line\nbreak", "esc\x1b[31mred", "rtl\u202eabc", "tab\tx", "back\\slash", "a\\x0ab", "two words"]
VALUES = ["0.1", 0.1, "8", 8, "1e-3", True, "adam", None]


@pytest.mark.parametrize("label", LABELS)
def test_a_label_can_be_typed_as_it_is_printed(label, here, runaudit):
    cohort(here, label, [31.0, 31.2], put("config/optimizer/lr", 0.5))
    cohort(here, "other", [30.0, 30.2], put("config/optimizer/lr", 0.1))
    shown = re.match(r"\S+  (.*)  \(2 runs", runaudit("list")[1])[1]
    row = next(csv.DictReader(io.StringIO(runaudit("list", "--csv")[1])))
    ids = runaudit("list", "-q", "--where", "config.optimizer.lr == 0.5")[1]

    for word in {shown, row["label"], label}:
        assert runaudit("list", "-q", word)[1] == ids
        assert runaudit("list", "-q", f"label={word}")[1] == ids
        assert runaudit("list", "-q", f"label:{word}")[1] == ids
        _, out, err = runaudit("stats", word, "--vs", "other", "--metric", METRIC, "--direction", "higher", "-q")
        assert "matches" not in err and out.count("\n") == 1


@pytest.mark.parametrize(
    "condition",
    [
        "{}=0.1",
        "{}==.1",
        "{}!=0.1",
        "{}<0.25",
        "{}=8",
        "{}=8.",
        "{}=1e-3",
        '{}="0.1"',
        "{}='8'",
        "{}=null",
        "{}=-1",
        "{}=+8",
    ],
)
def test_a_filter_keeps_the_runs_that_the_same_condition_keeps(condition, here, runaudit):
    for value in VALUES:
        seal(here, put("config/x", value))
    words = condition.format("config.x")

    assert runaudit("list", "-q", words) == runaudit("list", "-q", "--where", words)


def test_a_word_of_a_filter_needs_no_quotes_and_digits_that_are_text_are_asked_for_in_quotes(here, runaudit):
    seal(here, put("config/x", "adam"))
    seal(here, put("config/x", "8"))

    assert runaudit("list", "-q", "config.x=adam")[1].count("\n") == 1
    code, _, err = runaudit("list", "config.x=7")
    assert code == 2 and "stands in quotes: 'config.x==\"7\"'" in err
