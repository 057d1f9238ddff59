"""Lightning: a logger that records the run, and a callback that knows its stages.

    import runaudit; runaudit.observe()
    from runaudit.integrations.lightning import RunauditLogger
    logger = RunauditLogger("wider layers", data={"train": "data/train"})
    Trainer(logger=logger, …).fit(model)

The settings are those of `save_hyperparameters()`, the seed is that of `seed_everything()`. The run is sealed when they
are known, before the first step. The callback comes by itself with runaudit installed, by an entry point of Lightning's
(`lightning_entry`); under `runaudit run` so does the logger, beside those of the program. `lightning` and
`pytorch_lightning` are one library under two names: it is the one that the program has imported.
"""

import contextlib
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from runaudit.capture.draft import ABSENT
from runaudit.integrations.found import FoundConfig, found_config
from runaudit.integrations.loop import Loop, as_number, missing

try:
    if "pytorch_lightning" in sys.modules and "lightning.pytorch" not in sys.modules:
        from pytorch_lightning.callbacks import Callback
        from pytorch_lightning.loggers.logger import Logger
    else:
        try:
            from lightning.pytorch.callbacks import Callback
            from lightning.pytorch.loggers.logger import Logger
        except ModuleNotFoundError:
            from pytorch_lightning.callbacks import Callback
            from pytorch_lightning.loggers.logger import Logger
    from lightning_utilities.core.rank_zero import rank_zero_only
except ModuleNotFoundError as error:
    raise missing("Lightning", "lightning", ("lightning", "pytorch_lightning"), error) from error

SEED = "PL_GLOBAL_SEED"
"""The environment variable in which `seed_everything` leaves the seed that it gave to every generator."""
CLOCKS = frozenset({"epoch"})
"""What Lightning puts beside the metrics of a step: a second clock."""
_STEP = re.compile(r"step=(\d{1,15})")
_FOLDER = "lightning_logs"
_VERSION = re.compile(r"version_(\d{1,9})")
_OTHERS = ("log_image", "log_text", "log_table", "log_audio", "log_video")
"""What the loggers of other trackers take beyond numbers, and a module calls on whichever logger there is."""


class RunauditLogger(Logger):
    """Records the runs of a Trainer. The words are those of `runaudit.guarded_record`.

    checkpoints: whether the best and the last one of each `ModelCheckpoint` are copied into the run's folder; None:
    those of up to a GiB.
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
        words = {"label": label or ABSENT, "seed": seed, "config": config, "data": data, **given}
        self.loop = Loop("Lightning", words, copies=checkpoints)
        self.stopped_early = False
        self._version: int | None = None

    # ── where Lightning puts its checkpoints, if this is its first logger ────────────────────────────────────────

    @property
    def name(self) -> str:
        """The folder of Lightning's own loggers."""
        return _FOLDER

    @property
    def version(self) -> int:
        """The next free number in that folder."""
        if self._version is None:
            taken: list[int] = []
            with contextlib.suppress(OSError):
                taken = [int(match[1]) for path in Path(_FOLDER).iterdir() if (match := _VERSION.fullmatch(path.name))]
            self._version = max(taken, default=-1) + 1
        return self._version

    @property
    def experiment(self) -> "Experiment":
        """The run in progress, as a module asks its logger for it."""
        return Experiment(self.loop)

    # ── what Lightning calls ─────────────────────────────────────────────────────────────────────────────────────

    def log_hyperparams(self, params: Any = None, *args: Any, **kwargs: Any) -> None:
        """The settings are known: the run starts with them. Later ones cannot be: the record is sealed."""
        if _is_zero() and not self.loop.started:
            self._start(found_config(params))

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """The numbers of a step."""
        if self._is_on():
            self.loop.log(step, {name: value for name, value in metrics.items() if name not in CLOCKS})

    def save(self) -> None:
        """Called when all settings were told, if there are any: from here on the run has started."""
        self._is_on()

    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        """The best checkpoint so far and the last one, whichever was written."""
        if not self._is_on():
            return
        monitor = getattr(checkpoint_callback, "monitor", None)
        best = getattr(checkpoint_callback, "best_model_path", "")
        last = getattr(checkpoint_callback, "last_model_path", "") or ("" if monitor else best)
        step = getattr(checkpoint_callback, "_last_global_step_saved", None)
        if last and os.path.lexists(last):
            self.loop.keep(Path(last), kind="last", place="last", step=step)
        if monitor and best and os.path.lexists(best):
            score = as_number(getattr(checkpoint_callback, "best_model_score", None))
            named = _STEP.search(Path(best).name)
            self.loop.keep(
                Path(best), kind="best", place=f"best-{re.sub(r'[^A-Za-z0-9._-]', '_', str(monitor))[:80]}",
                step=int(named[1]) if named else step, score=None if score is None else {str(monitor): score},
            )  # fmt: skip

    def finalize(self, status: str) -> None:
        """The training ended, well or not; what a test measures next still belongs to the run."""
        if not self.loop.started:
            return
        if status == "failed":
            self.loop.ended("crashed", sys.exc_info()[1])
        else:
            self.loop.ended("early_stopped" if self.stopped_early else "completed")

    def finish(self) -> None:
        """Seal the run now, and not when the next one begins or the program ends. For notebooks."""
        self.loop.close()

    def __getattr__(self, name: str) -> Any:
        """The calls that other loggers have for what is no number keep nothing, and fail nothing."""
        if name in _OTHERS:
            return getattr(self.experiment, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    # ── the start ────────────────────────────────────────────────────────────────────────────────────────────────

    def _is_on(self) -> bool:
        """Whether this process records; the run is opened if it is not."""
        if not _is_zero():
            return False
        if not self.loop.started:
            self._start(FoundConfig())
        return self.loop.started

    def _start(self, found: FoundConfig) -> None:
        seed = os.environ.get(SEED, "")
        self.loop.start(found=found, seed=int(seed) if seed.isdigit() else ABSENT)


class Experiment:
    """The run as a module finds it in `self.logger.experiment`. It was written for another tracker: what that one has
    and a run has not (`add_image`) is told once and does nothing."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    def log(self, step: int, values: Mapping[str, Any]) -> None:
        """The numbers of a step."""
        self._loop.log(step, values)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_, **__: self._loop.tell(
            f"what {name}() is given is not kept: runaudit keeps numbers, checkpoints and events"
        )


class RunauditCallback(Callback):
    """Tells the run its stages, and how it ended. It acts where a `RunauditLogger` is among the loggers; under
    `runaudit run` it puts one there."""

    def __init__(self) -> None:
        super().__init__()
        self._own: RunauditLogger | None = None

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Before the settings are logged: the last moment at which a logger can be added."""
        if logger_among(trainer.loggers) is not None or not os.environ.get("RUNAUDIT_RUN") or _is_a_trial(trainer):
            return
        self._own = self._own or RunauditLogger()
        if trainer.loggers:  # Behind the others: where checkpoints lie is the first one's business.
            trainer.loggers = [*trainer.loggers, self._own]

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """The fit begins, or goes on from a checkpoint."""
        if (trainer.global_step or 0) > 0:
            self._event(trainer, "resume", {"step": int(trainer.global_step)})
        self._event(trainer, "stage", {"stage": "fit"})

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Where the program switched its loggers off, each epoch's last values are what there is."""
        self._unlogged(trainer)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Whether something stopped the fit before its last epoch and its last step."""
        if (logger := self._logger(trainer)) is not None:
            logger.stopped_early = bool(trainer.should_stop) and not _is_done(trainer)

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        """A validation of its own; those within a fit are a part of it."""
        if str(getattr(trainer.state.fn, "value", "")) == "validate":
            self._event(trainer, "stage", {"stage": "validate"})

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """As at the end of an epoch."""
        if not trainer.sanity_checking:
            self._unlogged(trainer)

    def on_test_start(self, trainer: Any, pl_module: Any) -> None:
        """The test begins."""
        self._event(trainer, "stage", {"stage": "test"})

    def on_test_end(self, trainer: Any, pl_module: Any) -> None:
        """As at the end of an epoch."""
        self._unlogged(trainer)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Why it failed, or who stopped it."""
        if (logger := self._logger(trainer)) is not None and logger.loop.started:
            logger.loop.ended("crashed", exception)

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """The end, where no logger is told of it."""
        if self._is_alone(trainer) and self._own is not None:
            self._own.finalize("success")

    def _logger(self, trainer: Any) -> RunauditLogger | None:
        return (logger_among(trainer.loggers) or self._own) if _is_zero() else None

    def _is_alone(self, trainer: Any) -> bool:
        return self._own is not None and _is_zero() and not trainer.loggers

    def _event(self, trainer: Any, kind: str, detail: Mapping[str, Any]) -> None:
        logger = self._logger(trainer)
        if logger is not None:
            logger.save()
            logger.loop.event(trainer.global_step, kind, detail)

    def _unlogged(self, trainer: Any) -> None:
        if self._is_alone(trainer) and self._own is not None:
            self._own.log_metrics(trainer.callback_metrics, trainer.global_step)


def logger_among(loggers: Sequence[Any]) -> RunauditLogger | None:
    """The logger of ours among those of a Trainer."""
    return next((logger for logger in loggers if isinstance(logger, RunauditLogger)), None)


def _is_zero() -> bool:
    """Whether this is the process of all that writes. Lightning's own launcher sets no variable that says so."""
    return (getattr(rank_zero_only, "rank", None) or 0) == 0


def _is_a_trial(trainer: Any) -> bool:
    """Whether Lightning only tries the program out, its loggers replaced by dummies."""
    return bool(trainer.fast_dev_run) or any(type(logger).__name__ == "DummyLogger" for logger in trainer.loggers)


def _is_done(trainer: Any) -> bool:
    """Whether the fit came to the epoch or the step that it was to end with."""
    epochs, steps = (as_number(getattr(trainer, name, None)) or -1.0 for name in ("max_epochs", "max_steps"))
    return bool((0 <= epochs <= trainer.current_epoch) or (0 <= steps <= trainer.global_step))
