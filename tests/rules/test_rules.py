from collections.abc import Iterator

import pytest

from runaudit.records.finding import Finding, Severity
from runaudit.records.manifest import Unknown
from runaudit.rules import Rule, check_all, find_rule


class TooLarge(Rule):
    """The number is small.

    A large number
    overflows."""

    code = "RA901"
    name = "too_large"

    def check(self, number: int) -> Iterator[Finding]:
        if number > 10:
            yield self.finding("number", f"{number} is above 10", remedy="make it smaller")


class NotRound(Rule):
    """The number is round."""

    code = "RA900"
    name = "not_round"
    severity = Severity.WARNING
    requires = frozenset({"RA901"})

    def check(self, number: int, base: int) -> Iterator[Finding]:
        if number % base:
            yield self.finding("number", f"{number} is not a multiple of {base}")


RULES = (NotRound(), TooLarge())


def test_a_rule_asks_for_its_facts_by_name():
    judgement = check_all(RULES, {"number": 7, "base": 5})

    assert [f.code for f in judgement.findings] == ["RA900"]
    assert judgement.asked == ("RA900", "RA901")


def test_an_unknown_fact_skips_the_rule_with_the_reason_and_never_passes_it():
    judgement = check_all(RULES, {"number": 7, "base": Unknown("the base was not recorded")})

    assert judgement.asked == ("RA901",)
    assert [(s.code, s.reason) for s in judgement.skipped] == [("RA900", "the base was not recorded")]


def test_a_rule_is_not_asked_where_the_one_it_stands_on_found_something():
    judgement = check_all(RULES, {"number": 12, "base": 5})

    assert [f.code for f in judgement.findings] == ["RA901"]
    assert [(s.code, s.reason) for s in judgement.skipped] == [("RA900", "RA901 found something first")]


def test_a_rule_is_not_asked_where_the_one_it_stands_on_could_not_be_asked():
    judgement = check_all(RULES, {"number": Unknown("lost"), "base": 5})

    assert judgement.asked == ()
    assert [s.reason for s in judgement.skipped] == ["lost", "RA901 could not be asked"]


def test_a_fact_that_nobody_gathered_is_an_error_and_not_a_skip():
    with pytest.raises(KeyError, match="base"):
        check_all(RULES, {"number": 1})


def test_title_and_reason_are_the_docstring():
    rule = find_rule(RULES, "ra901")

    assert rule is not None
    assert (rule.title, rule.reason) == ("The number is small.", "A large number overflows.")
    assert find_rule(RULES, "not_round").code == "RA900"
    assert find_rule(RULES, "RA9") is None
