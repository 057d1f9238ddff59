"""Runs as rows and sections: the views of `list`."""

import json
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runaudit.factors.cohort import Cohort
from runaudit.factors.factor import ABSENT, Absent, section_of
from runaudit.factors.forgotten import forgotten_runs
from runaudit.factors.hindsight import Hindsight
from runaudit.records.canonical import JSON, canonical_bytes, json_safe
from runaudit.runs.lines import head_lines, json_lines, row_line, unplaced
from runaudit.runs.rows import Column, Entry, Section, fields, figures_of, line_fields, shown
from runaudit.settings import Settings
from runaudit.text.markdown import table
from runaudit.text.narrow import folded, no_room, within
from runaudit.text.terminal import DIM, RED, UNPAINTED, Paint, printable
from runaudit.text.words import columns, plural


def row_json(entry: Entry, columns: Sequence[Column] = ()) -> dict[str, Any]:
    """A run in the answer of `list`."""
    row = {**entry.row.to_json(), "metrics": dict(entry.run.metrics)}
    return {**row, "columns": {one.title: _plain(entry.at(one.name)) for one in columns}} if columns else row


def section_json(section: Section, columns: Sequence[Column] = ()) -> dict[str, Any]:
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
        **({"policy": _policy_json(section.late)} if section.late else {}),
        **({"forgotten": told} if (told := forgotten_runs(group.runs)) else {}),
    }


def _policy_json(late: Hindsight) -> dict[str, Any]:
    """Without the file and its date, which the index would keep beyond their day; `show` has them."""
    return {key: value for key, value in late.to_json().items() if key not in ("file", "written", "by")}


def row_cells(entry: Entry, metric: str | None) -> list[str]:
    """What a line shows of a run, printable: the columns that have a width, then the metric that matters."""
    cells = [printable(show(getattr(entry.row, name))) for name, show in line_fields()]
    value = entry.at(metric) if metric else ABSENT
    if isinstance(value, int | float) and not isinstance(value, bool):
        # What a run without a result had logged is in no figure of its cohort: it stands in brackets.
        return [*cells, f"{value:.5g}" if entry.run.finished else f"({value:.5g})"]
    return [*cells, "" if isinstance(value, Absent) else printable(shown(metric or "", value))]


def line_columns() -> list[tuple[str, int, str]]:
    """Name, width and title of the columns of a terminal's line."""
    return [(name, fields()[name]["width"], fields()[name].get("title", "")) for name, _ in line_fields()]


def head_cells(section: Section) -> tuple[str, str, int, int, str]:
    """What the head of a cohort shows: its id, label and counts, and its metric."""
    group = section.cohort
    return group.id, printable(group.label), group.n, group.effective_n, printable(_said(section, section.metric or ""))


def _said(section: Section, otherwise: str = "") -> str:
    """What a cohort comes to, and what is to be known of it beside."""
    return "; ".join(text for text in (_come_to(section) or otherwise, *section.beside) if text)


def _come_to(section: Section) -> str:
    """The figure of a cohort, or why it has none; nothing of what it is sorted by, where that is no metric."""
    if section.spread is not None:
        return str(section.spread)
    name = section.metric
    is_metric = section.by is None or any(name in entry.run.metrics for entry in section.every)
    return f"{name}: {_none_counts(section.cohort, name)}" if name and is_metric else ""


def _none_counts(group: Cohort, metric: str) -> str:
    """Why a cohort has no figure of a metric that some run of it logged."""
    ended = [run for run in group.runs if run.finished]
    held = sum(any(figure.name == metric for figure in figures_of(run)) for run in ended)
    return (
        f"no finite number ({held} of {plural(len(ended), 'finished run')} not finite)"
        if held
        else "no finished run has one"
    )


def list_lines(sections: Sequence[Section], *, verbose: bool, paint: Paint, width: int | None) -> Iterator[str]:
    """The runs for a terminal, cohort by cohort."""
    for number, section in enumerate(sections):
        if number:
            yield ""
        yield from head_lines(*head_cells(section), shown=len(section.entries), paint=paint, width=width)
        for entry in section.entries:
            yield row_line(row_cells(entry, section.metric), line_columns(), paint=paint, width=width)
            if entry.run.fault:
                yield paint(printable(f"    damaged: {entry.run.fault}"), RED)
            if verbose:
                yield from (printable(f"    {name} {value:.5g}") for name, value in sorted(entry.run.metrics.items()))
        for note in section.cohort.notes if verbose else ():
            yield paint(printable(f"  {note}"), DIM)
    if sections and (left_out := unplaced(line_columns(), width)):
        yield from ("", *(paint(line, DIM) for line in left_out))


def table_lines(sections: Sequence[Section], chosen: Sequence[Column], *, width: int | None) -> Iterator[str]:
    """The chosen columns for a terminal, each run a line, then what each cohort comes to in the metrics among them."""
    entries = [entry for one in sections for entry in one.entries]
    rows = [[printable(shown(c.name, entry.at(c.name))) for c in chosen] for entry in entries]
    if rows:
        titled = [[printable(one.title) for one in chosen], *rows]
        numbers = [all(_is_number(entry.at(c.name)) for entry in entries) for c in chosen]
        kept, left_out = (titled, []) if width is None else within(titled, numbers, width)
        yield from columns(kept)
        if left_out and width is not None:
            yield from no_room(left_out, width)
    for section in sections:
        spreads = [section.spread_of(one.name) for one in chosen if one.metric] or [section.spread]
        if told := "; ".join([*(str(one) for one in spreads if one), *section.beside]):
            yield from folded(printable(f"{section.cohort.id}  {told}"), width)


def _is_number(value: JSON | Absent) -> bool:
    """Whether a cell is a number, or holds nothing."""
    return value is None or isinstance(value, int | float | Absent)


def list_markdown(sections: Sequence[Section], columns: Sequence[Column]) -> Iterator[str]:
    """The runs as a table."""
    chosen = list(columns) or [Column(name, name) for name, about in fields().items() if about.get("paged")]
    named = ("run" if one.title == "id" else one.title for one in chosen)
    header = ("cohort", "n", "effective n", *named, "metric", "cohort mean ± sd")
    rows = (
        (one.cohort.id, one.cohort.n, one.cohort.effective_n, *(shown(c.name, entry.at(c.name)) for c in chosen),
         f"{one.metric} {row_cells(entry, one.metric)[-1]}" if one.metric else "", _said(one))
        for one in sections
        for entry in one.entries
    )  # fmt: skip
    yield from table(header, rows)


def csv_lines(sections: Sequence[Section], columns: Sequence[Column]) -> Iterator[str]:
    """The runs as RFC 4180 has them, a row a line; a text that a spreadsheet would compute is marked as text."""
    import csv
    import io

    rows = table_rows(sections, columns)
    # What reads it is to find its columns where no run is listed, too.
    header = [*rows[0]] if rows else [one.title for one in columns] or [*fields()]
    for cells in (header, *(row.values() for row in rows)):
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


def table_rows(
    sections: Sequence[Section], columns: Sequence[Column] = (), *, config: bool = False
) -> list[dict[str, Any]]:
    """Each run as a plain dict of equal keys: the chosen columns, else every field and every metric. config: and every
    setting, as `config.lr`; None where a run has none."""
    entries = [entry for section in sections for entry in section.entries]
    if columns:
        return [{one.title: _plain(entry.at(one.name)) for one in columns} for entry in entries]
    settings = [{at: v for at, v in e.leaves() if config and section_of(at) == "config"} for e in entries]
    metrics = sorted({name for entry in entries for name in entry.run.metrics} - set(fields()))
    leaves = sorted({name for one in settings for name in one} - {*fields(), *metrics})
    return [
        {**entry.row.to_json(), **{name: own.get(name) for name in leaves},
         **{name: entry.run.metrics.get(name) for name in metrics}}
        for entry, own in zip(entries, settings, strict=True)
    ]  # fmt: skip


def _plain(value: JSON | Absent) -> JSON:
    return None if isinstance(value, Absent) else value


def sections_of(groups: Iterable[Cohort], settings: Settings, away: Container[str] = ()) -> tuple[Section, ...]:
    """The cohorts with their runs but those put away, which stay counted."""
    found = (Section.of(group, settings) for group in groups)
    kept = (replace(one, entries=tuple(e for e in one.every if e.run.id not in away)) for one in found)
    return tuple(section for section in kept if section.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAnswer:
    """What `list` answers with: the cohorts with their runs. width: of the terminal, None where there is none."""

    sections: tuple[Section, ...]
    columns: tuple[Column, ...] = ()
    width: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The runs for a program."""
        return {"schema": "runaudit.list/1", "cohorts": [section_json(one, self.columns) for one in self.sections]}

    def json_lines(self) -> Iterator[str]:
        """The same as text, a cohort a line: that of the index to the last byte, so that a script sees one form."""
        return json_lines(json.dumps(json_safe(group)) for group in self.to_json()["cohorts"])

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
