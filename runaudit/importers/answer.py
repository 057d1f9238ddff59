"""What `import` answers with: the runs that came in, each with what its record does not say, and those left out.

A folder of old runs holds hundreds. What a reader wants of them is one table: of each tracker how many came in, what
their records never say, and so how much can be judged: a grade, with what keeps the runs from a better one.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runaudit.importers.base import Skipped
from runaudit.importers.kinds import CALLED
from runaudit.importers.merging import says_what_is_one
from runaudit.records.run import SHORT
from runaudit.text.markdown import code, escaped, table
from runaudit.text.terminal import BOLD, UNPAINTED, Paint, printable
from runaudit.text.words import head, plural

SHOWN = 6
"""Gaps of a run that are named; the rest is counted."""
EACH = 20
"""Runs up to which each has a line of its own without -v."""
GRADES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "D": (("config", "code", "code.commit"), "settings or code cannot be compared"),
    "C": (("seed", "code.patch", "runtime.status", "metrics"), "replicates, edits or failures cannot be told"),
    "B": (("data", "env", "init", "eval"), "a verdict holds only if these were equal"),
}
"""Grade -> what a record lacks that has it, worst first, and what that costs. Nothing is lacking for an A."""


def grade_of(missing: Sequence[str]) -> str:
    """How much can be judged of a run, from A to D, by what its record does not say."""
    missing = [*_weighty(missing)]
    for grade, (sections, _) in GRADES.items():
        if any(_lacks(path, sections) for path in missing):
            return grade
    return "B" if missing else "A"


def _weighty(missing: Iterable[str]) -> Iterator[str]:
    """The gaps but for a metric that came to no number: that hides no failure, and keeps nothing from being told."""
    return (path for path in missing if not path.startswith("metrics."))


def _lacks(path: str, sections: Sequence[str]) -> bool:
    """Whether a gap is one of those of a grade: of the first section any part, of the others the whole."""
    return path in sections or path.partition(".")[0] == sections[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportAnswer:
    """What `import` answers with: the runs that came in, each with what its record does not say, and those left out."""

    rows: tuple[Mapping[str, Any], ...]
    skipped: tuple[Skipped, ...]

    def to_json(self) -> dict[str, Any]:
        """The answer for a program."""
        return {
            "schema": "runaudit.import/1",
            "imported": [dict(row) for row in self.rows],
            "skipped": [{"source": one.source, "reason": one.reason, "broken": one.broken} for one in self.skipped],
            "kinds": [_tally(kind, rows) for kind, rows in self._kinds()],
            "notes": list(self.notes),
        }

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know of the runs beside one another."""
        return (*self._repeats(), *self._noted())

    def _repeats(self) -> Iterator[str]:
        count = sum(bool(row.get("repeats")) for row in self.rows)
        if count:
            logged = "1 run logged" if count == 1 else f"{count} runs logged"
            told = f"{logged} the very numbers of another, to the last bit: copies, or a program without chance"
            yield f"{told}; in an interval such runs count once"

    def _noted(self) -> Iterator[str]:
        told = [str(row["note"]).split("; ") for row in self.rows if row.get("note")]
        count = sum(not all(map(says_what_is_one, notes)) for notes in told)
        if count:
            odd = "something in the record is not as it should be"
            yield f"of {plural(count, 'run')} {odd}: `runaudit show RUN` says what"

    @property
    def headline(self) -> str:
        """The ids of what came in, one a line."""
        return "\n".join(row["id"][:SHORT] for row in self.rows)

    @property
    def _count(self) -> str:
        broken = sum(one.broken for one in self.skipped)
        damaged = f", {broken} of them damaged" if broken else ""
        return f"{len(self.rows)} imported, {len(self.skipped)} skipped{damaged}"

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal."""
        if verbose or len(self.rows) <= EACH:
            for row in self.rows:
                yield printable(f"{row['id'][:SHORT]}  {row['label'] or ''}  ({_gaps(row['missing'], verbose)})")
                if note := row.get("note"):
                    yield printable(f"  {note}")
        shown = self.skipped if verbose else self.skipped[:EACH]
        yield from (printable(f"{_left(one)} {one.source}: {one.reason}") for one in shown)
        if len(shown) < len(self.skipped):
            yield f"and {plural(len(self.skipped) - len(shown), 'other')} (-v lists all)"
        for kind, rows in self._kinds():
            yield from _told(_tally(kind, rows))
        yield from (printable(f"note: {note}") for note in self.notes)
        yield paint(self._count, BOLD)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        yield f"**{self._count}**"
        if self.rows:
            tallies = [_tally(kind, rows) for kind, rows in self._kinds()]
            lines = ((CALLED.get(tally["kind"], tally["kind"]), str(tally["runs"]), _grades(tally), _counts(tally))
                     for tally in tallies)  # fmt: skip
            yield from ("", *table(("tracker", "runs", "grade", "not in the record"), lines))
            rows = ((row["id"][:SHORT], row["label"] or "", _gaps(row["missing"], verbose)) for row in self.rows)
            yield from ("", *table(("run", "label", "not in the record"), rows))
        yield from (line for note in self.notes for line in ("", f"> {escaped(note)}"))
        if self.skipped:
            yield from ("", *(f"- {_left(one)} {code(one.source)}: {escaped(one.reason)}" for one in self.skipped))

    def _kinds(self) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
        """The runs of each tracker, in the order in which these came in."""
        kinds = dict.fromkeys(str(row.get("kind", "")) for row in self.rows)
        yield from ((kind, [row for row in self.rows if row.get("kind", "") == kind]) for kind in kinds)


def _tally(kind: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Of the runs of one tracker: how many, of which grade, and how often what is missing."""
    gaps = Counter(path for row in rows for path in row["missing"])
    grades = Counter(row["grade"] for row in rows)
    return {
        "kind": kind,
        "runs": len(rows),
        "grades": dict(sorted(grades.items())),
        "missing": dict(gaps.most_common()),
    }


def _left(one: Skipped) -> str:
    return "damaged" if one.broken else "skipped"


def _told(tally: Mapping[str, Any]) -> Iterator[str]:
    name = CALLED.get(tally["kind"], tally["kind"])
    yield printable(f"{name}: {plural(tally['runs'], 'run')}, grade {_grades(tally)}")
    if tally["missing"]:
        yield printable(f"  not in the record: {_counts(tally)}")
    worst = max(tally["grades"], default="A")
    if worst in GRADES:
        sections, why = GRADES[worst]
        lacking = [path for path in _weighty(tally["missing"]) if worst == "B" or _lacks(path, sections)]
        yield printable(f"  grade {worst} (no {head(lacking, 4)}): {why}")


def _grades(tally: Mapping[str, Any]) -> str:
    grades = tally["grades"]
    return (
        next(iter(grades)) if len(grades) == 1 else ", ".join(f"{grade} of {count}" for grade, count in grades.items())
    )


def _counts(tally: Mapping[str, Any]) -> str:
    """What is missing, most often first; how often, where not of all."""
    runs = tally["runs"]
    words = [path if count == runs else f"{path} ({count})" for path, count in tally["missing"].items()]
    return head(words, SHOWN + 2) or "nothing"


def _gaps(missing: Sequence[str], verbose: bool) -> str:
    return f"unknown: {head(missing, len(missing) if verbose else SHOWN)}" if missing else "nothing missing"
