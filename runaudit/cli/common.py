"""What every command shares: the store, the policy, the output format, and how an error becomes one line and a code.

Results go to stdout, messages to stderr; with `--json` an error is an object on stdout too, so that a script never has
to parse prose. Exit codes are an interface: 0 pass, 1 negative judgement, 2 usage, 3 cannot be judged, 4 integrity
failure, 5 refused by the guard, 70 a fault of runaudit itself.
"""

import contextlib
import inspect
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from runaudit.cli import streams
from runaudit.cli.completion import completed
from runaudit.errors import RunauditError, UsageError
from runaudit.system.files import refuse_special
from runaudit.system.progress import shown_on
from runaudit.text import terminal
from runaudit.text.verdicts import CANNOT_JUDGE, NEGATIVE

if TYPE_CHECKING:
    # Imported where they are used: `--help` needs none, and they are a quarter of what it costs.
    from runaudit.judge.bench import Bench
    from runaudit.settings import Settings
    from runaudit.store import Store
    from runaudit.text.answer import Answer

UNEXPECTED = 70
FORGIVEN = (NEGATIVE, CANNOT_JUDGE)
"""What `--exit-zero` turns into 0."""


class Format(StrEnum):
    """How an answer is written."""

    text = "text"
    json = "json"
    md = "md"


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
ExitZeroOption = Annotated[bool, typer.Option("--exit-zero", help="Exit 0 where the judgement would exit 1 or 3.")]


OneRun = Annotated[
    str, typer.Argument(metavar="RUN", help="An id prefix, a label, @last; id:…, label:…, cohort:… say which.")
]
SomeRuns = Annotated[
    list[str], typer.Argument(metavar="RUN...", help="Runs, cohorts, or lists with commas.", show_default=False)
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a command knows of its surroundings."""

    store_root: Path
    settings: "Settings"
    format: Format = Format.text
    quiet: bool = False
    verbose: bool = False
    exit_zero: bool = False
    given: tuple[str, ...] = ()
    """The shared options that a repeated call needs, as they were typed."""

    @property
    def json(self) -> bool:
        """Whether a program reads the answer."""
        return self.format is Format.json

    @property
    def store(self) -> "Store":
        """The store, which need not exist: whoever reads it asks with `existing`."""
        from runaudit.store import Store

        return Store(self.store_root)

    @property
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

    def tell(self, answer: "Answer", *, verbose: bool = False) -> None:
        """Print an answer in the format that was asked for. verbose: more detail, as with `-v`."""
        verbose = verbose or self.verbose
        if self.json:
            say_json(answer.to_json())
            return
        paint = terminal.Paint(terminal.use_colour() and self.format is Format.text)
        if self.quiet:
            lines: Iterable[str] = answer.headline.splitlines()
        elif self.format is Format.md:
            lines = answer.markdown_lines(verbose=verbose)
        else:
            lines = answer.text_lines(verbose=verbose, paint=paint)
        say_lines(terminal.harmless(line, paint) for line in lines)

    def finish(self, code: int) -> None:
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
) -> Context:
    """The surroundings that the shared options describe."""
    from runaudit.settings import load_settings
    from runaudit.store.place import find_store

    is_named = store is not None or os.environ.get("RUNAUDIT_STORE")
    root = find_store(Path() if is_named else here(), named=store)
    named = (("--store", store), ("--policy", policy))
    return Context(
        store_root=root,
        settings=load_settings(root, named=policy),
        format=Format.json if json else format,
        quiet=quiet,
        verbose=verbose,
        exit_zero=exit_zero,
        given=tuple(word for option, value in named if value is not None for word in (option, str(value))),
    )


def here() -> Path:
    """The current folder. Raises UsageError where it was deleted under the shell."""
    if gone := nowhere():
        raise gone
    return Path.cwd()


def nowhere() -> UsageError | None:
    """What to tell where the current folder was deleted under the shell."""
    try:
        Path.cwd()
    except OSError:
        return UsageError("the current folder does not exist any more", remedy="cd to one that does")
    return None


SHARED: dict[str, tuple[Any, Any]] = {
    "store": (StoreOption, None),
    "policy": (PolicyOption, None),
    "format": (FormatOption, Format.text),
    "json": (JsonOption, False),
    "quiet": (QuietOption, False),
    "verbose": (VerboseOption, False),
    "debug": (DebugOption, False),
    "exit_zero": (ExitZeroOption, False),
}
"""The options that every command takes: name -> annotation, default. `--debug` is read where a failure is caught."""


def command(*, exit_zero: bool = False, quiet: str = "") -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A command's function, whose first parameter is the Context, as one that takes the shared options instead.

    exit_zero: whether it judges, so that `--exit-zero` means something. quiet: what `-q` leaves, where it is no line.
    """
    names = [name for name in SHARED if exit_zero or name != "exit_zero"]

    def taking(function: Callable[..., None]) -> Callable[..., None]:
        def called(**values: Any) -> None:
            shared = {name: values.pop(name) for name in names}
            del shared["debug"]
            around = context(shared.pop("store"), shared.pop("policy"), **shared)
            with shown_on(sys.stderr) if _is_watched(around) else contextlib.nullcontext():
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


def _is_watched(around: Context) -> bool:
    """Whether somebody sits before a terminal and waits."""
    return _obeys(sys.stderr) and not (around.quiet or around.json or os.environ.get("CI"))


def _obeys(stream: TextIO) -> bool:
    """Whether a terminal is behind it that knows colours and the wiping of a line."""
    return stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def say(text: str) -> None:
    """A result, on stdout. Raises OutputError where it cannot be written."""
    _write(streams.gate().text(text))


def say_lines(lines: Iterable[str], *, as_json: bool = False) -> bool:
    """Lines of a result, many at a time: to look at a thousand at once takes a fifth of the time. Whether any came."""
    rest, some = iter(lines), False
    while part := list(islice(rest, 500)):
        text = "\n".join(line.removesuffix("\n") for line in part) + "\n"
        say_json_text(text) if as_json else say(text)
        some = True
    return some


def _write(text: str) -> None:
    streams.write(text if text.endswith("\n") else text + "\n")


def say_json(answer: Mapping[str, Any]) -> None:
    """A JSON answer, on stdout; non-finite numbers as strings, so that every JSON parser reads it."""
    from runaudit.records.canonical import json_safe

    say_json_text(json.dumps(streams.gate().tree(json_safe(answer)), indent=2, ensure_ascii=False, allow_nan=False))


def say_json_text(text: str) -> None:
    """A text of JSON, on stdout: what a terminal would obey, or stdout cannot carry, as JSON's own escapes."""
    _write(terminal.printable_json(streams.gate().quoted(text), only_ascii=not streams.speaks_unicode()))


def hint(text: str) -> None:
    """A message, on stderr. Where nobody can be told any more, its reader gone or its disk full, the work goes on: a
    training neither ends nor fails because of what we had to say."""
    try:
        text = text and streams.gate().text(text)
    except Exception as error:  # Nobody can say what is in it: that something was to be said is told all the same.
        text = f"runaudit: a message could not be searched for secrets, so it is not shown: {type(error).__name__}"
    try:
        sys.stderr.write(text if not text or text.endswith("\n") else text + "\n")
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        streams.silence("stderr")


def report_error(error: RunauditError, *, as_json: bool) -> int:
    """One clear line on stderr, and an object on stdout for programs. Returns the exit code."""
    if as_json:
        say_json({"schema": "runaudit.error/1", "error": error.message, "remedy": error.remedy})
    hint(f"runaudit: {printable(str(error))}")
    return error.exit_code


def printable(text: str) -> str:
    """Text of several lines with its control characters shown, not obeyed."""
    return terminal.printable(text, keep="\n\t")


def existing_file(path: Path, what: str) -> Path:
    """`path`, which must be a file. Raises UsageError that says what was looked for."""
    refuse_special(path, what)
    if not path.is_file():
        raise UsageError(f"{what} {path} does not exist", remedy="check the path")
    return path
