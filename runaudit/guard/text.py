"""The guard's answer and the list of rules in words, for a person at a terminal."""

from runaudit.guard.answer import RULES, GuardAnswer
from runaudit.records.finding import Finding, Severity
from runaudit.rules import Rule, find_rule


def answer_text(answer: GuardAnswer, *, verbose: bool = False) -> str:
    """The verdict in one line; then each finding with its reason and the command that mends it."""
    lines = [_headline(answer)]
    for finding in answer.findings:
        lines += ["", *_finding_lines(finding, answer)]
    if answer.notes:
        lines += ["", *(f"Note: {note}." for note in answer.notes)]
    if verbose:
        lines += ["", *(f"Not asked: {skip.code} {skip.name}: {skip.reason}." for skip in answer.skipped)]
    return "\n".join(lines)


def _headline(answer: GuardAnswer) -> str:
    asked = f"{len(answer.asked)} rules asked, {len(answer.skipped)} not"
    if answer.allowed:
        excused = sum(f.severity >= Severity.ERROR for f in answer.findings)
        return f"This run may start ({asked}{f'; {excused} waived' if excused else ''})."
    count = len(answer.refusals)
    return f"This run may not start: {count} {'reason' if count == 1 else 'reasons'} ({asked})."


def _finding_lines(finding: Finding, answer: GuardAnswer) -> list[str]:
    waiver = answer.waived.get(finding.code)
    rule = find_rule(RULES, finding.code)
    word = "waived" if waiver and finding.severity >= Severity.ERROR else str(finding.severity)
    lines = [f"{finding.code} {finding.name} [{word}]: {finding.message}."]
    if waiver:
        return [*lines, f"    waived  {waiver.reason}{f' (until {waiver.until})' if waiver.until else ''}"]
    if rule and rule.reason:
        lines.append(f"    why     {rule.reason}")
    if finding.remedy:
        lines.append(f"    mend    {finding.remedy}")
    if rule and finding.severity >= Severity.ERROR:
        way = f"add --waive {rule.code}='why it may start all the same'" if rule.waivable else "cannot be waived"
        lines.append(f"    or      {way}")
    return lines


def rules_text(rules: tuple[Rule, ...]) -> str:
    """Every rule with its words."""
    blocks = []
    for rule in rules:
        fixed = "" if rule.waivable else ", cannot be waived"
        blocks.append(f"{rule.code} {rule.name} [{rule.severity}{fixed}]: {rule.title}\n    {rule.reason}")
    return "\n".join(blocks)
