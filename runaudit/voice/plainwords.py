"""The words of a command line as values, where that needs no library of validators.

Nearly all options are texts, paths, switches and plain numbers. What a parameter wants stands in its annotation; any
that wants more raises `NeedsTyper`, and the line goes the parser's way.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from runaudit.errors import UsageError


class NeedsTyper(Exception):  # noqa: N818  (not an error: it says which way a command line goes)
    """A value that needs more than being taken as it was typed."""


def completed(args: list[str], params: Sequence[Any]) -> list[str]:
    """An option whose metavar is `[WORD|KIND:NAME|FILE]` may stand alone and then means WORD. What follows it is
    its value where it is such a word or a path, and else what it would be without the option."""
    alone = {name: words.strip("[]").split("|") for param in params if param.param_type_name == "option"
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


def check_once(given: Sequence[Any]) -> None:
    """Raises UsageError where an option that takes one value was given several: whichever of them were taken, the rest
    would be dropped in silence."""
    for param in given:
        many = param.param_type_name != "option" or param.multiple or getattr(param, "is_flag", False)
        if not many and sum(one is param for one in given) > 1:
            raise UsageError(f"{param.opts[0]} is given more than once, and takes one value", remedy="give it once")


def hints_of(callback: Callable[..., Any] | None) -> Mapping[str, Any]:
    """What each parameter of a command is to be."""
    # Typer's callback wraps our function, whose annotations say what a value is to be.
    return get_type_hints(getattr(callback, "__wrapped__", callback)) if callback else {}


def value_of(param: Any, opts: Mapping[str, Any], hints: Mapping[str, Any]) -> Any:
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
        if param.min is not None and int(found) < param.min:
            raise NeedsTyper  # Its words for a number below the least are as good as ours.
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
