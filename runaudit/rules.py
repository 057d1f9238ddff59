"""One shape for every rule. The guard, the trajectory checks and the study checks each own a tuple of them.

A rule asks for facts by the names of its parameters, so that a test hands it facts made by hand. A fact that is
`Unknown` skips the rule and the skip carries the reason: a rule that could not be asked has not been passed.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any, ClassVar

from runaudit.records.finding import Finding, Severity, in_order
from runaudit.records.manifest import Unknown


class Rule:
    """Base class. A child's docstring is its title (first line) and its reason (the rest)."""

    code: ClassVar[str]
    name: ClassVar[str]
    severity: ClassVar[Severity] = Severity.ERROR
    requires: ClassVar[frozenset[str]] = frozenset()
    """Codes that must have been asked and found nothing, else this rule has no ground to stand on."""
    waivable: ClassVar[bool] = True
    check: ClassVar[Callable[..., Iterator[Finding]]]
    """A child defines it as a method whose parameters name the facts it needs."""

    @property
    def title(self) -> str:
        """What the rule is about, in one line."""
        return inspect.getdoc(self).partition("\n")[0] if inspect.getdoc(self) else self.name  # type: ignore[union-attr]

    @property
    def reason(self) -> str:
        """Why it matters, as one paragraph."""
        return " ".join((inspect.getdoc(self) or "").partition("\n")[2].split())

    @property
    def needs(self) -> tuple[str, ...]:
        """The names of the facts that `check` asks for."""
        return tuple(inspect.signature(self.check).parameters)

    def finding(
        self,
        subject: str,
        message: str,
        *,
        remedy: str = "",
        step: int | None = None,
        evidence: Mapping[str, Any] | None = None,
        severity: Severity | None = None,
    ) -> Finding:
        """A finding of this rule."""
        return Finding(
            code=self.code,
            name=self.name,
            severity=self.severity if severity is None else severity,
            subject=subject,
            message=message,
            remedy=remedy,
            step=step,
            evidence=evidence or {},
        )

    def to_json(self) -> dict[str, Any]:
        """The rule in words."""
        return {
            "code": self.code,
            "name": self.name,
            "severity": str(self.severity),
            "title": self.title,
            "reason": self.reason,
            "requires": sorted(self.requires),
            "waivable": self.waivable,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """A rule that could not be asked, and why."""

    code: str
    name: str
    reason: str

    def to_json(self) -> dict[str, str]:
        """The skip for a JSON answer."""
        return {"code": self.code, "name": self.name, "reason": self.reason}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the rules found, which were asked, and which could not be."""

    findings: tuple[Finding, ...]
    asked: tuple[str, ...]
    skipped: tuple[Skip, ...]


def check_all(rules: Iterable[Rule], facts: Mapping[str, object]) -> Judgement:
    """Ask every rule, those it requires first. Raises KeyError for a fact nobody gathered: that is our own fault."""
    by_code = {rule.code: rule for rule in rules}
    order = TopologicalSorter({code: rule.requires & by_code.keys() for code, rule in sorted(by_code.items())})
    found: list[Finding] = []
    asked: list[str] = []
    skipped: list[Skip] = []
    for code in order.static_order():
        rule = by_code[code]
        if why := _cannot_ask(rule, facts, stopped={f.code for f in found}, skipped={s.code for s in skipped}):
            skipped.append(Skip(code=code, name=rule.name, reason=why))
            continue
        asked.append(code)
        found += rule.check(**{name: facts[name] for name in rule.needs})
    return Judgement(findings=in_order(found), asked=tuple(sorted(asked)), skipped=tuple(skipped))


def _cannot_ask(rule: Rule, facts: Mapping[str, object], *, stopped: set[str], skipped: set[str]) -> str | None:
    for code in sorted(rule.requires):
        if code in stopped:
            return f"{code} found something first"
        if code in skipped:
            return f"{code} could not be asked"
    reasons = (fact.reason for name in rule.needs if isinstance(fact := facts[name], Unknown))
    return next(reasons, None)


def find_rule(rules: Iterable[Rule], word: str) -> Rule | None:
    """The rule with this code or name, case aside."""
    wanted = word.strip().lower()
    return next((rule for rule in rules if wanted in (rule.code.lower(), rule.name)), None)
