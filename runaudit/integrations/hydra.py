"""Hydra: a callback that records each job, those of a multirun each as a run of its own.

    hydra:
      callbacks:
        runaudit:
          _target_: runaudit.integrations.hydra.RunauditCallback
          label: wider layers, lr ${lr}
          data: {train: data/train}

or `+hydra.callbacks.runaudit._target_=runaudit.integrations.hydra.RunauditCallback` on the command line. The config is
that of the job, resolved, the seed is the setting that has the name of one. The number of a job, its id and its folders
are Hydra's bookkeeping, so the seeds of a multirun are one cohort; the command of a job is the program with the job's
own overrides. Hydra warns and goes on where a callback raises, so a refusal ends the program.
"""

import contextlib
import ctypes
import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from runaudit.errors import RecordError, UsageError
from runaudit.importers.hydra import names_the_time
from runaudit.importers.omegaconf import Keys, Resolved, path_of, resolved
from runaudit.integrations.found import FoundConfig, found_config
from runaudit.integrations.loop import Loop, as_number, missing, stop
from runaudit.records.canonical import JSON
from runaudit.records.seednames import names_the_seed

try:
    from hydra.experimental.callback import Callback
    from omegaconf import OmegaConf
except ModuleNotFoundError as error:
    raise missing("Hydra", "hydra-core", ("hydra", "omegaconf"), error) from error

TARGET = "runaudit.integrations.hydra.RunauditCallback"
_SWEEPING = ("hydra.sweep", "hydra.mode", "hydra/sweeper", "hydra.launcher", "hydra/launcher")
"""Overrides that say how jobs are made, and nothing to a job that runs alone."""
_MULTIRUN = ("-m", "--multirun")
_FLAGS = (
    "-cn",
    "-cp",
    "-cd",
    "-p",
    "--config-name",
    "--config-path",
    "--config-dir",
    "--package",
    "--experimental-rerun",
)
"""Hydra's own options with a word behind them."""


class RunauditCallback(Callback):
    """Records every job. The words are those of `runaudit.guarded_record`, as the config has them."""

    def __init__(self, **given: Any) -> None:
        self._given = given  # Of the whole program; a job has its own, its interpolations resolved.
        self._loop = Loop("Hydra", given, swallows=True)

    def on_multirun_start(self, config: Any, **kwargs: Any) -> None:
        """Jobs are runs, and `runaudit run` has sealed one. Ends the program."""
        if os.environ.get("RUNAUDIT_RUN"):
            stop(UsageError(
                "a multirun is a run for each of its jobs, and `runaudit run` seals one",
                remedy="start it without `runaudit run`, so that each job records itself; "
                "or without this callback (~hydra.callbacks.runaudit), to have the whole sweep as one run",
            ), swallowed=True)  # fmt: skip

    def on_job_start(self, config: Any, *, task_function: Any = None, **kwargs: Any) -> None:
        """The config of the job is resolved, its folder is made, its program comes next: the run starts."""
        try:
            job = Job(config)
            words = job.words(self._given)
        except Exception as error:  # Hydra would warn, and train on unrecorded.
            stop(UsageError(f"the run cannot be recorded: {type(error).__name__}: {error}",
                            remedy="check what hydra.callbacks gives to runaudit"), swallowed=True)  # fmt: skip
        self._loop.close()
        self._loop = Loop("Hydra", words, swallows=True)
        self._loop.start(
            label=job.label, found=job.settings, root=job.root, extra=job.extra,
            **({"argv": job.command(sys.argv, sys.orig_argv)} if job.is_swept else {}),
        )  # fmt: skip
        self._loop.event(0, "stage", {"stage": "job"})
        with contextlib.suppress(Exception):  # Then an exit of the program is one of which nobody knows the code.
            _hear_of_exit(task_function, self._left)

    def _left(self, error: SystemExit) -> None:
        """The program left by itself, as `sys.exit` does: Hydra does not tell its callbacks."""
        if error.code in (None, 0):
            self._loop.ended("completed")
        else:
            self._loop.ended("crashed", error)
        self._loop.close()

    def on_job_end(self, config: Any, job_return: Any, **kwargs: Any) -> None:
        """How the job ended, and the number that it returned, which a sweeper goes by."""
        # The property of that name raises what the job raised.
        value = getattr(job_return, "_return_value", None)
        if isinstance(value, BaseException):
            self._loop.ended("crashed", value)
        else:
            if not isinstance(value, bool) and (number := as_number(value)) is not None:
                self._loop.log(None, {"return_value": number})
            self._loop.ended("completed")
        self._loop.close()


def _hear_of_exit(task: Any, left: Callable[[SystemExit], None]) -> None:
    """Have the job call its program through one that hears of a SystemExit. `run_job` catches what is an Exception and
    goes on to its callbacks; of this nobody tells them, and at the end of Python the code of an exit is gone."""

    @functools.wraps(task)
    def heard(*given: Any, **named: Any) -> Any:
        try:
            return task(*given, **named)
        except SystemExit as error:
            left(error)
            raise

    frame: Any = inspect.currentframe()
    while frame is not None and (frame.f_locals.get(_TASK) is not task or frame.f_code.co_name != _CALLER):
        frame = frame.f_back
    if frame is None or task is None:
        return
    frame.f_locals[_TASK] = heard
    if sys.version_info < (3, 13):  # From there on, what is written there is there (PEP 667); before, as debuggers do.
        ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(0))


_CALLER, _TASK = "run_job", "task_function"
"""The function of Hydra's that calls a program, and its name for that."""


class Job:
    """What Hydra's config of one job says. Reads the program's settings and Hydra's, and changes neither."""

    def __init__(self, config: Any) -> None:
        self._config = config
        raw = OmegaConf.to_container(config, resolve=False)
        self._own: Mapping[str, JSON] = {key: value for key, value in raw.items() if key != "hydra"}
        self._hydra: Mapping[str, Any] = raw["hydra"]
        self.root = Path(str(self._select("hydra.runtime.cwd") or Path.cwd()))
        self.folder = str(self._select("hydra.runtime.output_dir") or "")
        self.is_swept = str(self._select("hydra.mode") or "").rpartition(".")[2] == "MULTIRUN"
        self.overrides = tuple(map(str, self._select("hydra.overrides.task") or ()))

    def _select(self, path: str) -> Any:
        with contextlib.suppress(Exception):  # of a setting that is missing, or was named and is not there
            return OmegaConf.select(self._config, path)
        return None

    def words(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The words of the callback as they stand in the config of this job."""
        for name, node in self._hydra.get("callbacks", {}).items():
            if isinstance(node, Mapping) and node.get("_target_") == TARGET:
                resolved_node = OmegaConf.to_container(self._config.hydra.callbacks[name], resolve=True)
                given = {key: value for key, value in resolved_node.items() if not key.startswith("_")}
                if self.is_swept and "label" in given and "${" not in str(node.get("label")):
                    given["label"] = self._told(str(given["label"]))
        words = {name: value for name, value in given.items() if value is not None or name == "seed"}
        if isinstance(waive := words.get("waive"), str):
            words["waive"] = [waive]
        return words

    @property
    def label(self) -> str:
        """What the job is called where nobody says: its program, and what it was told to do differently."""
        return self._told(str(self._select("hydra.job.name") or "job"))

    def _told(self, label: str) -> str:
        """A label with the choices of the job; the seeds of a sweep have one label."""
        chosen = [
            word.lstrip("+") for word in self.overrides if not names_the_seed(word.partition("=")[0].lstrip("+~"))
        ]
        return " ".join([label, *chosen])

    @property
    def settings(self) -> FoundConfig:
        """The settings of the program, without those that only say when it ran."""
        found = found_config(self._config, leave_out=("hydra",))
        return FoundConfig(config=_without(found.config, self._clock()), gaps=found.gaps)

    def _clock(self) -> frozenset[str]:
        written = self._written()
        return frozenset(path for path in written.clock if names_the_time(path, written)) if written else frozenset()

    def _written(self) -> Resolved | None:
        with contextlib.suppress(RecordError):
            return resolved(self._own, self._hydra, dict(os.environ))
        return None

    @property
    def extra(self) -> dict[str, Mapping[str, Any]]:
        """Where the job writes, which settings are written in terms of others, which option it took of each group."""
        written = self._written()
        told = {"run": Path(self.folder).name, **({"interpolated": dict(written.written)} if written else {})}
        if isinstance(chosen := (self._hydra.get("runtime") or {}).get("choices"), Mapping):
            told["choices"] = {str(group): option for group, option in chosen.items() if isinstance(option, str)}
        return {"launch": {"run_dir": self.folder} if self.folder else {}, "origin": told}

    def command(self, argv: list[str], whole: list[str]) -> tuple[str, ...]:
        """The program with the overrides of this job alone: what a sweep of this one job would be."""
        start = whole[1 : len(whole) - len(argv) + 1] if len(whole) > len(argv) else argv[:1]
        hydras = [
            str(word) for word in self._select("hydra.overrides.hydra") or () if not str(word).startswith(_SWEEPING)
        ]
        return (sys.executable, *start, *_options(argv[1:]), *hydras, *self.overrides)


def _options(words: list[str]) -> Iterator[str]:
    """Hydra's options on a command line, with their values; the overrides are those of the job."""
    waiting = iter(words)
    for word in waiting:
        if word.startswith("-") and word not in _MULTIRUN:
            yield word
            if word in _FLAGS and (value := next(waiting, None)) is not None:
                yield value


def _without(table: Mapping[str, JSON], paths: frozenset[str], above: Keys = ()) -> dict[str, JSON]:
    """A table without the leaves at these dotted paths, and without the tables that held nothing else."""
    kept: dict[str, JSON] = {}
    for key, value in table.items():
        here = (*above, key)
        if path_of(here) in paths:
            continue
        if isinstance(value, Mapping) and value:
            if inner := _without(value, paths, here):
                kept[key] = inner
        else:
            kept[key] = value
    return kept
