"""The trainings of the Hugging Face Trainer that told TensorBoard of themselves, in `runs/` of one folder."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path, PureWindowsPath
from typing import Any

from runaudit.errors import RecordError
from runaudit.importers.curves import is_beyond, plain_name
from runaudit.importers.draft import Draft, Points
from runaudit.importers.huggingface_arguments import (
    ARGUMENTS,
    MOST_EVENTS,
    Told,
    agreed,
    first_told,
    settings_of,
    was_begun,
)
from runaudit.importers.huggingface_states import CLOCKS, State, is_output, series_of
from runaudit.importers.tensorboard import run_of
from runaudit.records.canonical import JSON
from runaudit.records.trajectory import same_points

_NEAR = 3
"""Folders between `runs/` and the output folder of a training that told TensorBoard elsewhere."""
_MOMENT = re.compile(r"[A-Z][a-z]{2}\d\d_\d\d-\d\d-\d\d_.*")
"""How the Trainer calls the folder of a training: `Apr09_21-34-17_node3`."""
_EVALUATED = re.compile(r"(?:eval|test)_")
"""Curves that an evaluation draws by itself, which is no training."""


@dataclass(frozen=True, slots=True)
class Start:
    """What TensorBoard was given by a training: from its start on, and where it was resumed. told: in words. name: that
    of its folder in `runs/`, where that is not the Trainer's own word for the moment and the host."""

    identity: str
    also: tuple[str, ...]
    launch: Mapping[str, Any]
    took: float | None
    series: Mapping[str, Sequence[tuple[int, float]]]
    told: Told
    name: str | None = None

    @property
    def given(self) -> dict[str, JSON] | None:
        """The arguments of the training; None where they were not told."""
        return None if self.told.arguments is None else settings_of(self.told.arguments)


def starts_in(place: Path, within: Path) -> Sequence[Start]:
    """The trainings whose curves lie in `runs/`, in the order of their start. A folder that begins beyond the first
    step of the one before goes on with it; one that begins at the first step again is of a training of its own, which
    has written over what the earlier one left in the output folder."""
    found: list[Start] = []
    told = []
    for folder in sorted({path.parent for path in sorted(place.glob("runs/*/*tfevents*"))[:MOST_EVENTS]}):
        try:
            told += [(folder, one) for one in run_of(folder, within, kind="huggingface") if isinstance(one, Draft)]
        except RecordError:
            continue
    for folder, draft in sorted(told, key=lambda one: str(one[1].launch.get("started"))):
        series, words = {plain_name(name): points for name, points in draft.series.items()}, first_told(folder, within)
        known = found[-1].series if found else {}
        if is_beyond({name: points for name, points in known.items() if name != "train_loss"}, series):
            joined = {name: (*known.get(name, ()), *series.get(name, ())) for name in {**known, **series}}
            also = tuple(dict.fromkeys((*found[-1].also, *draft.also)))
            found[-1] = replace(found[-1], series=joined, also=also, told=agreed(found[-1].told, words))
        elif any(not CLOCKS.fullmatch(name) and not _EVALUATED.match(name) for name in series):
            found.append(_start(draft, series, words, folder.name))
        elif not series and _begins(words):
            found.append(_start(draft, {}, words, folder.name))
    return found


def _start(draft: Draft, series: Mapping[str, Points], told: Told, name: str) -> Start:
    called = None if _MOMENT.fullmatch(name) else name
    return Start(draft.identity, tuple(draft.also), draft.launch, draft.duration_s, series, told, called)


def elsewhere(home: Path, within: Path) -> Sequence[Start]:
    """The trainings that told TensorBoard in `runs/` of a folder above their output folder `home`."""
    above = [folder for folder in islice(home.parents, _NEAR) if folder.is_relative_to(within)]
    return [start for folder in above if is_begun_alone(folder) for start in starts_in(folder, within)
            if output_of(start, folder) == home]  # fmt: skip


def output_of(start: Start, folder: Path) -> Path | None:
    """The output folder of a training that told TensorBoard in `runs/` of `folder`, as its arguments name it, where one
    lies below that; None where there is none."""
    written = str((start.told.arguments or {}).get("output_dir") or "")
    parts = [part for part in PureWindowsPath(written).parts if part not in (".", "..")]
    named = (folder.joinpath(*parts[-count:]) for count in range(min(_NEAR, len(parts)), 0, -1))
    return next((home for home in named if home != folder and not home.is_symlink() and is_output(home)), None)


def is_begun_alone(folder: Path) -> bool:
    """Whether trainings told TensorBoard in a folder that is the output folder of none."""
    return not is_output(folder) and not os.path.lexists(folder / ARGUMENTS) and was_begun(folder)


def _begins(told: Told) -> bool:
    """Whether what drew nothing is a training that began: one that went on from a checkpoint may be what an earlier one
    came to, and an evaluation leaves a file without arguments."""
    return told.arguments is not None and not told.arguments.get("resume_from_checkpoint")


def tells_of(start: Start, state: State) -> bool | None:
    """Whether the curves of a start are those of a state, wherever both have a point, None where they have none in
    common; TensorBoard keeps four bytes of a number. Of a step that was taken twice, before it broke off and after it
    was resumed, either may be the state's."""
    pairs = [(value, [point for step, point in start.series[name] if step == at])
             for name, points in series_of(state.history).items() if name in start.series
             for at, value in points]  # fmt: skip
    shared = [(value, seen) for value, seen in pairs if seen]
    return None if not shared else all(any(_alike(value, point) for point in seen) for value, seen in shared)


def _alike(a: float, b: float) -> bool:
    return same_points([(0, a)], [(0, b)]) or abs(a - b) <= 1e-5 * max(abs(a), abs(b))
