"""What came of a text: every claim with its verdict, and every number that was not understood. JSON, text, Markdown."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from runaudit.claims.claim import Claim, Kind, Reading, Unread
from runaudit.claims.verdict import ClaimVerdict, Judged
from runaudit.text.markdown import bullets, escaped, table
from runaudit.text.terminal import BOLD, UNPAINTED, Paint, printable
from runaudit.text.verdicts import verdict_words
from runaudit.text.words import plural

_EXAMPLE = '<!-- runaudit: METRIC "ARM" vs "BASELINE" = +0.9 -->'
_LONG = 120
"""Letters of a sentence that are shown beside a number that was not understood."""


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
            "notes": list(self.notes),
            "verdicts": {str(verdict): _counts(self)[verdict] for verdict in ClaimVerdict},
        }

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know of how the claims were judged, each once."""
        return tuple(dict.fromkeys(note for one in self.judged for note in one.notes))

    @property
    def headline(self) -> str:
        """The result on one line."""
        if not self.judged:
            return f"Nothing to judge: no claim in {self.file} was understood. {_rest(self)}"
        counts = _counts(self)
        parts = [f"{counts[verdict]} {_words(verdict)}" for verdict in ClaimVerdict if counts[verdict]]
        word = "Supported" if set(counts) == {ClaimVerdict.SUPPORTED} else "Not supported"
        return f"{word}: of {plural(len(self.judged), 'claim')} in {self.file}, {', '.join(parts)}. {_rest(self)}"

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For the terminal."""
        yield paint(printable(self.headline), BOLD)
        for one in self.judged:
            found = paint(_words(one.verdict), verdict_words("claims", one.verdict).tone.colour)
            yield from ("", f"line {one.claim.line}  {found}: {printable(_in_words(one.claim))}")
            yield printable(f"    {one.reason}")
        if self.notes:
            yield ""
            yield from (printable(f"note: {note}") for note in self.notes)
        if self.reading.unread:
            yield from ("", f"Not understood (an annotation says it exactly: {_EXAMPLE})")
            yield from (printable(f"- {_unread_words(row)}") for row in self.reading.unread)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request; names are escaped, so that one can be no markup."""
        word, _, rest = self.headline.partition(": ")
        yield f"**{word}**: {escaped(rest)}"
        if self.judged:
            rows = [(one.claim.line, _in_words(one.claim), _words(one.verdict), one.reason) for one in self.judged]
            yield from ("", *table(("line", "claim", "verdict", "why"), rows))
        if self.notes:
            yield from ("", *bullets(self.notes))
        if self.reading.unread:
            yield from ("", "Not understood", "", *bullets(_unread_words(row) for row in self.reading.unread))


def _unread_words(row: Unread) -> str:
    """Where, which number, why, and the sentence around it, cut where it is long."""
    text = row.text if len(row.text) <= _LONG else f"{row.text[: _LONG - 1]}…"
    return f"line {row.line}, {row.written}: {row.reason}" + (f": {text}" if text else "")


def _words(verdict: ClaimVerdict) -> str:
    return verdict_words("claims", verdict).words


def _in_words(claim: Claim) -> str:
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
        "stated_seeds": list(claim.seeds),
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
    verb = "was" if unread == 1 else "were"
    others = answer.reading.others
    beside = f"; {others} more {'is' if others == 1 else 'are'} about something else" if others else ""
    return f"{plural(unread, 'number')} {verb} not understood{beside}."
