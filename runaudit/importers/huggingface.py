"""Output folders of the Hugging Face Trainer: its state, its arguments, the model's config, and its model card.

The arguments lie in `training_args.bin`, a pickle: it is read as the list of instructions that it is, and nothing of it
is run (`pickled`). Where that does not tell them, the text that the Trainer gave to TensorBoard does, and else some of
them stand on the card; what none of these says is unknown. The checkpoints of one folder are of one run.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from math import isfinite
from pathlib import Path
from typing import Any

from runaudit.errors import RecordError
from runaudit.importers.base import Skipped
from runaudit.importers.curves import is_beyond, plain_name
from runaudit.importers.draft import Draft, Points, typed
from runaudit.importers.huggingface_arguments import (
    ARGUMENTS,
    BOOKS,
    MOST_EVENTS,
    arguments_of,
    settings_of,
    spelled,
    was_begun,
)
from runaudit.importers.huggingface_states import (
    CHECKPOINT,
    CLOCKS,
    STATE,
    State,
    completed,
    left_over,
    newest,
    series_of,
    states_of,
    table_in,
)
from runaudit.importers.opened import foreign_bytes
from runaudit.importers.tensorboard import EVENTS, run_of
from runaudit.records.canonical import JSON
from runaudit.records.trajectory import number, same_points

WHOLE = True
RESULTS = tuple(f"{split}_results.json" for split in ("train", "eval", "test", "predict"))
"""What `save_metrics` writes. `all_results.json` beside them holds what earlier trainings left, too."""
_ON_CARD = re.compile(r"(?m)^- ([a-z_]+): (.+)$")
_VERSION = re.compile(r"(?m)^- (Transformers|Pytorch|Datasets|Tokenizers|PEFT) (\S+)$")
_LEFT = "a checkpoint that this training left in a folder that another one wrote to, too"
_OF_A_MODEL = frozenset({"", ".bin", ".safetensors", ".json", ".jinja", ".model", ".md", ".txt", ".py"})
"""Suffixes of what is saved with a model."""
_NO_TRAINING = (f"it holds {ARGUMENTS} and no {STATE}: a model that was saved, or a training that died before its "
                "first checkpoint; what it logged is not there")  # fmt: skip
_REPEATED = {"max_steps", "num_train_epochs"}
"""Arguments of which the state says what they came to: -1 steps are as many as the epochs have."""
_EVALUATED = re.compile(r"(?:eval|test)_")
"""Curves that an evaluation draws by itself, which is no training."""
_UNTOLD = f"it is in {ARGUMENTS}, a pickle that is never run, and nothing else spells it out"
_BEYOND_CARD = ("weight_decay", "max_grad_norm")
UNKNOWN = {
    "code": "the Trainer does not record it",
    "data": "the Trainer records no digest of the data",
    "init": "the Trainer does not record what the weights began from",
}


def places(here: Path, folders: Sequence[str], files: Sequence[str]) -> Sequence[Path]:
    """The output folder that `here` is, or a checkpoint that was named by itself."""
    states = (here / name / STATE for name in folders if CHECKPOINT.fullmatch(name))
    results = "all_results.json" in files and not {*RESULTS}.isdisjoint(files)
    known = STATE in files or results or any(map(os.path.lexists, states))
    if known or ("runs" in folders and was_begun(here)):
        return (here,)
    return (here,) if not folders and _is_of_a_model(here, files) else ()


def parts(place: Path) -> Sequence[Path]:
    """What is wholly of the trainings of a folder: all of it, where they wrote their output there. A program that let
    TensorBoard's files lie in the folder in which it ran has its output, and whatever else lies there, in others."""
    entries = [path.name for path in place.iterdir()] if place.is_dir() else []
    is_output = not {STATE, ARGUMENTS, *RESULTS}.isdisjoint(entries) or any(map(CHECKPOINT.fullmatch, entries))
    return (place,) if is_output or "runs" not in entries else (place / "runs",)


def _is_of_a_model(here: Path, files: Sequence[str]) -> bool:
    """Whether a folder holds the arguments of a training and else only what belongs to a model."""
    is_known = ARGUMENTS in files and CHECKPOINT.fullmatch(here.name) is None
    return is_known and {Path(name).suffix for name in files} <= _OF_A_MODEL


def read(place: Path, within: Path) -> Iterator[Draft | Skipped]:
    """The run of an output folder, or what a checkpoint in it says of the same run. Raises RecordError for a malformed
    one."""
    home, is_part = (place.parent, True) if CHECKPOINT.fullmatch(place.name) else (place, False)
    states = states_of(place, within)
    if not states and not any(os.path.lexists(place / name) for name in RESULTS):
        begun = () if os.path.lexists(place / STATE) else _starts(place, within)
        if not begun and not os.path.lexists(place / STATE):
            evaluated = "its curves are those of evaluations, and of no training"
            yield Skipped(source=str(place), reason=evaluated if os.path.lexists(place / "runs") else _NO_TRAINING)
            return
        if not begun:
            raise RecordError(f"{place / STATE} is empty", remedy="leave this run out")
        yield from (_of_curves(place, launch, _NO_STATE) for launch in begun)
        return
    state = newest(states) if states else State(place / STATE, {})
    left, faults = ([], []) if is_part else left_over(place, state, within)
    yield from (Skipped(source=str(path), reason=why, broken=True) for path, why in faults)
    last = max([state, *(one for one in states if one.path not in {other.path for other in left})],
               key=lambda one: one.step).path.parent  # fmt: skip
    state = completed(state, [row for name in RESULTS if (row := table_in(place / name, within))])
    card = (foreign_bytes(place / "README.md", within) or b"").decode("utf-8", "backslashreplace")
    parts = _parts((place, last), [*dict.fromkeys((state.path.parent, place, last))], within)
    # A checkpoint that was named by itself is called as its run is, and nothing else of the run is read.
    starts, notes = _starts(home, home if is_part else within), _notes(state, states, left)
    mine = next((launch for launch in reversed(starts) if _tells_of(launch, state)), None)
    drawn = [launch for launch in starts if launch.series]
    if mine is None and starts and _tells_of(starts[-1], state) is None and (starts[-1].series or not state.history):
        mine = starts[-1]
    if mine is None and drawn and not is_part:
        notes.append("none of the curves in runs/ is the one that was read")
    theirs = [(one, next((launch for launch in starts if launch is not mine and _tells_of(launch, one)), None))
              for one in left]  # fmt: skip
    for launch in starts:
        if launch is not mine and not is_part and all(launch is not other for _, other in theirs):
            yield _of_curves(place, launch, _WRITTEN_OVER if launch.series else _DIED)
    for one, launch_of_it in theirs:
        here = one.path.parent
        yield _with_start(_draft(here, one, _parts((here,), [here], within), "", [_left(one)]), launch_of_it)
    yield _with_start(_draft(home, state, parts, card, notes), mine)


def _notes(state: State, states: Sequence[State], left: Sequence[State]) -> list[str]:
    """What of the checkpoints is not of the run that was read."""
    others = [one for one in states if one.step > state.step and one.path not in {other.path for other in left}]
    return [f"{one.path.parent.name} is of another training" for one in left] + [
        f"{one.path.parent.name} is of another training, which was not read" for one in others
    ]


def _left(state: State) -> str:
    """What is said of the last checkpoint of a training of which nothing else is there."""
    if state.planned is not None and state.step >= state.planned:
        return f"{_LEFT}: it had taken all of its {state.planned} steps, and how it ended is not there"
    return f"{_LEFT}: what it came to is not there"


def _with_start(draft: Draft, start: "_Start | None") -> Draft:
    """The run of a state with what TensorBoard was told of its launch."""
    if start is None:
        return draft
    return replace(draft, identity=start.identity, also=start.also, writers=frozenset({draft.kind, EVENTS}),
                   launch=start.launch, duration_s=draft.duration_s or start.took)  # fmt: skip


# ── the run ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _parts(folders: Sequence[Path], told: Sequence[Path], within: Path) -> Mapping[str, Any]:
    """What lies beside a state: the configs of model and adapter, from the first of these folders that has one, and the
    arguments, from those that may tell them."""
    tables = {name: next((found for folder in folders if (found := table_in(folder / file, within))), None)
              for name, file in (("model", "config.json"), ("adapter", "adapter_config.json"))}  # fmt: skip
    given, told_by = arguments_of(told, within)
    return {**tables, "given": given, "told_by": told_by}


def _draft(place: Path, state: State, parts: Mapping[str, Any], card: str, notes: Sequence[str]) -> Draft:
    on_card, versions = _on_card(card), dict(_VERSION.findall(card))
    trainer, given = _trainer(state), parts["given"]
    typed_in = on_card if given is None else given
    books = {name: value for name, value in (given or {}).items() if BOOKS.fullmatch(name)}
    arguments = {
        name: value for name, value in typed_in.items() if name not in books and not _is_said(name, value, state)
    }
    if "learning_rate" not in typed_in and (logged := _first_rate(state)):
        trainer = {**trainer, "learning_rate": logged}
    model = {key: value for key, value in (parts["model"] or {}).items() if key != "transformers_version"}
    tables = {"trainer": trainer, "model": model, "adapter": parts["adapter"], "training_args": arguments,
              "trial": state.body.get("trial_params")}  # fmt: skip
    end = next((row for row in reversed(state.history) if "train_runtime" in row), None)
    return Draft(
        kind="huggingface",
        source=str(place),
        run="/".join(place.absolute().parts[-2:]).lstrip("/"),
        config={name: table for name, table in tables.items() if table},
        env={"torch": versions.get("Pytorch"), **_libraries(versions, parts["model"] or {})},
        series=series_of(state.history),
        status=None if end is None else _ended(state),
        duration_s=number(end["train_runtime"]) if end else None,
        told={"state": state.path.relative_to(place).as_posix(), "versions": versions,
              **({"arguments": parts["told_by"].relative_to(place).as_posix()} if given is not None else {}),
              "best": {key: state.body.get(key) for key in ("best_metric", "best_model_checkpoint")}},
        own={**{key: state.body[key] for key in ("logging_steps", "save_steps") if key in state.body}, **books},
        unknown={**UNKNOWN, **({} if given is not None else _untold(on_card))},
        notes=notes,
    )  # fmt: skip


def _libraries(versions: Mapping[str, str], model: Mapping[str, Any]) -> dict[str, JSON]:
    """The versions of the libraries that trained, from the card; the model's config has one of them too, written with
    the weights."""
    named = {name: versions.get(name.capitalize()) for name in ("transformers", "datasets", "tokenizers")}
    saved = model.get("transformers_version")
    return {name: value for name, value in ({"transformers": saved} | {k: v for k, v in named.items() if v}).items()
            if isinstance(value, str)}  # fmt: skip


_TWICE = {"num_epochs": "num_train_epochs", "training_steps": "max_steps",
          "per_device_train_batch_size": "train_batch_size"}  # fmt: skip
"""What the card and the arguments call otherwise than the state."""


def _is_said(name: str, value: JSON, state: State) -> bool:
    """Whether the state says of an argument what it came to."""
    return state.body.get(_TWICE.get(name, name)) == value or (name in _REPEATED and state.body.get(name) is not None)


def _first_rate(state: State) -> dict[str, JSON]:
    """The learning rate at the first step that logged one: of two runs whose settings nobody can read it still shows
    that they are two. A later one would part a run that crashed from those that went on."""
    rates = ((row, number(row.get("learning_rate"))) for row in state.history)
    row = next((row for row, rate in rates if rate is not None and isfinite(rate)), None)
    return {} if row is None else {"logged": row["learning_rate"], "at_step": row.get("step")}


def _trainer(state: State) -> dict[str, JSON]:
    """The settings that the state repeats. How long to train is one: the state reckons epochs from steps, or steps from
    epochs, the data and the batch, and says both."""
    found = {key: state.body[key] for key in ("train_batch_size", "max_steps", "num_train_epochs", "eval_steps")
             if state.body.get(key) is not None}  # fmt: skip
    epochs, steps = found.get("num_train_epochs"), found.get("max_steps")
    row = next((row for row in reversed(state.history) if row.get("epoch") and row.get("step")), None)
    if isinstance(epochs, int) and isinstance(steps, int) and row is not None:
        whole = epochs * float(row["step"]) / float(row["epoch"])
        found.pop("max_steps" if abs(whole - steps) < 1 else "num_train_epochs")
    return found


def _ended(state: State) -> str:
    """`train()` returned: of a run that was to take more steps, a callback had stopped it."""
    return "early_stopped" if state.planned is not None and 0 < state.step < state.planned else "completed"


def _on_card(card: str) -> dict[str, JSON]:
    """The arguments that the Trainer wrote on the model card."""
    _, found, rest = card.partition("hyperparameters were used during training:")
    listed = rest.partition("\n#")[0] if found else ""
    return {name: typed(value.strip()) for name, value in _ON_CARD.findall(listed)}


def _untold(arguments: Mapping[str, JSON]) -> dict[str, str]:
    """What the card does not say, or all there is, where there is no card."""
    if not arguments:
        return {"config.training_args": f"{_UNTOLD}: learning rate, schedule, optimizer, precision", "seed": _UNTOLD}
    return {f"config.training_args.{name}": _UNTOLD for name in _BEYOND_CARD}


# ── the starts in one folder ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Start:
    """What TensorBoard was given by a training: from its start on, and where it was resumed."""

    identity: str
    also: tuple[str, ...]
    launch: Mapping[str, Any]
    took: float | None
    series: Mapping[str, Sequence[tuple[int, float]]]
    given: Mapping[str, JSON] | None


def _starts(place: Path, within: Path) -> Sequence[_Start]:
    """The trainings whose curves lie in `runs/`, in the order of their start. A folder that begins beyond the first
    step of the one before goes on with it; one that begins at the first step again is of a training of its own, which
    has written over what the earlier one left in the output folder."""
    found: list[_Start] = []
    told = []
    for folder in sorted({path.parent for path in islice(place.glob("runs/*/*tfevents*"), MOST_EVENTS)}):
        try:
            told += [(folder, one) for one in run_of(folder, within, kind="huggingface") if isinstance(one, Draft)]
        except RecordError:
            continue
    for folder, draft in sorted(told, key=lambda one: str(one[1].launch.get("started"))):
        series = {plain_name(name): points for name, points in draft.series.items()}
        known = found[-1].series if found else {}
        if is_beyond({name: points for name, points in known.items() if name != "train_loss"}, series):
            joined = {name: (*known.get(name, ()), *series.get(name, ())) for name in {**known, **series}}
            also = tuple(dict.fromkeys((*found[-1].also, *draft.also)))
            found[-1] = replace(found[-1], series=joined, also=also)
        elif any(not CLOCKS.fullmatch(name) and not _EVALUATED.match(name) for name in series):
            tables = (spelled(path, within) for path in sorted(folder.glob("*tfevents*")))
            given = next((settings_of(table) for table in tables if table is not None), None)
            found.append(_start(draft, series, given))
        elif not series and (begun := _begun_with(folder, within)) is not None:
            found.append(_start(draft, {}, begun))
    return found


def _start(draft: Draft, series: Mapping[str, Points], given: Mapping[str, JSON] | None) -> _Start:
    return _Start(draft.identity, tuple(draft.also), draft.launch, draft.duration_s, series, given)


def _begun_with(folder: Path, within: Path) -> Mapping[str, JSON] | None:
    """The arguments of a training that began and drew nothing; None where it went on from a checkpoint, and may be what
    an earlier one came to, or tells no arguments: an evaluation leaves such a file, too."""
    tables = (spelled(path, within) for path in sorted(folder.glob("*tfevents*")))
    table = next((table for table in tables if table is not None), None)
    return None if table is None or table.get("resume_from_checkpoint") else settings_of(table)


def _tells_of(start: _Start, state: State) -> bool | None:
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


_WRITTEN_OVER = "another training wrote over what this one left in its folder: its curves are in runs/"
_DIED = "it began, as TensorBoard was told, and broke off before it logged a number"
_NO_STATE = "no state lies beside what TensorBoard was given of it"


def _of_curves(place: Path, start: _Start, note: str) -> Draft:
    """A training of which there is nothing but what TensorBoard was given."""
    series = {name: points for name, points in start.series.items() if not CLOCKS.fullmatch(name)}
    given = start.given or {}
    books = {name: value for name, value in given.items() if BOOKS.fullmatch(name)}
    arguments = {name: value for name, value in given.items() if name not in books}
    return Draft(
        kind="huggingface",
        source=str(place),
        run="/".join(place.absolute().parts[-2:]).lstrip("/"),
        identity=start.identity,
        also=start.also,
        writers=frozenset({EVENTS}),
        config={"training_args": arguments} if arguments else None,
        launch=start.launch,
        series=series,
        status="completed" if "train_runtime" in start.series else None,
        own=books,
        unknown={**UNKNOWN, **({} if arguments else _untold({}))},
        notes=(note,),
    )
