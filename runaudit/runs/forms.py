"""The words that say themselves what they name, however runs are labelled: `@last`, `id:4f2a`, `label:fast`.

A bare word may be a label and the beginning of an id at once; these are what is offered then, so each means one thing.
"""

import re
from typing import NamedTuple

MIN_PREFIX = 4
"""Digits of an id below which a word is none."""
TAKEN_FOR = {
    "id": "the run of this id",
    "label": "the runs that are labelled as it goes on behind the colon",
    "cohort": "the cohort of this id",
}
"""The kinds of explicit words, and what each means."""
PATHS = ("/", "./", "../", "~/")
"""How a word begins that is a path, whatever lies there: a record file is named so."""
_LAST = re.compile(r"@last(?:~([0-9]+))?")
_HEX = frozenset("0123456789abcdef")


class Form(NamedTuple):
    """An explicit word, taken apart."""

    kind: str
    """One of TAKEN_FOR."""
    name: str


def form_of(word: str) -> Form | None:
    """The explicit form that a word has; None for a bare one, and for `id:` or `cohort:` before what is no id."""
    kind, colon, name = word.partition(":")
    if not colon or kind not in TAKEN_FOR or not name or not (kind == "label" or is_prefix(name)):
        return None
    return Form(kind, name)


def form_begun(word: str) -> bool:
    """Whether an explicit word is being typed."""
    return any(word.startswith(f"{kind}:") for kind in TAKEN_FOR)


def label_in(word: str) -> str:
    """The label that a word may be: what follows `label:`, else itself."""
    form = form_of(word)
    return form.name if form is not None and form.kind == "label" else word


def is_prefix(word: str) -> bool:
    """Whether a word can be the beginning of an id."""
    return len(word) >= MIN_PREFIX and _HEX.issuperset(word)


def unknown_remedy(word: str) -> str:
    """What to do about a word that names nothing: an id may be too short, or be one that a cohort had."""
    remedy = "run `runaudit list` to see all"
    if 0 < len(word) < MIN_PREFIX and is_prefix(word.ljust(MIN_PREFIX, "0")):
        return f"give {MIN_PREFIX} digits or more of an id; {remedy}"
    form = form_of(word)
    if form.kind == "cohort" if form else is_prefix(word):
        return f"{remedy}: a cohort has another id once its first run has ended, was sealed late or is forgotten"
    return remedy


def steps_back(word: str) -> int | None:
    """How many runs `@last` or `@last~n` goes back from the newest; None for another word."""
    match = _LAST.fullmatch(word)
    return None if match is None else int(match[1] or 0)


def taken_for(label: str) -> str:
    """What a word of this text is taken for, so that it is a bad label; empty where it is none of the forms."""
    if (back := steps_back(label)) is not None:
        return "an earlier run, counted from the newest" if back else "the newest run"
    if label in (".", "..") or label.startswith(PATHS):
        return "a file or a folder"
    form = form_of(label)
    return "" if form is None else TAKEN_FOR[form.kind]
