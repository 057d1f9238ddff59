import datetime

import pytest

from runaudit.errors import UsageError
from runaudit.guard.answer import RULES
from runaudit.guard.waiver import parse_waivers


@pytest.mark.parametrize(
    "word", ["RA103=plot only", "ra103=plot only", "dirty_tree=plot only", " dirty_tree = plot only "]
)
def test_a_rule_is_named_by_its_code_or_its_name(word):
    (waiver,) = parse_waivers([word], RULES)

    assert (waiver.rule, waiver.name, waiver.reason, waiver.until) == ("RA103", "dirty_tree", "plot only", None)


def test_a_day_at_the_end_is_the_last_on_which_it_holds():
    (waiver,) = parse_waivers(["RA103=see http://x/1:2:2026-12-01"], RULES)

    assert waiver.reason == "see http://x/1:2"
    assert waiver.until == datetime.date(2026, 12, 1)


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("RA999=x", "no rule"),
        ("=x", "no rule"),
        ("RA103=", "gives no reason"),
        ("RA103", "gives no reason"),
        ("RA103=  ", "gives no reason"),
        ("RA103=:2026-12-01", "gives no reason"),
        ("RA103=x:2026-02-30", "not a day"),
        ("RA301=x", "cannot be waived"),
    ],
)
def test_a_waiver_that_cannot_be_understood_is_a_usage_error(word, told):
    with pytest.raises(UsageError, match=told) as error:
        parse_waivers([word], RULES)

    assert error.value.remedy


def test_the_last_waiver_of_a_rule_counts():
    (waiver,) = parse_waivers(["RA103=a", "dirty_tree=b"], RULES)

    assert waiver.reason == "b"
