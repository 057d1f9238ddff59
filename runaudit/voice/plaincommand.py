"""Commands whose words need no validator.

Typer converts every value, those that were not given too, through a library of validators that takes longer to import
than most commands take to answer (measured: 70 ms of 190). Nearly all of our options are texts, paths, switches and
plain numbers, which need no library. A line of only those is taken as parsed; any other goes the usual way.
"""

from typing import Any

from typer.core import TyperCommand

from runaudit.voice.plainhelp import PlainHelp
from runaudit.voice.plainwords import NeedsTyper, check_once, completed, hints_of, value_of

LAUNCHES = ("run", "guard")
"""Here the later of two wins, as everywhere: a script adds to what it was given, and what counted is sealed."""


class PlainCommand(PlainHelp, TyperCommand):
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
