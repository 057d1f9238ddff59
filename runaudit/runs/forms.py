"""The words that name runs by their place, whatever they are labelled: what they mean."""

import re

_LAST = re.compile(r"@last(?:~([0-9]+))?")


def taken_for(label: str) -> str:
    """What a word of this text is taken for, so that it is a bad label; empty where it is none of the forms."""
    match = _LAST.fullmatch(label)
    if match is None:
        return ""
    return "an earlier run, counted from the newest" if int(match[1] or 0) else "the newest run"
