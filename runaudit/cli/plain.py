"""Commands whose words need no validator.

Typer converts every value, those that were not given too, through a library of validators that takes longer to import
than most commands take to answer (measured: 70 ms of 190). Nearly all of our options are texts, paths, switches and
plain numbers, which need no library. A line of only those is taken as parsed; any other goes the usual way.
"""

import re
from typing import Any

from typer.core import TyperCommand

from runaudit.voice.plainwords import NeedsTyper, check_once, completed, hints_of, value_of

LAUNCHES = ("run", "guard")
"""Here the later of two wins, as everywhere: a script adds to what it was given, and what counted is sealed."""
_KIND = re.compile(r"\s*<[^<>]*>$")
"""What the parser puts behind the name of an argument: the type that Python has for it, as `<list[str]>`."""
_CHOICES = re.compile(r"<([^<>]*\|[^<>]*)>$")


class PlainCommand(TyperCommand):
    """A command that converts texts, paths and switches itself."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The words of a command line as the values of the context's parameters."""
        args = completed(args, self.params)
        given = list(args)
        if ctx.resilient_parsing or not (args or not self.no_args_is_help):
            return super().parse_args(ctx, given)
        opts, rest, order = self.make_parser(ctx).parse_args(args=list(args))
        if self.name not in LAUNCHES:
            check_once(order)
        try:
            values = {
                p.name: value_of(p, opts, hints_of(self.callback)) for p in self.get_params(ctx) if p.expose_value
            }
            if rest or any(opts.get(p.name) for p in self.get_params(ctx) if not p.expose_value):
                raise NeedsTyper
        except NeedsTyper:
            return super().parse_args(ctx, given)
        ctx.params.update(values)
        ctx.args = []
        return []

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The words of the usage line: an argument by its own name, whose brackets and dots say the rest."""
        named = [one.metavar for one in self.get_params(ctx) if _is_argument(one) and one.metavar]
        return [*([self.options_metavar] if self.options_metavar else []), *named]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """What a call takes, in plain words: the types of Python say nothing to who types it."""
        rows: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for one in self.get_params(ctx):
            if (record := one.get_help_record(ctx)) is not None:
                name = _KIND.sub("", record[0]) if _is_argument(one) else _CHOICES.sub(r"\1", record[0])
                rows["Arguments" if _is_argument(one) else "Options"].append((name, record[1]))
        for heading, found in rows.items():
            if found:
                with formatter.section(heading):
                    formatter.write_dl(found)


def _is_argument(param: Any) -> bool:
    return bool(param.param_type_name == "argument")
