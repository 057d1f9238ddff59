"""A call that the parser refuses, told as every other mistake is: in one line, what is wrong and what to do.

The parser's own telling takes four lines (in a box, where the library for boxes is installed), names the program by how
it was started, and says nothing of what there is.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from runaudit.errors import UsageError
from runaudit.text.words import closest, quoted

HELP = "NoArgsIsHelpError"
"""A call of nothing: the parser shows the help itself."""
_WANTED = {"valid integer": "a whole number is wanted", "valid number": "a number is wanted"}


def refused(problem: Any, args: Sequence[str], command: Any, commands: Iterable[str]) -> UsageError:
    """What the parser found wrong. command: the one that was called, None where there is none of this name; commands:
    the names there are."""
    kind = type(problem).__name__
    name = args[0] if command is not None else ""
    lists = f"`runaudit {name} --help`" if name else "`runaudit --help`"
    if command is None and args and not args[0].startswith("-"):
        return UsageError(f"no command is called {quoted(args[0])}{closest(args[0], commands)}",
                          remedy=f"{lists} lists them")  # fmt: skip
    if kind == "NoSuchOption":
        option = str(problem.option_name)
        asked = command or getattr(problem.ctx, "command", None)
        known = [] if asked is None else [one for param in asked.params for one in param.opts if one[0] == "-"]
        return UsageError(f"{name or 'runaudit'} has no option {quoted(option)}{closest(option, known)}",
                          remedy=f"{lists} lists them")  # fmt: skip
    if kind == "MissingParameter":
        param = problem.param
        called = (
            param.opts[0] if param.param_type_name == "option" else str(param.metavar or param.name).strip("[]….{}")
        )
        return UsageError(f"{called} is missing", remedy=f"{lists} says what it is")
    return UsageError(_message(problem), remedy=f"{lists} says what it takes")


def refuse_empty(words: Sequence[str]) -> None:
    """Raises UsageError where a word of a command that names files is empty, as a shell makes it of a variable that was
    never set: as a path it would be the folder one is in."""
    if "" in words:
        raise UsageError("an empty word names no file", remedy="name one; `.` is the folder that you are in")


def _message(problem: Any) -> str:
    """The parser's own sentence, as ours are written, without the words of the library that looked at the value."""
    text = " ".join(str(problem.format_message()).split()).rstrip(".")
    for words, wanted in _WANTED.items():
        text = re.sub(rf": Input should be a {words}.*", f": {wanted}", text)
    text = text.replace("Value error, ", "")
    return text[:1].lower() + text[1:]
