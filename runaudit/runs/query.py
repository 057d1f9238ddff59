"""Which runs `list` shows and in what order: an expression of the checked language, a column, the newest.

A name that no run knows is a mistake and is said so: an empty answer would look like a finding.
"""

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import isnan

from runaudit.errors import ConfigError, UsageError
from runaudit.factors.derived import RuleBrokenError, evaluate, parsed, references
from runaudit.factors.factor import Absent
from runaudit.factors.tree import leaves_of
from runaudit.records.canonical import JSON
from runaudit.runs.rows import Entry, Section, fields
from runaudit.text.words import closest

WHERE = "--where"
_QUOTED = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What of the runs is asked for. newest: that many, of a sorted list the first; None for all."""

    where: str | None = None
    sort: str | None = None
    newest: int | None = None
    columns: tuple[str, ...] = ()

    def of(self, sections: Sequence[Section], launched: Sequence[str]) -> tuple[Section, ...]:
        """The sections with the runs asked for, in order. launched: the ids of all runs, oldest first.

        Raises UsageError for a name that no run knows.
        """
        if self.newest is not None and self.newest < 1:
            raise UsageError(f"-n {self.newest} lists nothing", remedy="give a number from 1 on")
        every = [entry for section in sections for entry in section.entries]
        for name in self.columns:
            _known(name, every)
        kept = _where(self.where, every) if self.where is not None else every
        if self.sort:
            name = self.sort.removeprefix("-")
            _known(name, every)
            kept = in_order(kept, name, descending=self.sort.startswith("-"))[: self.newest]
        elif self.newest is not None:
            among = {entry.run.id for entry in kept}
            newest = frozenset([run for run in launched if run in among][-self.newest :])
            kept = [entry for entry in kept if entry.run.id in newest]
        return _sections(sections, kept)


def _sections(sections: Sequence[Section], kept: Sequence[Entry]) -> tuple[Section, ...]:
    """The kept entries in their sections, the section of the first one first."""
    home = {entry.run.id: number for number, section in enumerate(sections) for entry in section.entries}
    rows: dict[int, list[Entry]] = {}
    for entry in kept:
        rows.setdefault(home[entry.run.id], []).append(entry)
    return tuple(replace(sections[number], entries=tuple(entries)) for number, entries in rows.items())


def in_order(entries: Iterable[Entry], name: str, *, descending: bool) -> list[Entry]:
    """Sorted by a column: numbers before texts; what has none, or NaN, which has no place, at the end either way."""
    having: list[tuple[tuple[bool, float, str], Entry]] = []
    without = []
    for entry in entries:
        value = entry.at(name)
        if value is None or isinstance(value, Absent) or (isinstance(value, float) and isnan(value)):
            without.append(entry)
        else:
            is_number = isinstance(value, int | float)
            # As it is: an integer of any size compares with a float, and may be too large to become one.
            having.append(((not is_number, value if isinstance(value, int | float) else 0.0, str(value)), entry))
    having.sort(key=lambda pair: pair[0], reverse=descending)
    return [entry for _, entry in having] + without


def _where(text: str, entries: Sequence[Entry]) -> list[Entry]:
    """The entries of which the expression holds. What one lacks is missing there: it does not match."""
    rule = _with_metrics(text, {name for entry in entries for name in (*entry.run.metrics, *_means(entry))})
    try:
        tree, names = parsed(rule, WHERE), references(rule, WHERE)
    except ConfigError as error:
        raise UsageError(
            error.message.replace("the rule of --where", f"{WHERE} {text!r}", 1),
            remedy="write, for example, 'config.lr > 1e-3 and status == \"completed\"'",
        ) from error
    for name in sorted(names):
        _known(name, entries)
    return [entry for entry in entries if _holds(tree, entry)]


def _holds(tree: ast.expr, entry: Entry) -> bool:
    try:
        return bool(evaluate(tree, entry.at))
    except RuleBrokenError:
        return False


def _means(entry: Entry) -> Iterable[str]:
    return (figure.name for figure in entry.figures)


def _with_metrics(text: str, names: Iterable[str]) -> str:
    """`full_frame/psnr` is a name, not a division: the metrics that are known are marked as such outside quotes."""
    spelt = sorted((name for name in names if not name.isidentifier() and "'" not in name), key=len, reverse=True)
    if not spelt:
        return text
    pattern = re.compile(rf"(?<![\w./])({'|'.join(map(re.escape, spelt))})(?![\w/])")
    parts = _QUOTED.split(text)
    parts[::2] = [pattern.sub(lambda match: f"metrics[{match[1]!r}]", part) for part in parts[::2]]
    return "".join(parts)


def _known(name: str, entries: Sequence[Entry]) -> None:
    """Raises UsageError with the nearest names where no run knows this one."""
    if not entries or name in fields() or any(not isinstance(entry.at(name), Absent) for entry in entries):
        return
    names = set(fields())
    for entry in entries:
        names.update(entry.run.metrics)
        names.update(part for metric in entry.run.metrics for part in metric.split("/"))
        names.update(path for path, _ in _leaves(entry))
    raise UsageError(
        f"no run has {name!r}{closest(name, names)}", remedy="`runaudit list --json` and `show` give the names"
    )


def _leaves(entry: Entry) -> Iterable[tuple[str, JSON]]:
    for section, tree in entry.levels.tree.items():
        yield from leaves_of(tree, section)
