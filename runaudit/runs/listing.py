"""Runs as rows and sections: the views of `list`, and its filters by a word."""

import csv
import io
import operator
import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runaudit.errors import RecordError, UsageError
from runaudit.factors.cohort import Cohort
from runaudit.factors.factor import ABSENT, Absent
from runaudit.factors.levels import levels
from runaudit.factors.tree import same
from runaudit.records.canonical import JSON, canonical_bytes, parse_strict
from runaudit.records.manifest import Unknown
from runaudit.records.run import Run
from runaudit.runs.lines import fitted, head_lines, row_line
from runaudit.runs.rows import Entry, Section, fields, shown
from runaudit.settings import FactorSettings
from runaudit.text.markdown import table
from runaudit.text.terminal import DIM, RED, UNPAINTED, Paint, printable
from runaudit.text.words import columns

COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge, "<=": operator.le, "!=": operator.ne, "=": operator.eq, ">": operator.gt, "<": operator.lt,
}  # fmt: skip
_FILTER = re.compile(r"(?P<key>[^<>=!]+?)\s*(?P<op>>=|<=|!=|=|>|<)\s*(?P<value>.*)")


def filtered(groups: Sequence[Cohort], filters: Sequence[str]) -> tuple[Cohort, ...]:
    """The cohorts with the runs that every filter keeps; empty cohorts left out."""
    tests = [_test(text) for text in filters]
    kept = (replace(g, runs=tuple(run for run in g.runs if all(test(run, g) for test in tests))) for g in groups)
    return tuple(group for group in kept if group.runs)


def _test(text: str) -> Callable[[Run, Cohort], bool]:
    match = _FILTER.fullmatch(text)
    if match is None:
        return lambda run, group: text.lower() in run.label.lower() or run.id.startswith(text) or group.id == text
    key, sign, value = match["key"].strip(), match["op"], _value(match["value"])
    holds = COMPARE[sign]

    def test(run: Run, group: Cohort) -> bool:
        found = _field(run, group, key)
        if isinstance(found, Absent):
            return sign == "!="
        if sign in ("=", "!="):
            return (same(found, value) or str(found) == match["value"].strip()) is (sign == "=")
        numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (found, value))
        return numbers and holds(found, value)

    if sign in ("<", ">", "<=", ">=") and not isinstance(value, int | float):
        raise UsageError(f"the filter {text!r} compares with no number", remedy="write, for example, psnr>30")
    return test


def _value(text: str) -> JSON:
    try:
        return parse_strict(text, where="filter")
    except RecordError:
        return text.strip()


def _field(run: Run, group: Cohort, key: str) -> JSON | Absent:
    """What a filter's key means: a fact of the run, a dotted path of its design, a metric or the end of its name."""
    seed = run.manifest.seed
    facts = {"status": run.status, "label": run.label, "cohort": group.id, "id": run.id,
             "seed": None if isinstance(seed, Unknown) else seed}  # fmt: skip
    if key in facts:
        return facts[key]
    found = levels(run, FactorSettings()).at(key)
    if not isinstance(found, Absent):
        return found
    named = [value for name, value in run.metrics.items() if name == key or name.endswith(f"/{key}")]
    return named[0] if named else found


def row_json(entry: Entry, columns: Sequence[str] = ()) -> dict[str, Any]:
    """A run in the answer of `list`."""
    row = {**entry.row.to_json(), "metrics": dict(entry.run.metrics)}
    return {**row, "columns": {name: _plain(entry.at(name)) for name in columns}} if columns else row


def section_json(section: Section, columns: Sequence[str] = ()) -> dict[str, Any]:
    """A cohort in the answer of `list`."""
    group = section.cohort
    return {
        "id": group.id,
        "label": group.label,
        "n": group.n,
        "effective_n": group.effective_n,
        "seeds": list(group.seeds),
        "metric": section.spread.to_json() if section.spread else None,
        "runs": [row_json(entry, columns) for entry in section.entries],
    }


def row_cells(entry: Entry, metric: str | None) -> list[str]:
    """What a line shows of a run, printable: the columns that have a width, then the metric that matters."""
    cells = [printable(shown(name, entry.at(name))) for name, about in fields().items() if about["width"]]
    value = entry.metric(metric) if metric else ABSENT
    return [*cells, "" if isinstance(value, Absent) else f"{value:.5g}"]


def line_columns() -> list[tuple[str, int, str]]:
    """Name, width and title of the columns of a terminal's line."""
    return [(name, about["width"], about.get("title", "")) for name, about in fields().items() if about["width"]]


def head_cells(section: Section) -> tuple[str, str, int, int, str]:
    """What the head of a cohort shows: its id, label and counts, and its metric."""
    group = section.cohort
    return (group.id, printable(group.label), group.n, group.effective_n,
            printable(str(section.spread)) if section.spread else printable(section.metric or ""))  # fmt: skip


def list_lines(sections: Sequence[Section], *, verbose: bool, paint: Paint, width: int | None) -> Iterator[str]:
    """The runs for a terminal, cohort by cohort."""
    for number, section in enumerate(sections):
        if number:
            yield ""
        yield from head_lines(*head_cells(section), paint=paint, width=width)
        for entry in section.entries:
            yield row_line(row_cells(entry, section.metric), line_columns(), paint=paint)
            if entry.run.fault:
                yield paint(printable(f"    damaged: {entry.run.fault}"), RED)
            if verbose:
                yield from (printable(f"    {name} {value:.5g}") for name, value in sorted(entry.run.metrics.items()))
        for note in section.cohort.notes if verbose else ():
            yield paint(printable(f"  {note}"), DIM)


def table_lines(sections: Sequence[Section], names: Sequence[str], *, width: int | None) -> Iterator[str]:
    """The chosen columns for a terminal, each run a line, then each cohort's metric."""
    rows = [[printable(shown(name, entry.at(name))) for name in names] for one in sections for entry in one.entries]
    if rows:
        yield from (fitted(line, width) for line in columns([[printable(name) for name in names], *rows]))
    for section in sections:
        if section.spread:
            yield fitted(printable(f"{section.cohort.id}  {section.spread}"), width)


def list_markdown(sections: Sequence[Section], names: Sequence[str]) -> Iterator[str]:
    """The runs as a table."""
    chosen = list(names) or [name for name, about in fields().items() if about.get("paged")]
    header = ("cohort", "n", "effective n", *("run" if name == "id" else name for name in chosen), "metric", "cohort's")
    rows = (
        (one.cohort.id, one.cohort.n, one.cohort.effective_n, *(shown(name, entry.at(name)) for name in chosen),
         f"{one.metric} {row_cells(entry, one.metric)[-1]}" if one.metric else "", str(one.spread or ""))
        for one in sections
        for entry in one.entries
    )  # fmt: skip
    yield from table(header, rows)


def csv_lines(sections: Sequence[Section], names: Sequence[str]) -> Iterator[str]:
    """The runs as RFC 4180 has them, a row a line; a text that a spreadsheet would compute is marked as text."""
    rows = table_rows(sections, names)
    for cells in ([*rows[0]], *(row.values() for row in rows)) if rows else ():
        out = io.StringIO()
        csv.writer(out).writerow([_cell(cell) for cell in cells])
        yield out.getvalue()


_COMPUTED = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What begins a formula, the wide forms too (OWASP, CSV injection); a tab and a line's end are visible by then."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def _cell(value: JSON) -> str | int | float:
    if isinstance(value, str):
        text = printable(value, keep="")
        return f"'{text}" if text.startswith(_COMPUTED) and not _NUMBER.fullmatch(text) else text
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return "" if value is None else printable(canonical_bytes(value).decode(), keep="")


def table_rows(sections: Sequence[Section], names: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Each run as a plain dict of equal keys: the chosen columns, else every field and every metric."""
    entries = [entry for section in sections for entry in section.entries]
    if names:
        return [{name: _plain(entry.at(name)) for name in names} for entry in entries]
    metrics = sorted({name for entry in entries for name in entry.run.metrics} - set(fields()))
    return [{**entry.row.to_json(), **{name: entry.run.metrics.get(name) for name in metrics}} for entry in entries]


def _plain(value: JSON | Absent) -> JSON:
    return None if isinstance(value, Absent) else value


def sections_of(groups: Sequence[Cohort], policy: FactorSettings, away: Container[str] = ()) -> tuple[Section, ...]:
    """The cohorts with their runs but those put away, which stay counted."""
    found = (Section.of(group, policy) for group in groups)
    kept = (replace(one, entries=tuple(e for e in one.entries if e.run.id not in away)) for one in found)
    return tuple(section for section in kept if section.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAnswer:
    """What `list` answers with: the cohorts with their runs. width: of the terminal, None where there is none."""

    sections: tuple[Section, ...]
    columns: tuple[str, ...] = ()
    width: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The runs for a program."""
        return {"schema": "runaudit.list/1", "cohorts": [section_json(one, self.columns) for one in self.sections]}

    @property
    def headline(self) -> str:
        """The short ids, one a line."""
        return "\n".join(entry.run.short for section in self.sections for entry in section.entries)

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal."""
        if self.columns:
            return table_lines(self.sections, self.columns, width=self.width)
        return list_lines(self.sections, verbose=verbose, paint=paint, width=self.width)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a page."""
        return list_markdown(self.sections, self.columns)
