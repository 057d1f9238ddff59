"""Which levels of a factor a person can launch a run at, as a study tells them.

A setting is typed, and a commit is checked out. What is told by its digest, a script or a data set, can only be taken
over from the run that had it; and of two files of one tree, or a commit and a file, no run has the one without the
other. No such level is proposed as if it could be typed.
"""

import re
from collections.abc import Mapping, Sequence

from runaudit.factors.code_state import COMMIT, PROGRAM, is_source_digest
from runaudit.factors.factor import section_of
from runaudit.study.columns import Column
from runaudit.study.leaf import OF_ITS_COMMIT, Level, Sentinel

_DIGEST = re.compile(r"[a-z]\w*[:=-][0-9a-f]{32,}|of design [0-9a-f]+(?:, .*)?", re.DOTALL)
_BARE = re.compile(r"[0-9a-f]{32,}")
"""A digest all the same, but in a config, where somebody typed it."""
_MARK = re.compile(r"<[^<>]+>")
"""What stands in a text for what each run has for itself, or for an object."""


TYPED, TAKEN, MADE = range(3)
"""What it takes to launch a run at a level: to say it, to take it over from the run that had it, to make a tree that no
run had."""


def effort_of(column: Column, level: Level, among: Sequence[Column]) -> int:
    """What it takes to launch a run at a level of a factor. among: all columns of the study."""
    if section_of(column.factor) == "code" and column.factor != PROGRAM:
        return MADE if not stands_alone(column, among) else TYPED if column.factor == COMMIT else TAKEN
    is_bare = section_of(column.factor) != "config" and isinstance(level, str) and _BARE.fullmatch(level)
    return TYPED if not is_bare and _is_plain(level) else TAKEN


def stands_alone(column: Column, among: Sequence[Column]) -> bool:
    """Whether a factor is all that these runs differ by in their code, but for what was edited beside a commit."""
    others = [one for one in among if one is not column and section_of(one.factor) == "code" and one.factor != PROGRAM]
    return not others or (column.factor == COMMIT and all(is_source_digest(one.factor) for one in others))


def is_one_tree(levels: Mapping[str, Level]) -> bool:
    """Whether some tree can be of the levels of a cell: one that is edited is of the commit that it was edited from."""
    return all(level is OF_ITS_COMMIT for name, level in levels.items() if is_source_digest(name))


def _is_plain(level: Level) -> bool:
    if isinstance(level, Sentinel):
        return False
    if isinstance(level, Mapping):
        return all(map(_is_plain, level.values()))
    if isinstance(level, list | tuple):
        return all(map(_is_plain, level))
    return not (isinstance(level, str) and (_DIGEST.fullmatch(level) or _MARK.search(level)))
