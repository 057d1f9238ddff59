"""Which runs of a store are one study, where nobody named any: runs of unrelated programs are no design together.

Whoever brings in all the runs of a disk gets ten projects side by side, and a table of all of them has more columns
than runs: every setting of one project is absent in the others. Two runs are of one project where the record shows it:
the same program, the same commit or repository, or settings that have most of their names in common. What was recorded
here, or came in as a file of records, is this store's own project; runs of a tracker that say nothing of the kind are
another.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from runaudit.factors.cohort import shared_label
from runaudit.factors.never import is_foreign, kind_of, tracker_of
from runaudit.importers.tables import leaves
from runaudit.records.run import Run
from runaudit.records.trackers import FILE
from runaudit.text.words import listed

ALIKE = 0.5
"""The share of the names of their settings that two runs of one project have in common, at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Runs that may be studied together. number: its place among all, by size, from 1. name: by what it is called."""

    number: int
    name: str
    runs: tuple[Run, ...]


def projects_of(runs: Iterable[Run]) -> tuple[Project, ...]:
    """The projects of these runs, the largest first; of equal ones that of the oldest run."""
    runs = tuple(runs)
    groups = _joined(runs)
    order = sorted(groups, key=lambda group: (-len(group), group[0]))
    return tuple(
        Project(number=number, name=_name([runs[at] for at in group]), runs=tuple(runs[at] for at in group))
        for number, group in enumerate(order, start=1)
    )


def command_of(project: Project) -> str:
    """What studies a project."""
    return f"runaudit study --part {project.number}"


def _joined(runs: Sequence[Run]) -> list[list[int]]:
    """The places of the runs, those of one project together."""
    above = list(range(len(runs)))

    def root(at: int) -> int:
        while above[at] != at:
            above[at] = above[above[at]]
            at = above[at]
        return at

    first: dict[Any, int] = {}
    for at, run in enumerate(runs):
        for mark in _marks(run):
            above[root(at)] = root(first.setdefault(mark, at))
    _join_alike(runs, lambda a, b: above.__setitem__(root(a), root(b)))
    groups: dict[int, list[int]] = {}
    for at in range(len(runs)):
        groups.setdefault(root(at), []).append(at)
    return list(groups.values())


def _marks(run: Run) -> Iterable[tuple[str, ...]]:
    """What two runs of one project have in common, word for word."""
    if not is_foreign(run) or kind_of(run) == FILE:
        yield ("own",)
        return
    code, told = run.manifest.section("code"), False
    for key in ("program", "commit", "remote"):
        if isinstance(value := code.get(key), str) and value:
            yield key, value
            told = True
    if not told and not _names(run):
        yield "silent", kind_of(run)


def _names(run: Run) -> frozenset[str]:
    """The names of the settings of a run."""
    return frozenset(name for name, _ in leaves(run.manifest.section("config")))


def _join_alike(runs: Sequence[Run], join: Callable[[int, int], None]) -> None:
    """Join the runs whose settings have most of their names in common; each distinct set of names is asked once."""
    sets: dict[frozenset[str], int] = {}
    for at, run in enumerate(runs):
        if names := _names(run):
            join(at, sets.setdefault(names, at))
    distinct = list(sets.items())
    for place, (names, at) in enumerate(distinct):
        for others, other in distinct[:place]:
            if len(names & others) >= ALIKE * len(names | others):
                join(at, other)


def _name(runs: Sequence[Run]) -> str:
    """What a project is called: by its programs, else by what the labels have in common; and who recorded it."""
    programs = Counter(str(code["program"]) for run in runs if (code := run.manifest.section("code")).get("program"))
    trackers = listed(sorted({tracker_of(run).name for run in runs if is_foreign(run)}))
    called = listed([name for name, _ in programs.most_common()], limit=2) if programs else shared_label(runs)
    return f"{called} ({trackers})" if trackers else called
