"""The command line of the trainer. Results on stdout, messages and progress on stderr, errors in one line."""

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from runaudit.errors import ConfigError, RunauditError

if TYPE_CHECKING:
    from trainer.config import TrainConfig
    from trainer.context import EventKind
    from trainer.main import Prepared, TrainResult
    from trainer.ranks import Ranks
    from trainer.recording import LaunchOptions
    from trainer.resume import Parent

UNEXPECTED = 70
NEEDED = {"torch": "torch", "safetensors": "safetensors", "skimage": "scikit-image", "PIL": "pillow"}
"""Module -> what is installed for it: asked for by `runaudit[trainer]`, not by a judge."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit code."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except RunauditError as error:
        # A full disk stops the checkpoint first and then the seal of the outcome: both are said, in this order.
        for earlier in (*reversed(list(_before(error))), error):
            print(f"trainer: {earlier}", file=sys.stderr)
        return error.exit_code
    except ModuleNotFoundError as error:
        if options.debug or error.name not in NEEDED:
            raise
        print(f"trainer: {error.name} is not installed; run 'pip install {' '.join(NEEDED.values())}'", file=sys.stderr)
        return 2
    except Exception as error:
        if options.debug:
            raise
        print(f"trainer: unexpected {type(error).__name__}: {error}; run again with --debug", file=sys.stderr)
        return UNEXPECTED


def _before(error: BaseException) -> Iterator[RunauditError]:
    """What had gone wrong when this did, the latest first. A cause is not among them: the error itself names it."""
    while error.__cause__ is not None:
        error = error.__cause__
    earlier = None if error.__suppress_context__ else error.__context__
    if isinstance(earlier, RunauditError):
        yield earlier
        yield from _before(earlier)


class TerminalLog:
    """A RunLog on stderr: a line per stage, validation and checkpoint-worthy event, nothing per step."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Print what was measured on held-out data."""
        shown = {k: v for k, v in values.items() if k.startswith("val/")}
        if shown:
            words = "  ".join(f"{name} {value:.5f}" for name, value in shown.items())
            print(f"step {step:6d}  {words}", file=sys.stderr, flush=True)

    def event(self, step: int, kind: "EventKind", detail: Mapping[str, Any]) -> None:
        """Print the event."""
        if kind == "skipped":
            from trainer.skips import sentence

            print(f"step {step:6d}  {sentence(detail)}", file=sys.stderr, flush=True)
            return
        if kind == "stage_end":
            early = f", ended {detail['ended']}" if "ended" in detail else ""
            told = f"stage {detail['stage']} ends: {detail['reason']}{early}"
            print(f"step {step:6d}  {told}", file=sys.stderr, flush=True)
            return
        words = "  ".join(f"{name} {value}" for name, value in detail.items())
        print(f"step {step:6d}  {kind}: {words}", file=sys.stderr, flush=True)

    def checkpoint(self, path: Path, *, step: int, kind: Literal["best", "last", "stage"]) -> None:
        """Say nothing: the result names the checkpoints."""


class UnheardLog:
    """A RunLog of a process that trains along: the first one tells."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Say nothing."""

    def event(self, step: int, kind: "EventKind", detail: Mapping[str, Any]) -> None:
        """Say nothing."""

    def checkpoint(self, path: Path, *, step: int, kind: Literal["best", "last", "stage"]) -> None:
        """Say nothing."""


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


def _train(options: argparse.Namespace) -> int:
    from trainer.ranks import AnotherRankError, joined

    with joined() as ranks:
        try:
            return _train_as(ranks, options)
        except AnotherRankError as error:
            if ranks.leads:
                raise
            return error.exit_code  # said by the first


def _train_as(ranks: "Ranks", options: argparse.Namespace) -> int:
    """Everything a user can get wrong comes first; then the seal; then, and only then, the first step."""
    from trainer import recording
    from trainer.checkpoint import require_room
    from trainer.main import open_dataset, prepare, rehearsed, require_continuable, switches, train
    from trainer.seeding import seed_everything
    from trainer.shelf import SealedShelf

    launch = _launch(options)
    with ranks.agreed():
        config, parent = _begins_with(options, ranks)
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
    checkpoint = parent.checkpoint if parent else None
    with stop_signals() as stop:
        recorder = None
        with ranks.agreed():
            if ranks.leads:
                proof, begun = prepared.seed_proof, parent or start
                recorder = recording.seal(
                    launch, config, options.seed, dataset, proof=proof, parent=begun, measured=measured
                )
        if recorder is None:
            return train(
                config, options.seed, UnheardLog(), Path(), checkpoint, prepared=prepared, stop=stop, ranks=ranks
            ).exit_code
        print(f"run {recorder.id[:12]} sealed", file=sys.stderr, flush=True)
        _remark(_tiles_a_step(config))
        with recorder:
            shelf = SealedShelf(options.store, recorder)
            result = train(
                config, options.seed, recording.SealedLog(recorder, TerminalLog()), recorder.run_dir, checkpoint,
                prepared=prepared, stop=stop, shelf=shelf, ranks=ranks,
            )  # fmt: skip
            recording.keep_pictures(recorder, result.judged)
            metrics = recording.summary(result.metrics)
            recorder.finish(result.status, metrics=metrics, error=result.reason or None)
    return _told(options.label, recorder.id, result, metrics)


def _launch(options: argparse.Namespace) -> "LaunchOptions":
    """What the command line says of the launch beside its config."""
    from trainer.configfile import config_files
    from trainer.recording import LaunchOptions

    return LaunchOptions(
        label=options.label, config_files=config_files(options.config) if options.config else (), store=options.store,
        policy=options.policy, baseline=options.baseline, intent=tuple(options.intent), waive=tuple(options.waive),
        wandb=options.wandb,
    )  # fmt: skip


def _begins_with(options: argparse.Namespace, ranks: "Ranks") -> "tuple[TrainConfig, Parent | None]":
    """The config of the run, and what it goes on from; a restart has config and seed from its checkpoint."""
    from trainer.main import read_config
    from trainer.restart import restart_of
    from trainer.resume import find

    if options.restart:
        begun = restart_of(options.restart, options.store, options.set, ranks=ranks.size)
        options.seed = begun.seed
        return begun.config, begun.parent
    config = read_config(options.config, tuple(options.set), ranks=ranks.size)
    return config, find(options.resume, options.store) if options.resume else None


def _settled_start(
    config: "TrainConfig", parent: "Parent | None", store: Path | None
) -> "tuple[TrainConfig, Parent | None]":
    """Whose weights the run begins with. One that is resumed has begun: a digest is taken at its word, unread."""
    from trainer.warmstart import DIGEST, settled_start

    if parent is not None and config.init.checkpoint.startswith(DIGEST):
        return config, None
    config, start = settled_start(config, store)
    return config, None if parent is not None else start


def _told(label: str, run: str, result: "TrainResult", metrics: Mapping[str, float]) -> int:
    """Say how a run ended. Returns its exit code."""
    if result.reason:
        _remark(_farewell(result))
    answer = {
        "run": run,
        "status": result.status,
        "label": label,
        "steps_done": result.steps_done,
        "metrics": metrics,
        "checkpoints": {kind: str(path) for kind, path in result.checkpoints.items()},
    }
    print(json.dumps(answer, indent=2))
    return result.exit_code


def _tiles_a_step(config: "TrainConfig") -> str:
    """How many tiles a step is of where several processes share it."""
    optim = config.optim
    if optim.world_size == 1:
        return ""
    total = optim.batch * optim.accumulate * optim.world_size
    return f"batch {optim.batch} x accumulate {optim.accumulate} x {optim.world_size} processes: {total} tiles a step"


def _disk_of(store: Path | None) -> Path:
    """A place on the disk of the store: where none is named, that is at the root of the work tree."""
    return Path(store or os.environ.get("RUNAUDIT_STORE") or ".").expanduser().absolute()


def _farewell(result: "TrainResult") -> str:
    """Why a run was given up, and what is left of it."""
    best = result.checkpoints.get("best")
    left = f"the best checkpoint before that is {best}" if best else "no checkpoint was validated before that"
    what = "stopped" if result.status == "early_stopped" else "dead"
    return f"the run is {what} after {result.steps_done} steps: {result.reason}; {left}; see `runaudit health @last`"


def _evaluate(options: argparse.Namespace) -> int:
    from trainer.main import evaluate_checkpoint, open_dataset, read_config
    from trainer.resume import found_at
    from trainer.shelf import SealedShelf

    config = read_config(options.config, tuple(options.set))
    dataset = open_dataset(config, checked=False)
    found = found_at(options.checkpoint)
    _remark(found.remark)
    figures = evaluate_checkpoint(
        config, dataset, found.checkpoint, where=options.checkpoint, shelf=SealedShelf(options.store)
    )
    print(json.dumps(figures, indent=2))
    return 0


def _remark_before(parent: "Parent | None", prepared: "Prepared") -> None:
    """What is worth knowing before a run is sealed."""
    from trainer.samples import told_of_reading

    _remark(parent.remark if parent else "")
    _remark(told_of_reading(prepared.train, prepared.dataset, prepared.config.data))


def _remark(line: str) -> None:
    if line:
        print(f"trainer: {line}", file=sys.stderr, flush=True)


def _campaign(options: argparse.Namespace) -> int:
    """Arms x seeds are `runaudit campaign`'s, whatever is trained: each job is a `train` that adopts its run."""
    import subprocess

    return subprocess.run([sys.executable, "-P", "-m", "runaudit", "campaign", *options.words], check=False).returncode


def _make(options: argparse.Namespace) -> int:
    from trainer.data import PRESETS, make_dataset

    def say(done: int, total: int, name: str) -> None:
        end = "\n" if done == total else ""
        print(f"\r{done}/{total} {name:24s}", end=end, file=sys.stderr, flush=True)

    progress = say if sys.stderr.isatty() else None
    print(make_dataset(options.root, PRESETS[options.preset], options.seed, progress=progress))
    return 0


def _check(options: argparse.Namespace) -> int:
    from trainer.data import check_dataset

    report = check_dataset(options.root)
    for line in report.lines():
        print(line)
    if report.problems:
        raise ConfigError(
            f"{options.root}: {len(report.problems)} problem{'s' if len(report.problems) > 1 else ''}",
            remedy="fix the files, or make the dataset again",
        )
    print(f"{options.root}: no problem found")
    return 0


def _add_launch(command: argparse.ArgumentParser) -> None:
    """What is said of a launch, whatever it begins with."""
    add = command.add_argument
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="override one config leaf")
    add("--label", required=True, metavar="TEXT", help="what this run is for")
    add("--store", type=Path, metavar="DIR", help="default: $RUNAUDIT_STORE, else .runaudit")
    add("--policy", type=Path, metavar="FILE", help="default: runaudit.toml beside the store")
    add("--baseline", metavar="RUN", help="the run this one is to differ from as declared, and only so")
    add("--intent", action="append", default=[], metavar="FACTOR", help="what is meant to differ")
    add("--waive", action="append", default=[], metavar="RULE=REASON", help="start in spite of a rule")
    add("--wandb", choices=("off", "offline", "online"), default="off", help="mirror to W&B")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m trainer", description="Staged multi-frame super-resolution.")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    train = commands.add_parser("train", help="train, then judge on full frames")
    train.add_argument("--config", type=Path, required=True, metavar="F", help="TOML file")
    train.add_argument("--seed", type=int, required=True, metavar="N")
    train.add_argument("--resume", metavar="RUN|CKPT", help="continue a run from its last checkpoint, as a child run")
    train.add_argument("--quick", action="append_const", dest="set", default=[], const="quick=true",
                       help="a search for ideas on little: not comparable with full runs")  # fmt: skip
    train.set_defaults(command=_train, restart=None)
    restart = commands.add_parser(
        "restart", help="start a child run at the best healthy checkpoint of a run that died, with other settings"
    )
    restart.add_argument("restart", metavar="RUN|CKPT", help="the run that died, or one of its checkpoints")
    restart.set_defaults(command=_train, config=None, seed=None, resume=None)
    for one in (train, restart):
        _add_launch(one)
    evaluate = commands.add_parser("evaluate", help="judge a checkpoint on full frames")
    evaluate.add_argument("--config", type=Path, required=True, metavar="F")
    evaluate.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    evaluate.add_argument("--checkpoint", type=Path, required=True, metavar="CKPT")
    evaluate.add_argument("--store", type=Path, metavar="DIR", help="where baselines may be taken from")
    evaluate.set_defaults(command=_evaluate)
    campaign = commands.add_parser("campaign", help="arms x seeds by one command: the words of `runaudit campaign`",
                                   add_help=False, prefix_chars="\0")  # fmt: skip
    campaign.add_argument("words", nargs="*", metavar="FILE.toml …")
    campaign.set_defaults(command=_campaign)
    data = commands.add_parser("data", help="make or check a dataset").add_subparsers(required=True, metavar="ACTION")
    make = data.add_parser("make", help="simulate bursts from photographs")
    make.add_argument("root", type=Path)
    make.add_argument("--preset", choices=("default", "hard", "quick", "altitude"), default="default")
    make.add_argument("--seed", type=int, default=0)
    make.set_defaults(command=_make)
    check = data.add_parser("check", help="read everything and say what is wrong")
    check.add_argument("root", type=Path)
    check.set_defaults(command=_check)
    return parser
