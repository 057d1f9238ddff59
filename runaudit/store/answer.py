"""What `verify` answers with: for a terminal, a pull request, a program and a notebook."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from runaudit.records.run import SHORT
from runaudit.store.rehash import Problem
from runaudit.store.verify import Verification
from runaudit.text.markdown import escaped, table
from runaudit.text.shown import Shown
from runaudit.text.terminal import BOLD, UNPAINTED, Paint, printable
from runaudit.text.verdicts import verdict_words
from runaudit.text.words import plural


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class VerifyAnswer(Shown):
    """What `verify` answers with: how much was hashed again, and what is not as it was sealed."""

    found: Verification
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """Whether all is as it was sealed, in the word of the table of verdicts."""
        return "damaged" if self.found.problems else "sound"

    def to_json(self) -> dict[str, Any]:
        """The answer as the JSON contract words it."""
        return {
            "schema": "runaudit.verify/1",
            "verdict": self.verdict,
            "runs": self.found.runs,
            "checked": self.found.checked,
            "problems": [{"run": p.run, "file": p.file, "problem": p.problem} for p in self.found.problems],
            "notes": [*self.found.remarks, *self.notes],
        }

    @property
    def headline(self) -> str:
        """What was found, on one line."""
        word = plural(len(self.found.problems), "problem") if self.found.problems else "sound"
        runs, files = plural(self.found.runs, "run"), plural(self.found.checked, "file")
        return f"{word}: {runs}, {files} re-hashed"

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal: each problem, then how much was looked at."""
        yield from (printable(f"{where}  {p.file}: {p.problem}") for where, p in self._placed())
        yield from (printable(remark) for remark in self.found.remarks)
        yield paint(self.headline, BOLD + verdict_words("verify", self.verdict).tone.colour)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        yield f"**{escaped(self.headline)}**"
        if self.found.problems:
            yield from ("", *table(("run", "file", "problem"), ((at, p.file, p.problem) for at, p in self._placed())))
        if self.found.remarks:
            yield from ("", *(f"- {escaped(remark)}" for remark in self.found.remarks))

    def _placed(self) -> Iterator[tuple[str, Problem]]:
        return ((p.run[:SHORT] if p.run else "store", p) for p in self.found.problems)
