"""What `--help` calls the words of a command: as they are typed. The parser would put the types of Python beside them,
as `<list[str]>`, which say nothing to who types."""

import re
from typing import Any

_KIND = re.compile(r"\s*<[^<>]*>$")
"""What the parser puts behind the name of an argument: the type that Python has for it, as `<list[str]>`."""
_CHOICES = re.compile(r"<([^<>]*\|[^<>]*)>$")


class PlainHelp:
    """The part of a command that writes its help, for the parser to call."""

    options_metavar: str | None
    get_params: Any

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
