"""Output folders of the Hugging Face Trainer: its state, the model's config, and what it wrote on the model card.

The arguments of the training lie in `training_args.bin`, a pickle, which is never opened: whoever reads it runs what it
says. So the seed, the learning rate and whatever else the state does not repeat are unknown, but for those that the
Trainer wrote on the card. The checkpoints of one folder are of one run.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runaudit.errors import RecordError
from runaudit.importers.base import Skipped
from runaudit.importers.draft import Draft, typed
from runaudit.importers.opened import foreign_bytes
from runaudit.importers.tables import as_table
from runaudit.records.canonical import JSON, parse_strict
from runaudit.records.trajectory import number

WHOLE = True
STATE = "trainer_state.json"
RESULTS = tuple(f"{split}_results.json" for split in ("train", "eval", "test", "predict"))
"""What `save_metrics` writes. `all_results.json` beside them holds what earlier trainings left, too."""
_ROUNDED = 0.01
"""Some releases round the epoch in one of two places."""
_CHECKPOINT = re.compile(r"checkpoint-(\d{1,12})")
CLOCKS = re.compile(
    r"step|epoch|total_flos|.*(?:_runtime|_per_second|_compilation_time)|num_input_tokens_seen|.*_mem_.*"
)
"""What the Trainer logs of its own pace; no measure of the model."""
_ON_CARD = re.compile(r"(?m)^- ([a-z_]+): (.+)$")
_VERSION = re.compile(r"(?m)^- (Transformers|Pytorch|Datasets|Tokenizers|PEFT) (\S+)$")
_PICKLED = "it is in training_args.bin, a pickle, which is never opened"
_BEYOND_CARD = ("weight_decay", "max_grad_norm")
UNKNOWN = {
    "code": "the Trainer does not record it",
    "data": "the Trainer records no digest of the data",
    "init": "the Trainer does not record what the weights began from",
}


def places(here: Path, folders: Sequence[str], files: Sequence[str]) -> Sequence[Path]:
    """The output folder that `here` is, or a checkpoint that was named by itself."""
    states = (here / name / STATE for name in folders if _CHECKPOINT.fullmatch(name))
    results = "all_results.json" in files and not {*RESULTS}.isdisjoint(files)
    return (here,) if STATE in files or results or any(map(os.path.lexists, states)) else ()


def read(place: Path, within: Path) -> Iterator[Draft | Skipped]:
    """The run of an output folder. Raises RecordError for a malformed one."""
    states = [state for path in _state_files(place) if (state := _state(path, within)) is not None]
    state, note = _newest(states) if states else (_State(place / STATE, {}), "")
    last = max([state, *states], key=lambda one: one.step).path.parent
    state = _completed(state, [row for name in RESULTS if (row := _json(place / name, within))])
    model = _json(place / "config.json", within) or _json(last / "config.json", within)
    adapter = _json(place / "adapter_config.json", within) or _json(last / "adapter_config.json", within)
    card = (foreign_bytes(place / "README.md", within) or b"").decode("utf-8", "backslashreplace")
    yield _draft(place, state, {"model": model, "adapter": adapter}, card, [note] if note else [])


# ── the state ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _State:
    """What one `trainer_state.json` says."""

    path: Path
    body: Mapping[str, Any]

    @property
    def step(self) -> int:
        """How many steps had been taken."""
        value = self.body.get("global_step")
        return value if isinstance(value, int) else 0

    @property
    def history(self) -> list[Mapping[str, Any]]:
        """The rows that were logged."""
        rows = self.body.get("log_history")
        return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _state_files(place: Path) -> Iterator[Path]:
    """The state of the folder, and that of its last checkpoint: each repeats all that was logged before it."""
    yield place / STATE
    numbered = [(int(match[1]), path) for path in place.iterdir()
                if (match := _CHECKPOINT.fullmatch(path.name)) and os.path.lexists(path / STATE)]  # fmt: skip
    if numbered:
        yield max(numbered)[1] / STATE


def _state(path: Path, within: Path) -> _State | None:
    body = _json(path, within)
    if body is None:
        return None
    if "log_history" not in body and "global_step" not in body:
        raise RecordError(f"{path} is not a state of the Trainer", remedy="leave this run out")
    return _State(path, body)


def _newest(states: Sequence[_State]) -> tuple[_State, str]:
    """The state that goes farthest; the folder's own, with a note, where a checkpoint is of another training."""
    own, last = states[0], max(states, key=lambda one: one.step)
    if last is own or last.history[: len(own.history)] == own.history:
        return last, ""
    if own.step < last.step and own.history[-1:] and "train_runtime" in own.history[-1]:
        return own, f"{last.path.parent.name} is of another training, which was not read"
    return last, ""


def _completed(state: _State, results: Sequence[Mapping[str, Any]]) -> _State:
    """A state with what was measured after it was written: `evaluate()` after `train()`. Results of another epoch than
    the state's were left by another training, as far as anybody can tell."""
    rows, epoch = list(state.history), number(state.body.get("epoch"))
    for result in results:
        at = number(result.get("epoch"))
        is_its = not state.history or (at is not None and epoch is not None and abs(at - epoch) < _ROUNDED)
        logged = {name: row[name] for row in rows for name in result if name in row}
        fresh = {name: value for name, value in result.items() if name not in logged or logged[name] != value}
        rows += [{**fresh, "step": state.step}] if is_its else []
    return _State(state.path, {**state.body, "log_history": rows})


def _json(path: Path, within: Path) -> Mapping[str, Any] | None:
    raw = foreign_bytes(path, within)
    return None if raw is None or not raw.strip() else as_table(parse_strict(raw, where=str(path)), path, needed=True)


# ── the run ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _draft(place: Path, state: _State, parts: Mapping[str, Any], card: str, notes: Sequence[str]) -> Draft:
    typed_in, versions = _arguments(card), dict(_VERSION.findall(card))
    trainer = _trainer(state)
    arguments = {name: value for name, value in typed_in.items() if value != trainer.get(_TWICE.get(name, name))}
    model = {key: value for key, value in (parts["model"] or {}).items() if key != "transformers_version"}
    tables = {"trainer": trainer, "model": model, "adapter": parts["adapter"], "training_args": arguments,
              "trial": state.body.get("trial_params")}  # fmt: skip
    end = next((row for row in reversed(state.history) if "train_runtime" in row), None)
    return Draft(
        kind="huggingface",
        source=str(place),
        run="/".join(place.absolute().parts[-2:]).lstrip("/"),
        config={name: table for name, table in tables.items() if table},
        env={"torch": versions.get("Pytorch")},
        series=_series(state.history),
        status=None if end is None else _ended(state),
        duration_s=number(end["train_runtime"]) if end else None,
        told={"state": state.path.relative_to(place).as_posix(), "versions": versions,
              "best": {key: state.body.get(key) for key in ("best_metric", "best_model_checkpoint")}},
        own={key: state.body[key] for key in ("logging_steps", "save_steps") if key in state.body},
        unknown={**UNKNOWN, **_pickled(typed_in)},
        notes=notes,
    )  # fmt: skip


_TWICE = {"num_epochs": "num_train_epochs", "training_steps": "max_steps"}
"""What the card calls otherwise than the state."""


def _trainer(state: _State) -> dict[str, JSON]:
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


def _ended(state: _State) -> str:
    """`train()` returned: of a run that was to take more steps, a callback had stopped it."""
    planned = state.body.get("max_steps")
    return "early_stopped" if isinstance(planned, int) and 0 < state.step < planned else "completed"


def _arguments(card: str) -> dict[str, JSON]:
    """The arguments that the Trainer wrote on the model card."""
    _, found, rest = card.partition("hyperparameters were used during training:")
    listed = rest.partition("\n#")[0] if found else ""
    return {name: typed(value.strip()) for name, value in _ON_CARD.findall(listed)}


def _pickled(arguments: Mapping[str, JSON]) -> dict[str, str]:
    """What is in the pickle alone."""
    if not arguments:
        return {"config.training_args": f"{_PICKLED}: learning rate, schedule, optimizer, precision", "seed": _PICKLED}
    return {f"config.training_args.{name}": _PICKLED for name in _BEYOND_CARD}


def _series(history: Sequence[Mapping[str, Any]]) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[int, float]]] = {}
    for place, row in enumerate(history):
        step = row.get("step")
        for name, value in row.items():
            if not CLOCKS.fullmatch(name) and (point := number(value)) is not None:
                found.setdefault(name, []).append((step if isinstance(step, int) else place, point))
    return found
