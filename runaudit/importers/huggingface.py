"""Output folders of the Hugging Face Trainer: its state, its arguments, the model's config, and its model card.

The arguments lie in `training_args.bin`, a pickle: it is read as the list of instructions that it is, and nothing of it
is run (`pickled`). Where that does not tell them, the text that the Trainer gave to TensorBoard does, and else some of
them stand on the card; what none of these says is unknown. The checkpoints of one folder are of one run.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any

from runaudit.errors import RecordError
from runaudit.importers.base import Skipped
from runaudit.importers.draft import Draft, typed
from runaudit.importers.huggingface_arguments import (
    ARGUMENTS,
    BOOKS,
    arguments_of,
    was_begun,
)
from runaudit.importers.huggingface_starts import (
    Start,
    elsewhere,
    is_begun_alone,
    output_of,
    starts_in,
    tells_of,
)
from runaudit.importers.huggingface_states import (
    CHECKPOINT,
    CLOCKS,
    RESULTS,
    STATE,
    State,
    completed,
    is_output,
    left_over,
    newest,
    series_of,
    states_of,
    table_in,
)
from runaudit.importers.opened import foreign_bytes
from runaudit.importers.tensorboard import EVENTS
from runaudit.records.canonical import JSON
from runaudit.records.trajectory import number

WHOLE = True
RUNS = "runs"
_ON_CARD = re.compile(r"(?m)^- ([a-z_]+): (.+)$")
_VERSION = re.compile(r"(?m)^- (Transformers|Pytorch|Datasets|Tokenizers|PEFT) (\S+)$")
_LEFT = "a checkpoint that this training left in a folder that another one wrote to, too"
_OF_A_MODEL = frozenset({"", ".bin", ".safetensors", ".json", ".jinja", ".model", ".md", ".txt", ".py"})
"""Suffixes of what is saved with a model."""
_NO_TRAINING = (f"it holds {ARGUMENTS} and no {STATE}: a model that was saved, or a training that died before its "
                "first checkpoint; what it logged is not there")  # fmt: skip
_REPEATED = {"max_steps", "num_train_epochs"}
"""Arguments of which the state says what they came to: -1 steps are as many as the epochs have."""
_UNTOLD = f"it is in {ARGUMENTS}, a pickle that is never run, and nothing else spells it out"
_BEYOND_CARD = ("weight_decay", "max_grad_norm")
UNKNOWN = {
    "code": "the Trainer does not record it",
    "data": "the Trainer records no digest of the data",
    "init": "the Trainer does not record what the weights began from",
}


def places(here: Path, folders: Sequence[str], files: Sequence[str]) -> Sequence[Path]:
    """The output folder that `here` is, or a checkpoint that was named by itself; the folder `runs` in it, where no
    training left anything else there."""
    states = (here / name / STATE for name in folders if CHECKPOINT.fullmatch(name))
    results = "all_results.json" in files and not {*RESULTS}.isdisjoint(files)
    known = STATE in files or results or any(map(os.path.lexists, states))
    if known or ("runs" in folders and ARGUMENTS in files and was_begun(here)):
        return (here,)
    if "runs" in folders and was_begun(here):
        return (here / RUNS,)  # A program may have its output folders, and what other trackers kept, beside it.
    return (here,) if not folders and _is_of_a_model(here, files) else ()


def _is_of_a_model(here: Path, files: Sequence[str]) -> bool:
    """Whether a folder holds the arguments of a training and else only what belongs to a model."""
    is_known = ARGUMENTS in files and CHECKPOINT.fullmatch(here.name) is None
    return is_known and {Path(name).suffix for name in files} <= _OF_A_MODEL


def read(place: Path, within: Path) -> Iterator[Draft | Skipped]:
    """The run of an output folder, or what a checkpoint in it says of the same run. Raises RecordError for a malformed
    one."""
    home, is_part = (place.parent, True) if CHECKPOINT.fullmatch(place.name) else (place, False)
    if place.name == RUNS and is_begun_alone(place.parent) and not is_output(place):
        yield from (_of_curves(place.parent, launch, _NO_STATE) for launch in starts_in(place.parent, within)
                    if output_of(launch, place.parent) is None)  # fmt: skip
        return
    states = states_of(place, within)
    if not states and not any(os.path.lexists(place / name) for name in RESULTS):
        begun = () if os.path.lexists(place / STATE) else starts_in(place, within)
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
    starts = [*([] if is_part else elsewhere(home, within)), *starts_in(home, home if is_part else within)]
    notes = _notes(state, states, left)
    mine = next((launch for launch in reversed(starts) if tells_of(launch, state)), None)
    drawn = [launch for launch in starts if launch.series]
    if mine is None and starts and tells_of(starts[-1], state) is None and (starts[-1].series or not state.history):
        mine = starts[-1]
    if mine is None and drawn and not is_part:
        notes.append("none of the curves in runs/ is the one that was read")
    theirs = [(one, next((launch for launch in starts if launch is not mine and tells_of(launch, one)), None))
              for one in left]  # fmt: skip
    for launch in starts:
        if launch is not mine and not is_part and all(launch is not other for _, other in theirs):
            yield _of_curves(place, launch, _WRITTEN_OVER if launch.series else _DIED)
    for one, launch_of_it in theirs:
        here = one.path.parent
        told = _with_words(_parts((here,), [here], within), launch_of_it)
        yield _with_start(_draft(here, one, told, "", [_left(one)]), launch_of_it, one)
    if mine is not None and (len(starts) == 1 or tells_of(mine, state)):
        parts = _with_words(parts, mine)
    yield _with_start(_draft(home, state, parts, card, notes), mine, state)


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


def _with_start(draft: Draft, start: Start | None, state: State) -> Draft:
    """The run of a state with what TensorBoard was told of its launch, and of its end where the state is of before."""
    if start is None:
        return draft
    ends = start.series.get("train_runtime")
    if draft.status is None and ends and tells_of(start, state):
        draft = replace(draft, status=_ended(state, ends[-1][0]))
    return replace(draft, name=start.name, identity=start.identity, also=start.also, launch=start.launch,
                   writers=frozenset({draft.kind, EVENTS}), duration_s=draft.duration_s or start.took)  # fmt: skip


# ── the run ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _parts(folders: Sequence[Path], told: Sequence[Path], within: Path) -> Mapping[str, Any]:
    """What lies beside a state: the configs of model and adapter, from the first of these folders that has one, and the
    arguments, from those that may tell them."""
    tables = {name: next((found for folder in folders if (found := table_in(folder / file, within))), None)
              for name, file in (("model", "config.json"), ("adapter", "adapter_config.json"))}  # fmt: skip
    given, told_by = arguments_of(told, within)
    return {**tables, "given": given, "told_by": told_by}


def _with_words(parts: Mapping[str, Any], start: Start | None) -> Mapping[str, Any]:
    """The parts of a training with what it told TensorBoard in words, where nothing else tells it."""
    if start is None:
        return parts
    model = parts["model"] or start.told.model
    given = {"given": start.given, "told_by": start.told.path} if parts["given"] is None and start.given else {}
    return {**parts, "model": model, **given}


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
    tables = {"trainer": trainer, "model": _of_model(parts["model"]), "adapter": parts["adapter"],
              "training_args": arguments, "trial": state.body.get("trial_params")}  # fmt: skip
    end = next((row for row in reversed(state.history) if "train_runtime" in row), None)
    return Draft(
        kind="huggingface",
        source=str(place),
        run="/".join(place.absolute().parts[-2:]).lstrip("/"),
        config={name: table for name, table in tables.items() if table},
        env={"torch": versions.get("Pytorch"), **_libraries(versions, parts["model"] or {})},
        series=series_of(state.history),
        status=None if end is None else _ended(state, state.step),
        duration_s=number(end["train_runtime"]) if end else None,
        told={"state": state.path.relative_to(place).as_posix(), "versions": versions,
              **({"arguments": Path(os.path.relpath(parts["told_by"], place)).as_posix()} if given is not None else {}),
              "best": {key: state.body.get(key) for key in ("best_metric", "best_model_checkpoint")}},
        own={**{key: state.body[key] for key in ("logging_steps", "save_steps") if key in state.body}, **books},
        unknown={**UNKNOWN, **({} if given is not None else _untold(on_card))},
        notes=notes,
    )  # fmt: skip


def _of_model(config: Mapping[str, Any] | None) -> dict[str, JSON]:
    return {key: value for key, value in (config or {}).items() if key != "transformers_version"}


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


def _ended(state: State, step: int) -> str:
    """`train()` returned: of a run that was to take more steps, a callback had stopped it."""
    return "early_stopped" if state.planned is not None and 0 < step < state.planned else "completed"


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


# ── what TensorBoard alone was given ─────────────────────────────────────────────────────────────────────────────

_WRITTEN_OVER = "another training wrote over what this one left in its folder: its curves are in runs/"
_DIED = "it began, as TensorBoard was told, and broke off before it logged a number"
_NO_ADAPTER = "where one was trained, its settings lie beside a checkpoint, and none of this training is there"
_NO_STATE = "no state lies beside what TensorBoard was given of it"


def _as_in_a_state(given: Mapping[str, JSON]) -> dict[str, JSON]:
    """The settings that a state would repeat of these arguments (`_trainer`); where they do not say on how many devices
    at once, on one."""
    steps = number(given.get("max_steps"))
    length = "max_steps" if steps is not None and steps > 0 else "num_train_epochs"
    batch = given.get("train_batch_size") or given.get("per_device_train_batch_size")
    told = {"eval_steps": given.get("eval_steps"), length: given.get(length), "train_batch_size": batch}
    return {name: value for name, value in told.items() if value is not None}


def _of_curves(place: Path, start: Start, note: str) -> Draft:
    """A training of which there is nothing but what TensorBoard was given."""
    series = {name: points for name, points in start.series.items() if not CLOCKS.fullmatch(name)}
    given = start.given or {}
    books = {name: value for name, value in given.items() if BOOKS.fullmatch(name)}
    trainer = _as_in_a_state(given)
    as_state = State(place, {**dict.fromkeys(_REPEATED, 0), **trainer})
    # A state leaves out what nobody set, and repeats some of the rest in its own words.
    arguments = {name: value for name, value in given.items()
                 if name not in books and value is not None and not _is_said(name, value, as_state)}  # fmt: skip
    tables = {"trainer": trainer, "model": _of_model(start.told.model), "training_args": arguments}
    return Draft(
        kind="huggingface",
        source=str(place),
        run="/".join(place.absolute().parts[-2:]).lstrip("/"),
        identity=start.identity,
        also=start.also,
        writers=frozenset({EVENTS}),
        name=start.name,
        config={name: table for name, table in tables.items() if table} or None,
        env=_libraries({}, start.told.model or {}),
        launch=start.launch,
        series=series,
        status="completed" if "train_runtime" in start.series else None,
        own=books,
        unknown={**UNKNOWN, "config.adapter": _NO_ADAPTER, **({} if arguments else _untold({}))},
        notes=(note,),
    )
