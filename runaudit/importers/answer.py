"""What `import` answers with: the runs that came in, each with what its record does not say, and those left out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runaudit.records.run import SHORT
from runaudit.text.markdown import code, escaped, table
from runaudit.text.terminal import BOLD, UNPAINTED, Paint, printable
from runaudit.text.words import head

SHOWN = 6
"""Gaps of a run that are named; the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportAnswer:
    """What `import` answers with: the runs that came in, each with what its record does not say, and those left out."""

    rows: tuple[Mapping[str, Any], ...]
    skipped: tuple[tuple[str, str], ...]

    def to_json(self) -> dict[str, Any]:
        """The answer for a program."""
        return {
            "schema": "runaudit.import/1",
            "imported": [dict(row) for row in self.rows],
            "skipped": [{"source": source, "reason": reason} for source, reason in self.skipped],
        }

    @property
    def headline(self) -> str:
        """The ids of what came in, one a line."""
        return "\n".join(row["id"][:SHORT] for row in self.rows)

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal."""
        for row in self.rows:
            yield printable(f"{row['id'][:SHORT]}  {row['label'] or ''}  ({_gaps(row['missing'], verbose)})")
        yield from (printable(f"skipped {source}: {reason}") for source, reason in self.skipped)
        yield paint(f"{len(self.rows)} imported, {len(self.skipped)} skipped", BOLD)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        yield f"**{len(self.rows)} imported, {len(self.skipped)} skipped**"
        if self.rows:
            rows = ((row["id"][:SHORT], row["label"] or "", _gaps(row["missing"], verbose)) for row in self.rows)
            yield from ("", *table(("run", "label", "not in the record"), rows))
        if self.skipped:
            yield from ("", *(f"- skipped {code(source)}: {escaped(reason)}" for source, reason in self.skipped))


def _gaps(missing: Sequence[str], verbose: bool) -> str:
    return f"unknown: {head(missing, len(missing) if verbose else SHOWN)}" if missing else "nothing missing"
