"""What came of a text: every claim with its verdict, and every number that was not understood. JSON, text, Markdown."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from runaudit.claims.claim import Claim, Kind, Reading
from runaudit.claims.verdict import ClaimVerdict, Judged
from runaudit.stats.words import escaped, printable

_EXAMPLE = '<!-- runaudit: METRIC "ARM" vs "BASELINE" = +0.9 -->'
_WORDS = {
    ClaimVerdict.SUPPORTED: "supported",
    ClaimVerdict.UNSUPPORTED: "unsupported",
    ClaimVerdict.NOT_FOUND: "not found",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimsAnswer:
    """`file` as it was named; `judged` in the order of the text."""

    file: str
    reading: Reading
    judged: tuple[Judged, ...]

    def to_json(self) -> dict[str, Any]:
        """The answer as plain JSON values."""
        return {
            "schema": "runaudit.claims/1",
            "file": self.file,
            "claims": [_claim_json(one) for one in self.judged],
            "not_understood": [
                {"line": row.line, "number": row.written, "reason": row.reason, "text": row.text}
                for row in self.reading.unread
            ],
            "numbers": {
                "understood": len(self.judged),
                "not_understood": len(self.reading.unread),
                "about_something_else": self.reading.others,
            },
            "verdicts": {str(verdict): _counts(self)[verdict] for verdict in ClaimVerdict},
        }


def headline(answer: ClaimsAnswer) -> str:
    """The result on one line."""
    if not answer.judged:
        return f"Nothing to judge: no claim in {answer.file} was understood. {_rest(answer)}"
    counts = _counts(answer)
    parts = [f"{counts[verdict]} {_WORDS[verdict]}" for verdict in ClaimVerdict if counts[verdict]]
    word = "Supported" if set(counts) == {ClaimVerdict.SUPPORTED} else "Not supported"
    return f"{word}: of {_plural(len(answer.judged), 'claim')} in {answer.file}, {', '.join(parts)}. {_rest(answer)}"


def text_view(answer: ClaimsAnswer) -> str:
    """For the terminal."""
    lines = [headline(answer)]
    for one in answer.judged:
        lines += ["", f"line {one.claim.line}  {_WORDS[one.verdict]}: {_said(one.claim)}", f"    {one.reason}"]
    if answer.reading.unread:
        lines += ["", f"Not understood (an annotation says it exactly: {_EXAMPLE})"]
        lines += [f"- line {row.line}, {row.written}: {row.reason}" for row in answer.reading.unread]
    return "".join(f"{printable(line)}\n" for line in lines)


def markdown_view(answer: ClaimsAnswer) -> str:
    """For a pull request; names are escaped, so that one can be no markup."""
    word, _, rest = headline(answer).partition(": ")
    lines = [f"**{word}**: {escaped(rest)}"]
    if answer.judged:
        lines += ["", "| line | claim | verdict | why |", "| ---: | --- | --- | --- |"]
        lines += [
            f"| {one.claim.line} | {escaped(_said(one.claim))} | {_WORDS[one.verdict]} | {escaped(one.reason)} |"
            for one in answer.judged
        ]
    if answer.reading.unread:
        lines += ["", "Not understood", ""]
        lines += [f"- line {row.line}, {escaped(row.written)}: {escaped(row.reason)}" for row in answer.reading.unread]
    return "".join(f"{line}\n" for line in lines)


def _said(claim: Claim) -> str:
    """The claim as it was understood, in one fixed form."""
    if claim.kind is Kind.VALUE:
        return f"{claim.arm}, {claim.metric} = {claim.written}"
    sign = "-" if claim.value < 0 else "+"
    return f"{claim.arm} over {claim.baseline}, {claim.metric} {sign}{claim.written.lstrip('+-')}"


def _claim_json(one: Judged) -> dict[str, Any]:
    claim = one.claim
    return {
        "line": claim.line,
        "source": str(claim.source),
        "kind": str(claim.kind),
        "metric": claim.metric,
        "arm": claim.arm,
        "baseline": claim.baseline,
        "claimed": claim.value,
        "tolerance": claim.tolerance,
        "written": claim.written,
        "text": claim.text,
        "verdict": str(one.verdict),
        "reason": one.reason,
        "found": one.found,
        "n": list(one.n),
        "design": one.design,
        "ci": None if one.ci is None else [one.ci.low, one.ci.high],
        "p": one.p,
        "p_adjusted": one.p_adjusted,
    }


def _counts(answer: ClaimsAnswer) -> Counter[ClaimVerdict]:
    return Counter(one.verdict for one in answer.judged)


def _rest(answer: ClaimsAnswer) -> str:
    unread = len(answer.reading.unread)
    told = f"{_plural(unread, 'number')} {'was' if unread == 1 else 'were'} not understood; "
    return f"{told}{answer.reading.others} more are about something else."


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
