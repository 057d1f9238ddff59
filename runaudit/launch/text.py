"""What `restore`, `rerun` and `seal` answer with, for programs, for a terminal and for a pull request."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from runaudit.launch.reproduction import Difference
from runaudit.launch.rerun import Rerun
from runaudit.launch.restore import Restored
from runaudit.records.outcome import Outcome
from runaudit.records.run import SHORT, Run
from runaudit.text.markdown import bullets, code, escaped, table
from runaudit.text.terminal import BOLD, UNPAINTED, Paint, printable
from runaudit.text.verdicts import verdict_words


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreAnswer:
    """Where the code of a run lies now, and what of it is not as it was sealed."""

    run: Run
    restored: Restored

    @property
    def verdict(self) -> str:
        """Whether every file is as it was sealed, in the word of the table of verdicts."""
        return "exact" if self.restored.exact else "incomplete"

    def to_json(self) -> dict[str, Any]:
        """The answer for a program."""
        return {
            "schema": "runaudit.restore/1",
            "verdict": self.verdict,
            "run": self.run.id,
            "to": str(self.restored.to.absolute()),
            "commit": self.restored.commit,
            "files": self.restored.files,
            "exact": self.restored.exact,
            "missing": [{"file": path, "reason": why} for path, why in self.restored.missing.items()],
            "notes": list(self.restored.notes),
        }

    @property
    def headline(self) -> str:
        """Where it is, and whether it is exact."""
        place = f"The code of run {self.run.short} is in {self.restored.to}"
        if self.restored.exact:
            return f"{place}: {self.restored.files} files, each as it was sealed."
        return f"{place}, but {len(self.restored.missing)} of {self.restored.files} files not as sealed:"

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal."""
        yield paint(printable(self.headline), BOLD + verdict_words("restore", self.verdict).tone.colour)
        yield from (printable(f"  {path}: {why}") for path, why in self.restored.missing.items())
        yield from (printable(f"Note: {note}.") for note in self.restored.notes)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        yield f"**{escaped(self.headline)}**"
        if self.restored.missing:
            yield from ("", *(f"- {code(path)}: {escaped(why)}" for path, why in self.restored.missing.items()))
        if self.restored.notes:
            yield from ("", *bullets(f"Note: {note}." for note in self.restored.notes))


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunAnswer:
    """Whether a run came out the same once more."""

    run: Run
    done: Rerun

    def to_json(self) -> dict[str, Any]:
        """The answer for a program."""
        return self.done.repetition.to_json() | {
            "run": self.run.id,
            "rerun": self.done.again.id,
            "restored": RestoreAnswer(run=self.run, restored=self.done.restored).to_json(),
            "linked": list(self.done.linked),
        }

    @property
    def headline(self) -> str:
        """The verdict and its reason, on one line."""
        found = self.done.repetition
        words = verdict_words("rerun", found.verdict).words
        said = found.reason if found.reason.startswith(words) else f"{words}; {found.reason}"
        return f"Run {self.run.short} ({self.run.label}): {said}."

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal."""
        found = self.done.repetition
        yield paint(printable(self.headline), BOLD + verdict_words("rerun", found.verdict).tone.colour)
        yield from (printable(f"  {factor.summary}") for factor in found.inputs)
        for item in found.differences:
            where = f" (a replicate is expected in {_expected(item)})" if _expected(item) else ""
            yield printable(f"  {item.metric}: {item.before} then, {item.after} now{where}")
        yield from (printable(f"  {path}: other bytes") for path in found.files)
        yield f"The repetition is run {self.done.again.short}."

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        found = self.done.repetition
        yield f"**{escaped(self.headline)}**"
        if found.inputs:
            yield from ("", *bullets(factor.summary for factor in found.inputs))
        if found.differences:
            rows = ((item.metric, item.before, item.after, _expected(item)) for item in found.differences)
            yield from ("", *table(("metric", "then", "now", "a replicate is expected in"), rows, right=1))
        if found.files:
            yield from ("", *(f"- {code(path)}: other bytes" for path in found.files))
        yield from ("", f"The repetition is run {self.done.again.short}.")


def _expected(item: Difference) -> str:
    return "" if item.low is None else f"{item.low:.6g} to {item.high:.6g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealAnswer:
    """What `seal` answers with: how the run ended, as far as is known, and what is not."""

    outcome: Outcome

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know of the outcome."""
        return tuple(self.outcome.body.get("notes", ()))

    def to_json(self) -> dict[str, Any]:
        """The answer for a program."""
        return {"schema": "runaudit.seal/1", "run": self.outcome.manifest.hex, "status": self.outcome.status,
                "error": self.outcome.body.get("error"), "notes": list(self.notes)}  # fmt: skip

    @property
    def headline(self) -> str:
        """Which run was sealed, and as what."""
        return f"run {self.outcome.manifest.hex[:SHORT]} sealed as {self.outcome.status}"

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal."""
        yield paint(printable(self.headline), BOLD)
        yield from (printable(f"  {note}") for note in self.notes)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        yield f"**{escaped(self.headline)}**"
        if self.notes:
            yield from ("", *bullets(self.notes))
