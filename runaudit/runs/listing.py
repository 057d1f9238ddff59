"""Runs as rows and sections: the views of `list` and `show`, and the filters of `list`."""

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runaudit.errors import RecordError, UsageError
from runaudit.factors.cohort import Cohort
from runaudit.factors.factor import Absent
from runaudit.factors.levels import levels
from runaudit.factors.tree import same
from runaudit.metrics.catalogue import PRIMARY
from runaudit.records.canonical import JSON, parse_strict
from runaudit.records.manifest import Unknown
from runaudit.records.run import Run
from runaudit.runs.lines import head_line, row_line
from runaudit.settings import FactorSettings
from runaudit.text.markdown import table
from runaudit.text.terminal import DIM, RED, UNPAINTED, Paint, printable
from runaudit.text.words import level

COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge, "<=": operator.le, "!=": operator.ne, "=": operator.eq, ">": operator.gt, "<": operator.lt,
}  # fmt: skip
_FILTER = re.compile(r"(?P<key>[^<>=!]+?)\s*(?P<op>>=|<=|!=|=|>|<)\s*(?P<value>.*)")
METRICS_SHOWN = 3


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


def row_json(run: Run) -> dict[str, Any]:
    """A run in the answer of `list`."""
    seed = run.manifest.seed
    return {
        "id": run.id,
        "label": run.label,
        "seed": None if isinstance(seed, Unknown) else seed,
        "status": run.status,
        "started": run.manifest.section("launch").get("started"),
        "metrics": dict(run.metrics),
        "fault": run.fault,
    }


def list_json(groups: Sequence[Cohort]) -> dict[str, Any]:
    """The answer of `list`."""
    return {
        "schema": "runaudit.list/1",
        "cohorts": [
            {
                "id": group.id,
                "label": group.label,
                "n": group.n,
                "effective_n": group.effective_n,
                "seeds": list(group.seeds),
                "runs": [row_json(run) for run in group.runs],
            }
            for group in groups
        ],
    }


def list_lines(groups: Sequence[Cohort], *, verbose: bool, paint: Paint) -> Iterator[str]:
    """The runs for a terminal, cohort by cohort."""
    for number, group in enumerate(groups):
        if number:
            yield ""
        yield head_line(group.id, printable(group.label), group.n, group.effective_n, paint=paint)
        for run in group.runs:
            yield row_line(*row_cells(run, verbose=verbose), paint=paint)
            if run.fault:
                yield paint(printable(f"    damaged: {run.fault}"), RED)
        for note in group.notes if verbose else ():
            yield paint(printable(f"  {note}"), DIM)


def row_cells(run: Run, *, verbose: bool = False) -> tuple[str, str, str, str, str]:
    """What a line shows of a run, printable: its short id, seed, status, start and metrics."""
    started = str(run.manifest.section("launch").get("started") or "")[:19]
    seed = run.manifest.seed
    return (run.short, printable(level(None if isinstance(seed, Unknown) else seed)), run.status, printable(started),
            _metrics(run, verbose))  # fmt: skip


def _metrics(run: Run, verbose: bool) -> str:
    names = [n for n in sorted(run.metrics) if "bicubic" not in n]
    names.sort(key=lambda name: (not name.startswith(f"{PRIMARY}/"), not name.startswith("val/"), name))
    kept = names if verbose else names[:METRICS_SHOWN]
    more = f"  +{len(names) - len(kept)}" if len(kept) < len(names) else ""
    return "  ".join(f"{printable(name)} {run.metrics[name]:.5g}" for name in kept) + more


def list_markdown(groups: Sequence[Cohort]) -> Iterator[str]:
    """The runs as a table."""
    header = ("cohort", "n", "effective n", "run", "label", "seed", "status", "metrics")
    rows = (
        (group.id, group.n, group.effective_n, run.short, run.label, level(row_json(run)["seed"]), run.status,
         _metrics(run, False))
        for group in groups
        for run in group.runs
    )  # fmt: skip
    yield from table(header, rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAnswer:
    """What `list` answers with: the cohorts with their runs."""

    groups: tuple[Cohort, ...]

    def to_json(self) -> dict[str, Any]:
        """The runs for a program."""
        return list_json(self.groups)

    @property
    def headline(self) -> str:
        """The short ids, one a line."""
        return "\n".join(run.short for group in self.groups for run in group.runs)

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal."""
        return list_lines(self.groups, verbose=verbose, paint=paint)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a page."""
        return list_markdown(self.groups)
