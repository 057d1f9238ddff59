"""The guard's answer in words, for a terminal and for a pull request."""

from collections.abc import Iterator

from runaudit.guard.answer import GuardAnswer
from runaudit.records.finding import Finding, Severity
from runaudit.rules import find_rule
from runaudit.text.markdown import bullets, escaped, typed
from runaudit.text.terminal import BOLD, UNPAINTED, Paint, printable
from runaudit.text.verdicts import verdict_words
from runaudit.text.words import plural


def headline(answer: GuardAnswer) -> str:
    """Whether the run may start, on one line."""
    asked = f"{len(answer.asked)} rules asked, {len(answer.skipped)} not"
    words = verdict_words("guard", answer.verdict)
    if answer.allowed:
        excused = sum(f.severity >= Severity.ERROR for f in answer.findings)
        return f"{words.heading} ({asked}{f'; {excused} waived' if excused else ''})."
    return f"{words.heading}: {plural(len(answer.refusals), 'reason')} ({asked})."


def in_one_line(answer: GuardAnswer) -> str:
    """Whether the run may start; where it may not, by which rules, and what to do about the first."""
    refusals = answer.refusals
    if not refusals:
        return headline(answer)
    rules = ", ".join(dict.fromkeys(f"{one.code} {one.name}" for one in refusals))
    remedy = next((one.remedy for one in refusals if one.remedy), "")
    return printable(f"{headline(answer).removesuffix('.')}: {rules}{f'; fix: {remedy}' if remedy else ''}")


def text_lines(answer: GuardAnswer, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
    """The verdict in one line; then each finding with its reason and the command that fixes it."""
    yield paint(headline(answer), BOLD + verdict_words("guard", answer.verdict).tone.colour)
    for finding in answer.findings:
        yield from ("", printable(_finding_line(finding, answer)))
        yield from (printable(f"    {name:<6}  {text}") for name, text in _advice(finding, answer, verbose=verbose))
    if answer.notes:
        yield from ("", *(printable(f"Note: {note}.") for note in answer.notes))
    if verbose:
        yield from ("", *(printable(line) for line in _not_asked(answer)))


def markdown_lines(answer: GuardAnswer, *, verbose: bool = False) -> Iterator[str]:
    """The same for a pull request; what is to be typed stands as code."""
    yield f"**{escaped(headline(answer))}**"
    for finding in answer.findings:
        yield from ("", escaped(_finding_line(finding, answer)), "")
        for name, text in _advice(finding, answer, verbose=verbose):
            if name == "fix":
                yield from typed(f"- {name}: ", text)
            else:
                yield f"- {name}: {escaped(text)}"
    if answer.notes:
        yield from ("", *bullets(f"Note: {note}." for note in answer.notes))
    if verbose:
        yield from ("", *bullets(_not_asked(answer)))


def _not_asked(answer: GuardAnswer) -> Iterator[str]:
    return (f"Not asked: {skip.code} {skip.name}: {skip.reason}." for skip in answer.skipped)


def _finding_line(finding: Finding, answer: GuardAnswer) -> str:
    waived = finding.code in answer.waived and finding.severity >= Severity.ERROR
    return f"{finding.code} {finding.name} [{'waived' if waived else finding.severity}]: {finding.message}."


def _advice(finding: Finding, answer: GuardAnswer, *, verbose: bool) -> Iterator[tuple[str, str]]:
    """What is to be known about a finding: (name, text)."""
    advice = answer.is_advice(finding)
    if advice and finding.severity == Severity.INFO and not verbose:
        return  # It is so, and nothing is asked of anybody.
    waiver = answer.waived.get(finding.code)
    if waiver:
        yield "waived", f"{waiver.reason}{f' (until {waiver.until})' if waiver.until else ''}"
        return
    rule = find_rule(answer.rules, finding.code)
    if rule and rule.reason:
        yield "why", rule.reason
    if finding.remedy:
        yield "check" if advice and finding.severity < Severity.ERROR else "fix", finding.remedy
    if rule and finding.severity >= Severity.ERROR:
        reason = "why it may start all the same"
        yield "or", f"add --waive {rule.code}='{reason}'" if rule.waivable else "cannot be waived"
