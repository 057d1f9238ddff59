"""`{seed}`, `{arm}` and an arm's own values, where a command or a path takes them.

Only a name in braces is a placeholder: `{}`, `{a: 1}` and `${HOME}` belong to the command, and `{{lr}}` writes `{lr}`.
A name that nobody gives is refused, for a job that is told `{sed}` trains on a default that nobody chose.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from runaudit.errors import UsageError
from runaudit.text.words import closest, quoted

_NAME = r"[A-Za-z_][A-Za-z0-9_.]*"
_PLACE = re.compile(rf"(?<!\$)(?P<literal>\{{\{{{_NAME}\}}\}})|(?<!\$)\{{(?P<name>{_NAME})\}}")


def filled(text: str, values: Mapping[str, str], *, where: str) -> str:
    """`text` with every placeholder replaced. Raises UsageError for one that `values` does not hold."""

    def put(match: re.Match[str]) -> str:
        if match["literal"]:
            return match["literal"][1:-1]
        name = match["name"]
        if name not in values:
            raise UsageError(
                f"{where} has the placeholder {{{name}}}, which nothing fills{closest(name, values)}",
                remedy=f"known are {', '.join(f'{{{one}}}' for one in sorted(values))}; "
                f"braces that are meant are doubled: {quoted(f'{{{{{name}}}}}')}",
            )
        return values[name]

    return _PLACE.sub(put, text)


def placeholders(texts: Iterable[str]) -> Iterator[str]:
    """The names of all placeholders in these texts."""
    for text in texts:
        yield from (match["name"] for match in _PLACE.finditer(text) if match["name"])
