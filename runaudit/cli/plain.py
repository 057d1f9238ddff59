"""Commands whose words need no validator.

Typer converts every value, those that were not given too, through a library of validators that takes longer to import
than most commands take to answer (measured: 70 ms of 190). Nearly all of our options are texts, paths, switches and
plain numbers, which need no library. A line of only those is taken as parsed; any other goes the usual way.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from typer.core import TyperCommand

from runaudit.errors import UsageError

LAUNCHES = ("run", "guard")
"""Here the later of two wins, as everywhere: a script adds to what it was given, and what counted is sealed."""


class NeedsTyper(Exception):  # noqa: N818  (not an error: it says which way a command line goes)
    """A value that needs more than being taken as it was typed."""


class PlainCommand(TyperCommand):
    """A command that converts texts, paths and switches itself."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The words of a command line as the values of the context's parameters."""
        args = self._completed(args)
        given = list(args)
        if ctx.resilient_parsing or not (args or not self.no_args_is_help):
            return super().parse_args(ctx, given)
        opts, rest, order = self.make_parser(ctx).parse_args(args=list(args))
        if self.name not in LAUNCHES:
            _check_once(order)
        try:
            values = {p.name: _value(p, opts, _hints(self.callback)) for p in self.get_params(ctx) if p.expose_value}
            if rest or any(opts.get(p.name) for p in self.get_params(ctx) if not p.expose_value):
                raise NeedsTyper
        except NeedsTyper:
            return super().parse_args(ctx, given)
        ctx.params.update(values)
        ctx.args = []
        return []

    def _completed(self, args: list[str]) -> list[str]:
        """An option whose metavar is `[WORD|KIND:NAME|FILE]` may stand alone and then means WORD. What follows it is
        its value where it is such a word or a path, and else what it would be without the option."""
        alone = {name: words.strip("[]").split("|") for param in self.params if param.param_type_name == "option"
                 if (words := str(param.metavar or "")).startswith("[") for name in param.opts}  # fmt: skip
        done: list[str] = []
        for at, word in enumerate(args):
            done.append(word)
            if word in alone:
                behind = args[at + 1] if at + 1 < len(args) else "-"
                is_path = not behind.startswith("-") and ("." in behind or "/" in behind or Path(behind).exists())
                kinds = tuple(f"{kind}:" for kind, colon, _ in (one.partition(":") for one in alone[word]) if colon)
                done += [] if is_path or behind in alone[word] or behind.startswith(kinds) else alone[word][:1]
        return done


def _check_once(given: Sequence[Any]) -> None:
    """Raises UsageError where an option that takes one value was given several: whichever of them were taken, the rest
    would be dropped in silence."""
    for param in given:
        many = param.param_type_name != "option" or param.multiple or getattr(param, "is_flag", False)
        if not many and sum(one is param for one in given) > 1:
            raise UsageError(f"{param.opts[0]} is given more than once, and takes one value", remedy="give it once")


def _hints(callback: Callable[..., Any] | None) -> Mapping[str, Any]:
    # Typer's callback wraps our function, whose annotations say what a value is to be.
    return get_type_hints(getattr(callback, "__wrapped__", callback)) if callback else {}


def _value(param: Any, opts: Mapping[str, Any], hints: Mapping[str, Any]) -> Any:
    """The value of one parameter. Raises NeedsTyper where it is not ours to say."""
    found, kind = opts.get(param.name), _kind(hints.get(param.name))
    if found is None or found in ((), []):
        if param.required or param.callback is not None or param.envvar or callable(param.default):
            raise NeedsTyper
        return param.default
    if param.callback is not None:
        raise NeedsTyper
    if kind is bool and isinstance(found, bool):
        return found
    if kind in (str, Path) and isinstance(found, str):
        return kind(found)
    if kind is int and isinstance(found, str) and re.fullmatch(r"-?[0-9]{1,18}", found):
        return int(found)
    many = get_args(kind)
    if get_origin(kind) is list and many[0] in (str, Path) and isinstance(found, list | tuple):
        return [many[0](word) for word in found]
    raise NeedsTyper


def _kind(hint: Any) -> Any:
    """`T` of `T | None`."""
    if not isinstance(hint, UnionType) and get_origin(hint) is None:
        return hint
    parts = [part for part in get_args(hint) if part is not type(None)]
    return parts[0] if isinstance(hint, UnionType) and len(parts) == 1 else hint
