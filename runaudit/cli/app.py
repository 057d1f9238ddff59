"""The table of commands. A command's module is imported only when it is called.

`--help` and completion read the table alone; importing every command would cost more than most commands take.
"""

import importlib
import sys
from typing import Any

import typer
import typer.main
from typer.core import TyperGroup

from runaudit.errors import RunauditError, UsageError
from runaudit.voice import saying, streams
from runaudit.voice.failed import STOPPED, interruptible, tell, tell_failure
from runaudit.voice.plaincommand import PlainCommand
from runaudit.voice.refused import HELP, refuse_empty, refused

COMMANDS: dict[str, tuple[str, str]] = {
    # name: (module:function, the line that --help shows); in the order a newcomer meets them
    # Each command registers here with the commit that makes it work.
    "list": ("runaudit.cli.runs:list_runs", "Runs, grouped by cohort."),
    "show": ("runaudit.cli.records:show", "One run on one screen; every section with -v."),
    "path": ("runaudit.cli.remarks:path", "The folder of a run, or a file of it, for a shell."),
    "diff": (
        "runaudit.cli.diff:diff",
        "What changed between two runs or cohorts, and whether a conclusion is allowed.",
    ),
    "study": ("runaudit.cli.study:study", "Over many runs: what varies, what is inseparable, what to run next."),
    "stats": ("runaudit.cli.stats:stats", "Two cohorts on a metric: effect, interval, minimum detectable difference."),
    "plan": ("runaudit.cli.plan:plan", "Before the runs: seeds needed for an effect, and what n seeds can detect."),
    "claims": ("runaudit.cli.claims:claims", "Numbers claimed in a text, held against sealed runs."),
    "health": ("runaudit.cli.health:health", "What a run's curves show to be wrong, where, and what to try."),
    "watch": ("runaudit.cli.watch:watch", "Follow a running run: loss, scale, pace, findings as they come."),
    "report": ("runaudit.cli.report:report", "One self-contained page."),
    "verify": ("runaudit.cli.records:verify", "Re-hash everything; says which file of which run is wrong."),
    "doctor": ("runaudit.cli.doctor:doctor", "What is wrong with the store, each thing with its remedy."),
    "forget": ("runaudit.cli.doctor:forget", "Take bytes out of the store; a tombstone says what lay there."),
    "annotate": ("runaudit.cli.remarks:annotate", "A note on a run, beside its record and never in it."),
    "archive": ("runaudit.cli.remarks:archive", "Hide runs from lists; nothing is deleted, all stay counted."),
    "run": ("runaudit.cli.run:run", "Guard, seal, run a command, seal what came out."),
    "campaign": ("runaudit.cli.campaign:campaign", "Arms x seeds by one command, each job guarded and sealed."),
    "guard": ("runaudit.cli.guard:guard", "May this run start?"),
    "seal": ("runaudit.cli.seal:seal", "Seal a lost run with what is on disk."),
    "restore": ("runaudit.cli.restore:restore", "The exact code of a run, in a new folder."),
    "rerun": ("runaudit.cli.restore:rerun", "Run it again and compare."),
    "untangle": ("runaudit.cli.untangle:untangle", "Run hybrids of two runs: which of their differences did it."),
    "import": ("runaudit.cli.imports:imports", "Bring foreign runs in, their gaps marked unknown."),
    "export": ("runaudit.cli.export:export", "Runs in one file, which import takes back with every digest intact."),
    "gc": ("runaudit.cli.remote:gc", "Make room: what no sealed record needs, listed first."),
    "push": ("runaudit.cli.remote:push", "Send runs, and the log that counts them, to a store elsewhere."),
    "pull": ("runaudit.cli.remote:pull", "Take in runs of a store elsewhere, every byte held against its digest."),
    "rules": ("runaudit.cli.guard:rules", "Every rule, with its reason."),
}


COMPLETIONS = ("--show-completion", "--install-completion")
SHELLS = ("bash", "zsh", "fish", "powershell", "pwsh")
NAMED = "runaudit.named"
"""Under which the context knows that a line begins with a command."""


class LazyGroup(TyperGroup):
    """A group whose commands are looked up in `COMMANDS`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """A line that begins with a command has none of the options of completion, whose values are slow to convert."""
        ctx.meta[NAMED] = bool(args) and args[0] in COMMANDS and not ctx.resilient_parsing
        if args and args[0].partition("=")[0] in COMPLETIONS and not ctx.resilient_parsing:
            self._for_shell(ctx, args)
        refuse_empty(args if args[:1] == ["import"] else ())
        words: list[str] = super().parse_args(ctx, args)
        return words

    def _for_shell(self, ctx: Any, args: list[str]) -> None:
        """Completion for the shell that is named: the parser takes it for the one that started this process, whatever
        stands behind the option. Without a name, that one is found out by the parser."""
        option, _, shell = args[0].partition("=")
        shell = shell or "".join(args[1:2])
        if not shell:
            return
        if shell not in SHELLS:
            raise UsageError(f"there is no completion for {saying.printable(shell)}",
                             remedy=f"name one of {', '.join(SHELLS)}")  # fmt: skip
        shown: Any = next(one for one in super().get_params(ctx) if option in one.opts)
        shown.callback(ctx, shown, shell)

    def get_params(self, ctx: Any) -> list[Any]:
        """The options of the program; those that act at once only where the line begins with one."""
        return [param for param in super().get_params(ctx) if param.expose_value or not ctx.meta.get(NAMED)]

    def list_commands(self, ctx: Any) -> list[str]:
        """The commands in the table's order."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command itself, imported now."""
        return load_command(cmd_name, COMMANDS[cmd_name][0]) if cmd_name in COMMANDS else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The listing, from the table alone: no command is imported to be listed."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


def load_command(name: str, target: str) -> Any:
    """The command behind `module:function`."""
    module, _, function = target.partition(":")
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    single.command(name, cls=PlainCommand, **_settings(name))(getattr(importlib.import_module(module), function))
    command = typer.main.get_command(single)
    command.name = name
    return command


def _settings(name: str) -> dict[str, Any]:
    # What follows `--` belongs to the command that is run, options included.
    return {
        "context_settings": {"allow_interspersed_args": name not in ("run",), "help_option_names": ["-h", "--help"]}
    }


UsageProblem: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
"""The base of what the parser raises. Newer typer carries a click of its own, so it is found by name, not imported."""

app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Judges training runs: what changed, whether the comparison is confounded, what the seeds can support.",
    epilog="Exit codes: 0 pass, 1 negative judgement, 2 usage, 3 cannot be judged, 4 integrity failure, 5 refused by "
    "the guard, 70 a fault of runaudit itself. `run` exits as its command does.",
)


def _version(value: bool) -> None:
    if value:
        from runaudit import __version__

        saying.say(f"runaudit {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="The version, and exit."),
) -> None:
    """Judges training runs."""


def main(argv: list[str] | None = None) -> None:
    """Run a command; every failure ends in one line and the right exit code."""
    args = list(sys.argv[1:] if argv is None else argv)
    streams.opened()
    code = _run(args)
    try:
        streams.flush()
    except RunauditError as error:
        code = max(code, saying.report_error(error, as_json=False))  # What the answer would have said may be worse.
    saying.hint("")  # What nobody takes is given up here: at exit it would change the code.
    sys.exit(code)


def _run(args: list[str]) -> int:
    streams.told(args)
    own = args[: args.index("--")] if "--" in args else args
    try:
        with interruptible():
            code = app(args=args, standalone_mode=False, prog_name="runaudit")
    except typer.Exit as error:
        return error.exit_code
    except UsageProblem as error:
        if type(error).__name__ == HELP:
            error.show()
            return int(error.exit_code)
        return tell(_refused(error, own), own)
    except typer.Abort:
        return STOPPED
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        return tell_failure(error, own)
    return code if isinstance(code, int) else 0


def _refused(error: Any, args: list[str]) -> UsageError:
    name = args[0] if args and args[0] in COMMANDS else None
    return refused(error, args, load_command(name, COMMANDS[name][0]) if name else None, COMMANDS)
