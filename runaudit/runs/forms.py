"""The forms of a word that names runs, apart from labels, which may be any text: what they are and what they mean.

`id:`, `label:` and `cohort:` say which kind of name follows, and nothing else can be meant by them. They are for the
names that could be two: a label of hexadecimal digits, one that is called like a file here, one with commas.
"""

import re

_LAST = re.compile(r"@last(?:~([0-9]+))?")
_KIND = re.compile(r"(id|label|cohort):(.+)", re.DOTALL)


def from_end(word: str) -> int | None:
    """How many runs before the newest is meant by `@last` or `@last~2`; None for another word."""
    match = _LAST.fullmatch(word)
    return int(match[1] or 0) if match else None


def said_kind(word: str) -> tuple[str, str] | None:
    """`label:base` as ("label", "base"); None for a word that does not say what kind of name it is."""
    match = _KIND.fullmatch(word)
    return (match[1], match[2]) if match else None


def taken_for(label: str) -> str:
    """What a word of this text is taken for, so that it is a bad label; empty where it is none of the forms."""
    if (back := from_end(label)) is not None:
        return "the newest run" if back == 0 else "an earlier run, counted from the newest"
    if (said := said_kind(label)) is not None:
        return {"id": "a run by its id", "label": "a run by its label", "cohort": "a cohort by its id"}[said[0]]
    return ""
