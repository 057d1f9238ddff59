"""The event files in and below a log folder of OpenAI's logger: of its run, or of other trainings.

The logger may give its numbers to TensorBoard as well, in its folder or one below. But it writes its table anew with
each start, and Stable-Baselines3 files each training beside the last one (`PPO_1`, `PPO_2` …): the table is that of the
training whose curves hold the same numbers. Any other is a run of its own.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from runaudit.errors import RecordError
from runaudit.importers.base import Skipped
from runaudit.importers.curves import is_pace, plain_name, values_of
from runaudit.importers.draft import Draft, Points
from runaudit.importers.eventfolders import is_events, owner_of
from runaudit.importers.merging import merged
from runaudit.importers.tables import utc_time
from runaudit.importers.tensorboard import EVENTS, TENSORBOARD, run_of

_MOST_FOLDERS = 1000
_OF_RAY = "ray/tune/"
_SOON_S = 120.0
"""So long after a monitor was made its training begins."""
_APART = "it lies in the folder of another run and has no curve in common with it: name it by itself to import it"


@dataclass(frozen=True, slots=True)
class _Training:
    """What TensorBoard was told of one, and the curves that the log has, too, each with how much of it is the same."""

    draft: Draft
    shared: Mapping[str, int]


def with_events(draft: Draft, others: Sequence[Path], within: Path) -> Iterator[Draft | Skipped]:
    """The run of a log folder with what TensorBoard was told of it, and the other trainings there. others: folders
    below it that are of other logs."""
    place = Path(draft.source)
    found = [*_trainings(place, others, within)]
    yield from (one for one in found if isinstance(one, Skipped))
    trainings = [_Training(one, _shared(_drawn(draft.series), _drawn(one.series)))
                 for one in found if isinstance(one, Draft)]  # fmt: skip
    mine = _its_own(draft, trainings)
    yield draft if mine is None else _of_both(draft, mine.draft)
    for one in trainings:
        is_told = bool(one.shared) or not _drawn(draft.series)
        is_launch = not one.draft.series and one.draft.source != draft.source
        if one is not mine:
            yield one.draft if is_told or is_launch else Skipped(source=one.draft.source, reason=_APART)


def _of_both(draft: Draft, one: Draft) -> Draft:
    """The run of a log, with what TensorBoard alone was told: further curves, and those that go beyond its own."""
    launch = {name: value for name, value in draft.launch.items() if value is not None}
    drawn = {plain_name(name): len(points) for name, points in draft.series.items()}
    called = {name.removeprefix(_OF_RAY): points for name, points in one.series.items()}
    series = {name: points for name, points in called.items() if len(points) > drawn.get(plain_name(name), 0)}
    both = merged([replace(draft, launch=launch), replace(one, series=series)])
    return replace(both, writers=frozenset({draft.kind, EVENTS}))


def _trainings(place: Path, others: Sequence[Path], within: Path) -> Iterator[Draft | Skipped]:
    """What the event files in and below a folder tell, as TensorBoard alone has it."""
    seen: set[Path] = set()
    for root, folders, names in islice(os.walk(place), _MOST_FOLDERS):
        folders[:] = sorted(name for name in folders if Path(root, name) not in others)
        if not any(map(is_events, names)):
            continue
        owner = owner_of(Path(root))
        if owner in seen or not owner.is_relative_to(place):
            continue
        seen.add(owner)
        try:
            yield from run_of(owner, within, kind=TENSORBOARD)
        except RecordError as error:
            yield Skipped(source=str(owner), reason=error.message, broken=True)


def _its_own(draft: Draft, trainings: Sequence[_Training]) -> _Training | None:
    """The training of which a log is, by its numbers: the one that holds most of them, the last of several that do.
    Where no curve of it is told under one name, the one that began when its monitors did."""
    if agreeing := [one for one in trainings if one.shared and all(one.shared.values())]:
        return max(agreeing, key=lambda one: (sum(one.shared.values()), str(one.draft.launch.get("started"))))
    begun = utc_time(draft.launch.get("started"))
    soon = [one for one in trainings if begun is not None and not one.shared
            and (start := utc_time(one.draft.launch.get("started"))) is not None
            and 0 <= (start - begun).total_seconds() <= _SOON_S]  # fmt: skip
    return soon[0] if len(soon) == 1 else None


def _drawn(series: Mapping[str, Points]) -> dict[str, bytes]:
    """The curves of a table, by plain names without the word that Ray puts before them; what is no number it does not
    tell TensorBoard. Nobody tells it what the monitors of the environments saw."""
    return {plain_name(name.removeprefix(_OF_RAY)): values_of([point for point in points if point[1] == point[1]])
            for name, points in series.items()
            if points and not is_pace(name) and not name.startswith("monitor/")}  # fmt: skip


def _shared(mine: Mapping[str, bytes], theirs: Mapping[str, bytes]) -> dict[str, int]:
    """The curves of one name, each with how much of it is the same: nothing where they are two, and all of the shorter
    one else, for a writer that was killed is behind."""
    both = {name: sorted((mine[name], theirs[name]), key=len) for name in mine.keys() & theirs.keys()}
    return {name: len(short) if whole.startswith(short) else 0 for name, (short, whole) in both.items()}
