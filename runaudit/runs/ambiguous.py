"""What is told of a word that could mean several things: all of them, each by a word that names it and nothing else."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from runaudit.errors import UsageError
from runaudit.text.typed import typed_word
from runaudit.text.words import cut, listed, quoted

MAX_MEANINGS = 6


class Meaning(NamedTuple):
    """One of the things that a word could mean."""

    word: str
    """An explicit word that means this alone."""
    what: str
    ids: tuple[str, ...]
    """The runs; two meanings of the same runs are one."""
    kind: str = ""
    """`id`, `label`, `cohort`, or empty for what is none of these."""


Meanings: TypeAlias = list[Meaning]


def the_one(word: str, meanings: Sequence[Meaning]) -> Meaning:
    """What a word means. Raises UsageError, which lists the meanings, where there are several."""
    different = {frozenset(one.ids): one for one in reversed(meanings)}
    if len(different) == 1:
        return meanings[0]
    told = [f"{one.what} ({typed_word(one.word)})" for one in meanings]
    if {one.kind for one in meanings} == {"id"}:
        words = [one.word for one in meanings]
        raise UsageError(f"{quoted(word)} fits {len(words)} runs: {listed(words, MAX_MEANINGS)}",
                         remedy="give more digits")  # fmt: skip
    raise UsageError(
        f"{quoted(word)} could mean {len(told)} things: {listed(told, MAX_MEANINGS)}",
        remedy=f"say which, as in {typed_word(meanings[0].word)}",
    )


def named_nothing(word: str) -> UsageError:
    """What is told of a word that holds no name: an empty one, blanks, commas alone."""
    return UsageError(
        f"{cut(repr(word))} names no run", remedy="give an id, a label or @last; `runaudit list` shows all"
    )


def is_in_no_store(path: str) -> UsageError:
    """That a record file is named where a run of the store is asked for: it has no folder, no notes and no end."""
    return UsageError(f"{path} is a file, and no run of a store is called so",
                      remedy=f"`runaudit import record {typed_word(path)}` takes its run in")  # fmt: skip
