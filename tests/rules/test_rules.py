from collections.abc import Iterator
from typing import ClassVar

import pytest

from runaudit.errors import ConfigError
from runaudit.records.finding import Finding, Severity
from runaudit.records.manifest import Unknown
from runaudit.rules import Rule, check, check_all, find_rule, foreign_rules, governed, refuse_unknown
from runaudit.settings import RuleSettings


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


class Tuned(Rule):
    """A value stays below its line.

    It is there for the tests."""

    code, name, severity = "RA999", "below_line", Severity.WARNING
    switchable = True
    limits: ClassVar = {"line": 3.0}

    def check(self, value):
        if value > self.limit("line"):
            yield self.finding("value", f"{value} is above {self.limit('line')}")


class Kept(Tuned):
    """A rule that keeps the record whole.

    It is there for the tests."""

    code, name, switchable = "RA998", "kept", False


def test_the_policy_tunes_a_limit_by_code_or_name():
    for word in ("RA999", "below_line"):
        (rule,) = governed([Tuned()], RuleSettings(limits={word: {"line": 9.0}}))
        assert check(rule, {"value": 5}) == ()
    assert [found.code for found in check(Tuned(), {"value": 5})] == ["RA999"]


def test_the_policy_switches_off_what_may_be_and_nothing_else():
    assert governed([Tuned(), Kept()], RuleSettings(off=("below_line",)))[0].code == "RA998"
    with pytest.raises(ConfigError, match="RA998 kept cannot be switched off"):
        governed([Kept()], RuleSettings(off=("RA998",)))


def test_a_limit_or_a_rule_that_there_is_not_is_refused():
    with pytest.raises(ConfigError, match="has no limit 'lien'"):
        governed([Tuned()], RuleSettings(limits={"RA999": {"lien": 1.0}}))
    with pytest.raises(ConfigError, match="'belowline', which there is not") as refused:
        refuse_unknown([Tuned()], RuleSettings(off=("belowline",)))
    assert refused.value.remedy == "did you mean below_line?"


def test_a_check_of_an_unknown_fact_finds_nothing_and_of_a_missing_one_is_an_error():
    assert check(Tuned(), {"value": Unknown("nobody logged it")}) == ()
    with pytest.raises(KeyError):
        check(Tuned(), {})


class Point:
    """An entry point as an installed package makes one."""

    name, value = "lab", "lab.rules:RULES"

    def __init__(self, loaded):
        self.loaded = loaded

    def load(self):
        if isinstance(self.loaded, Exception):
            raise self.loaded
        return self.loaded


@pytest.fixture
def installed(monkeypatch):
    def point(loaded):
        monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [Point(loaded)])
        monkeypatch.setattr("runaudit.rules._somebody_brings_rules", lambda folders: True)

    return point


@pytest.mark.parametrize("loaded", [Tuned, [Tuned], (Tuned, Kept)])
def test_an_installed_package_brings_its_rules(installed, loaded):
    installed(loaded)

    assert foreign_rules()[0].code == "RA999"


@pytest.mark.parametrize(("loaded", "words"), [(ImportError("no lab"), "no lab"), (dict, "no rule"), (7, "cannot be")])
def test_rules_that_cannot_be_had_are_an_error_and_never_silence(installed, loaded, words):
    installed(loaded)

    with pytest.raises(ConfigError, match=words):
        foreign_rules()
