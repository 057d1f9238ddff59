"""What every command shares: the store, the policy, the options, and the code it ends with.

Exit codes are an interface: 0 pass, 1 negative judgement, 2 usage, 3 cannot be judged, 4 integrity failure, 5 refused
by the guard, 70 a fault of runaudit itself.
"""

import contextlib
import inspect
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from runaudit.system.progress import shown_on
from runaudit.voice.completed import completed
from runaudit.voice.failed import FORGIVEN, here
from runaudit.voice.saying import Format, Manner

if TYPE_CHECKING:
    # Imported where they are used: `--help` needs none, and they are a quarter of what it costs.
    from runaudit.judge.bench import Bench
    from runaudit.settings import Settings
    from runaudit.store import Store

StoreOption = Annotated[
    Path | None,
    typer.Option("--store", metavar="DIR", help="The store [else $RUNAUDIT_STORE, else .runaudit of this repository]."),
]
PolicyOption = Annotated[
    Path | None,
    typer.Option(
        "--policy", metavar="FILE", help="The policy [else runaudit.toml or pyproject.toml beside the store]."
    ),
]
FormatOption = Annotated[Format, typer.Option("--format", help="Output format.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Short for --format json.")]
QuietOption = Annotated[bool, typer.Option("-q", "--quiet", help="One line only.")]
VerboseOption = Annotated[bool, typer.Option("-v", "--verbose", help="More detail.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="A traceback for an unexpected failure.")]
AssumeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--assume", metavar="SECTION",
        help="What you vouch for where foreign records do not say it: data, env, eval, …; may be repeated.",
    ),
]  # fmt: skip
ExitZeroOption = Annotated[bool, typer.Option("--exit-zero", help="Exit 0 where the judgement would exit 1 or 3.")]

OneRun = Annotated[
    str, typer.Argument(metavar="RUN", help="An id prefix, a label, @last; id:…, label:…, cohort:… say which.")
]
SomeRuns = Annotated[
    list[str], typer.Argument(metavar="RUN...", help="Runs, cohorts, or lists with commas.", show_default=False)
]


@dataclass(frozen=True, kw_only=True)
class Context(Manner):
    """What a command knows of its surroundings, and how it is to answer."""

    store_root: Path
    settings: "Settings"
    exit_zero: bool = False
    given: tuple[str, ...] = ()
    """The shared options that a repeated call needs, as they were typed."""

    @cached_property
    def store(self) -> "Store":
        """The store, which need not exist: whoever reads it asks with `existing`. It is one, so that a long log is read
        and held against its chain once: of 100,000 runs that was most of what a question about one of them took."""
        from runaudit.store import Store

        return Store(self.store_root)

    @cached_property
    def bench(self) -> "Bench":
        """The store with its policy, as judgement takes them."""
        from runaudit.judge.bench import Bench

        return Bench(self.store, self.settings)

    def open(self) -> "Store":
        """The store, which must exist."""
        return self.store.existing()

    def create(self) -> "Store":
        """The store, made if need be."""
        from runaudit.store import Store

        return Store.create(self.store_root)

    def finish(self, code: int) -> NoReturn:
        """End the command with `code`; `--exit-zero` forgives 1 and 3 and nothing else."""
        raise typer.Exit(0 if self.exit_zero and code in FORGIVEN else code)


def context(
    store: Path | None,
    policy: Path | None,
    *,
    format: Format = Format.text,  # noqa: A002  (the option's name)
    json: bool = False,
    quiet: bool = False,
    verbose: bool = False,
    exit_zero: bool = False,
    assume: Sequence[str] | None = None,
) -> Context:
    """The surroundings that the shared options describe."""
    from runaudit.settings import assuming, load_settings
    from runaudit.store.place import find_store

    is_named = store is not None or os.environ.get("RUNAUDIT_STORE")
    root = find_store(Path() if is_named else here(), named=store)
    named = (("--store", store), ("--policy", policy))
    return Context(
        store_root=root,
        settings=assuming(load_settings(root, named=policy), assume or ()),
        format=Format.json if json else format,
        quiet=quiet,
        verbose=verbose,
        exit_zero=exit_zero,
        given=tuple(word for option, value in named if value is not None for word in (option, str(value))),
    )


SHARED: dict[str, tuple[Any, Any]] = {
    "store": (StoreOption, None),
    "policy": (PolicyOption, None),
    "format": (FormatOption, Format.text),
    "json": (JsonOption, False),
    "quiet": (QuietOption, False),
    "verbose": (VerboseOption, False),
    "debug": (DebugOption, False),
    "exit_zero": (ExitZeroOption, False),
    "assume": (AssumeOption, None),
}
"""The options that commands share: name -> annotation, default. `--debug` is read where a failure is caught."""


def command(
    *, exit_zero: bool = False, assume: bool = False, quiet: str = ""
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A command's function, whose first parameter is the Context, as one that takes the shared options instead.

    exit_zero: whether it judges, so that `--exit-zero` means something. assume: whether foreign records are judged.
    quiet: what `-q` leaves, where it is no line.
    """
    left_out = {name for name, is_taken in (("exit_zero", exit_zero), ("assume", assume)) if not is_taken}
    names = [name for name in SHARED if name not in left_out]

    def taking(function: Callable[..., None]) -> Callable[..., None]:
        def called(**values: Any) -> None:
            shared = {name: values.pop(name) for name in names}
            del shared["debug"]
            around = context(shared.pop("store"), shared.pop("policy"), **shared)
            with shown_on(sys.stderr) if around.is_watched else contextlib.nullcontext():
                function(around, **values)

        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        shared = SHARED | (
            {"quiet": (Annotated[bool, typer.Option("-q", "--quiet", help=quiet)], False)} if quiet else {}
        )
        return signed(called, function, [*own, *(option(name, *shared[name]) for name in names)])

    return taking


def option(name: str, annotation: Any, default: Any = None) -> inspect.Parameter:
    """A parameter that the parser reads as an option, or as what `annotation` says."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def signed(
    called: Callable[..., None], function: Callable[..., None], parameters: list[inspect.Parameter]
) -> Callable[..., None]:
    """`called` under the name and words of `function`, with these parameters for the parser to read."""
    for one in parameters:
        for info in getattr(one.annotation, "__metadata__", ()):
            completed(info)
    called.__name__, called.__doc__, called.__module__ = function.__name__, function.__doc__, function.__module__
    keyword = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in parameters]
    called.__signature__ = inspect.Signature(keyword)  # type: ignore[attr-defined]
    called.__annotations__ = {one.name: one.annotation for one in parameters}
    return called
