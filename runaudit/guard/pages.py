"""The rules in words: all of them by family, or one on a page, with what to type to switch it off, waive or tune it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from runaudit.guard.rulebook import family
from runaudit.health.rule import TrajectoryRule
from runaudit.records.finding import Severity
from runaudit.rules import Rule, is_off, tuned
from runaudit.settings import RuleSettings
from runaudit.text.markdown import escaped, fenced, table
from runaudit.text.terminal import BOLD, UNPAINTED, Paint

SCHEMA = "runaudit.rules/1"
OWN_RULES = (
    "Rules of your own come in by the entry point `runaudit.rules` of an installed package: "
    "`python -m pydoc runaudit.rules` says how, and which facts they may ask for."
)
WHY = "why this run may start all the same"


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesAnswer:
    """What `rules` answers with. `alone`: one rule was asked for, and gets a page."""

    rules: tuple[Rule, ...]
    policy: RuleSettings = field(default_factory=RuleSettings)
    alone: bool = False

    def to_json(self) -> dict[str, Any]:
        """The rules for a program."""
        return {"schema": SCHEMA, "rules": [self._as_json(rule) for rule in self.rules]}

    def _as_json(self, rule: Rule) -> dict[str, Any]:
        ways = {name: "\n".join(lines) for name, _, lines in ways_of(rule)}
        return rule.to_json() | {
            "family": family(rule),
            "off": is_off(rule, self.policy),
            "tuned": tuned(rule, self.policy),
            "to_switch_off": ways.get("off"),
            "to_tune": ways.get("tune"),
            "to_waive": ways.get("waive"),
        }

    @property
    def headline(self) -> str:
        """Code and name, one rule a line."""
        return "\n".join(f"{rule.code} {rule.name}" for rule in self.rules)

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal."""
        if self.alone:
            yield from self._page(self.rules[0], paint)
            return
        for number, (title, rules) in enumerate(groupby(self.rules, family)):
            yield from ("", paint(title, BOLD), "") if number else (paint(title, BOLD), "")
            for rule in rules:
                fixed = "" if rule.waivable else ", cannot be waived"
                off = ", off" if is_off(rule, self.policy) else ""
                yield f"{paint(f'{rule.code} {rule.name}', BOLD)} [{rule.severity}{fixed}{off}]: {rule.title}"
                yield f"    {rule.reason}"
        yield from ("", OWN_RULES)

    def _page(self, rule: Rule, paint: Paint) -> Iterator[str]:
        yield f"{paint(f'{rule.code} {rule.name}', BOLD)} [{rule.severity}]: {rule.title}"
        yield from ("", rule.reason)
        if rule.example:
            yield from ("", "For example:", f"    {rule.example}")
        if rule.limits:
            yield from ("", "Limits:", *(f"    {line}" for line in limit_lines(rule, self.policy)))
        for _, what, lines in ways_of(rule):
            yield from ("", f"{what}:", *(f"    {line}" for line in lines))
        if is_off(rule, self.policy):
            yield from ("", "The policy of this project switches it off.")

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a page."""
        if self.alone:
            yield from self._markdown_page(self.rules[0])
            return
        for number, (title, rules) in enumerate(groupby(self.rules, family)):
            yield from ("", f"### {title}", "") if number else (f"### {title}", "")
            rows = (
                (rule.code, rule.name, rule.severity, rule.title, rule.reason, "yes" if rule.waivable else "no")
                for rule in rules
            )
            yield from table(("code", "name", "severity", "asks", "reason", "can be waived"), rows)

    def _markdown_page(self, rule: Rule) -> Iterator[str]:
        yield from (f"### {escaped(f'{rule.code} {rule.name} [{rule.severity}]')}", "", escaped(rule.title))
        yield from ("", escaped(rule.reason))
        if rule.example:
            yield from ("", "For example:", "", *fenced([rule.example]))
        if rule.limits:
            yield from ("", "Limits:", "", *fenced(limit_lines(rule, self.policy)))
        for _, what, lines in ways_of(rule):
            yield from ("", escaped(f"{what}:"), "", *fenced(lines))


def limit_lines(rule: Rule, policy: RuleSettings) -> list[str]:
    """Each limit with its default, and what the policy makes of it."""
    own = tuned(rule, policy)
    return [
        f"{name} = {value:g}{f' (here {own[name]:g})' if name in own else ''}"
        + (f": {rule.limit_words[name]}" if name in rule.limit_words else "")
        for name, value in rule.limits.items()
    ]


def ways_of(rule: Rule) -> Iterator[tuple[str, str, list[str]]]:
    """What can be done about a rule: a short name, what it does, and the lines that do it when they are pasted."""
    if rule.switchable:
        yield "off", "To switch it off, in runaudit.toml", ["[rules]", f'off = ["{rule.code}"]']
    if rule.limits:
        limits = [f"{name} = {value:g}" for name, value in rule.limits.items()]
        yield "tune", "To tune it, in runaudit.toml", [f"[rules.{rule.code}]", *limits]
    if rule.severity >= Severity.ERROR:
        if rule.waivable:
            yield "waive", "To start all the same, with a reason that is sealed", [f"--waive {rule.code}='{WHY}'"]
        else:
            command = "runaudit health RUN" if isinstance(rule, TrajectoryRule) else "runaudit guard"
            yield "fix", "It cannot be waived; to see what it found", [command]
