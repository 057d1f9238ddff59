"""The command line of the trainer. Results on stdout, messages and progress on stderr, errors in one line."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from runaudit.errors import ConfigError, RunauditError

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


def _train(options: argparse.Namespace) -> int:
    from trainer.launch import train_as
    from trainer.ranks import AnotherRankError, joined

    with joined() as ranks:
        try:
            return train_as(ranks, options)
        except AnotherRankError as error:
            if ranks.leads:
                raise
            return error.exit_code  # said by the first


def _evaluate(options: argparse.Namespace) -> int:
    from trainer.launch import remark
    from trainer.main import evaluate_checkpoint, open_dataset, read_config
    from trainer.resume import found_at
    from trainer.shelf import SealedShelf

    config = read_config(options.config, tuple(options.set))
    dataset = open_dataset(config, checked=False)
    found = found_at(options.checkpoint)
    remark(found.remark)
    figures = evaluate_checkpoint(
        config, dataset, found.checkpoint, where=options.checkpoint, shelf=SealedShelf(options.store)
    )
    print(json.dumps(figures, indent=2))
    return 0


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
