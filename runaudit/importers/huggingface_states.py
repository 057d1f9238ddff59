"""The states of a training of the Hugging Face Trainer, in its output folder and in the checkpoints there.

Each repeats all that was logged before it. The checkpoints of one folder are of one training, unless their numbers say
otherwise: the Trainer leaves what an earlier one kept there.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from math import isnan
from pathlib import Path
from typing import Any

from runaudit.errors import RecordError
from runaudit.importers.opened import foreign_bytes
from runaudit.importers.tables import as_table
from runaudit.records.canonical import parse_strict
from runaudit.records.trajectory import number

STATE = "trainer_state.json"
CHECKPOINT = re.compile(r"checkpoint-(\d{1,12})")
RESULTS = tuple(f"{split}_results.json" for split in ("train", "eval", "test", "predict"))
"""What `save_metrics` writes. `all_results.json` beside them holds what earlier trainings left, too."""
CLOCKS = re.compile(
    r"step|epoch|total_flos|.*(?:_runtime|_per_second|_compilation_time|_preparation_time)|num_input_tokens_seen|"
    r".*_mem_.*"
)
"""What the Trainer logs of its own pace; no measure of the model."""
_MOST_CHECKPOINTS = 200
"""Of one folder that are looked into for what another training left."""
_ROUNDED = 0.01
"""Some releases round the epoch in one of two places."""


@dataclass(frozen=True, slots=True)
class State:
    """What one `trainer_state.json` says."""

    path: Path
    body: Mapping[str, Any]

    @property
    def step(self) -> int:
        """How many steps had been taken."""
        value = self.body.get("global_step")
        return value if isinstance(value, int) else 0

    @property
    def planned(self) -> int | None:
        """How many steps were to be taken."""
        value = self.body.get("max_steps")
        return value if isinstance(value, int) and value > 0 else None

    @property
    def history(self) -> list[Mapping[str, Any]]:
        """The rows that were logged."""
        rows = self.body.get("log_history")
        return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def is_output(folder: Path) -> bool:
    """Whether a folder is the output folder of a training: it holds a state, a checkpoint's or what was measured."""
    held = (STATE, *RESULTS)
    return folder.is_dir() and (any(os.path.lexists(folder / name) for name in held) or any(_checkpoints(folder)))


def states_of(place: Path, within: Path) -> list[State]:
    """The state of the folder, and that of its last checkpoint. Raises RecordError for a file that is none."""
    paths = (place / STATE, *islice(_checkpoints(place), 1))
    return [state for path in paths if (state := _state(path, within)) is not None]


def _checkpoints(place: Path) -> Iterator[Path]:
    """The states of the checkpoints in a folder, the last one first."""
    numbered = [(int(match[1]), path) for path in place.iterdir()
                if (match := CHECKPOINT.fullmatch(path.name)) and os.path.lexists(path / STATE)]  # fmt: skip
    yield from (path / STATE for _, path in sorted(numbered, reverse=True))


def _state(path: Path, within: Path) -> State | None:
    body = table_in(path, within)
    if body is None:
        return None
    if "log_history" not in body and "global_step" not in body:
        raise RecordError(f"{path} is not a state of the Trainer", remedy="leave this run out")
    return State(path, body)


def newest(states: Sequence[State]) -> State:
    """The state that goes farthest; the folder's own where a checkpoint is of another training."""
    own, last = states[0], max(states, key=lambda one: one.step)
    if last is own or last.history[: len(own.history)] == own.history:
        return last
    is_done = own.step < last.step and own.history[-1:] and "train_runtime" in own.history[-1]
    return own if is_done else last


def left_over(place: Path, state: State, within: Path) -> tuple[list[State], list[tuple[Path, str]]]:
    """The last states of other trainings that left checkpoints in the folder: of none that was found does such a state
    repeat what was logged. And those that cannot be read, each with the reason."""
    found: list[State] = []
    faults: list[tuple[Path, str]] = []
    for path in islice(_checkpoints(place), _MOST_CHECKPOINTS):
        try:
            one = _state(path, within) if path != state.path else None
        except RecordError as error:
            faults.append((path, error.message))
            continue
        if one is not None and all(_are_two(one, other) for other in (state, *found)):
            found.append(one)
    return found, faults


def _are_two(one: State, other: State) -> bool:
    """Whether two states are of two trainings: they have another number at the first step that both logged. One that
    was resumed repeats what was logged before, digit by digit, whatever came after; so two that have no number in
    common are of two as well. Where one of them logged nothing, its plan has to do."""
    a, b = ({(step, name): value for name, points in series_of(state.history).items() for step, value in points}
            for state in (one, other))  # fmt: skip
    if not a or not b:
        return one.planned != other.planned
    shared = sorted(a.keys() & b.keys())
    return not shared or any(a[at] != b[at] and not isnan(a[at]) for at in shared if at[0] == shared[0][0])


def completed(state: State, results: Sequence[Mapping[str, Any]]) -> State:
    """A state with what was measured after it was written: `evaluate()` after `train()`. Results of another epoch than
    the state's were left by another training, as far as anybody can tell."""
    rows, epoch = list(state.history), number(state.body.get("epoch"))
    for result in results:
        at = number(result.get("epoch"))
        is_its = not state.history or (at is not None and epoch is not None and abs(at - epoch) < _ROUNDED)
        logged = {name: row[name] for row in rows for name in result if name in row}
        fresh = {name: value for name, value in result.items() if name not in logged or logged[name] != value}
        rows += [{**fresh, "step": state.step}] if is_its else []
    return State(state.path, {**state.body, "log_history": rows})


def series_of(history: Sequence[Mapping[str, Any]]) -> dict[str, list[tuple[int, float]]]:
    """What was logged, clocks and counters apart: name -> (step, value)."""
    found: dict[str, list[tuple[int, float]]] = {}
    for place, row in enumerate(history):
        step = row.get("step")
        for name, value in row.items():
            if not CLOCKS.fullmatch(name) and (point := number(value)) is not None:
                found.setdefault(name, []).append((step if isinstance(step, int) else place, point))
    return found


def table_in(path: Path, within: Path) -> Mapping[str, Any] | None:
    """The object in a JSON file; None where there is none. Raises RecordError."""
    raw = foreign_bytes(path, within)
    return None if raw is None or not raw.strip() else as_table(parse_strict(raw, where=str(path)), path, needed=True)
