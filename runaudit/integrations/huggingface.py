"""The Trainer of Hugging Face: a callback that records each training.

    import runaudit; runaudit.observe()
    from runaudit.integrations.huggingface import RunauditCallback
    Trainer(…, callbacks=[RunauditCallback("smaller head", data={"train": "data/train.jsonl"})])

Settings, seed and, if nothing else is given, the label are those of the `TrainingArguments`; the config of the model
stands beside them, under the names that an imported run has. Transformers knows its trackers by a list of its own
(`report_to`) that no package can add to, so the callback is given by the program.
"""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runaudit.capture.draft import ABSENT
from runaudit.importers.huggingface_states import CLOCKS
from runaudit.integrations.found import FoundConfig, found_config
from runaudit.integrations.loop import Loop, as_number, missing

try:
    from transformers import TrainerCallback
except ModuleNotFoundError as error:
    raise missing("Transformers", "transformers", ("transformers",), error) from error

NO_SETTINGS = ("local_rank", "transformers_version")
"""Which process it was, and which version: that of the package is in the record."""


class RunauditCallback(TrainerCallback):
    """Records every `train()` of a Trainer as a run. The words are those of `runaudit.guarded_record`.

    checkpoints: whether the best and the last one are copied into the run's folder; None: those of up to a GiB.
    """

    def __init__(
        self,
        label: str | None = None,
        *,
        seed: Any = ABSENT,
        config: Any = ABSENT,
        data: Any = ABSENT,
        checkpoints: bool | None = None,
        **given: Any,
    ) -> None:
        super().__init__()
        self._words = {"label": label or ABSENT, "seed": seed, "config": config, "data": data, **given}
        self._copies = checkpoints
        self._loop = Loop("the Trainer", self._words, copies=checkpoints)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """All settings are known, the model is made: the run starts."""
        if not state.is_world_process_zero:
            return
        label = self._words["label"] if self._words["label"] is not ABSENT else _run_name(args)
        trial = state.trial_params if isinstance(getattr(state, "trial_params", None), Mapping) else {}
        words = dict(self._words)
        if trial and label:  # Each trial of a search is a run, which its choices tell from the others.
            words["label"] = ", ".join([label, *(f"{name}={value}" for name, value in sorted(trial.items()))])
        self._loop.close()
        self._loop = Loop("the Trainer", words, copies=self._copies)
        self._loop.start(label=label, found=_settings(args, kwargs.get("model"), label), seed=args.seed)
        if state.global_step:
            self._loop.event(state.global_step, "resume", {"step": int(state.global_step)})
        self._loop.event(state.global_step, "stage", {"stage": "train"})

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """The numbers of a step, those of an evaluation among them."""
        if state.is_world_process_zero and self._loop.started:
            self._loop.log(state.global_step, _measured(logs))

    def on_predict(self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any) -> None:
        """What a prediction measured, which the Trainer does not log."""
        self.on_log(args, state, control, logs=metrics)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """The checkpoint that was just written; the best one besides, if it is that."""
        if not (state.is_world_process_zero and self._loop.started):
            return
        best = getattr(state, "best_model_checkpoint", None)
        name = f"checkpoint-{state.global_step}"
        beside = Path(best).parent if best else Path(args.output_dir)  # A trial writes into a folder of its own.
        folder = beside / name if (beside / name).is_dir() else Path(args.output_dir) / name
        if folder.is_dir():
            self._loop.keep(folder, kind="last", place="last", step=state.global_step)
        if best and Path(best).is_dir():
            score = as_number(getattr(state, "best_metric", None))
            metric = str(getattr(args, "metric_for_best_model", None) or "best_metric")
            # The Trainer takes `loss` for `eval_loss`, which is the name of the curve.
            metric = metric if metric.startswith("eval_") else f"eval_{metric}"
            step = Path(best).name.rpartition("-")[2]
            self._loop.keep(Path(best), kind="best", place="best", step=int(step) if step.isdigit() else None,
                            score=None if score is None else {metric: score})  # fmt: skip

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """`train()` returns; what is evaluated next still belongs to the run."""
        if state.is_world_process_zero and self._loop.started:
            planned = getattr(state, "max_steps", 0) or 0
            self._loop.ended("early_stopped" if 0 < state.global_step < planned else "completed")

    def finish(self) -> None:
        """Seal the run now, and not when the next one begins or the program ends. For notebooks."""
        self._loop.close()


def _settings(args: Any, model: Any, label: object) -> FoundConfig:
    """The arguments of the training, the config of the model and that of its adapters. A name that is the run's label
    is no setting."""
    tables = {"training_args": _plain(args), "model": _of_model(model), "adapter": getattr(model, "peft_config", None)}
    named = ("run_name",) if getattr(args, "run_name", None) == label else ()
    kept = {name: found_config(table, leave_out=(*NO_SETTINGS, *named)) for name, table in tables.items() if table}
    gaps = {f"config.{name}{path.removeprefix('config')}": why
            for name, one in kept.items() for path, why in one.gaps.items()}  # fmt: skip
    return FoundConfig(config={name: one.config for name, one in kept.items() if one.config}, gaps=gaps)


def _of_model(model: Any) -> Any:
    """The config of a model; its class and the type of its numbers as they are, for Transformers writes them into the
    config only when it saves."""
    table = _plain(getattr(model, "config", None))
    if not isinstance(table, Mapping):
        return table
    return {**table, "architectures": [type(model).__name__], "dtype": str(getattr(model, "dtype", None))}


def _plain(source: Any) -> Any:
    """What an object of Transformers says of itself; its fields where it cannot."""
    with contextlib.suppress(Exception):
        return source.to_dict()
    return source


def _run_name(args: Any) -> str | None:
    """The name that the program gave to the run. Transformers once took its output folder for one."""
    name = getattr(args, "run_name", None)
    return name if isinstance(name, str) and name and name != os.fspath(args.output_dir or "") else None


def _measured(logs: Any) -> dict[str, Any]:
    """The numbers without those of the Trainer's own pace."""
    rows = logs if isinstance(logs, Mapping) else {}
    return {name: value for name, value in rows.items() if not CLOCKS.fullmatch(str(name))}
