"""As much of Lightning, Transformers and Hydra as our integrations speak with, and their calls in their order.

The orders were written down beside Lightning 2.6, Transformers 5.24 and Hydra 1.3, with a spy in the place of ours;
`make integrations` holds ours against the real ones.
"""

import sys
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any


def module(name: str, **contents: Any) -> types.ModuleType:
    made = types.ModuleType(name)
    made.__dict__.update(contents)
    return made


class Tensor:
    """What a framework hands over for a number."""

    def __init__(self, *values: float) -> None:
        self.values, self.shape = values, (len(values),)

    def __float__(self) -> float:
        (value,) = self.values
        return value


# ── Lightning ────────────────────────────────────────────────────────────────────────────────────────────────────


class Logger:
    pass


class Callback:
    pass


def rank_zero_only(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def lightning(name: str = "lightning.pytorch") -> dict[str, types.ModuleType]:
    rank_zero_only.rank = 0
    core = module("lightning_utilities.core.rank_zero", rank_zero_only=rank_zero_only)
    return {
        **{part: module(part) for part in (name.partition(".")[0], name, f"{name}.loggers", "lightning_utilities",
                                           "lightning_utilities.core")},
        f"{name}.callbacks": module(f"{name}.callbacks", Callback=Callback),
        f"{name}.loggers.logger": module(f"{name}.loggers.logger", Logger=Logger),
        "lightning_utilities.core.rank_zero": core,
    }  # fmt: skip


class CSVLogger(Logger):
    """A logger of the program's own, which keeps all calls."""

    def __init__(self) -> None:
        self.experiment = None

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: None


class Trainer:
    """Fits and tests by the calls of Lightning's Trainer: two epochs of two steps."""

    def __init__(
        self, folder: Path, loggers: list[Any], callbacks: list[Any], hparams: Mapping[str, Any] | None
    ) -> None:
        self.folder, self.loggers, self.callbacks, self.hparams = folder, loggers, callbacks, hparams
        self.state, self.sanity_checking, self.fast_dev_run = SimpleNamespace(fn=None), False, False
        self.global_step = self.current_epoch = 0
        self.max_epochs, self.max_steps, self.should_stop = 2, -1, False
        self.callback_metrics: dict[str, Any] = {}
        self.checkpoint = SimpleNamespace(monitor="val_loss", best_model_path="", last_model_path="",
                                          best_model_score=None, _last_global_step_saved=0)  # fmt: skip

    def call(self, hook: str, *words: Any, **more: Any) -> None:
        for callback in self.callbacks:
            if (called := getattr(callback, hook, None)) is not None:
                called(self, None, *words, **more)

    def log(self, metrics: Mapping[str, Any], step: int) -> None:
        self.callback_metrics = {**self.callback_metrics, **metrics}
        for logger in self.loggers:
            logger.log_metrics(metrics={**metrics, "epoch": self.current_epoch}, step=step)
            logger.save()

    def entered(self, fn: str, body: Callable[[], None]) -> None:
        self.state.fn = SimpleNamespace(value=fn)
        try:
            for logger in self.loggers:
                _ = logger.experiment
            self.call("setup", stage=fn)
            for logger in self.loggers:
                if self.hparams is not None:
                    logger.log_hyperparams(self.hparams)
                logger.save()
            body()
            self.call("teardown", stage=fn)
            for logger in self.loggers:
                logger.finalize("success")
        except KeyboardInterrupt as error:
            self.interrupted(error)
            sys.exit(1)
        except BaseException as error:
            self.interrupted(error)
            raise

    def interrupted(self, error: BaseException) -> None:
        self.call("on_exception", error)
        for logger in self.loggers:
            logger.finalize("failed")

    def fit(self, at: Callable[[int], None] = lambda step: None) -> None:
        self.entered("fit", lambda: self.epochs(at))

    def epochs(self, at: Callable[[int], None]) -> None:
        self.call("on_train_start")
        while self.current_epoch < self.max_epochs and not self.should_stop:
            for _ in range(2):
                at(self.global_step)
                self.log({"train_loss": 1 / (1 + self.global_step)}, self.global_step)
                self.global_step += 1
            self.call("on_validation_start")
            self.log({"val_loss": 0.5 / (1 + self.current_epoch)}, self.global_step - 1)
            self.call("on_validation_end")
            self.call("on_train_epoch_end")
            self.save(0.5 / (1 + self.current_epoch))
            self.current_epoch += 1
        self.call("on_train_end")

    def save(self, score: float) -> None:
        for kind in ("best", "last"):
            name = f"epoch={self.current_epoch}-step={self.global_step}.ckpt" if kind == "best" else "last.ckpt"
            if kind == "best" and self.checkpoint.best_model_path:
                Path(self.checkpoint.best_model_path).unlink()
            (self.folder / name).write_text(f"weights {self.global_step}")
            setattr(self.checkpoint, f"{kind}_model_path", str(self.folder / name))
            self.checkpoint.best_model_score, self.checkpoint._last_global_step_saved = Tensor(score), self.global_step
            for logger in self.loggers:
                logger.after_save_checkpoint(self.checkpoint)

    def test(self) -> None:
        def body() -> None:
            self.call("on_test_start")
            self.log({"test_loss": 0.125}, self.global_step)
            self.call("on_test_end")

        self.entered("test", body)


# ── Transformers ─────────────────────────────────────────────────────────────────────────────────────────────────


class TrainerCallback:
    def on_evaluate(self, *_: Any, **__: Any) -> None:
        pass


def transformers() -> dict[str, types.ModuleType]:
    return {"transformers": module("transformers", TrainerCallback=TrainerCallback)}


class Arguments(SimpleNamespace):
    def to_dict(self) -> dict[str, Any]:
        return dict(vars(self))


def hf_train(
    callback: Any, folder: Path, *, steps: int = 4, planned: int = 4, fails: bool = False, **arguments: Any
) -> Any:
    """`Trainer.train()`: a step is logged, every second is evaluated and saved. Returns the state, for what follows."""
    args = Arguments(**{"output_dir": str(folder), "learning_rate": 0.5, "seed": 7, "local_rank": -1, "run_name": None,
                        "metric_for_best_model": "loss", **arguments})  # fmt: skip
    config = Arguments(hidden_size=8, transformers_version="5.24.0")
    model = SimpleNamespace(config=config, dtype="torch.float32")
    state = SimpleNamespace(is_world_process_zero=True, global_step=0, max_steps=planned, best_model_checkpoint=None,
                            best_metric=None, trial_params=None)  # fmt: skip
    control = SimpleNamespace(should_training_stop=False)
    callback.on_train_begin(args, state, control, model=model)
    for step in range(1, steps + 1):
        state.global_step = step
        callback.on_log(args, state, control, logs={"loss": 1 / step, "learning_rate": 0.5, "epoch": step / 2})
        if fails:
            raise ValueError("exploded")
        if step % 2 == 0:
            hf_evaluate(callback, args, state, control, 2 / step)
            checkpoint = folder / f"checkpoint-{step}"
            checkpoint.mkdir(parents=True)
            (checkpoint / "model.safetensors").write_text(f"weights {step}")
            if state.best_model_checkpoint is None:
                state.best_model_checkpoint, state.best_metric = str(checkpoint), 2 / step
            callback.on_save(args, state, control)
    callback.on_log(args, state, control, logs={"train_runtime": 3.5, "train_loss": 0.25, "total_flos": 0.0})
    callback.on_train_end(args, state, control)
    return args, state, control


def hf_evaluate(callback: Any, args: Any, state: Any, control: Any, loss: float) -> None:
    metrics = {"eval_loss": loss, "eval_runtime": 0.01, "eval_samples_per_second": 4.0}
    callback.on_log(args, state, control, logs=metrics)
    callback.on_evaluate(args, state, control, metrics=metrics)


# ── Hydra ────────────────────────────────────────────────────────────────────────────────────────────────────────


class MissingMandatoryValue(Exception):  # noqa: N818  (OmegaConf calls it so)
    pass


class Node(dict[str, Any]):
    """A config of OmegaConf: what is read is resolved, `raw` is how it was written."""

    def __init__(self, raw: Mapping[str, Any], values: Mapping[str, Any] | None = None) -> None:
        super().__init__({key: Node(value) if isinstance(value, Mapping) else value for key, value in
                          (raw if values is None else values).items()})  # fmt: skip
        self.raw = raw

    def __getattr__(self, name: str) -> Any:
        return self[name]

    def __getitem__(self, key: str) -> Any:
        if (value := super().__getitem__(key)) == "???":
            raise MissingMandatoryValue(key)
        return value


class OmegaConf:
    @staticmethod
    def to_container(node: Node, *, resolve: bool) -> Any:
        return dict(node) if resolve else node.raw

    @staticmethod
    def select(node: Node, path: str) -> Any:
        for key in path.split("."):
            node = node[key]
        return node


def hydra() -> dict[str, types.ModuleType]:
    return {
        "hydra": module("hydra"), "hydra.experimental": module("hydra.experimental"),
        "hydra.experimental.callback": module("hydra.experimental.callback", Callback=Callback),
        "omegaconf": module("omegaconf", OmegaConf=OmegaConf),
    }  # fmt: skip


def hydra_config(
    folder: Path, words: Mapping[str, Any], overrides: list[str], number: int | None = None, **raw: Any
) -> Node:
    """The config of a job: of a multirun where it has a number."""
    output = folder / ("outputs/12-00-00" if number is None else f"multirun/12-00-00/{number}")
    output.mkdir(parents=True, exist_ok=True)
    target = {"_target_": "runaudit.integrations.hydra.RunauditCallback", **words}
    own = {
        "callbacks": {"runaudit": target}, "job": {"name": "train", "num": number},
        "mode": f"RunMode.{'RUN' if number is None else 'MULTIRUN'}", "overrides": {"task": overrides, "hydra": []},
        "runtime": {"cwd": str(folder), "output_dir": str(output)},
    }  # fmt: skip
    raw = {"seed": 0, "lr": 0.5, "sgd": {"lr": "${lr}"}, "save_dir": "${hydra:runtime.output_dir}", "open": "???",
           "started": {"timestamp": "${now:%H:%M:%S}"}, **raw, "hydra": own}  # fmt: skip
    seen = {"sgd": {"lr": raw["lr"]}, "save_dir": str(output), "started": {"timestamp": f"12:00:0{number}"}}
    return Node(raw, {**raw, **seen})


def hydra_run(callback: Any, config: Node, task: Callable[[], Any]) -> Any:
    """A job of Hydra's, as it runs one."""
    return run_job(task, config, callback)


def run_job(task_function: Callable[[], Any], config: Node, callback: Any) -> Any:
    """`run_job` of Hydra, by its names: the notices of its callbacks swallow every Exception."""
    notices: list[str] = []

    def notify(hook: str, **words: Any) -> None:
        try:
            getattr(callback, hook)(**words)
        except Exception as error:
            notices.append(str(error))

    notify("on_job_start", config=config, task_function=task_function)
    try:
        returned, failed = task_function(), False
    except Exception as error:
        returned, failed = error, True
    notify("on_job_end", config=config, job_return=SimpleNamespace(_return_value=returned))
    if failed:
        raise returned
    return notices


def installed(patch: Any, modules: Mapping[str, types.ModuleType], ours: str) -> Iterator[types.ModuleType]:
    """One of our integrations, made anew beside these modules; afterwards neither is there."""
    import importlib

    import runaudit.integrations

    name = f"runaudit.integrations.{ours}"
    for other, made in modules.items():
        patch.setitem(sys.modules, other, made)
    patch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module(name)
    sys.modules.pop(name, None)
    runaudit.integrations.__dict__.pop(ours, None)
