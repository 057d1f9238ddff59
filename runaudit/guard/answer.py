"""The guard's answer: may this run start, what was found, what was waived, and what could not be asked."""

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runaudit.errors import GuardRefusedError, RunauditError
from runaudit.guard import data, design, labels, provenance
from runaudit.guard.waiver import Waiver
from runaudit.records.finding import Finding, Severity
from runaudit.records.manifest import Unknown
from runaudit.rules import Rule, Skip, check_all
from runaudit.text.terminal import UNPAINTED, Paint
from runaudit.text.words import plural

RULES: tuple[Rule, ...] = (*provenance.RULES, *data.RULES, *design.RULES, *labels.RULES)
"""Every rule of the guard, in the order of their codes."""

_OWN = frozenset(rule.code for rule in RULES)
SCHEMA = "runaudit.guard/1"
MAX_TOLD = 5
"""Warnings that a launch prints; the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardAnswer:
    """What the rules said about one draft. `waivers` are all that were given; those that held excuse their rule."""

    findings: tuple[Finding, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    asked: tuple[str, ...] = ()
    skipped: tuple[Skip, ...] = ()
    failed: tuple[Skip, ...] = ()
    """Of these, the rules of installed packages that raised."""
    today: datetime.date
    rules: tuple[Rule, ...] = RULES
    """What was to be asked."""

    @property
    def waived(self) -> Mapping[str, Waiver]:
        """Rule code -> the waiver that holds today."""
        return {waiver.rule: waiver for waiver in self.waivers if waiver.holds(self.today)}

    @property
    def refusals(self) -> tuple[Finding, ...]:
        """The findings that keep the run from starting."""
        return tuple(f for f in self.findings if f.severity >= Severity.ERROR and f.code not in self.waived)

    @property
    def allowed(self) -> bool:
        """Whether the run may start. Warnings are told and do not refuse."""
        return not self.refusals and bool(self.asked)

    @property
    def verdict(self) -> str:
        """Whether the run may start, in the word of the table of verdicts."""
        return "allowed" if self.allowed else "refused"

    @property
    def headline(self) -> str:
        """Whether the run may start, on one line."""
        from runaudit.guard import text

        return text.in_one_line(self)

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal."""
        from runaudit.guard import text

        return text.text_lines(self, verbose=verbose, paint=paint)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        from runaudit.guard import text

        return text.markdown_lines(self, verbose=verbose)

    @property
    def notes(self) -> tuple[str, ...]:
        """What became of the waivers that were not needed, or no longer hold, and which rules failed."""
        found = {finding.code for finding in self.findings}
        expired = (w for w in self.waivers if not w.holds(self.today))
        unused = (w for w in self.waivers if w.holds(self.today) and w.rule not in found)
        return (
            *(f"waiver {w.rule} ({w.name}) expired on {w.until}" for w in expired),
            *(f"waiver {w.rule} ({w.name}) was not needed" for w in unused),
            *(f"{one.code} {one.name} judged nothing: {one.reason}" for one in self.failed),
        )

    def told(self, *, verbose: bool = False) -> tuple[str, ...]:
        """What a launch says although it starts: the program may not read what the record holds, and what is worth a
        look before a second is spent. verbose: what is merely so, too, and all of it."""
        code = provenance.NumberReadAsText.code
        read = [f"{f.code} {f.name}: {f.message}; {f.remedy}" for f in self.findings if f.code == code]
        looks = [f for f in self.findings if self.is_advice(f)] if verbose else self._warnings
        more = 0 if verbose else len(looks) - MAX_TOLD
        rest = (f"{plural(more, 'more finding')} like these: `runaudit guard` shows them",) if more > 0 else ()
        shown = looks if verbose else looks[:MAX_TOLD]
        return (*read, *(f"{f.code} {f.name}: {f.message}" for f in shown), *rest)

    @property
    def warned(self) -> tuple[str, ...]:
        """The rules whose warnings the launch went against, as its record keeps them: no input, and no factor."""
        return tuple(dict.fromkeys(f"{f.code} {f.name}" for f in self._warnings))

    @property
    def _warnings(self) -> list[Finding]:
        return [f for f in self.findings if self.is_advice(f) and f.severity == Severity.WARNING]

    def is_advice(self, finding: Finding) -> bool:
        """Whether it is about how the run will train, and not about whether its record is whole."""
        return finding.code not in _OWN

    def sealed_waivers(self) -> tuple[dict[str, Any], ...]:
        """The waivers as the manifest keeps them: only those that hold, and whether each excused something."""
        found = {finding.code for finding in self.findings}
        return tuple(w.to_json() | {"excused": w.rule in found} for w in self.waivers if w.holds(self.today))

    def to_json(self) -> dict[str, Any]:
        """The answer as the JSON contract words it."""
        return {
            "schema": SCHEMA,
            "verdict": self.verdict,
            "allowed": self.allowed,
            "findings": [f.to_json() | {"waived": f.code in self.waived} for f in self.findings],
            "waivers": [waiver.to_json() for waiver in self.waivers],
            "asked": list(self.asked),
            "skipped": [skip.to_json() for skip in self.skipped],
            "notes": list(self.notes),
        }

    def error(self) -> GuardRefusedError:
        """The refusal as an exception that carries every finding."""
        lines = [f"{f.code} {f.name}: {f.message} [fix: {f.remedy}]" for f in self.refusals]
        return GuardRefusedError(f"the run was not started: {'; '.join(lines)}")


def judge(
    facts: Mapping[str, object],
    *,
    waivers: tuple[Waiver, ...] = (),
    today: datetime.date,
    rules: tuple[Rule, ...] = RULES,
) -> GuardAnswer:
    """Ask every rule about one draft."""
    judgement = check_all(rules, facts, around_failures=True)
    return GuardAnswer(
        findings=judgement.findings, waivers=waivers, asked=judgement.asked, skipped=judgement.skipped,
        failed=judgement.failed, today=today, rules=rules,
    )  # fmt: skip


def not_recordable(failure: RunauditError, rules: tuple[Rule, ...] = RULES) -> dict[str, object]:
    """The facts of a launch of which no record could be made: every rule but one must be skipped, with this reason."""
    unknown = Unknown("no record could be made")
    return {name: unknown for rule in rules for name in rule.needs} | {"failure": failure}
