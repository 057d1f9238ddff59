"""Waivers as data: a rule set aside for one launch, with a reason and perhaps a last day, sealed in its manifest.

A reason is the price of a waiver, so an empty one is refused. What may never be waived is a short list, and each rule
on it says why in its own words.
"""

import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from runaudit.errors import UsageError
from runaudit.rules import Rule, find_rule

_UNTIL = re.compile(r":(\d{4}-\d{2}-\d{2})$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """One rule set aside. `until` is the last day on which it holds, None for this launch whenever it is."""

    rule: str
    name: str
    reason: str
    until: datetime.date | None = None

    def holds(self, today: datetime.date) -> bool:
        """Whether it has not expired."""
        return self.until is None or today <= self.until

    def to_json(self) -> dict[str, Any]:
        """The waiver as it is sealed and printed."""
        until = self.until.isoformat() if self.until else None
        return {"rule": self.rule, "name": self.name, "reason": self.reason, "until": until}


def parse_waivers(words: Iterable[str], rules: tuple[Rule, ...]) -> tuple[Waiver, ...]:
    """The waivers written as `RULE=REASON[:YYYY-MM-DD]`; RULE is a code or a name. The last one for a rule counts.

    Raises UsageError for an unknown rule, one that cannot be waived, an empty reason, or no such day.
    """
    found = [_parse(word, rules) for word in words]
    return tuple({waiver.rule: waiver for waiver in found}.values())


def _parse(word: str, rules: tuple[Rule, ...]) -> Waiver:
    name, equals, rest = word.partition("=")
    rule = find_rule(rules, name)
    if rule is None:
        raise UsageError(f"there is no rule {name.strip()!r} to waive", remedy="`runaudit rules` lists them all")
    if not rule.waivable:
        raise UsageError(f"{rule.code} ({rule.name}) cannot be waived: {rule.reason}", remedy="fix what it found")
    match = _UNTIL.search(rest)
    reason = (rest[: match.start()] if match else rest).strip()
    if not equals or not reason:
        raise UsageError(
            f"the waiver of {rule.code} gives no reason",
            remedy=f"write --waive {rule.code}='why this run may start all the same'",
        )
    return Waiver(rule=rule.code, name=rule.name, reason=reason, until=_day(match[1]) if match else None)


def _day(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text} is not a day of the calendar", remedy="write it as YYYY-MM-DD") from error
