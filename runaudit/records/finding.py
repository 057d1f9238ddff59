"""A finding is the one currency of every judgement: guard, health and study speak in it, every format prints it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import Any


class Severity(IntEnum):
    """How much a finding weighs. Ordered, so that `--fail-on warning` is a comparison."""

    INFO = 0
    WARNING = 1
    ERROR = 2
    CRITICAL = 3

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was seen, on what, and what to do. `code` is the rule, `name` its stable slug, `evidence` the numbers."""

    code: str
    name: str
    severity: Severity
    subject: str
    message: str
    remedy: str = ""
    step: int | None = None
    evidence: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def head(self) -> str:
        """Which rule it is of, how much it weighs, and where: what stands before its message."""
        at = "" if self.step is None else f" at step {self.step}"
        return f"{self.code} {self.name} [{self.severity}]{at}"

    def to_json(self) -> dict[str, Any]:
        """The finding as the JSON contract words it."""
        return {
            "code": self.code,
            "name": self.name,
            "severity": str(self.severity),
            "subject": self.subject,
            "step": self.step,
            "message": self.message,
            "evidence": dict(self.evidence),
            "remedy": self.remedy,
        }


def in_order(findings: "list[Finding] | tuple[Finding, ...]") -> tuple[Finding, ...]:
    """The weightiest first; then by rule and subject, so that two outputs can be compared line by line."""
    return tuple(sorted(findings, key=lambda f: (-f.severity, f.code, f.subject, f.step or 0)))
