"""Which runs `list` shows and in what order: an expression of the checked language, a column, the newest.

A name that no run knows is a mistake and is said so: an empty answer would look like a finding. What is kept is shown;
what a cohort counts and comes to stays that of the cohort.
"""

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isnan

from runaudit.errors import UsageError
from runaudit.factors.cohort import cohorts
from runaudit.factors.factor import Absent
from runaudit.runs.conditions import where
from runaudit.runs.filters import Called, filter_of
from runaudit.runs.keeping import Condition, kept
from runaudit.runs.listing import sections_of
from runaudit.runs.meaning import Vocabulary
from runaudit.runs.reading import all_runs
from runaudit.runs.rows import Column, Entry, Section, fields
from runaudit.settings import Settings
from runaudit.store.remarks import archived
from runaudit.store.store import Store
from runaudit.text.words import closest, quoted

_QUOTED = re.compile(r""""([^"]+)"|'([^']+)'""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What of the runs is asked for: which are shown, in what order. newest: that many, of a sorted list the first;
    None for all. series: other names of metrics, as the policy has them."""

    filters: tuple[str, ...] = ()
    where: str | None = None
    sort: str | None = None
    newest: int | None = None
    columns: tuple[str, ...] = ()
    series: Mapping[str, str] = field(default_factory=dict)

    def of(self, sections: Sequence[Section], launched: Sequence[str], away: Container[str] = ()) -> "Selected":
        """The sections with the runs asked for, in order. launched: the ids of all runs, oldest first; away: those that
        are not shown.

        Raises UsageError for a name that no run knows, and for a condition that no run can answer.
        """
        if self.newest is not None and self.newest < 1:
            raise UsageError(f"-n {self.newest} lists nothing", remedy="give a number from 1 on")
        every = [entry for section in sections for entry in section.entries]
        words = Vocabulary(every, self.series)
        columns = tuple(self._column(name, words) for name in self._names(words))
        by = self._by(words)
        conditions = [filter_of(text, words) for text in self.filters]
        conditions += [where(self.where, words)] if self.where is not None else []
        found = every
        for condition in conditions:
            found = kept(condition, found, every)
        shown = [entry for entry in found if entry.run.id not in away]
        hidden = len(found) - len(shown)
        if by is not None:
            shown = in_order(shown, by, descending=(self.sort or "").startswith("-"))[: self.newest]
        elif self.newest is not None:
            among = {entry.run.id for entry in shown}
            newest = frozenset([run for run in launched if run in among][-self.newest :])
            shown = [entry for entry in shown if entry.run.id in newest]
        ordered = sections if by is None or by in fields() else [replace(section, by=by) for section in sections]
        return Selected(
            sections=_sections(ordered, shown), hidden=hidden, columns=columns, nearest=_nearest(conditions, every)
        )

    def _names(self, words: Vocabulary) -> Iterator[str]:
        """The names of the columns. One in quotes is whole; where what stands before a comma is no name, and with what
        stands behind it one, the comma is a part of the name."""
        parts = list(self.columns)
        while parts:
            first = parts[0].strip()
            quotes = _QUOTED.fullmatch(first)
            count = 1 if quotes or words.knows(first) else self._longer(parts, words)
            yield quotes[1] or quotes[2] if quotes else ",".join(parts[:count]).strip()
            del parts[:count]

    def _longer(self, parts: Sequence[str], words: Vocabulary) -> int:
        longer = (count for count in range(2, len(parts) + 1) if words.knows(",".join(parts[:count]).strip()))
        return next(longer, 1)

    def _column(self, title: str, words: Vocabulary) -> Column:
        name = words.meaning(title)
        return Column(title, name, words.is_metric(name))

    def _by(self, words: Vocabulary) -> str | None:
        if self.sort is None:
            return None
        if not (name := self.sort.removeprefix("-")).strip():
            raise UsageError("--sort names nothing to sort by", remedy="write, for example, --sort -started")
        return words.meaning(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """What is shown. hidden: how many runs would be, were they not put away; nearest: what is to be said where nothing
    is shown."""

    sections: tuple[Section, ...]
    hidden: int
    columns: tuple[Column, ...]
    nearest: str


def listed_runs(store: Store, settings: Settings, query: Query, *, everything: bool) -> Selected:
    """What a query shows of a store. everything: the archived runs, too. Raises UsageError like `Query.of`."""
    runs = all_runs(store, is_hashed=False)
    sections = sections_of(cohorts(runs, settings=settings), settings)
    away = () if everything else archived(store)
    return replace(query, series=settings.series).of(sections, [run.id for run in runs], away)


def _nearest(conditions: Iterable[Condition], every: Sequence[Entry]) -> str:
    """What is to be said where nothing is shown: the labels that a word may have meant."""
    if not every:
        return "the store holds no run yet"
    strange = [one.text for one in conditions if isinstance(one, Called) and not any(map(one.holds, every))]
    labels = {entry.run.label for entry in every}
    return "no run matches" + "".join(f" {quoted(word)}{closest(word, labels)}" for word in strange[:1])


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
