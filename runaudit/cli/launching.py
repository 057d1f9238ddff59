"""The options that describe a launch: `run` and `guard` take the same ones, so that what was asked is what is run."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import typer

from runaudit.capture.draft import ABSENT, LaunchRequest
from runaudit.cli import common, streams
from runaudit.guard.invocation import Invocation
from runaudit.launch.given import facts_of, merged_config, named_paths, start_of

ConfigOption = Annotated[
    list[Path] | None,
    typer.Option("--config", metavar="FILE", help="Configuration (TOML, JSON, YAML); several are kept by their names."),
]
DataOption = Annotated[
    list[str] | None, typer.Option("--data", metavar="NAME=PATH", help="A dataset: a file or a folder. Repeatable.")
]
SeedOption = Annotated[int | None, typer.Option("--seed", metavar="N", help="The seed this run uses.")]
LabelOption = Annotated[str | None, typer.Option("--label", metavar="TEXT", help="What this run tests, in words.")]
IntentOption = Annotated[
    list[str] | None,
    typer.Option("--intent", metavar="FACTOR", help="A factor that is meant to differ from the baseline. Repeatable."),
]
BundleOption = Annotated[
    list[str] | None,
    typer.Option("--bundle", metavar="NAME", help="A declared bundle of changes that is one treatment. Repeatable."),
]
BaselineOption = Annotated[
    str | None, typer.Option("--baseline", metavar="RUN", help="The run this one is to be compared with.")
]
WaiveOption = Annotated[
    list[str] | None,
    typer.Option("--waive", metavar="RULE=REASON[:DAY]", help="Set a rule aside; sealed in the record. Repeatable."),
]
InitOption = Annotated[
    str | None, typer.Option("--init", metavar="random|FILE", help="Where the weights start: random, or a checkpoint.")
]
EvalOption = Annotated[
    list[str] | None,
    typer.Option("--eval", metavar="KEY=VALUE", help="A fact of the evaluation (metric, crop_border, …). Repeatable."),
]
CommandArgument = Annotated[list[str] | None, typer.Argument(metavar="-- CMD…", help="The command, after --.")]


LAUNCH: Mapping[str, Any] = {
    "command": CommandArgument,
    "config": ConfigOption,
    "data": DataOption,
    "seed": SeedOption,
    "label": LabelOption,
    "intent": IntentOption,
    "bundle": BundleOption,
    "baseline": BaselineOption,
    "waive": WaiveOption,
    "init": InitOption,
    "evaluation": EvalOption,
}
"""The options of a launch: name -> annotation."""


def describes_launch(function: Callable[..., None]) -> Callable[..., None]:
    """A command's function of (Context, Options) as one that takes the options of a launch, and the shared ones."""

    def called(context: common.Context, **values: Any) -> None:
        found: dict[str, Any] = {k: tuple(v or ()) if _is_repeatable(LAUNCH[k]) else v for k, v in values.items()}
        function(context, Options(**found, shared=context.given))

    given = [common.option(name, annotation) for name, annotation in LAUNCH.items()]
    return common.command()(common.signed(called, function, [common.option("context", common.Context), *given]))


def _is_repeatable(annotation: Any) -> bool:
    """Whether an option is `Annotated[list[…] | None, …]`."""
    return any(get_origin(kind) is list for kind in get_args(get_args(annotation)[0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """A launch in the user's words."""

    config: tuple[Path, ...] = ()
    data: tuple[str, ...] = ()
    seed: int | None = None
    label: str | None = None
    intent: tuple[str, ...] = ()
    bundle: tuple[str, ...] = ()
    baseline: str | None = None
    waive: tuple[str, ...] = ()
    init: str | None = None
    evaluation: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    """The options every command takes (`--store DIR`), as they were typed."""

    def request(self, root: Path, *, extra: dict[str, Any] | None = None) -> LaunchRequest:
        """What is to be captured. Raises UsageError or ConfigError for what cannot be understood."""
        return LaunchRequest(
            label=self.label,
            seed=ABSENT if self.seed is None else self.seed,
            config=merged_config(self.config),
            config_files=self.config,
            data=named_paths(self.data, root),
            init=start_of(self.init),
            evaluation=dict(facts_of(self.evaluation)) or None,
            intent=self.intent,
            bundles=self.bundle,
            argv=self.command,
            root=root,
            extra=extra or {},
        )

    def call(self, name: str) -> Invocation:
        """The call as it was typed, for the remedies."""
        said = streams.gate().words
        return Invocation(program=("runaudit", name), options=said(tuple(self._words())), command=said(self.command))

    def _words(self) -> Iterator[str]:
        yield from self.shared
        for option, values in (
            ("--config", map(str, self.config)),
            ("--data", self.data),
            ("--seed", () if self.seed is None else (str(self.seed),)),
            ("--label", () if self.label is None else (self.label,)),
            ("--intent", self.intent),
            ("--bundle", self.bundle),
            ("--baseline", () if self.baseline is None else (self.baseline,)),
            ("--init", () if self.init is None else (self.init,)),
            ("--eval", self.evaluation),
            ("--waive", self.waive),
        ):
            for value in values:
                yield from (option, value)
