"""What the words of a plain `list` say, understood without the parser: it is asked more often than all else, and its
answer lies in the index."""

import re
from collections.abc import Sequence

VALUES = {"-n": "number", "--number": "number", "--store": "store", "--policy": "policy", "--format": "format",
          "--remote": "remote"}  # fmt: skip
"""The options that take a word, by which parameter they are."""
ASKED = "_RUNAUDIT_COMPLETE"
"""Set where a shell asks for words: that is the parser's."""
NUMBER = re.compile(r"[1-9][0-9]{0,17}")


def plain_list(args: Sequence[str]) -> dict[str, str] | None:
    """What the words of a plain `list` say: number, store, policy, format, remote. None for a line not understood."""
    if not args or args[0] != "list":
        return None
    found: dict[str, str] = {}
    words = iter(args[1:])
    for word in words:
        if word == "--json":
            found["json"] = "json"
            continue
        option, equals, value = word.partition("=")
        if option not in VALUES or (equals and not option.startswith("--")):
            return None
        value = value if equals else next(words, "")
        if not value or value.startswith("-"):
            return None
        if VALUES[option] in found:
            return None
        found[VALUES[option]] = value
    form = found.pop("json", None) or found.get("format", "text")
    if form not in ("text", "json") or found.get("format", form) not in ("text", "json", "md"):
        return None
    return {**found, "format": form} if NUMBER.fullmatch(found.get("number", "1")) else None
