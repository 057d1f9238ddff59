"""The book of rules: what a launch is asked under a policy, and one rule as a page."""

import datetime
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from runaudit import rules
from runaudit.errors import ConfigError, UsageError
from runaudit.guard import rulebook
from runaudit.guard.answer import judge
from runaudit.guard.pages import RulesAnswer, limit_lines, ways_of
from runaudit.records.finding import Finding, Severity
from runaudit.rules import Rule
from runaudit.settings import RuleSettings, parse_settings

BOOK = rulebook.every_rule()


class SmallData(Rule):
    """There is enough data.

    A handful of files is learnt by heart."""

    code = "XY001"
    name = "small_data"
    switchable = True
    limits = {"files": 3}  # noqa: RUF012

    def check(self, datasets: Mapping[str, Any]) -> Iterator[Finding]:
        for name, entry in datasets.items():
            if int(entry["files"]) < self.limit("files"):
                yield self.finding(f"data.{name}", f"{name} has {entry['files']} files")


class Curve(SmallData):
    """A rule of a finished run.

    It asks for what a launch does not have."""

    code = "XY002"
    name = "curve"

    def check(self, curves: Mapping[str, Any]) -> Iterator[Finding]:  # type: ignore[override]
        yield self.finding("curves", f"{len(curves)}")


class Misspelt(SmallData):
    """A rule of a launch that asks for what there is not."""

    code = "XY003"
    name = "misspelt"

    def check(self, dataset: Mapping[str, Any]) -> Iterator[Finding]:  # type: ignore[override]
        yield self.finding("data", f"{len(dataset)}")


class Broken(SmallData):
    """A rule of a launch that raises."""

    code = "XY004"
    name = "broken"

    def check(self, datasets: Mapping[str, Any]) -> Iterator[Finding]:
        yield self.finding("data", f"{len(datasets) / 0}")


@pytest.fixture
def brought(monkeypatch):
    """Two rules of an installed package."""
    monkeypatch.setattr(rules, "_somebody_brings_rules", lambda folders: True)
    monkeypatch.setattr(rulebook, "foreign_rules", lambda: (SmallData(), Curve()))


def test_codes_and_names_are_one_rule_s_alone():
    for words in ([rule.code for rule in BOOK], [rule.name for rule in BOOK]):
        assert len(words) == len(set(words))


def test_a_rule_of_a_package_is_asked_where_its_facts_are_those_of_a_launch(brought):
    asked = [rule.code for rule in rulebook.launch_rules(RuleSettings())]

    assert "XY001" in asked
    assert "XY002" not in asked
    assert {"XY001", "XY002"} <= {rule.code for rule in rulebook.every_rule()}


def test_a_rule_of_a_package_that_asks_for_no_fact_that_there_is_or_raises_is_told(monkeypatch):
    monkeypatch.setattr(rulebook, "foreign_rules", lambda: (Misspelt(), Broken()))
    rules = [rule for rule in rulebook.launch_rules(RuleSettings()) if rule.code.startswith("XY")]
    answer = judge({"datasets": {"train": {"files": 5}}}, today=datetime.date(2026, 11, 28), rules=tuple(rules))

    assert answer.asked == ()
    assert [skip.reason for skip in answer.skipped if skip.code == "XY003"] == [
        "it asks for 'dataset', which is no fact that there is"
    ]
    (note,) = answer.notes
    assert note.startswith("XY004 broken judged nothing: it failed (") and "ZeroDivisionError" in note


def test_a_policy_tunes_and_switches_off_what_a_package_brings(brought):
    tuned = rulebook.launch_rules(RuleSettings(limits={"small_data": {"files": 9}}))
    rule = next(rule for rule in tuned if rule.code == "XY001")
    answer = judge({"datasets": {"train": {"files": 5}}}, today=datetime.date(2026, 11, 28), rules=(rule,))

    assert [finding.message for finding in answer.findings] == ["train has 5 files"]
    assert "XY001" not in [rule.code for rule in rulebook.launch_rules(RuleSettings(off=("XY001",)))]


@pytest.mark.parametrize("policy", [RuleSettings(off=("RA999",)), RuleSettings(limits={"smal_data": {"files": 1}})])
def test_a_policy_that_names_no_rule_is_refused(policy, brought):
    with pytest.raises(ConfigError, match="which there is not"):
        rulebook.launch_rules(policy)


def test_what_keeps_a_record_whole_cannot_be_switched_off():
    with pytest.raises(ConfigError, match="cannot be switched off"):
        rulebook.launch_rules(RuleSettings(off=("dirty_tree",)))


def test_packages_without_the_entry_point_are_not_asked(tmp_path):
    info = tmp_path / "other-1.0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("[console_scripts]\nother = other:main\n")
    assert not rules._somebody_brings_rules((str(tmp_path), str(tmp_path / "absent")))

    second = tmp_path / "mine-1.0.dist-info"
    second.mkdir()
    (second / "entry_points.txt").write_text("[runaudit.rules]\nmine = mine:Rule\n")
    assert rules._somebody_brings_rules((f"{tmp_path}/.",))


def test_an_unknown_rule_names_the_nearest():
    with pytest.raises(UsageError, match="dirty_tree"):
        rulebook.named_rule("dirty_tre")


@pytest.mark.parametrize("rule", BOOK, ids=lambda rule: rule.code)
def test_every_rule_is_a_page_in_all_three_formats(rule):
    answer = RulesAnswer(rules=(rule,), alone=True)

    text, markdown = "\n".join(answer.text_lines()), "\n".join(answer.markdown_lines())
    (as_json,) = json.loads(json.dumps(answer.to_json()))["rules"]
    assert rule.title in text
    assert rule.example in text
    assert len(rule.example) > 20
    assert rule.reason in text
    assert rule.code in markdown
    assert as_json["family"] in rulebook.FAMILIES.values()
    assert rule.switchable == (as_json["to_switch_off"] is not None)


@pytest.mark.parametrize("rule", [rule for rule in (*BOOK, SmallData()) if rule.switchable or rule.limits],
                         ids=lambda rule: rule.code)  # fmt: skip
def test_what_a_page_says_can_be_pasted_into_a_policy(rule, brought):
    import tomllib

    for name, _, lines in ways_of(rule):
        if name in ("off", "tune"):
            policy = parse_settings(tomllib.loads("\n".join(lines))).rules
            asked = {one.code for one in rules.governed((*BOOK, SmallData(), Curve()), policy)}
            assert (rule.code in asked) == (name == "tune")


def test_a_page_shows_what_the_policy_makes_of_a_limit():
    policy = RuleSettings(limits={"small_data": {"files": 9}})

    assert "files = 3 (here 9)" in "\n".join(RulesAnswer(rules=(SmallData(),), policy=policy, alone=True).text_lines())
    assert SmallData.severity == Severity.ERROR


@pytest.mark.parametrize("rule", [rule for rule in BOOK if rule.limits], ids=lambda rule: rule.code)
def test_every_limit_says_what_it_is_a_limit_of(rule):
    assert set(rule.limit_words) == set(rule.limits)
    assert all(f": {words}" in "\n".join(limit_lines(rule, RuleSettings())) for words in rule.limit_words.values())
