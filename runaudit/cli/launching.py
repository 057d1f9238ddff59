"""The options that describe a launch: `run` and `guard` take the same ones, so that what was asked is what is run."""

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import typer

from runaudit.cli import common
from runaudit.launch.asked import Asked


def _many(kind: type, name: str, metavar: str, help: str) -> Any:  # noqa: A002  (the option's word)
    return Annotated[list[kind] | None, typer.Option(name, metavar=metavar, help=help)]  # type: ignore[valid-type]


def _one(kind: type, name: str, metavar: str, help: str) -> Any:  # noqa: A002  (typer's own word)
    return Annotated[kind | None, typer.Option(name, metavar=metavar, help=help)]


LAUNCH: Mapping[str, Any] = {
    "command": Annotated[list[str] | None, typer.Argument(metavar="-- CMD…", help="The command, after --.")],
    "config": _many(Path, "--config", "FILE", "Configuration (TOML, JSON, YAML); several are kept by their names."),
    "data": _many(str, "--data", "NAME=PATH", "A dataset: a file or a folder. Repeatable."),
    "seed": _one(int, "--seed", "N", "The seed this run uses."),
    "label": _one(str, "--label", "TEXT", "What this run tests, in words."),
    "intent": _many(str, "--intent", "FACTOR", "A factor that is meant to differ from the baseline. Repeatable."),
    "bundle": _many(str, "--bundle", "NAME", "A declared bundle of changes that is one treatment. Repeatable."),
    "baseline": _one(str, "--baseline", "RUN", "The run this one is to be compared with."),
    "waive": _many(str, "--waive", "RULE=REASON[:DAY]", "Set a rule aside; sealed in the record. Repeatable."),
    "init": _one(str, "--init", "random|FILE", "Where the weights start: random, or a checkpoint."),
    "health": _one(
        str,
        "--health",
        "warn,keep,stop",
        "Watch its curves: say what goes wrong, keep the last healthy checkpoint, stop at a critical finding.",
    ),
    "evaluation": _many(str, "--eval", "KEY=VALUE", "A fact of the evaluation (metric, crop_border, …). Repeatable."),
}
"""The options of a launch: name -> annotation."""


def describes_launch(function: Callable[..., None]) -> Callable[..., None]:
    """A command's function of (Context, Asked) as one that takes the options of a launch, and the shared ones; what it
    takes besides are options of its own."""

    def called(context: common.Context, **values: Any) -> None:
        own = {name: values.pop(name) for name in more}
        found: dict[str, Any] = {k: tuple(v or ()) if _is_repeatable(LAUNCH[k]) else v for k, v in values.items()}
        function(context, Asked(**found, shared=context.given), **own)

    more = dict(list(inspect.signature(function, eval_str=True).parameters.items())[2:])
    given = [*(common.option(name, annotation) for name, annotation in LAUNCH.items()), *more.values()]
    return common.command()(common.signed(called, function, [common.option("context", common.Context), *given]))


def _is_repeatable(annotation: Any) -> bool:
    """Whether an option is `Annotated[list[…] | None, …]`."""
    return any(get_origin(kind) is list for kind in get_args(get_args(annotation)[0]))
