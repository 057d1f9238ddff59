"""A launch of the trainer: checked, sealed, trained, judged; and begun again where its config asks for that.

Everything a user can get wrong comes first; then the seal; then, and only then, the first step.
"""

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runaudit.errors import ConfigError
from trainer import recording
from trainer.checkpoint import require_room
from trainer.config import TrainConfig
from trainer.configfile import config_files
from trainer.main import (
    Prepared,
    TrainResult,
    open_dataset,
    prepare,
    read_config,
    rehearsed,
    require_continuable,
    switches,
    train,
)
from trainer.ranks import Ranks
from trainer.recording import LaunchOptions
from trainer.rehearsal import Measured
from trainer.restart import Successor, restart_of, successor_of
from trainer.resume import Parent, find
from trainer.samples import told_of_reading
from trainer.seeding import seed_everything
from trainer.shelf import SealedShelf
from trainer.terminal import TerminalLog, UnheardLog
from trainer.warmstart import DIGEST, settled_start


@contextmanager
def stop_signals() -> Iterator[Callable[[], int]]:
    """SIGINT and SIGTERM ask the run to save itself; a second one ends it at once."""
    caught: list[int] = []

    def note(number: int, _: object) -> None:
        if caught:
            raise KeyboardInterrupt
        caught.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: caught[0] if caught else 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def train_as(ranks: Ranks, options: argparse.Namespace) -> int:
    """A run, and where `loop.restarts` asks for it the children that are begun in its place. Returns the last one's
    exit code.

    A child has a label of its own and is held against no baseline: that was declared of its parent.
    """
    label, number = options.label, 0
    code, child = _train_one(ranks, options)
    while child:
        number += 1
        changed = {"restart": child[0], "set": list(child[1:]), "config": None, "resume": None, "baseline": None,
                   "intent": [], "label": f"{label} (restart {number})"}  # fmt: skip
        code, child = _train_one(ranks, argparse.Namespace(**vars(options) | changed))
    return code


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """A run that may start. begun: whose checkpoint it goes on from, or begins with."""

    prepared: Prepared
    parent: Parent | None
    begun: Parent | None
    measured: Measured | None


def _train_one(ranks: Ranks, options: argparse.Namespace) -> tuple[int, tuple[str, ...]]:
    """One run. Returns its exit code and, where a child is to follow, its id and the child's overrides."""
    launch = _launch(options)
    ready = _ready(ranks, options, launch)
    prepared, checkpoint = ready.prepared, ready.parent.checkpoint if ready.parent else None
    config, seed, dataset = prepared.config, prepared.seed, prepared.dataset
    child: tuple[str, ...] = ()
    with stop_signals() as stop:
        recorder = None
        with ranks.agreed():
            if ranks.leads:
                recorder = recording.seal(
                    launch, config, seed, dataset,
                    proof=prepared.seed_proof, parent=ready.begun, measured=ready.measured,
                )  # fmt: skip
        if recorder is None:
            result = train(
                config, seed, UnheardLog(), Path(), checkpoint, prepared=prepared, stop=stop, ranks=ranks
            )  # fmt: skip
        else:
            print(f"run {recorder.id[:12]} sealed", file=sys.stderr, flush=True)
            remark(_tiles_a_step(config))
            with recorder:
                shelf = SealedShelf(options.store, recorder)
                result = train(
                    config, seed, recording.SealedLog(recorder, TerminalLog()), recorder.run_dir, checkpoint,
                    prepared=prepared, stop=stop, shelf=shelf, ranks=ranks,
                )  # fmt: skip
                recording.keep_pictures(recorder, result.judged)
                following = successor_of(config, result.checkpoints.get("best")) if result.reason else None
                if following is not None:
                    recorder.note(f"loop.restarts: {following.words}")
                metrics = recording.summary(result.metrics)
                recorder.finish(result.status, metrics=metrics, error=result.reason or None)
            child = _told(options.label, recorder.id, result, metrics, following)
    return result.exit_code, ranks.told_by_first(child) if config.loop.restarts else ()


def _ready(ranks: Ranks, options: argparse.Namespace, launch: LaunchOptions) -> _Ready:
    """Whatever can be refused before a run is sealed."""
    with ranks.agreed():
        config, parent = _begins_with(options, ranks)
        _require_own_record(config)
        dataset = open_dataset(config)
        config, measured = rehearsed(config, dataset)
    config = ranks.told_by_first(config)  # a precision that was measured may have come out otherwise elsewhere
    with ranks.agreed():
        config, start = _settled_start(config, parent, options.store)
        # The switches that seeding sets are part of the environment, so they come before the guard looks at it.
        seed_everything(options.seed, **switches(config))
        # With a parent, whether the run can go on at all comes first, and the guard is asked at the seal.
        if parent is None and ranks.leads:
            recording.check(launch, config, options.seed, dataset, start=start)
        prepared = prepare(config, options.seed, dataset, ranks=ranks, start=start)
        if ranks.leads:
            _remark_before(parent or start, prepared)
            require_room(_disk_of(options.store), prepared.model.state_dict())
        if parent is not None:
            require_continuable(prepared, parent.checkpoint)
    return _Ready(prepared=prepared, parent=parent, begun=parent or start, measured=measured)


def _require_own_record(config: TrainConfig) -> None:
    """Raise ConfigError where a run that another program records is to be followed by others."""
    if config.loop.restarts and os.environ.get("RUNAUDIT_RUN"):
        raise ConfigError(
            f"config: loop.restarts is {config.loop.restarts}, but `runaudit run` records this run, and one alone",
            remedy="start it without `runaudit run`, or set loop.restarts = 0 and use `python -m trainer restart RUN`",
        )


def _launch(options: argparse.Namespace) -> LaunchOptions:
    """What the command line says of the launch beside its config."""
    return LaunchOptions(
        label=options.label, config_files=config_files(options.config) if options.config else (), store=options.store,
        policy=options.policy, baseline=options.baseline, intent=tuple(options.intent), waive=tuple(options.waive),
        wandb=options.wandb,
    )  # fmt: skip


def _begins_with(options: argparse.Namespace, ranks: Ranks) -> tuple[TrainConfig, Parent | None]:
    """The config of the run, and what it goes on from; a restart has config and seed from its checkpoint."""
    if options.restart:
        begun = restart_of(options.restart, options.store, options.set, ranks=ranks.size)
        options.seed = begun.seed
        return begun.config, begun.parent
    config = read_config(options.config, tuple(options.set), ranks=ranks.size)
    return config, find(options.resume, options.store) if options.resume else None


def _settled_start(config: TrainConfig, parent: Parent | None, store: Path | None) -> tuple[TrainConfig, Parent | None]:
    """Whose weights the run begins with. One that is resumed has begun: a digest is taken at its word, unread."""
    if parent is not None and config.init.checkpoint.startswith(DIGEST):
        return config, None
    config, start = settled_start(config, store)
    return config, None if parent is not None else start


def _told(
    label: str, run: str, result: TrainResult, metrics: Mapping[str, float], following: Successor | None
) -> tuple[str, ...]:
    """Say how a run ended. Returns its id and the overrides of the child that is to follow; the answer is then that of
    the last one."""
    if result.reason:
        remark(_farewell(result))
    if following is not None:
        remark(f"run {run[:12]} is {following.words}")
        if following.overrides:
            return run, *following.overrides
    _print_answer(label, run, result, metrics)
    return ()


def _print_answer(label: str, run: str, result: TrainResult, metrics: Mapping[str, float]) -> None:
    """How a run ended, for a program."""
    answer = {
        "run": run,
        "status": result.status,
        "label": label,
        "steps_done": result.steps_done,
        "metrics": metrics,
        "checkpoints": {kind: str(path) for kind, path in result.checkpoints.items()},
    }
    print(json.dumps(answer, indent=2))


def _tiles_a_step(config: TrainConfig) -> str:
    """How many tiles a step is of where several processes share it."""
    optim = config.optim
    if optim.world_size == 1:
        return ""
    total = optim.batch * optim.accumulate * optim.world_size
    return f"batch {optim.batch} x accumulate {optim.accumulate} x {optim.world_size} processes: {total} tiles a step"


def _disk_of(store: Path | None) -> Path:
    """A place on the disk of the store: where none is named, that is at the root of the work tree."""
    return Path(store or os.environ.get("RUNAUDIT_STORE") or ".").expanduser().absolute()


def _farewell(result: TrainResult) -> str:
    """Why a run was given up, and what is left of it."""
    best = result.checkpoints.get("best")
    left = f"the best checkpoint before that is {best}" if best else "no checkpoint was validated before that"
    what = "stopped" if result.status == "early_stopped" else "dead"
    return f"the run is {what} after {result.steps_done} steps: {result.reason}; {left}; see `runaudit health @last`"


def _remark_before(parent: Parent | None, prepared: Prepared) -> None:
    """What is worth knowing before a run is sealed."""
    remark(parent.remark if parent else "")
    remark(told_of_reading(prepared.train, prepared.dataset, prepared.config.data))


def remark(line: str) -> None:
    """Say something on stderr, if there is something to say."""
    if line:
        print(f"trainer: {line}", file=sys.stderr, flush=True)
