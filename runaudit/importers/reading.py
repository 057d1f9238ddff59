"""Reading what the walk found: each place by its reader, many side by side, and a fault that of its run alone.

What one place holds is read in one process. A file of many runs is read in this one, run by run: its runs need never be
in memory together.
"""

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TypeVar

from runaudit.errors import RecordError, RunauditError
from runaudit.importers.base import Skipped
from runaudit.importers.copies import told_once
from runaudit.importers.draft import Draft
from runaudit.importers.kinds import CALLED, KINDS
from runaudit.importers.merging import OF_SEVERAL, runs_of
from runaudit.importers.onetraining import Trace, trace_of
from runaudit.system.workers import cpus, shared_out

OF_MANY = frozenset({"mlflow"})
"""Trackers that keep many runs in one file."""
WORTH_IT, MOST = 16, 8
"""Places from which on several processes read where nobody said how many, and how many do then: what they hand back is
sealed by one."""
Told = TypeVar("Told")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reader found a run, or a file of many. whole: all below it is that run's. kin: equal for places that
    may be of one run."""

    path: Path
    kind: str
    whole: bool
    kin: str = ""


Group = Sequence[Place]
"""Places that speak of one run, or one place that holds many."""


def readings(
    groups: Sequence[Group], within: Path, *, alone: bool = False, jobs: int | None = None
) -> Iterator[Iterable[Draft | Skipped]]:
    """What lies at each group of places, in their order. alone: nothing else was asked for, so its fault is raised.
    jobs: how many processes read; None: as many as there is work and CPUs for."""
    if alone:
        yield from (_read(group, within, alone=True) for group in groups)
        return
    yield from _shared(groups, partial(_read, within=within), partial(_all_read, within=within), jobs)


def traced(
    groups: Sequence[Group], within: Path, *, jobs: int | None = None
) -> Iterator[Mapping[int, tuple[Trace, str]]]:
    """Of what lies at each group of places, by its number there: its numbers, and where it was read."""
    trace = partial(_traces, within=within)
    yield from _shared(groups, trace, trace, jobs)


def _shared(
    groups: Sequence[Group], here: Callable[[Group], Told], there: Callable[[Group], Told], jobs: int | None
) -> Iterator[Told]:
    """`there` of each group by several processes, or `here` by this one where that is as good."""
    if jobs is None:
        jobs = min(MOST, cpus()) if len(groups) >= WORTH_IT else 1
    for is_of_many, some in groupby(groups, _is_of_many):
        if is_of_many or jobs == 1:
            yield from map(here, some)
        else:
            yield from shared_out(there, [*some], jobs or cpus())


def _is_of_many(group: Group) -> bool:
    return any(place.kind in OF_MANY and place.path.is_file() for place in group)


def _all_read(group: Group, within: Path) -> list[Draft | Skipped]:
    return [*_read(group, within)]


def _traces(group: Group, within: Path) -> dict[int, tuple[Trace, str]]:
    found = enumerate(_read(group, within))
    return {number: (trace_of(one), one.source) for number, one in found if isinstance(one, Draft)}


def _read(group: Group, within: Path, *, alone: bool = False) -> Iterator[Draft | Skipped]:
    """The runs of places that speak of one run, or of one place that holds many."""
    if len(group) == 1:
        yield from told_at(group[0], within, alone=alone)
        return
    drafts: list[Draft] = []
    for place in group:
        told = list(told_at(place, within, alone=alone))
        drafts += [one for one in told if isinstance(one, Draft)]
        yield from (one for one in told if isinstance(one, Skipped))
    once = told_once(drafts)
    runs, left = runs_of(once.drafts)
    yield from runs
    yield from (Skipped(source=one.source, reason=OF_SEVERAL) for one in left)
    for one, home in once.copies:
        yield Skipped(source=one.source, reason="; ".join((f"a copy of {home}, which is told once", *one.notes)))


def told_at(place: Place, within: Path, *, alone: bool) -> Iterator[Draft | Skipped]:
    """What a reader finds at a place. A fault is that of its run; raised where nothing else was asked for, and none of
    several has been read before it."""
    reader = importlib.import_module(KINDS[place.kind])
    try:
        for found in reader.read(place.path, within):
            yield found
            alone = False
    except RunauditError as error:
        if alone:
            raise
        yield Skipped(source=str(place.path), reason=error.message, broken=True)
    except (ValueError, TypeError, LookupError, AttributeError, OSError, RecursionError, MemoryError) as error:
        # Whatever a stranger's file holds, and a reader did not foresee, is a fault of that one run.
        told = f"{place.path} is not what {CALLED[place.kind]} writes ({type(error).__name__}: {error})"
        if alone:
            raise RecordError(told, remedy="leave this run out") from error
        yield Skipped(source=str(place.path), reason=told, broken=True)
